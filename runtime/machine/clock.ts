import { randomBytes } from "node:crypto";
import { performance } from "node:perf_hooks";
import type { Clock, Random } from "../../actors/ports.ts";

const { hrtime } = process;
const MS_PER_S = 1e3;
const MS_PER_NS = 1e-6;
/** Readings of both clocks; the pair that lies closest together counts. */
const PAIRS = 16;

/** What `hrtime` lacks to ms since the epoch: both clocks tick alike, and differ in where they begin. */
const originMs = findOrigin();

/**
 * The clock of a process: ms since the epoch with fractions, monotonic, and the same on all its threads
 * within about 1 µs, as `performance.timeOrigin` plus `now()` is. It is read once a turn, and `hrtime` is
 * read in half the time of those two.
 */
export const systemClock: Clock = {
  nowMs() {
    const time = hrtime();
    return originMs + time[0] * MS_PER_S + time[1] * MS_PER_NS;
  },
};

function findOrigin(): number {
  let origin = Number.POSITIVE_INFINITY;
  for (let i = 0; i < PAIRS; i++) {
    const time = hrtime();
    const nowMs = performance.timeOrigin + performance.now();
    // Whatever passes between the two readings only adds.
    origin = Math.min(origin, nowMs - time[0] * MS_PER_S - time[1] * MS_PER_NS);
  }
  return origin;
}

/** The time that people's clocks show: it is set, goes back, and goes on while the machine sleeps. */
export const wallClock: Clock = { nowMs: () => Date.now() };

/**
 * Ms since 1970 that never go back, and go on by whichever of two clocks has gone further since it was last read: for
 * ends that neither a clock that is set back nor a machine that sleeps may put off.
 */
export function onwardClock(steady: Clock = systemClock, shown: Clock = wallClock): Clock {
  let [steadyMs, shownMs] = [steady.nowMs(), shown.nowMs()];
  let nowMs = shownMs;
  return {
    nowMs() {
      const [wasSteadyMs, wasShownMs] = [steadyMs, shownMs];
      steadyMs = steady.nowMs();
      shownMs = shown.nowMs();
      nowMs += Math.max(0, steadyMs - wasSteadyMs, shownMs - wasShownMs);
      return nowMs;
    },
  };
}

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
