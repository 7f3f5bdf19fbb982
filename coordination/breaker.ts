/**
 * A circuit breaker (spec 6.2): it isolates what fails too often, looks after a while whether it has recovered,
 * and lets a little traffic in before all of it.
 *
 *                  too many failures
 *      CLOSED ───────────────────────▶ OPEN ◀──────┐ too many for the little traffic
 *        ▲                              │ probe ok  │
 *        └──────────── HALF_OPEN ◀──────┘           │
 *          halfOpenMs     └─────────────────────────┘
 *
 * The specification counts failures for ever, by which every mesh would end OPEN. Here they count for `windowMs`,
 * a sliding window, because with a tumbling one ten failures in a row may fall on both sides of its edge.
 */
import { wholeNumber } from "./check.ts";

export type CircuitState = "CLOSED" | "OPEN" | "HALF_OPEN";

/** When a circuit opens, and how it closes again. */
export interface BreakerTimes {
  /** Failures older than this no longer count, ms. */
  readonly windowMs: number;
  /** From opening to the first probe, ms. */
  readonly probeAfterMs: number;
  /** How long the trial with little traffic lasts, ms. */
  readonly halfOpenMs: number;
  /** From a failed probe or trial to the next probe, ms. */
  readonly retryMs: number;
  /** Share of the traffic let in while HALF_OPEN, and of the failures that are then too many. */
  readonly share: number;
}

/**
 * Spec 6.2, and what it leaves open: a window of 60 s, as long as a trial and as the period in which a supervisor
 * counts restarts; and a tenth of the traffic.
 */
export const BREAKER_TIMES: BreakerTimes = Object.freeze({
  windowMs: 60_000,
  probeAfterMs: 30_000,
  halfOpenMs: 60_000,
  retryMs: 60_000,
  share: 0.1,
});

/** What a circuit's time has come for. */
export type CircuitDue = "probe" | "close" | "nothing";

/** One circuit. It reads no clock: times are ms of whoever calls, and never go back. */
export class Circuit {
  readonly #times: BreakerTimes;
  /** Failures within the window that are still borne. */
  readonly limit: number;
  /** Times of the last failures, as many as it takes to open. */
  readonly #failures: Float64Array;
  #next = 0;
  #state: CircuitState = "CLOSED";
  #sinceMs = 0;
  #dueMs = Infinity;
  #trialFailures = 0;
  /** Number of the probe that is out; 0 when none is. */
  #probe = 0;
  #probes = 0;
  #openings = 0;

  /** RangeError when `limit` is not a whole number from 0 to 10,000. */
  constructor(limit: number, times: BreakerTimes = BREAKER_TIMES) {
    this.limit = wholeNumber("limit", limit, 0, 10_000);
    this.#times = times;
    this.#failures = new Float64Array(limit + 1).fill(-Infinity);
  }

  get state(): CircuitState {
    return this.#state;
  }

  /** Since when it is in its state, ms; 0 when it always was. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  /** When it will be probed or closed, ms; Infinity while CLOSED or while a probe is out. */
  get dueMs(): number {
    return this.#probe === 0 ? this.#dueMs : Infinity;
  }

  /** How often it has opened. */
  get openings(): number {
    return this.#openings;
  }

  /** Failures within the window before `nowMs`; no more than it takes to open. */
  failures(nowMs: number): number {
    let count = 0;
    for (const atMs of this.#failures) if (nowMs - atMs < this.#times.windowMs) count++;
    return count;
  }

  /** Notes a failure; true when it opened the circuit. O(1), allocates nothing. */
  fail(nowMs: number): boolean {
    switch (this.#state) {
      case "CLOSED": {
        // Now the next place has the oldest of the last limit + 1 failures: if that still counts, they are too many.
        this.#failures[this.#next] = nowMs;
        this.#next = (this.#next + 1) % this.#failures.length;
        if (nowMs - this.#failures[this.#next] >= this.#times.windowMs) return false;
        this.#open(nowMs, this.#times.probeAfterMs);
        return true;
      }
      case "HALF_OPEN":
        this.#trialFailures++;
        if (this.#trialFailures <= Math.floor(this.limit * this.#times.share)) return false;
        this.#open(nowMs, this.#times.retryMs);
        return true;
      case "OPEN":
        return false;
    }
  }

  /** What is to be done now: send a probe ({@link beginProbe}), or {@link close} after a trial that went well. */
  due(nowMs: number): CircuitDue {
    if (nowMs < this.dueMs) return "nothing";
    return this.#state === "OPEN" ? "probe" : "close";
  }

  /** Says that a probe goes out; returns its number, with which its outcome is told. 0 when none is due. */
  beginProbe(nowMs: number): number {
    if (this.due(nowMs) !== "probe") return 0;
    this.#probe = ++this.#probes;
    return this.#probe;
  }

  /** The outcome of a probe; true when it changed the state. One that was overtaken by events changes nothing. */
  probed(probe: number, succeeded: boolean, nowMs: number): boolean {
    if (probe === 0 || probe !== this.#probe) return false;
    this.#probe = 0;
    if (!succeeded) {
      this.#dueMs = nowMs + this.#times.retryMs;
      return false;
    }
    this.#become("HALF_OPEN", nowMs);
    this.#trialFailures = 0;
    this.#dueMs = nowMs + this.#times.halfOpenMs;
    return true;
  }

  /** Ends a trial whose time is over; false when it is not. */
  close(nowMs: number): boolean {
    if (this.due(nowMs) !== "close") return false;
    this.#close(nowMs);
    return true;
  }

  /** Opens it, whatever its failures; of an open one the time until the probe begins anew. False if it was open. */
  trip(nowMs: number): boolean {
    const wasOpen = this.#state === "OPEN";
    if (wasOpen) this.#dueMs = nowMs + this.#times.probeAfterMs;
    else this.#open(nowMs, this.#times.probeAfterMs);
    this.#probe = 0;
    return !wasOpen;
  }

  /** Closes it and forgets its failures, whatever its state. False if it was closed. */
  reset(nowMs: number): boolean {
    const wasClosed = this.#state === "CLOSED";
    this.#failures.fill(-Infinity);
    if (!wasClosed) this.#close(nowMs);
    return !wasClosed;
  }

  #open(nowMs: number, probeAfterMs: number): void {
    this.#become("OPEN", nowMs);
    this.#openings++;
    this.#dueMs = nowMs + probeAfterMs;
  }

  #close(nowMs: number): void {
    this.#become("CLOSED", nowMs);
    this.#dueMs = Infinity;
    // What it failed at before is no reason to open again.
    this.#failures.fill(-Infinity);
  }

  #become(state: CircuitState, nowMs: number): void {
    this.#state = state;
    this.#sinceMs = nowMs;
    this.#probe = 0;
  }
}
