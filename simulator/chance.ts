import type { Random } from "../actors/ports.ts";
import { seededRandom } from "../runtime/machine/clock.ts";

/** Draws of one kind of chance in a run: what one kind draws changes nothing for the others. */
export class Chance {
  readonly #random: Random;

  /** `name` is the kind; the same seed and name draw the same. */
  constructor(seed: number, name: string) {
    let mixed = 0x811c9dc5 ^ (seed % 2 ** 32);
    for (const char of `${Math.floor(seed / 2 ** 32)}/${name}`)
      mixed = Math.imul(mixed ^ char.charCodeAt(0), 0x01000193);
    this.#random = seededRandom(mixed);
    // Neighbouring seeds begin alike.
    for (let i = 0; i < 3; i++) this.#random.next();
  }

  /** Uniform in [0, 1). */
  next(): number {
    return this.#random.next();
  }

  /** True with this probability. */
  happens(probability: number): boolean {
    return probability > 0 && this.#random.next() < probability;
  }

  /** A whole number from 0 to `count` − 1. */
  below(count: number): number {
    return Math.floor(this.#random.next() * count);
  }

  /** Uniform between two numbers. */
  between(from: number, to: number): number {
    return from + this.#random.next() * (to - from);
  }

  /** A waiting time of a process without memory, with this mean. */
  wait(mean: number): number {
    return -Math.log(1 - this.#random.next()) * mean;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }
}
