/** Whoever fails again and again has to wait, longer each time. */

/** Failures that cost nothing: people mistype. */
const FREE = 4;
const FIRST_MS = 1_000;
/** Longest wait, ms. */
export const LONGEST_LOCK_MS: number = 15 * 60_000;
/** A name that has not failed for so long is forgiven, ms. */
const FORGIVEN_MS = 24 * 3_600_000;
/** Names remembered; of more, who has not failed for longest is forgotten. */
export const MAX_LOCKED_NAMES = 1_024;

interface Record_ {
  failures: number;
  lastMs: number;
}

/** Counts failures by name. Time is an argument, ms of any clock that does not go back. */
export class LockOut {
  readonly #records = new Map<string, Record_>();
  readonly #longestMs: number;

  /** `longestMs`: the longest that anybody has to wait. */
  constructor(longestMs: number = LONGEST_LOCK_MS) {
    this.#longestMs = longestMs;
  }

  /** How long until a try of this name is looked at, ms; 0 for now. */
  waitMs(name: string, nowMs: number): number {
    const record = this.#records.get(name);
    if (record === undefined) return 0;
    return Math.max(0, Math.ceil(record.lastMs + this.#delayOf(record.failures) - nowMs));
  }

  /** Notes a failure; gives how long the next try has to wait, ms. */
  failed(name: string, nowMs: number): number {
    const known = this.#records.get(name);
    const isFresh = known === undefined || nowMs - known.lastMs >= FORGIVEN_MS;
    const failures = isFresh ? 1 : known.failures + 1;
    // Behind all others: the first is then who has not failed for longest.
    this.#records.delete(name);
    if (this.#records.size >= MAX_LOCKED_NAMES) {
      for (const first of this.#records.keys()) {
        this.#records.delete(first);
        break;
      }
    }
    this.#records.set(name, { failures, lastMs: nowMs });
    return this.#delayOf(failures);
  }

  succeeded(name: string): void {
    this.#records.delete(name);
  }

  /** Names that are remembered. */
  get size(): number {
    return this.#records.size;
  }

  #delayOf(failures: number): number {
    if (failures < FREE + 1) return 0;
    return Math.min(this.#longestMs, FIRST_MS * 2 ** (failures - FREE - 1));
  }
}
