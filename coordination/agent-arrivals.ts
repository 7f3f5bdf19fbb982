/**
 * The predictor that learns: for each agent a centre, the best of four experts by their recent loss, and above
 * it a margin for each of three probabilities. A margin comes from the agent's fading sample and from its
 * class, and is then steered by how often it was missed: by the agent's own offset and by its class's. That
 * outer loop keeps the promised share whatever the delays do (adaptive conformal inference), so the inner
 * parts need only be sharp, never right.
 */
import {
  ARRIVAL_BYTES_PER_AGENT,
  type ArrivalColumns,
  arrivalColumns,
  CENTRE,
  CLASSES,
  COUNT,
  clusterSlots,
  DENSEST_ALL,
  DENSEST_RECENT,
  FLOATS,
  LEVEL,
  LOSS,
  LOSS_UNIT,
  MARGIN,
  OFFSET,
  OFFSET_UNIT,
  QUEUE_GAIN,
  SAMPLE,
  SCALE,
  SHORTS,
  SLOPE_UNIT,
  WEIGHT_MEAN,
  WEIGHT_SLOPE,
} from "./arrival-columns.ts";
import {
  classLoss,
  classMargin,
  classOffset,
  classPace,
  firstCentre,
  firstMargin,
  firstScale,
  LEVELS,
  moveClassMargin,
  moveClassOffset,
  OFFSET_REACH,
  observeDelay,
  observeFirstScale,
  observeLoss,
  observeQueue,
  queueCost,
  queueSpread,
  stageOf,
} from "./class-arrivals.ts";
import { densestInterval, REACH_MS } from "./densest-interval.ts";
import { fadingQuantile, insertFading } from "./fading-sample.ts";
import { marginAt, probabilityAt } from "./margin-curve.ts";
import type { Load, Observation, Predictor, PredictorKind } from "./prediction.ts";
import { densestRecent, insertRecent, WINDOW } from "./recent-window.ts";
import { decodeShort, encodeShort } from "./short-float.ts";

/** Experts: the level, the densest interval of recent values, the middle of both, the densest of all. */
const EXPERTS = 4;
const LEVEL_STEP = 1 / 6;
const SCALE_STEP = 1 / 16;
const LEAST_SCALE_MS = 0.1;
const LOSS_STEP = 1 / 64;
/** How much more the losses of all agents of the class count than the agent's own. */
const CLASS_TRUST = 3;
/** A miss of less than REACH counts for little, one of more than twice this for twice as much. */
const FAR_MS = 86;
const OFFSET_STEP = 0.05;
const OFFSET_LIMIT = 2;
/** A sample this small counts as much as the class, for each level. */
const SAMPLE_TRUST = [25, 25, 400] as const;
/** Influence is bounded: a value further off than this many scales counts as one that far off. */
const FAR_SCALES = 8;
const COVARIATE_STEP = 0.1;
const MAX_DELAY_MS = 2 ** 26;
const MAX_QUEUE = 1e6;
const MAX_COUNT = 2 ** 24;

/** From here on an agent's margins are those of its last message. */
const SETTLED = 18;

const margins = new Float64Array(3);
const expected = new Float64Array(EXPERTS);

export class AgentArrivals implements Predictor {
  readonly kind: PredictorKind = "arrival";
  readonly bytesPerAgent: number = ARRIVAL_BYTES_PER_AGENT;
  readonly #columns: ArrivalColumns;
  readonly #floats: Float32Array;
  readonly #shorts: Int16Array;
  readonly #classes: Float32Array;
  readonly #classOf: Uint8Array;
  readonly #clusterOf: Uint32Array;
  /** By class, 0 to 1: see `classPace`. */
  readonly #paces: Float64Array;

  constructor(buffer: ArrayBufferLike, classOf: Uint8Array, clusters: Uint32Array) {
    this.#columns = arrivalColumns(buffer, classOf.length);
    this.#floats = this.#columns.floats;
    this.#shorts = this.#columns.shorts;
    this.#classes = this.#columns.classes;
    this.#classOf = classOf;
    const members = new Float64Array(CLASSES);
    for (const classIndex of classOf) members[classIndex]++;
    this.#paces = members.map(classPace);
    // The classes in a cluster are apart: what one of them needs says nothing of another.
    const slots = clusterSlots(classOf.length);
    this.#clusterOf = clusters.map((cluster, at) => (cluster * CLASSES + classOf[at]) % slots);
  }

