/**
 * What the agents of a class have in common, and those of a cluster: how long a first message takes, how far
 * margins must be moved at each stage of an agent's life, which expert is best, what a queue costs. All of
 * it is learned in small steps, most of them by signs alone, so that no agent can sway the others.
 */
import {
  type ArrivalColumns,
  CLASS_FLOATS,
  CLASS_JUMPS,
  CLASS_LOSS,
  CLASS_MARGIN,
  CLASS_OFFSET,
  CLUSTER_FLOATS,
  DETAIL_KNOTS,
  FIRST_SCALE,
  LN_COUNT,
  LN_MEAN,
  LN_SPREAD,
  QUEUE_COST,
  QUEUE_KNOTS,
  QUEUE_SPREAD,
  STAGES,
  WEIGHT_COST,
  WEIGHT_DETAIL,
  WEIGHT_KNOTS,
} from "./arrival-columns.ts";
import { IMPEDANCE_CLASSES } from "./impedance-class.ts";

/** The probabilities that have a margin, an offset and a tracker of their own. */
export const LEVELS: readonly [number, number, number] = [0.9, 0.95, 0.99];
/** A step of the offset of .99 is worth more: misses are rare there. */
export const OFFSET_REACH: readonly [number, number, number] = [0.6, 1, 2];

/** Believed before anything is measured: margins in mean deviations, of a first message and of later ones. */
const FIRST_MARGIN = [1.6, 2.2, 3.5] as const;
const MARGIN_BELIEVED = [2.2, 3.2, 6] as const;
const SPREAD_BELIEVED = 0.5;
const FIRST_SCALE_BELIEVED = 0.15;
/** A sample of few knows too little of the tail. */
const STAGE_BELIEVED = [0, 0.6, 0.6, 0.5, 0.5, 0.4, 0.2, 0] as const;
const LAST_STAGE = STAGES - 1;
const STAGE_OF = Uint8Array.of(0, 1, 2, 3, 4, 4, 5, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 6);

/** Few messages ever tell of an early stage: each says the more. */
const OFFSET_STEP = [0.1, 0.1, 0.1, 0.1, 0.08, 0.06, 0.04, 0.05] as const;
const MARGIN_STEP = 0.05;
const OFFSET_LIMIT = 6;
const LOSS_STEP = 1 / 500;
const JUMPS_STEP = 1 / 50;
const LN_MEMORY = 512;
const CLUSTER_MEMORY = 64;
/** A cluster says more than its class once this much has been seen of it. */
const CLUSTER_SPEAKS = 4;

/**
 * All agents of a class may be sent to before the first of them answers, and then they all say the same of one
 * and the same offset. Together they move it no further than so many that answer one after the other.
 */
const PACE = 50;

/** How much of a step a member of a class may make, 0 to 1, by how many they are: see {@link PACE}. */
export function classPace(members: number): number {
  return Math.min(1, PACE / Math.max(1, members));
}

const LN_BELIEVED = IMPEDANCE_CLASSES.map(({ priorLatencyMs, priorProcessingMs }) =>
  Math.log(priorLatencyMs + priorProcessingMs),
);

/** Stage of an agent's life by how often it has been measured: 0 to 7. */
export function stageOf(count: number): number {
  return count < STAGE_OF.length ? STAGE_OF[count] : LAST_STAGE;
}

/** The delay that half of the first messages stay below, ms. */
export function firstCentre(columns: ArrivalColumns, classIndex: number, cluster: number): number {
  return Math.exp(lnMean(columns, classIndex, cluster));
}

/** How much longer a first message may take with the probability of a level, ms. */
export function firstMargin(
  columns: ArrivalColumns,
  classIndex: number,
  cluster: number,
  level: number,
): number {
  const { classes, clusters } = columns;
  const own = classIndex * CLASS_FLOATS;
  const near = cluster * CLUSTER_FLOATS;
  let spread = SPREAD_BELIEVED;
  if (clusters[near + LN_COUNT] >= CLUSTER_SPEAKS) spread = clusters[near + LN_SPREAD];
  else if (classes[own + LN_COUNT] > 1) spread = classes[own + LN_SPREAD];
  const deviations = FIRST_MARGIN[level] + classes[own + CLASS_OFFSET + level];
  const centre = lnMean(columns, classIndex, cluster);
  return Math.exp(centre) * (Math.exp(Math.max(0, spread * deviations)) - 1);
}

function lnMean(
  { classes, clusters }: ArrivalColumns,
  classIndex: number,
  cluster: number,
): number {
  const near = cluster * CLUSTER_FLOATS;
  if (clusters[near + LN_COUNT] >= CLUSTER_SPEAKS) return clusters[near + LN_MEAN];
  const own = classIndex * CLASS_FLOATS;
  return classes[own + LN_COUNT] > 0 ? classes[own + LN_MEAN] : LN_BELIEVED[classIndex];
}

