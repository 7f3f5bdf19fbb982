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

/**
 * A turn of an agent that waits. Many do at once: it is its own timer and its own place in the list of its agent's
 * sleeps, and made of nothing else.
 */
class Sleep implements TimerTarget {
  next: Sleep | undefined = undefined;
  previous: Sleep | undefined = undefined;
  readonly #timers: CellTimers;
  /** It rejects too, with a promise that is rejected: what is not kept need not be copied by the collector. */
  readonly #resolve: (over: Promise<never> | undefined) => void;
  #id: TimerId = 0;

  constructor(timers: CellTimers, resolve: (over: Promise<never> | undefined) => void) {
    this.#timers = timers;
    this.#resolve = resolve;
  }

  begin(delayMs: number, late: boolean, { wheel, ports }: Dispatcher): void {
    this.#id = wheel.schedule(ports.clock.nowMs() + delayMs, this, late ? LATE : 0);
  }

  onTimer(data: number): void {
    this.#timers.awake(this);
    this.#resolve(data === LATE ? Promise.reject(deadlineError()) : undefined);
  }

  /** Ends it before its time. */
  end(error: Error, { wheel }: Dispatcher): void {
    wheel.cancel(this.#id);
    this.#resolve(Promise.reject(error));
  }
}

/** What the wheel is to say to a sleep that ends with the deadline of its message. */
const LATE = 1;

/** The timers of one incarnation; all end with it. */
export class CellTimers implements Timers<unknown>, TimerTarget {
  readonly #cell: AgentCell;
  /** Made with the first of them: most agents that wait do nothing but sleep. */
  #entries: Map<number, Entry> | undefined = undefined;
  #firstSleep: Sleep | undefined = undefined;
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
    return new Promise<undefined>((resolve) => {
      const sleep = new Sleep(this, resolve);
      sleep.begin(late ? Math.max(0, leftMs) : delay, late, this.#cell.dispatcher);
      sleep.next = this.#firstSleep;
      if (sleep.next !== undefined) sleep.next.previous = sleep;
      this.#firstSleep = sleep;
      this.#cell.dispatcher.nudge();
    });
  }

  /** A sleep is over: it leaves the list, and its turn goes on. */
  awake(sleep: Sleep): void {
    if (sleep.previous === undefined) this.#firstSleep = sleep.next;
    else sleep.previous.next = sleep.next;
    if (sleep.next !== undefined) sleep.next.previous = sleep.previous;
    const { dispatcher, self } = this.#cell;
    dispatcher.view.control[CONTROL_RESUMED] = self + 1;
  }

  /** Whether this incarnation has started timers, waiting still or not. */
  get begun(): boolean {
    return this.#key > 0;
  }

  /** What waits, in the order in which it was started; but not what the open turn has started: it will come again. */
  waiting(): readonly { message: unknown; periodMs: number; dueMs: number }[] {
    return [...(this.#entries?.values() ?? [])].filter(({ turn }) => turn !== this.#cell.turn);
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
    const { dispatcher } = this.#cell;
    for (const entry of this.#entries?.values() ?? []) dispatcher.wheel.cancel(entry.id);
    this.#entries = undefined;
    let sleep = this.#firstSleep;
    this.#firstSleep = undefined;
    for (; sleep !== undefined; sleep = sleep.next) sleep.end(error, dispatcher);
  }

  onTimer(key: number): void {
    const entry = this.#entries?.get(key);
    if (entry === undefined) return;
    const { dispatcher, self } = this.#cell;
    if (entry.periodMs === 0) {
      this.#entries?.delete(key);
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
    this.#entries ??= new Map();
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
        const entry = this.#entries?.get(key);
        if (entry === undefined) return;
        wheel.cancel(entry.id);
        this.#entries?.delete(key);
      },
    };
  }
}

function duration(field: string, value: number, least: number): number {
  if (typeof value === "number" && value >= least && value <= 2 ** 40) return value;
  throw new InvalidOptionError(field, value, `ms from ${least} to ${2 ** 40}`);
}
