/**
 * Whether failures spread (spec 6.1 CASCADE_FAILURE, "failure rate increasing exponentially"): in each of three
 * windows on end there were at least twice as many as in the one before, and in the last more than chance brings.
 * A thousand agents that fail at once and not again are a blow, and not a spreading one.
 */

/** Length of a window, ms. */
export const GROWTH_WINDOW_MS = 5_000;
/** Windows that must each double the one before. */
const DOUBLINGS = 3;
/** Fewer failures than this in the last window are no cascade. */
const LEAST_FAILURES = 24;

/** Counts failures in windows; reads no clock. */
export class FailureGrowth {
  /** The open window first, then those before it. */
  readonly #counts = new Array<number>(DOUBLINGS + 1).fill(0);
  #windowMs = Number.NEGATIVE_INFINITY;
  #told = false;

  /** Notes a failure; true when with it failures have begun to spread, once until they cease to. */
  fail(nowMs: number): boolean {
    this.#slide(nowMs);
    this.#counts[0]++;
    if (this.#told || !this.#spreads()) return false;
    this.#told = true;
    return true;
  }

  /** Failures of the windows, the open one last. */
  get counts(): readonly number[] {
    return this.#counts.toReversed();
  }

  #spreads(): boolean {
    const counts = this.#counts;
    if (counts[0] < LEAST_FAILURES) return false;
    for (let i = 0; i < DOUBLINGS; i++) {
      if (counts[i + 1] === 0 || counts[i] < 2 * counts[i + 1]) return false;
    }
    return true;
  }

  #slide(nowMs: number): void {
    const windowMs = Math.floor(nowMs / GROWTH_WINDOW_MS) * GROWTH_WINDOW_MS;
    const passed = (windowMs - this.#windowMs) / GROWTH_WINDOW_MS;
    if (passed === 0) return;
    const counts = this.#counts;
    for (let i = Math.min(passed, counts.length); i > 0; i--) {
      counts.pop();
      counts.unshift(0);
    }
    this.#windowMs = windowMs;
    // What has halved since is over; should it rise again, that is news again.
    if (counts[1] < LEAST_FAILURES / 2) this.#told = false;
  }
}