/** Learns how long messages take in this class and this cluster. */
export function observeDelay(
  { classes, clusters }: ArrivalColumns,
  classIndex: number,
  cluster: number,
  delayMs: number,
): void {
  const ln = Math.log(Math.max(delayMs, 0.01));
  track(classes, classIndex * CLASS_FLOATS, ln, LN_MEMORY);
  track(clusters, cluster * CLUSTER_FLOATS, ln, CLUSTER_MEMORY);
}

function track(rows: Float32Array, at: number, ln: number, memory: number): void {
  const count = rows[at + LN_COUNT] < memory ? ++rows[at + LN_COUNT] : memory;
  const off = ln - rows[at + LN_MEAN];
  rows[at + LN_MEAN] += off / count;
  if (count > 1) rows[at + LN_SPREAD] += (Math.abs(off) - rows[at + LN_SPREAD]) / (count - 1);
}

/** Margin of a level in scales, for agents of which too little is known. */
export function classMargin(classes: Float32Array, classIndex: number, level: number): number {
  return MARGIN_BELIEVED[level] + classes[classIndex * CLASS_FLOATS + CLASS_MARGIN + level];
}

/** Offset of a level at a stage, in scales. */
export function classOffset(
  classes: Float32Array,
  classIndex: number,
  stage: number,
  level: number,
): number {
  const at = classIndex * CLASS_FLOATS + CLASS_OFFSET + stage * LEVELS.length + level;
  return STAGE_BELIEVED[stage] + classes[at];
}

/** Moves the offset of a level at a stage, at its class's pace, after a message that came too late, or in time. */
export function moveClassOffset(
  classes: Float32Array,
  classIndex: number,
  stage: number,
  level: number,
  surprise: number,
): void {
  const at = classIndex * CLASS_FLOATS + CLASS_OFFSET + stage * LEVELS.length + level;
  const moved = classes[at] + OFFSET_STEP[stage] * surprise;
  classes[at] = moved > OFFSET_LIMIT ? OFFSET_LIMIT : moved < -OFFSET_LIMIT ? -OFFSET_LIMIT : moved;
}

/** Moves the class's margin of a level after a message that exceeded it, or did not. */
export function moveClassMargin(
  classes: Float32Array,
  classIndex: number,
  level: number,
  surprise: number,
): void {
  classes[classIndex * CLASS_FLOATS + CLASS_MARGIN + level] += MARGIN_STEP * surprise;
}

/** Mean loss of an expert among the class. */
export function classLoss(classes: Float32Array, classIndex: number, expert: number): number {
  return classes[classIndex * CLASS_FLOATS + CLASS_LOSS + expert];
}

export function observeLoss(
  classes: Float32Array,
  classIndex: number,
  expert: number,
  loss: number,
): void {
  const at = classIndex * CLASS_FLOATS + CLASS_LOSS + expert;
  classes[at] += (loss - classes[at]) * LOSS_STEP;
}

/** Share of the class's last messages that took far longer than expected. */
export function classJumps(classes: Float32Array, classIndex: number): number {
  return classes[classIndex * CLASS_FLOATS + CLASS_JUMPS];
}

/** Learns whether one more did. */
export function observeJump(classes: Float32Array, classIndex: number, jump: boolean): void {
  const at = classIndex * CLASS_FLOATS + CLASS_JUMPS;
  const share = classes[at] + ((jump ? 1 : 0) - classes[at]) * JUMPS_STEP;
  // What is nearly nothing is nothing, or it would take ages to fade.
  classes[at] = share > 0.001 ? share : 0;
}

/** How far off a first measurement is believed to be, ms. */
export function firstScale(classes: Float32Array, classIndex: number, valueMs: number): number {
  const learned = classes[classIndex * CLASS_FLOATS + FIRST_SCALE];
  return learned > 0 ? learned : FIRST_SCALE_BELIEVED * valueMs;
}

/** Learns how far the second measurement of an agent was off its first. */
export function observeFirstScale(classes: Float32Array, classIndex: number, offMs: number): void {
  const at = classIndex * CLASS_FLOATS + FIRST_SCALE;
  const known = classes[at];
  classes[at] = known > 0 ? known + (Math.min(offMs, 4 * known + 1) - known) / 32 : offMs;
}

/** Knots of a queue: whole numbers of messages; beyond the last, cost and spread grow as they do up to it. */
const LAST_KNOT = QUEUE_KNOTS - 1;
/** One is half done when the next comes (renewal theory: its residual time), each further one costs itself. */
const COST_BELIEVED = Float64Array.from({ length: QUEUE_KNOTS }, (_, q) => (q < 1 ? 0 : q - 0.4));
const SPREAD_AT = Float64Array.from({ length: QUEUE_KNOTS }, (_, q) => Math.sqrt(1 + q));

