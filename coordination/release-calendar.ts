/**
 * How many messages a thread is to send in each millisecond to come. Agents of one class have nearly one lead:
 * all their copies would be due at the same moment, and the last of them would go out as late as the thread
 * needs for all. So whoever finds a moment taken goes a little earlier instead, and is READY early, not late.
 */
const SLOTS = 8192;
const MASK = SLOTS - 1;

/** Reservations of one thread; for moments within the next eight seconds, beyond which nothing is kept apart. */
export class ReleaseCalendar {
  readonly #taken = new Uint16Array(SLOTS);
  /** The millisecond that each slot is about. */
  readonly #of = new Float64Array(SLOTS);
  readonly #perMs: number;

  /** `perMs` is how many messages the thread can send in a millisecond and have time left, 1–65,535. */
  constructor(perMs: number) {
    if (!(Number.isInteger(perMs) && perMs >= 1 && perMs <= 65_535))
      throw new RangeError(`perMs: expected a whole number from 1 to 65535, got ${perMs}`);
    this.#perMs = perMs;
  }

  /**
   * Takes the latest moment up to `dueMs`, and from `nowMs` on, that has room, and returns it; `dueMs` itself
   * where there is room at once, or none at all.
   */
  reserve(dueMs: number, nowMs: number): number {
    const due = Math.floor(dueMs);
    const first = Math.max(Math.floor(nowMs), due - SLOTS + 1);
    for (let ms = due; ms >= first; ms--) {
      const slot = ms & MASK;
      if (this.#of[slot] !== ms) {
        this.#of[slot] = ms;
        this.#taken[slot] = 0;
      }
      if (this.#taken[slot] >= this.#perMs) continue;
      this.#taken[slot]++;
      // Within its millisecond it goes in its turn, so that no two halves of it meet.
      return ms === due ? dueMs : ms + this.#taken[slot] / (this.#perMs + 1);
    }
    return dueMs;
  }
}
