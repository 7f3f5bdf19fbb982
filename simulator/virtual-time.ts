import type { Clock } from "../actors/ports.ts";
import { type TimerId, type TimerTarget, TimerWheel } from "../runtime/dispatch/wheel.ts";
import type { Later } from "../runtime/machine/later.ts";

/** What reading the clock takes, ms: the only thing that moves virtual time while a thread works. */
const READING_MS = 0.001;
/** Where virtual time begins, ms of the epoch: as large as real time is, so that rounding is too. */
const BEGIN_MS = 1_700_000_000_000;

/** Ticks of the agenda in a millisecond. */
const TICKS_A_MS = 16;

/**
 * The time of a simulated mesh: one clock for all threads, which stands still unless somebody reads it or the
 * simulation jumps to what comes next, and an agenda of what happens outside of the threads (networks, faults,
 * timers of main). What is due at the same moment happens in the order in which it was put down.
 */
export class VirtualTime implements Clock {
  #nowMs = BEGIN_MS;
  readonly #agenda = new TimerWheel(BEGIN_MS, TICKS_A_MS);

  /** A reading, which takes a moment. */
  nowMs(): number {
    this.#nowMs += READING_MS;
    return this.#nowMs;
  }

  /** The time without reading the clock: for whoever looks at the mesh from outside. */
  get currentMs(): number {
    return this.#nowMs;
  }

  /** Since the beginning, ms. */
  get elapsedMs(): number {
    return this.#nowMs - BEGIN_MS;
  }

  /** Lets time pass until `atMs`; harmless when that has passed. */
  jumpTo(atMs: number): void {
    if (atMs > this.#nowMs) this.#nowMs = atMs;
  }

  /** When to look at the agenda again; Infinity when there is nothing on it. */
  get nextMs(): number {
    return this.#nowMs + this.#agenda.nextDueMs(this.#nowMs);
  }

  /** Puts something down for `atMs`, or for as soon as can be when that has passed; returns what calls it off. */
  at(atMs: number, act: () => void): () => void {
    const id = this.put(atMs, { onTimer: act }, 0);
    return () => {
      this.#agenda.cancel(id);
    };
  }

  /** The same for what happens so often that a function each time would be felt; see {@link takeOff}. */
  put(atMs: number, target: TimerTarget, data: number): TimerId {
    return this.#agenda.schedule(Math.max(atMs, this.#nowMs), target, data);
  }

  takeOff(id: TimerId): void {
    this.#agenda.cancel(id);
  }

  /** The same, after a while: main's timers. */
  readonly later: Later = (delayMs, act) => this.at(this.#nowMs + delayMs, act);

  /** Lets everything happen that is due; returns how much that was. */
  happen(): number {
    return this.#agenda.advance(this.#nowMs);
  }
}
