// Series for the two classes that no shipped file measures: serverless functions, drawn from fitted
// quantiles, and people, drawn from a stated distribution. Draws are a pure function of what is drawn,
// so the same mesh replays the same waits. A draw knows nothing of the draw before it: the runs of
// slow samples that measured streams have are not in these.
import type { ImpedanceClass } from "../coordination/impedance-class.ts";
import { QUANTILE_LEVELS, SERVERLESS_STREAMS } from "./serverless-table.ts";
import { NOTHING, type Series } from "./trace-file.ts";

/**
 * How long a human takes to answer: lognormal about a median of their own, and the medians of people
 * lognormal about ten minutes. Together a quarter answers within 4 minutes and one in twenty takes over
 * 100. An assumption (spec 2.2 says seconds to hours), not a fit; working hours are not modelled.
 */
export const HUMAN_RESPONSE: {
  readonly medianMs: number;
  readonly betweenPeopleSigma: number;
  readonly withinPersonSigma: number;
  readonly minMs: number;
  readonly maxMs: number;
} = Object.freeze({
  medianMs: 10 * 60_000,
  betweenPeopleSigma: 1,
  withinPersonSigma: 1,
  minMs: 5_000,
  maxMs: 8 * 3_600_000,
});

/** Samples of each drawn series: the slowest in a hundred come up twice before they come round again. */
export const DRAWN_SAMPLES = 256;
const PEOPLE = 64;

/** A whole number below 2^32 that looks like chance but depends on nothing else than its arguments. */
export function hash32(value: number, salt: number): number {
  return mixBits(mixBits(salt) ^ Math.imul(value + 1, 0x9e3779b1));
}

/** A bijection of 32 bits in which every bit of the input moves half of the output. */
function mixBits(bits: number): number {
  let mixed = bits ^ (bits >>> 16);
  mixed = Math.imul(mixed, 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}

/** One series for each fitted serverless function. */
export function drawServerless(): readonly Series[] {
  return SERVERLESS_STREAMS.map((stream, index) => {
    const drawn = drawQuantiles(QUANTILE_LEVELS, stream.quantilesMs, DRAWN_SAMPLES, index);
    return processingSeries(stream.name, "CLASS_B_SERVERLESS", drawn);
  });
}

/** One series for each of a crowd of people, by {@link HUMAN_RESPONSE}. */
export function drawPeople(): readonly Series[] {
  const { medianMs, betweenPeopleSigma, withinPersonSigma, minMs, maxMs } = HUMAN_RESPONSE;
  return Array.from({ length: PEOPLE }, (_, person) => {
    const drawn = Float32Array.from({ length: DRAWN_SAMPLES }, (_, sample) => {
      const own = betweenPeopleSigma * normal(person, 0);
      const wait = medianMs * Math.exp(own + withinPersonSigma * normal(sample, person + 1));
      return Math.min(maxMs, Math.max(minMs, wait));
    });
    return processingSeries(`person-${person + 1}`, "CLASS_F_HUMAN", drawn);
  });
}

/**
 * `count` values whose quantiles at `levels` are `quantiles`, linear in between, in shuffled order. One
 * value is taken from each of `count` equal slices of chance, so the tails are always there.
 */
export function drawQuantiles(
  levels: readonly number[],
  quantiles: readonly number[],
  count: number,
  salt: number,
): Float32Array {
  const drawn = new Float32Array(count);
  let above = 1;
  for (let slice = 0; slice < count; slice++) {
    const level = (slice + 0.5) / count;
    while (levels[above] < level) above++;
    const share = (level - levels[above - 1]) / (levels[above] - levels[above - 1]);
    drawn[slice] = quantiles[above - 1] + share * (quantiles[above] - quantiles[above - 1]);
  }
  return shuffle(drawn, salt);
}

function shuffle(values: Float32Array, salt: number): Float32Array {
  for (let last = values.length - 1; last > 0; last--) {
    const other = hash32(last, salt) % (last + 1);
    const value = values[last];
    values[last] = values[other];
    values[other] = value;
  }
  return values;
}

/** A standard normal value (Box and Muller), the same for the same arguments. */
function normal(value: number, salt: number): number {
  // Never 0, whose logarithm is infinite.
  const radius = Math.sqrt(-2 * Math.log((hash32(2 * value, salt) + 1) / 2 ** 32));
  return radius * Math.cos((2 * Math.PI * hash32(2 * value + 1, salt)) / 2 ** 32);
}

function processingSeries(
  name: string,
  impedanceClass: ImpedanceClass,
  processingMs: Float32Array,
): Series {
  return { name, impedanceClass, rttMs: NOTHING, processingMs, weight: NOTHING, queue: NOTHING };
}