/** What so much queued work costs, in levels of the agent. */
export function queueCost(classes: Float32Array, classIndex: number, queued: number): number {
  const at = classIndex * CLASS_FLOATS + QUEUE_COST;
  if (queued >= LAST_KNOT)
    return ((COST_BELIEVED[LAST_KNOT] + classes[at + LAST_KNOT]) * queued) / LAST_KNOT;
  const knot = Math.floor(queued);
  const low = COST_BELIEVED[knot] + classes[at + knot];
  return low + (queued - knot) * (COST_BELIEVED[knot + 1] + classes[at + knot + 1] - low);
}

/** How much further delays spread behind so much queued work. */
export function queueSpread(classes: Float32Array, classIndex: number, queued: number): number {
  const knot = queued >= LAST_KNOT ? LAST_KNOT : Math.round(queued);
  return SPREAD_AT[knot] * (1 + classes[classIndex * CLASS_FLOATS + QUEUE_SPREAD + knot]);
}

/**
 * Learns what a queue costs from a message that was off its centre by `off` spreads of the agent, in small
 * steps of `size` levels.
 */
export function observeQueue(
  classes: Float32Array,
  classIndex: number,
  queued: number,
  off: number,
  size: number,
): void {
  const at = queued < LAST_KNOT ? queued : LAST_KNOT;
  const below = at < LAST_KNOT ? Math.floor(at) : LAST_KNOT - 1;
  const share = at - below;
  const step = off > 0 ? size : -size;
  moveQueueCost(classes, classIndex, below, step * (1 - share));
  moveQueueCost(classes, classIndex, below + 1, step * share);
  const knot = Math.round(at);
  const spread = classIndex * CLASS_FLOATS + QUEUE_SPREAD + knot;
  const distance = Math.abs(off);
  classes[spread] += ((distance < 3 ? distance : 3) - 1) * 0.01 * (1 + classes[spread]);
  if (classes[spread] < -0.8) classes[spread] = -0.8;
  else if (classes[spread] > 4) classes[spread] = 4;
}

function moveQueueCost(
  classes: Float32Array,
  classIndex: number,
  knot: number,
  step: number,
): void {
  // Without a queue there is no cost, and with one it is not below 0.
  if (knot === 0) return;
  const at = classIndex * CLASS_FLOATS + QUEUE_COST + knot;
  const moved = classes[at] + step;
  classes[at] = moved > -COST_BELIEVED[knot] ? moved : -COST_BELIEVED[knot];
}

/** Knots of a weight for each ln: coarse ones say what is alike, fine ones what differs from its neighbours. */
const KNOTS_A_LN = 4;
const DETAILS_A_LN = 32;
const WEIGHT_STEP = 1 / 16;
const DETAIL_STEP = 1 / 10;
/** Costs fade a little, for levels to take what all weights have in common: else the two could drift apart. */
const WEIGHT_FADE = 1 / 2048;
const MOST_WEIGHT_COST = 32;

/** Where a weight of this ln lies among so many knots, the middle one being that of weight 1. */
function weightKnot(ln: number, knots: number, apart: number): number {
  const at = (knots - 1) / 2 + apart * ln;
  return at < 0 ? 0 : at > knots - 1.001 ? knots - 1.001 : at;
}

/** What a weight of this ln costs, in levels, above or below 0. */
export function weightCost(classes: Float32Array, classIndex: number, ln: number): number {
  const own = classIndex * CLASS_FLOATS;
  return (
    knotted(classes, own + WEIGHT_COST, weightKnot(ln, WEIGHT_KNOTS, KNOTS_A_LN)) +
    knotted(classes, own + WEIGHT_DETAIL, weightKnot(ln, DETAIL_KNOTS, DETAILS_A_LN))
  );
}

function knotted(column: Float32Array, from: number, knot: number): number {
  const below = Math.floor(knot);
  const low = column[from + below];
  return low + (knot - below) * (column[from + below + 1] - low);
}

/** Learns what a weight costs from a message that took `off` levels more than is known. */
export function observeWeight(
  classes: Float32Array,
  classIndex: number,
  ln: number,
  off: number,
): void {
  const own = classIndex * CLASS_FLOATS;
  moveKnots(
    classes,
    own + WEIGHT_COST,
    weightKnot(ln, WEIGHT_KNOTS, KNOTS_A_LN),
    off * WEIGHT_STEP,
  );
  moveKnots(
    classes,
    own + WEIGHT_DETAIL,
    weightKnot(ln, DETAIL_KNOTS, DETAILS_A_LN),
    off * DETAIL_STEP,
  );
}

function moveKnots(column: Float32Array, from: number, knot: number, step: number): void {
  const below = Math.floor(knot);
  const share = knot - below;
  moveKnot(column, from + below, step * (1 - share));
  moveKnot(column, from + below + 1, step * share);
}

function moveKnot(column: Float32Array, at: number, step: number): void {
  const moved = column[at] * (1 - WEIGHT_FADE) + step;
  column[at] = moved > MOST_WEIGHT_COST ? MOST_WEIGHT_COST : moved < -1 ? -1 : moved;
}
