import type { DelegationResult } from "../api/operation-api.ts";

/** A delegation that is out. */
export interface Entry {
  /** Capabilities that it requires, by bit. */
  readonly needs: readonly number[];
  /** Settles when the delegation has ended; undefined when it has failed. */
  readonly ended: Promise<DelegationResult | undefined>;
  /** Where it is; undefined between two tries. */
  at: Attempt | undefined;
}

/** One try, at one agent. */
export interface Attempt {
  readonly agent: number;
  readonly startedMs: number;
  /** By when it was expected to be done with high probability, ms after it started. */
  readonly expectedMs: number;
  /** Number of the ask, by which the agent's worker knows it; 0 until it is sent. */
  ask: number;
  /** Has the next best agent take it instead; −1 when there is none. */
  readonly move: () => number;
}

interface Done {
  finished: number;
  sumMs: number;
}

/** Capability bits and classes fit in a key together. */
const CLASSES = 16;

/** The books of delegations: what is out, and what agents of each class have finished of each capability's work. */
export class TaskBook {
  readonly #out = new Set<Entry>();
  /** By capability and class; at most 64 times 6. */
  readonly #done = new Map<number, Done>();

  /** All that are out, the oldest first. */
  get out(): Iterable<Entry> {
    return this.#out;
  }

  open(needs: readonly number[]): Entry & { settle(result: DelegationResult | undefined): void } {
    let settle = (_result: DelegationResult | undefined): void => {};
    const ended = new Promise<DelegationResult | undefined>((resolve) => {
      settle = resolve;
    });
    const entry = {
      needs,
      ended,
      at: undefined,
      settle: (result: DelegationResult | undefined) => {
        this.#out.delete(entry);
        settle(result);
      },
    };
    this.#out.add(entry);
    return entry;
  }

  /** An agent of this class has finished a task. */
  finished(needs: readonly number[], agentClass: number, elapsedMs: number): void {
    for (const bit of needs) {
      const key = bit * CLASSES + agentClass;
      const done = this.#done.get(key) ?? { finished: 0, sumMs: 0 };
      this.#done.set(key, done);
      done.finished++;
      done.sumMs += elapsedMs;
    }
  }

  /** Tasks for a capability that agents of a class have finished, and the mean time of these, ms. */
  record(bit: number, agentClass: number): { readonly finished: number; readonly meanMs: number } {
    const { finished, sumMs } = this.#done.get(bit * CLASSES + agentClass) ?? {
      finished: 0,
      sumMs: 0,
    };
    return { finished, meanMs: finished === 0 ? 0 : sumMs / finished };
  }
}
