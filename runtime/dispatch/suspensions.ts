import type { AgentCell } from "./cell.ts";

/** True for what can be awaited. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as { then?: unknown }).then === "function"
  );
}

/** What follows when the promise of a suspended turn settles. */
export type Resume = (cell: AgentCell, slot: number, value: unknown, error: unknown) => void;

/** Waits kept for later ones; more than that many are made anew. */
const MAX_KEPT = 32_768;

/** Not the promise's own, which may be anybody's. */
const { then } = Promise.prototype;

/** The wait of one turn for its promise. */
class Suspension {
  readonly #resume: Resume;
  readonly #kept: Suspension[];
  #cell!: AgentCell;
  #slot = 0;
  readonly #onValue = (value: unknown): void => this.#settle(value, undefined);
  readonly #onError = (error: unknown): void =>
    this.#settle(undefined, error ?? new Error("rejected without a reason"));

  constructor(resume: Resume, kept: Suspension[]) {
    this.#resume = resume;
    this.#kept = kept;
  }

  begin(cell: AgentCell, slot: number, promise: PromiseLike<unknown>): void {
    this.#cell = cell;
    this.#slot = slot;
    // Ours settles once whatever theirs does: a second call would resume whoever waits with this by then.
    const own = promise instanceof Promise ? promise : Promise.resolve(promise);
    then.call(own, this.#onValue, this.#onError);
  }

  #settle(value: unknown, error: unknown): void {
    const cell = this.#cell;
    const slot = this.#slot;
    if (this.#kept.length < MAX_KEPT) this.#kept.push(this);
    this.#resume(cell, slot, value, error);
  }
}

/**
 * The turns of a thread that wait for their promises. Thousands do at once, and whatever a wait is made of is copied
 * by the collector while the thread stands still, so waits are used again.
 */
export class Suspensions {
  readonly #resume: Resume;
  readonly #kept: Suspension[] = [];

  constructor(resume: Resume) {
    this.#resume = resume;
  }

  /** Calls `resume` once, when the promise has settled. */
  begin(cell: AgentCell, slot: number, promise: PromiseLike<unknown>): void {
    const suspension = this.#kept.pop() ?? new Suspension(this.#resume, this.#kept);
    suspension.begin(cell, slot, promise);
  }
}
