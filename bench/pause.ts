const SPINS = 2_000;
/** A park of Atomics.wait takes no less than this, whatever is asked for. */
const SLEEP_MS = 0.05;

/**
 * How a thread of a bench waits for the other one: it looks again for a while, then sleeps a little, so
 * that two threads move on one busy core, too. The same for every contestant that polls.
 */
export class Pause {
  readonly #cell = new Int32Array(new SharedArrayBuffer(4));
  #spins = 0;

  /** Call after looking in vain. */
  wait(): void {
    if (++this.#spins < SPINS) return;
    this.#spins = 0;
    Atomics.wait(this.#cell, 0, 0, SLEEP_MS);
  }

  /** Call after finding something. */
  reset(): void {
    this.#spins = 0;
  }
}