  predict(agent: number, q: number, load: Load): number {
    const row = agent * FLOATS;
    const floats = this.#floats;
    // Of an agent that was never measured each message before it is believed to take as long as it.
    if (floats[row + COUNT] === 0) return this.#firstLead(agent, q) * (1 + queuedOf(load));
    const shorts = this.#shorts;
    const short = agent * SHORTS;
    const queued = queuedOf(load);
    let lead = floats[row + CENTRE];
    let spread = 1;
    if (queued !== 0 || shorts[short + WEIGHT_SLOPE] !== 0) {
      lead += floats[row + LEVEL] * this.#loadCost(agent, load.weight, queued);
      spread = queueSpread(this.#classes, this.#classOf[agent], queued);
    }
    if (q > 0.5) {
      const at = short + MARGIN;
      // What a class learns while an agent is new must reach it at once, not with its next message.
      if (floats[row + COUNT] < SETTLED) this.#layMargins(agent, floats[row + COUNT]);
      else for (let level = 0; level < 3; level++) margins[level] = decodeShort(shorts[at + level]);
      let margin: number;
      if (q === 0.95) margin = margins[1];
      else if (q === 0.9) margin = margins[0];
      else if (q === 0.99) margin = margins[2];
      else margin = marginAt(q, margins[0], margins[1], margins[2]);
      lead += spread * margin;
    }
    return lead > 0 ? lead : 0;
  }

  observe(agent: number, seen: Observation): void {
    const delayMs = seen.delayMs;
    if (!(delayMs >= 0 && delayMs < MAX_DELAY_MS)) return;
    const classIndex = this.#classOf[agent];
    const cluster = this.#clusterOf[agent];
    const row = agent * FLOATS;
    const floats = this.#floats;
    const count = floats[row + COUNT];
    if (count === 0) {
      this.#observeFirst(agent, seen);
      observeDelay(this.#columns, classIndex, cluster, delayMs);
      return;
    }
    // Later messages of one agent say little more about another's first.
    if (count < 8) observeDelay(this.#columns, classIndex, cluster, delayMs);
    const queued = queuedOf(seen);
    const level = floats[row + LEVEL];
    const scale = this.#scaleOf(agent, count);
    const centre = floats[row + CENTRE];
    const spread = queued === 0 ? 1 : queueSpread(this.#classes, classIndex, queued);
    const off = (delayMs - level * this.#loadCost(agent, seen.weight, queued) - centre) / spread;
    const value = centre + off;
    this.#observeMisses(agent, count, off, scale);
    this.#observeExperts(agent, value, level);
    this.#observeLoad(agent, seen.weight, queued, off * spread, scale, level, spread);
    this.#track(agent, count, value, off, scale, level);
    floats[row + COUNT] = count < MAX_COUNT ? count + 1 : count;
    this.#aim(agent, count + 1);
  }

  probabilityReady(agent: number, availableMs: number, load: Load): number {
    if (!(availableMs > 0)) return 0;
    const centre = this.predict(agent, 0.5, load);
    const m90 = this.predict(agent, LEVELS[0], load) - centre;
    const m95 = this.predict(agent, LEVELS[1], load) - centre;
    const m99 = this.predict(agent, LEVELS[2], load) - centre;
    if (availableMs >= centre) return probabilityAt(availableMs - centre, m90, m95, m99);
    // Below the centre predict has no lead: the chance falls to nothing at the least delay there was.
    const least = this.#least(agent, centre);
    return availableMs <= least ? 0 : (0.5 * (availableMs - least)) / (centre - least);
  }

  samples(agent: number): number {
    return this.#floats[agent * FLOATS + COUNT];
  }

  #least(agent: number, centre: number): number {
    const row = agent * FLOATS;
    if (this.#floats[row + COUNT] === 0) return 0;
    const reach = this.#floats[row + CENTRE] - decodeShort(this.#columns.sample[agent * SAMPLE]);
    return Math.max(0, centre - Math.max(reach, this.#floats[row + SCALE]));
  }

  #firstLead(agent: number, q: number): number {
    const classIndex = this.#classOf[agent];
    const cluster = this.#clusterOf[agent];
    const centre = firstCentre(this.#columns, classIndex, cluster);
    if (!(q > 0.5)) return centre;
    const m90 = firstMargin(this.#columns, classIndex, cluster, 0);
    const m95 = Math.max(m90, firstMargin(this.#columns, classIndex, cluster, 1));
    const m99 = Math.max(m95, firstMargin(this.#columns, classIndex, cluster, 2));
    return centre + marginAt(q, m90, m95, m99);
  }

  /** Cost of a message's own weight and of the work before it, in levels of the agent. */
  #loadCost(agent: number, weight: number, queued: number): number {
    const short = agent * SHORTS;
    let cost = 0;
    const slope = this.#shorts[short + WEIGHT_SLOPE];
    if (slope !== 0) cost = slope * SLOPE_UNIT * this.#excessWeight(short, weight);
    if (queued > 0) {
      const gain = 1 + this.#floats[agent * FLOATS + QUEUE_GAIN];
      cost += gain * queueCost(this.#classes, this.#classOf[agent], queued);
    }
    // However light a message is, it takes some time.
    return cost > -0.9 ? cost : -0.9;
  }

  /** How much heavier than usual for this agent: 0 when as usual, 1 when twice as heavy. */
  #excessWeight(short: number, weight: number): number {
    const mean = decodeShort(this.#shorts[short + WEIGHT_MEAN]);
    if (!(weight > 0) || mean === 0) return 0;
    const excess = weight / mean - 1;
    return excess < 6 ? excess : 6;
  }

  #observeFirst(agent: number, seen: Observation): void {
    const classIndex = this.#classOf[agent];
    const { classes, sample, recent, slots } = this.#columns;
    const row = agent * FLOATS;
    const short = agent * SHORTS;
    const { delayMs } = seen;
    const q = this.#firstLead(agent, 0.5);
    for (let level = 0; level < LEVELS.length; level++) {
      const margin = firstMargin(this.#columns, classIndex, this.#clusterOf[agent], level);
      const missed = delayMs > q + margin ? 1 : 0;
      const surprise = missed - (1 - LEVELS[level]);
      moveClassOffset(classes, classIndex, 0, level, this.#paces[classIndex] * surprise);
    }
    const value = delayMs / (1 + this.#loadCost(agent, 1, queuedOf(seen)));
    this.#floats[row + COUNT] = 1;
    this.#floats[row + LEVEL] = value;
    this.#floats[row + CENTRE] = value;
    const code = encodeShort(value);
    this.#shorts[short + WEIGHT_MEAN] = encodeShort(seen.weight > 0 ? seen.weight : 1);
    this.#shorts[short + DENSEST_RECENT] = code;
    this.#shorts[short + DENSEST_ALL] = code;
    for (let expert = 0; expert < EXPERTS; expert++)
      this.#shorts[short + LOSS + expert] = classLoss(classes, classIndex, expert) / LOSS_UNIT;
    sample[agent * SAMPLE] = code;
    recent[agent * WINDOW] = code;
    slots[agent * WINDOW] = 0;
  }

  /** Moves the offsets, the agent's and its class's, by what this message was against its margins. */
  #observeMisses(agent: number, count: number, off: number, scale: number): void {
    const shorts = this.#shorts;
    const short = agent * SHORTS;
    const classIndex = this.#classOf[agent];
    const stage = stageOf(count);
    const pace = this.#paces[classIndex];
    if (count < SETTLED) this.#layMargins(agent, count);
    else
      for (let level = 0; level < LEVELS.length; level++)
        margins[level] = decodeShort(shorts[short + MARGIN + level]);
    for (let level = 0; level < LEVELS.length; level++) {
      const quota = 1 - LEVELS[level];
      const surprise = (off > margins[level] ? 1 : 0) - quota;
      moveClassOffset(this.#classes, classIndex, stage, level, pace * surprise);
      const moved = shorts[short + OFFSET + level] * OFFSET_UNIT + OFFSET_STEP * surprise;
      shorts[short + OFFSET + level] = Math.round(clipped(moved, OFFSET_LIMIT) / OFFSET_UNIT);
      if (count >= SETTLED && (count & 3) !== 0) continue;
      const usual = classMargin(this.#classes, classIndex, level) * scale;
      moveClassMargin(this.#classes, classIndex, level, pace * ((off > usual ? 1 : 0) - quota));
    }
  }

  #observeExperts(agent: number, value: number, level: number): void {
    const shorts = this.#shorts;
    const short = agent * SHORTS;
    this.#ask(short, level);
    for (let expert = 0; expert < EXPERTS; expert++) {
      const miss = Math.abs(value - expected[expert]);
      const loss = (miss <= REACH_MS ? (0.1 * miss) / REACH_MS : 1) + (miss <= FAR_MS ? 0 : 1);
      const at = short + LOSS + expert;
      shorts[at] += Math.round((loss / LOSS_UNIT - shorts[at]) * LOSS_STEP);
      observeLoss(this.#classes, this.#classOf[agent], expert, loss);
    }
  }

  #ask(short: number, level: number): void {
    const recent = decodeShort(this.#shorts[short + DENSEST_RECENT]);
    expected[0] = level;
    expected[1] = recent;
    expected[2] = (level + recent) / 2;
    expected[3] = decodeShort(this.#shorts[short + DENSEST_ALL]);
  }

  /** Learns what weight and queue cost: normalized steps, outliers clipped. */
  #observeLoad(
    agent: number,
    weight: number,
    queued: number,
    offMs: number,
    scale: number,
    level: number,
    spread: number,
  ): void {
    const shorts = this.#shorts;
    const short = agent * SHORTS;
    const floats = this.#floats;
    const row = agent * FLOATS;
    const wide = scale * spread;
    const off = clipped(offMs, 2 * wide);
    if (queued > 0) {
      const step = 0.5 * Math.max(0.02, 0.5 / Math.sqrt(floats[row + COUNT]));
      const size = step * Math.min(1, Math.max(0.2, scale / Math.max(level, LEAST_SCALE_MS)));
      const cost = level * queueCost(this.#classes, this.#classOf[agent], queued);
      const gain = (COVARIATE_STEP * off * cost) / (cost * cost + wide * wide);
      floats[row + QUEUE_GAIN] = clippedBetween(floats[row + QUEUE_GAIN] + gain, -1, 20);
      observeQueue(this.#classes, this.#classOf[agent], queued, offMs / wide, size);
    }
    const used = weight > 0 && weight < MAX_DELAY_MS ? weight : 1;
    const mean = decodeShort(shorts[short + WEIGHT_MEAN]);
    if (used === mean) return;
    const excess = level * this.#excessWeight(short, used);
    const slope =
      shorts[short + WEIGHT_SLOPE] * SLOPE_UNIT +
      (COVARIATE_STEP * off * excess) / (excess * excess + wide * wide);
    shorts[short + WEIGHT_SLOPE] = Math.round(clipped(slope, 7) / SLOPE_UNIT);
    shorts[short + WEIGHT_MEAN] = encodeShort(mean + (used - mean) / 16);
  }

  /** Takes the value into level, scale, sample and window. */
  #track(
    agent: number,
    count: number,
    value: number,
    off: number,
    scale: number,
    level: number,
  ): void {
    const floats = this.#floats;
    const row = agent * FLOATS;
    const { sample, recent, slots } = this.#columns;
    const step = count < 6 ? 1 / (count + 1) : LEVEL_STEP;
    floats[row + LEVEL] = level + clipped(value - level, 2 * scale) * step;
    const distance = Math.min(Math.abs(off), 4 * scale + 1);
    const scaled = scale + (distance - scale) * (count < 8 ? 1 / (count + 2) : SCALE_STEP);
    floats[row + SCALE] = scaled > LEAST_SCALE_MS ? scaled : LEAST_SCALE_MS;
    if (count === 1) observeFirstScale(this.#classes, this.#classOf[agent], Math.abs(off));
    const bounded = encodeShort(value - off + clipped(off, FAR_SCALES * scale + 1));
    insertFading(sample, agent * SAMPLE, SAMPLE, Math.min(count, SAMPLE), count, bounded);
    const slot = count % WINDOW;
    const from = agent * WINDOW;
    insertRecent(recent, slots, from, Math.min(count, WINDOW), slot, encodeShort(value));
    const short = agent * SHORTS;
    const nearest = densestRecent(recent, slots, from, Math.min(count + 1, WINDOW), slot);
    this.#shorts[short + DENSEST_RECENT] = encodeShort(nearest);
    // A full sample changes slowly.
    if (count >= SAMPLE && (count & 3) !== 0) return;
    const held = Math.min(count + 1, SAMPLE);
    const all = densestInterval(sample, agent * SAMPLE, held);
    this.#shorts[short + DENSEST_ALL] = encodeShort(all);
  }

  #scaleOf(agent: number, count: number): number {
    const row = agent * FLOATS;
    if (count > 1) return this.#floats[row + SCALE];
    const scale = firstScale(this.#classes, this.#classOf[agent], this.#floats[row + LEVEL]);
    return scale > LEAST_SCALE_MS ? scale : LEAST_SCALE_MS;
  }

  /** Chooses the centre, and lays the margins above it. */
  #aim(agent: number, count: number): void {
    const short = agent * SHORTS;
    const row = agent * FLOATS;
    this.#ask(short, this.#floats[row + LEVEL]);
    const classIndex = this.#classOf[agent];
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let expert = 0; expert < EXPERTS; expert++) {
      const own = this.#shorts[short + LOSS + expert] * LOSS_UNIT;
      const loss = own + CLASS_TRUST * classLoss(this.#classes, classIndex, expert);
      if (loss < least) {
        least = loss;
        best = expert;
      }
    }
    this.#floats[row + CENTRE] = expected[best];
    this.#setMargins(agent, count);
  }

  #setMargins(agent: number, count: number): void {
    if (count < SETTLED) return;
    this.#layMargins(agent, count);
    const at = agent * SHORTS + MARGIN;
    for (let level = 0; level < LEVELS.length; level++)
      this.#shorts[at + level] = encodeShort(margins[level]);
  }

  /** Margins of an agent from what is known now, into {@link margins}. */
  #layMargins(agent: number, count: number): void {
    const shorts = this.#shorts;
    const short = agent * SHORTS;
    const row = agent * FLOATS;
    const classIndex = this.#classOf[agent];
    const centre = this.#floats[row + CENTRE];
    const scale = this.#scaleOf(agent, count);
    const stage = stageOf(count);
    const held = Math.min(count, SAMPLE);
    for (let level = 0; level < LEVELS.length; level++) {
      const usual = classMargin(this.#classes, classIndex, level) * scale;
      const own =
        fadingQuantile(this.#columns.sample, agent * SAMPLE, held, LEVELS[level]) - centre;
      const trust = (count * count) / (count * count + SAMPLE_TRUST[level]);
      const offset =
        classOffset(this.#classes, classIndex, stage, level) +
        shorts[short + OFFSET + level] * OFFSET_UNIT;
      const margin = usual + trust * (own - usual) + offset * OFFSET_REACH[level] * scale;
      const least = level === 0 ? 0 : margins[level - 1];
      margins[level] = margin > least ? margin : least;
    }
  }
}

/** Work ahead of a message; none where none is known. */
function queuedOf(load: Load): number {
  const queued = load.queuedWork;
  return queued > 0 ? (queued < MAX_QUEUE ? queued : MAX_QUEUE) : 0;
}

function clipped(value: number, limit: number): number {
  return value > limit ? limit : value < -limit ? -limit : value;
}

function clippedBetween(value: number, least: number, most: number): number {
  return value > most ? most : value < least ? least : value;
}
