import type { Timer, Timers } from "../../actors/context.ts";
import { deadlineError, InvalidOptionError } from "../../actors/errors.ts";
import { CONTROL_RESUMED } from "../../mailbox/layout.ts";
import type { AgentCell } from "./cell.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { TimerId, TimerTarget } from "./wheel.ts";

interface Entry {
  id: TimerId;
  readonly message: unknown;
  /** 0 for once. */
  readonly periodMs: number;
  dueMs: number;
  /** The turn that started it ({@link AgentCell.turn}); NaN when none did. */
  readonly turn: number;
}

/** A turn of an agent that waits. Many do at once: it is its own timer, and made of nothing else. */
class Sleep implements TimerTarget {
  readonly #cell: AgentCell;
  readonly #sleeps: Set<Sleep>;
  readonly #late: boolean;
  readonly #resolve: () => void;
  readonly #reject: (error: unknown) => void;
  #id: TimerId = 0;

  constructor(
    cell: AgentCell,
    sleeps: Set<Sleep>,
    late: boolean,
    resolve: () => void,
    reject: (error: unknown) => void,
  ) {
    this.#cell = cell;
    this.#sleeps = sleeps;
    this.#late = late;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  begin(delayMs: number, { wheel, ports }: Dispatcher): void {
    this.#id = wheel.schedule(ports.clock.nowMs() + delayMs, this, 0);
    this.#sleeps.add(this);
    this.#cell.dispatcher.nudge();
  }

  onTimer(): void {
    const { dispatcher, self } = this.#cell;
    this.#sleeps.delete(this);
    dispatcher.view.control[CONTROL_RESUMED] = self + 1;
    if (this.#late) this.#reject(deadlineError());
    else this.#resolve();
  }

  /** Ends it before its time. */
  end(error: Error): void {
    this.#cell.dispatcher.wheel.cancel(this.#id);
    this.#reject(error);
  }
}

/** The timers of one incarnation; all end with it. */
export class CellTimers implements Timers<unknown>, TimerTarget {
  readonly #cell: AgentCell;
  readonly #entries = new Map<number, Entry>();
  readonly #sleeps = new Set<Sleep>();
  #key = 0;

  constructor(cell: AgentCell) {
    this.#cell = cell;
  }

  once(delayMs: number, message: unknown): Timer {
    return this.#start(duration("delayMs", delayMs, 0), 0, this.#copyOf(message));
  }

  every(periodMs: number, message: unknown): Timer {
    const period = duration("periodMs", periodMs, 1);
    return this.#start(period, period, this.#copyOf(message));
  }

  sleep(delayMs: number): Promise<void> {
    const delay = duration("delayMs", delayMs, 0);
    const leftMs = this.#cell.deadlineMs - this.#cell.clock.nowMs();
    // Nobody waits beyond the message's deadline: a sleep that would is over there, as a failure to make it.
    const late = leftMs < delay;
    return new Promise((resolve, reject) => {
      const sleep = new Sleep(this.#cell, this.#sleeps, late, resolve, reject);
      sleep.begin(late ? Math.max(0, leftMs) : delay, this.#cell.dispatcher);
    });
  }

  /** Whether this incarnation has started timers, waiting still or not. */
  get begun(): boolean {
    return this.#key > 0;
  }

  /** What waits, in the order in which it was started; but not what the open turn has started: it will come again. */
  waiting(): readonly { message: unknown; periodMs: number; dueMs: number }[] {
    return [...this.#entries.values()].filter(({ turn }) => turn !== this.#cell.turn);
  }

  /** Goes on with a timer of an incarnation that has ended elsewhere, which knows its message to be encodable. */
  resume(leftMs: number, periodMs: number, message: unknown): void {
    this.#start(Math.max(0, leftMs), periodMs, message);
  }

  /** As it is now, and refused now: when it is due nobody is there to hear that it cannot be sent. */
  #copyOf(message: unknown): unknown {
    return this.#cell.dispatcher.answers.copyOf(message);
  }

  /** Ends all; sleepers are woken with an error. */
  end(error: Error): void {
    for (const entry of this.#entries.values()) {
      this.#cell.dispatcher.wheel.cancel(entry.id);
    }
    this.#entries.clear();
    for (const sleep of this.#sleeps) sleep.end(error);
    this.#sleeps.clear();
  }

  onTimer(key: number): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    const { dispatcher, self } = this.#cell;
    if (entry.periodMs === 0) {
      this.#entries.delete(key);
    } else {
      // From the due time, not from now, so that a period does not drift; but a sleep is not made up for.
      entry.dueMs = Math.max(entry.dueMs + entry.periodMs, dispatcher.nowMs);
      entry.id = dispatcher.wheel.schedule(entry.dueMs, this, key);
    }
    dispatcher.outbox.tell(self, self, entry.message, undefined, undefined);
  }

  #start(delayMs: number, periodMs: number, message: unknown): Timer {
    const { wheel, ports } = this.#cell.dispatcher;
    const key = ++this.#key;
    const dueMs = ports.clock.nowMs() + delayMs;
    this.#entries.set(key, {
      id: wheel.schedule(dueMs, this, key),
      message,
      periodMs,
      dueMs,
      turn: this.#cell.turn,
    });
    this.#cell.dispatcher.nudge();
    return {
      cancel: () => {
        const entry = this.#entries.get(key);
        if (entry === undefined) return;
        wheel.cancel(entry.id);
        this.#entries.delete(key);
      },
    };
  }
}

function duration(field: string, value: number, least: number): number {
  if (typeof value === "number" && value >= least && value <= 2 ** 40) return value;
  throw new InvalidOptionError(field, value, `ms from ${least} to ${2 ** 40}`);
}
