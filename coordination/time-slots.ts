/** The last so many hours or days, each with what belongs to it. */
import { instant, wholeNumber } from "./check.ts";

interface Slot<T> {
  readonly number: number;
  readonly value: T;
}

/** A ring of equal spans of time, counted from the epoch; a new one takes the place of the oldest. */
export class TimeSlots<T> {
  readonly #spanMs: number;
  readonly #create: () => T;
  readonly #slots: (Slot<T> | undefined)[];

  /** RangeError unless `spanMs` and `capacity` are whole numbers from 1. */
  constructor(spanMs: number, capacity: number, create: () => T) {
    this.#spanMs = wholeNumber("spanMs", spanMs, 1, Number.MAX_SAFE_INTEGER);
    this.#slots = new Array(wholeNumber("capacity", capacity, 1, 100_000)).fill(undefined);
    this.#create = create;
  }

  /**
   * What belongs to the span that `timeMs` lies in; undefined when that has been given up for a later one.
   * RangeError when it is no time.
   */
  at(timeMs: number): T | undefined {
    const number = Math.floor(instant("timeMs", timeMs) / this.#spanMs);
    const place = number % this.#slots.length;
    const slot = this.#slots[place];
    if (slot !== undefined && slot.number >= number)
      return slot.number === number ? slot.value : undefined;
    const value = this.#create();
    this.#slots[place] = { number, value };
    return value;
  }

  /** The spans up to now that have anything, oldest first; at most as many as there is room for. */
  until(nowMs: number): { readonly fromMs: number; readonly value: T }[] {
    const last = Math.floor(nowMs / this.#spanMs);
    const first = last - this.#slots.length + 1;
    return this.#slots
      .filter((slot) => slot !== undefined)
      .filter(({ number }) => number >= first && number <= last)
      .sort((left, right) => left.number - right.number)
      .map(({ number, value }) => ({ fromMs: number * this.#spanMs, value }));
  }
}
