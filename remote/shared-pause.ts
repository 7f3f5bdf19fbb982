/**
 * A pause that all threads keep: when one call is told that there are too many, the others wait as well. Two words of
 * shared memory: when the pause ends, and how often on end one was asked for.
 */

/** Bytes of a pause. */
export const PAUSE_BYTES = 16;

const UNTIL = 0;
const STRIKES = 1;

/** The pause as one thread sees it. Times are ms of the mesh clock, which is one for all threads. */
export class SharedPause {
  readonly #words: BigInt64Array;

  constructor(memory: SharedArrayBuffer, offset: number) {
    this.#words = new BigInt64Array(memory, offset, 2);
  }

  /** How long to wait from `nowMs` on, ms; 0 when there is no pause. */
  waitMs(nowMs: number): number {
    return Math.max(0, Number(Atomics.load(this.#words, UNTIL)) - nowMs);
  }

  /** Has everybody wait until `untilMs` at least: an earlier end does not shorten a later one. */
  begin(untilMs: number): void {
    const until = BigInt(Math.ceil(untilMs));
    for (;;) {
      const known = Atomics.load(this.#words, UNTIL);
      if (known >= until) return;
      if (Atomics.compareExchange(this.#words, UNTIL, known, until) === known) return;
    }
  }

  /** Counts a call that was told so at `nowMs`; how often that was on end. Within one pause it is the same one. */
  strike(nowMs: number): number {
    if (this.waitMs(nowMs) > 0) return Math.max(1, Number(Atomics.load(this.#words, STRIKES)));
    return Number(Atomics.add(this.#words, STRIKES, 1n)) + 1;
  }

  /** A call got through. */
  clear(): void {
    if (Atomics.load(this.#words, STRIKES) !== 0n) Atomics.store(this.#words, STRIKES, 0n);
  }
}
