import { randomBytes } from "node:crypto";
import { performance } from "node:perf_hooks";
import type { Clock, Random } from "../actors/ports.ts";

/**
 * The clock of a process: ms since the epoch with fractions, monotonic, and the same on all its threads
 * (`performance.timeOrigin` plus `now()` agree between threads within about 1 µs).
 */
export const systemClock: Clock = {
  nowMs: () => performance.timeOrigin + performance.now(),
};

/** A seeded generator (mulberry32): small, fast, good enough for jitter and sampling; never for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return {
    next() {
      state = (state + 0x6d2b79f5) >>> 0;
      let word = state;
      word = Math.imul(word ^ (word >>> 15), word | 1);
      word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
      return ((word ^ (word >>> 14)) >>> 0) / 4294967296;
    },
  };
}

/** A seed from the system's entropy. */
export function systemSeed(): number {
  return randomBytes(4).readUInt32LE();
}
