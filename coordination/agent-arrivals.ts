/**
 * The predictor that learns: for each agent a centre, the best of four experts by their recent loss, and above
 * it a margin for each of three probabilities. A margin comes from the agent's fading sample and from its
 * class, and is then steered by how often it was missed: by the agent's own offset and by its class's. That
 * outer loop keeps the promised share whatever the delays do (adaptive conformal inference), so the inner
 * parts need only be sharp, never right.
 */

import { AgentLoad, queuedOf, weightSpread } from "./agent-load.ts";
import {
  ARRIVAL_BYTES_PER_AGENT,
  type ArrivalColumns,
  arrivalColumns,
  CENTRE,
  CLASSES,
  COUNT,
  clusterSlots,
  DENSEST,
  FLOATS,
  JUMPS,
  LEVEL,
  LOSS,
  LOSS_UNIT,
  MARGIN,
  NEAR,
  OFFSET,
  OFFSET_UNIT,
  SAMPLE,
  SCALE,
  SHORTS,
  WEIGHT_GAIN,
} from "./arrival-columns.ts";
import {
  classJumps,
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
  observeJump,
  observeLoss,
  queueSpread,
  stageOf,
} from "./class-arrivals.ts";
import { densestInterval, REACH_MS } from "./densest-interval.ts";
import { fadingQuantile, insertFading } from "./fading-sample.ts";
import { marginAt, probabilityAt } from "./margin-curve.ts";
import { MAX_DELAY_MS } from "./observation-bounds.ts";
import type { Load, Observation, Predictor, PredictorKind } from "./prediction.ts";
import { decodeShort, encodeShort } from "./short-float.ts";

/** Experts: the level, the centre of near values, the middle of both, the densest interval of the sample. */
const EXPERTS = 4;
const LEVEL_STEP = 1 / 6;
const NEAR_STEP = 1 / 4;
const SCALE_STEP = 1 / 16;
const LEAST_SCALE_MS = 0.1;
const LOSS_STEP = 1 / 64;
const OFFSET_STEP = 0.2;
/** How much more the losses of all agents of the class count than the agent's own. */
const CLASS_TRUST = 1;
/** Loss of a miss: up to REACH in proportion, and little; 1 up to FAR; 2 beyond. */
const NEAR_LOSS = 0.1 / REACH_MS;
const FAR_MS = 86;
/** Steps of an agent's own offsets after a miss and after none, and their limit, in offset units. */
const OFFSET_UP = LEVELS.map((level) => Math.round((OFFSET_STEP * level) / OFFSET_UNIT));
const OFFSET_DOWN = LEVELS.map((level) => Math.round((OFFSET_STEP * (1 - level)) / OFFSET_UNIT));
const OFFSET_LIMIT = 3 / OFFSET_UNIT;
/** A sample this small counts as much as its class, for each level. */
const SAMPLE_TRUST = [5, 5, 20] as const;
const TRUSTED = 128;
/** Share of an agent's own sample in its margins, by level and count. */
const TRUST = Float64Array.from({ length: LEVELS.length * TRUSTED }, (_, at) => {
  const count = at % TRUSTED;
  return count ** 2 / (count ** 2 + SAMPLE_TRUST[Math.floor(at / TRUSTED)] ** 2);
});
/** Influence is bounded: a value further off than this many scales counts as one that far off. */
const FAR_SCALES = 8;
const MAX_COUNT = 2 ** 24;

/** While an agent is this young, one of its first messages may have been far off, and the next ones tell. */
const YOUNG = 16;
/** Further off than the reach and this many scales, it has gone astray with one of them. */
const STRAY_SCALES = 3;

/**
 * Many agents of a class that at once take far longer may be lying together. While more than this share of its
 * messages do so, they are not followed, only allowed for by the margins, until one has done so often enough.
 * What takes less time than expected is followed at once: nobody can be READY before the truth.
 */
