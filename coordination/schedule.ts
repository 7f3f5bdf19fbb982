/**
 * When enough agents can be READY, and how probably (spec 3.2, design: coordination): the arithmetic of a plan,
 * from what is predicted of each agent. All of it is linear in the agents, because 30,000 are planned at once.
 */
import { share, wholeNumber } from "./check.ts";

/** Up to so many uncertain agents the probability of a quorum is exact, for some ten thousand multiplications. */
const EXACT_AGENTS = 200;
/** Up to this variance too: the normal distribution is too smooth for so few agents that may surprise. */
const EXACT_VARIANCE = 16;
/**
 * More surprises than these do not happen (less than e⁻⁸⁰) up to that variance: a surprise's probability is at most
 * twice its variance, so that 32 are expected at most.
 */
const SURPRISES = 128;
/** Shorter runs are sorted. */
const SORTED_RUN = 24;

/**
 * The lead that suffices for a share of the agents, ms: the least that is not below the leads of
 * ⌈share · agents⌉ of them. Reorders `leadsMs`. NaN, as of an agent that cannot be predicted, counts as
 * never; Infinity when there are not enough others. 0 for a share of nobody; RangeError unless `share` is 0 to 1.
 */
export function leadForShareMs(leadsMs: Float64Array, readyShare: number): number {
  share("readyShare", readyShare);
  const needed = agentsFor(readyShare, leadsMs.length);
  if (needed === 0) return 0;
  for (let i = 0; i < leadsMs.length; i++) {
    if (Number.isNaN(leadsMs[i])) leadsMs[i] = Number.POSITIVE_INFINITY;
  }
  return select(leadsMs, needed - 1);
}

/**
 * The earliest T by which a share of the agents can be READY, ms of the clock of `nowMs`: see
 * {@link leadForShareMs}, which says what becomes of `leadsMs`.
 */
export function earliestArrivalMs(
  nowMs: number,
  leadsMs: Float64Array,
  readyShare: number,
): number {
  return nowMs + Math.max(0, leadForShareMs(leadsMs, readyShare));
}

/** How many of `agents` make up a share of them. */
export function agentsFor(readyShare: number, agents: number): number {
  const exact = share("readyShare", readyShare) * agents;
  const nearest = Math.round(exact);
  // 0.07 · 100 is 7.000000000000001 and means 7.
  return Math.abs(exact - nearest) <= 1e-9 * agents ? nearest : Math.ceil(exact);
}

/** Expected number READY of agents that are so with these probabilities. RangeError where one is no share. */
export function expectedReady(probabilities: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < probabilities.length; i++) sum += share("probability", probabilities[i]);
  return sum;
}

/**
 * Probability that at least `needed` agents are READY, when each is with its own probability and independently
 * (Poisson's binomial distribution). Exact where at most 200 agents are uncertain or the variance is at most 16;
 * otherwise the normal distribution with corrections for continuity and skewness (Volkova, 1996), within 0.002.
 * RangeError where a probability is no share.
 */
export function quorumProbability(probabilities: ArrayLike<number>, needed: number): number {
  wholeNumber("needed", needed, 0, Number.MAX_SAFE_INTEGER);
  let likely = 0;
  let uncertain = 0;
  let mean = 0;
  let variance = 0;
  let thirdMoment = 0;
  for (let i = 0; i < probabilities.length; i++) {
    const p = share("probability", probabilities[i]);
    if (p > 0.5) likely++;
    if (p > 0 && p < 1) uncertain++;
    mean += p;
    variance += p * (1 - p);
    thirdMoment += p * (1 - p) * (1 - 2 * p);
  }
  if (needed === 0) return 1;
  if (needed > probabilities.length) return 0;
  if (uncertain <= EXACT_AGENTS) return exactAtLeast(probabilities, needed - likely, uncertain);
  if (variance <= EXACT_VARIANCE) return exactAtLeast(probabilities, needed - likely, SURPRISES);
  return normalAtLeast(needed, mean, variance, thirdMoment);
}

/**
 * Probability of `gain` or more. Whoever is likely READY is taken to be so, the others are not; of surprises there
 * are few, and the gain is the good ones less the bad ones. More than `most` of either do not happen.
 */
function exactAtLeast(probabilities: ArrayLike<number>, gain: number, most: number): number {
  const good = surprises(probabilities, most, false);
  const bad = surprises(probabilities, most, true);
  let probability = 0;
  let goodFrom = 0;
  // From the most bad ones down, so that the good ones that suffice become more, and are summed once.
  for (let badOnes = most, sufficing = most + 1; badOnes >= 0; badOnes--) {
    while (sufficing > 0 && sufficing - 1 >= gain + badOnes) goodFrom += good[--sufficing];
    probability += bad[badOnes] * goodFrom;
  }
  return Math.min(1, probability);
}

/** Distribution of the number of surprises, 0 to `most`: likely agents that are not READY, or unlikely that are. */
function surprises(
  probabilities: ArrayLike<number>,
  most: number,
  ofLikely: boolean,
): Float64Array {
  const chance = new Float64Array(most + 1);
  chance[0] = 1;
  let reached = 0;
  for (let i = 0; i < probabilities.length; i++) {
    const p = probabilities[i];
    if (p > 0.5 !== ofLikely || p === 0 || p === 1) continue;
    const surprise = ofLikely ? 1 - p : p;
    // Below this it counts for nothing, and numbers near the least there is are slow to reckon with.
    if (reached < most && chance[reached] > 1e-200) reached++;
    // Downwards, so that each place still has the value from before this agent when it is read.
    for (let count = reached; count > 0; count--)
      chance[count] = chance[count] * (1 - surprise) + chance[count - 1] * surprise;
    chance[0] *= 1 - surprise;
  }
  return chance;
}

function normalAtLeast(
  needed: number,
  mean: number,
  variance: number,
  thirdMoment: number,
): number {
  const deviation = Math.sqrt(variance);
  const skewness = thirdMoment / (variance * deviation);
  const x = (needed - 0.5 - mean) / deviation;
  const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  const atMost = normalDistribution(x) + (skewness * (1 - x * x) * density) / 6;
  return Math.min(1, Math.max(0, 1 - atMost));
}

/** Φ; Abramowitz and Stegun 26.2.17, good to 7.5e-8. */
function normalDistribution(x: number): number {
  const t = 1 / (1 + 0.231_641_9 * Math.abs(x));
  const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  const tail =
    density *
    t *
    (0.319_381_53 +
      t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
  return x >= 0 ? 1 - tail : tail;
}

/** The value that stands at `place` when they are sorted (Hoare's selection). Reorders them. */
function select(values: Float64Array, place: number): number {
  let from = 0;
  let to = values.length - 1;
  // Halving is expected; after so many rounds without success the values are against it, and sorting is not.
  let rounds = 4 * Math.ceil(Math.log2(values.length + 1));
  while (to - from > SORTED_RUN) {
    if (rounds-- === 0) break;
    const pivot = medianOfThree(values[from], values[(from + to) >> 1], values[to]);
    let low = from;
    let high = to;
    while (low <= high) {
      while (values[low] < pivot) low++;
      while (values[high] > pivot) high--;
      if (low > high) break;
      const value = values[low];
      values[low++] = values[high];
      values[high--] = value;
    }
    if (place <= high) to = high;
    else if (place >= low) from = low;
    else return values[place];
  }
  values.subarray(from, to + 1).sort();
  return values[place];
}

function medianOfThree(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}