const SUSPECT_SHARE = 0.18;
/** How often an agent jumps until it is believed, each jump being forgotten after so many messages without. */
const BELIEVED_AFTER = 25;
const JUMP_WORTH = 8;
/** How many of its jumps count towards an alarm: no agent raises one alone. */
const HEARD_JUMPS = 3;
/** A jump is off by this much, and {@link FAR_SCALES}. */
const JUMP_MS = 10;
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
  readonly #load: AgentLoad;
  /** By class, 0 to 1: see `classPace`. */
  readonly #paces: Float64Array;

  constructor(buffer: ArrayBufferLike, classOf: Uint8Array, clusters: Uint32Array) {
    this.#columns = arrivalColumns(buffer, classOf.length);
    this.#floats = this.#columns.floats;
    this.#shorts = this.#columns.shorts;
    this.#classes = this.#columns.classes;
    this.#classOf = classOf;
    this.#load = new AgentLoad(this.#columns, classOf);
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
    if (shorts[short + WEIGHT_GAIN] !== 0) {
      const factor = this.#load.weightFactor(agent, load.weight);
      lead *= factor;
      spread = weightSpread(factor);
    }
    if (queued !== 0) {
      lead += floats[row + LEVEL] * this.#load.queueCost(agent, queued);
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
    const factor = this.#load.weightFactor(agent, seen.weight);
    const cost = this.#load.queueCost(agent, queued);
    const spread =
      queued === 0 ? weightSpread(factor) : queueSpread(this.#classes, classIndex, queued);
    const off = (delayMs - level * cost - centre * factor) / spread;
    const value = centre + off;
    this.#observeMisses(agent, count, off, scale);
    const suspect = this.#isSuspect(agent, count, off, scale);
    if (!suspect) {
      this.#observeExperts(agent, count, value, level, queued > 0 ? 1 : spread);
      if (queued !== 0 || seen.weight !== 1)
        this.#load.observe(agent, seen.weight, queued, off * spread, scale, level, spread);
      const unloaded = queued > 0 ? delayMs / (factor + cost) : value;
      this.#track(agent, count, value, off, scale, level, unloaded);
    }
    this.#keep(agent, count, value, off, scale, suspect);
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

  #observeFirst(agent: number, seen: Observation): void {
    const classIndex = this.#classOf[agent];
    const { classes, sample } = this.#columns;
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
    const value = delayMs / (1 + this.#load.queueCost(agent, queuedOf(seen)));
    this.#floats[row + COUNT] = 1;
    this.#floats[row + LEVEL] = value;
    this.#floats[row + CENTRE] = value;
    const code = encodeShort(value);
    this.#floats[row + NEAR] = value;
    this.#shorts[short + DENSEST] = code;
    for (let expert = 0; expert < EXPERTS; expert++)
      this.#shorts[short + LOSS + expert] = classLoss(classes, classIndex, expert) / LOSS_UNIT;
    sample[agent * SAMPLE] = code;
  }

  /** Moves the offsets, the agent's and its class's, by what this message was against its margins. */
  #observeMisses(agent: number, count: number, off: number, scale: number): void {
    const shorts = this.#shorts;
    const short = agent * SHORTS;
    const classIndex = this.#classOf[agent];
    const stage = stageOf(count);
    // One of four speaks of the settled ones, and may say as much as four.
    const pace = Math.min(1, (count < SETTLED ? 1 : 4) * this.#paces[classIndex]);
    if (count < SETTLED) this.#layMargins(agent, count);
    else {
      margins[0] = decodeShort(shorts[short + MARGIN]);
      margins[1] = decodeShort(shorts[short + MARGIN + 1]);
      margins[2] = decodeShort(shorts[short + MARGIN + 2]);
    }
    const shared = speaksForClass(agent, count);
    for (let level = 0; level < LEVELS.length; level++) {
      const missed = off > margins[level];
      const at = short + OFFSET + level;
      const moved = shorts[at] + (missed ? OFFSET_UP[level] : -OFFSET_DOWN[level]);
      shorts[at] =
        moved > OFFSET_LIMIT ? OFFSET_LIMIT : moved < -OFFSET_LIMIT ? -OFFSET_LIMIT : moved;
      if (!shared) continue;
      const quota = 1 - LEVELS[level];
      moveClassOffset(this.#classes, classIndex, stage, level, pace * ((missed ? 1 : 0) - quota));
      const usual = classMargin(this.#classes, classIndex, level) * scale;
      moveClassMargin(this.#classes, classIndex, level, pace * ((off > usual ? 1 : 0) - quota));
    }
  }

  #observeExperts(
    agent: number,
    count: number,
    value: number,
    level: number,
    factor: number,
  ): void {
    const shorts = this.#shorts;
    const short = agent * SHORTS;
    const shared = speaksForClass(agent, count);
    this.#ask(agent, level);
    for (let expert = 0; expert < EXPERTS; expert++) {
      const miss = factor * Math.abs(value - expected[expert]);
      const loss = miss <= REACH_MS ? miss * NEAR_LOSS : miss <= FAR_MS ? 1 : 2;
      const at = short + LOSS + expert;
      // Stored without its fraction: half a unit rounds it.
      shorts[at] += (loss / LOSS_UNIT - shorts[at]) * LOSS_STEP + 0.5;
      if (shared) observeLoss(this.#classes, this.#classOf[agent], expert, loss);
    }
  }

  #ask(agent: number, level: number): void {
    const near = this.#floats[agent * FLOATS + NEAR];
    expected[0] = level;
    expected[1] = near;
    expected[2] = (level + near) / 2;
    expected[3] = decodeShort(this.#shorts[agent * SHORTS + DENSEST]);
  }

  /** Takes the value into level, scale, sample and window. */
  #track(
    agent: number,
    count: number,
    value: number,
    off: number,
    scale: number,
    level: number,
    unloaded: number,
  ): void {
    const floats = this.#floats;
    const row = agent * FLOATS;
    const step = count < 6 ? 1 / (count + 1) : LEVEL_STEP;
    // What the level is multiplied with must not come back into it by subtraction: the two would swing.
    const next = level + clipped(unloaded - level, 2 * scale) * step;
    floats[row + LEVEL] = next > 0 ? next : 0;
    const distance = Math.min(Math.abs(off), 4 * scale + 1);
    const scaled = scale + (distance - scale) * (count < 8 ? 1 / (count + 2) : SCALE_STEP);
    floats[row + SCALE] = scaled > LEAST_SCALE_MS ? scaled : LEAST_SCALE_MS;
    if (count === 1) observeFirstScale(this.#classes, this.#classOf[agent], Math.abs(off));
    const near = floats[row + NEAR];
    floats[row + NEAR] = near + pulled(value - near) * (count < 5 ? 1 / (count + 1) : NEAR_STEP);
  }

  /** Whether a message that took far longer than expected is not to be followed: see {@link SUSPECT_SHARE}. */
  #isSuspect(agent: number, count: number, off: number, scale: number): boolean {
    const shorts = this.#shorts;
    const at = agent * SHORTS + JUMPS;
    const jump = count >= SETTLED && off > FAR_SCALES * scale + JUMP_MS;
    const share = classJumps(this.#classes, this.#classOf[agent]);
    if (!jump && shorts[at] === 0 && share === 0) return false;
    const alarmed = share > SUSPECT_SHARE;
    if (jump) shorts[at] = Math.min(shorts[at] + JUMP_WORTH, (BELIEVED_AFTER + 1) * JUMP_WORTH);
    else if (shorts[at] > 0) shorts[at]--;
    const heard = jump && (alarmed || shorts[at] <= HEARD_JUMPS * JUMP_WORTH);
    observeJump(this.#classes, this.#classOf[agent], heard);
    return alarmed && jump && shorts[at] <= BELIEVED_AFTER * JUMP_WORTH;
  }

  /** Takes the value into the sample. */
  #keep(
    agent: number,
    count: number,
    value: number,
    off: number,
    scale: number,
    suspect: boolean,
  ): void {
    const { sample } = this.#columns;
    const shorts = this.#shorts;
    const short = agent * SHORTS;
    // An agent whose margins keep being missed is believed, however far off its values are.
    const doubt = Math.max(0, shorts[short + OFFSET + 1] * OFFSET_UNIT);
    // The first may itself be one far off, and must not keep the true ones away; of agents under suspicion the
    // margins allow for what is not followed.
    const raw = suspect || (count < YOUNG && off < 0);
    const far = raw ? Math.abs(off) : FAR_SCALES * (1 + doubt) ** 2 * scale + 1;
    const bounded = encodeShort(value - off + clipped(off, far));
    insertFading(sample, agent * SAMPLE, SAMPLE, Math.min(count, SAMPLE), count, bounded);
    // A full sample changes slowly.
    if (count >= SAMPLE && ((agent + count) & 7) !== 0) return;
    const held = Math.min(count + 1, SAMPLE);
    const all = densestInterval(sample, agent * SAMPLE, held);
    this.#shorts[agent * SHORTS + DENSEST] = encodeShort(all);
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
    if (count < YOUNG) this.#recentre(agent);
    this.#ask(agent, this.#floats[row + LEVEL]);
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

  /** Takes what follows the messages one by one to where most of the first ones are, if it is far from there. */
  #recentre(agent: number): void {
    const floats = this.#floats;
    const row = agent * FLOATS;
    const most = decodeShort(this.#shorts[agent * SHORTS + DENSEST]);
    const far = Math.max(REACH_MS, STRAY_SCALES * floats[row + SCALE]);
    if (Math.abs(floats[row + LEVEL] - most) > far) floats[row + LEVEL] = most;
    if (Math.abs(floats[row + NEAR] - most) > far) floats[row + NEAR] = most;
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
    const held = count < SAMPLE ? count : SAMPLE;
    const known = count < TRUSTED ? count : TRUSTED - 1;
    for (let level = 0; level < LEVELS.length; level++) {
      const usual = classMargin(this.#classes, classIndex, level) * scale;
      const own =
        fadingQuantile(this.#columns.sample, agent * SAMPLE, held, LEVELS[level]) - centre;
      const trust = TRUST[level * TRUSTED + known];
      const offset =
        classOffset(this.#classes, classIndex, stage, level) +
        shorts[short + OFFSET + level] * OFFSET_UNIT;
      const margin = usual + trust * (own - usual) + offset * OFFSET_REACH[level] * scale;
      const least = level === 0 ? 0 : margins[level - 1];
      margins[level] = margin > least ? margin : least;
    }
  }
}

/** How a value this far from the near centre pulls at it: beyond twice the reach it is of another kind. */
function pulled(off: number): number {
  if (off > 2 * REACH_MS) return 0.8 * REACH_MS;
  return off < -2 * REACH_MS ? -0.8 * REACH_MS : off;
}

/** Whether a message tells its class something: all of a new agent's, then one of four. */
function speaksForClass(agent: number, count: number): boolean {
  return count < SETTLED || ((agent + count) & 3) === 0;
}

function clipped(value: number, limit: number): number {
  return value > limit ? limit : value < -limit ? -limit : value;
}
