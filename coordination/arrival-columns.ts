/**
 * Where the state of the arrival predictor lies: columns of one buffer, each `agents` times the width of a
 * row, then a row for each class and one for each slot of clusters. Zeros are a state: nothing is known.
 *
 * ```
 * classes | clusters | floats | shorts | sample
 * ```
 */

/** Members of an agent's fading sample. */
export const SAMPLE = 64;

/** Words of an agent's row of floats. */
export const COUNT = 0;
/** Level: moving average of the delay at no load, with its outliers clipped, ms. */
export const LEVEL = 1;
/** Mean distance from the centre, ms. */
export const SCALE = 2;
/** The delay aimed at, at no load, ms. */
export const CENTRE = 3;
/** How many times the class's expectation a queue costs here, less 1. */
export const QUEUE_GAIN = 4;
/** Where recent delays are densest, ms. */
export const NEAR = 5;
export const FLOATS = 6;

/** Shorts of an agent's row; times are in the code of short-float.ts. First the margins of .90, .95, .99. */
export const MARGIN = 0;
/** Offsets of the agent, one for each q, in units of {@link OFFSET_UNIT}. */
export const OFFSET = 3;
export const OFFSET_UNIT: number = 1 / 10_000;
/** Loss of each expert, in units of {@link LOSS_UNIT}. */
export const LOSS = 6;
export const LOSS_UNIT: number = 1 / 8192;
export const DENSEST = 10;
/** How much of what the class makes of weight is true here, 0 to 1, in units of {@link GAIN_UNIT}. */
export const WEIGHT_GAIN = 11;
export const GAIN_UNIT: number = 1 / 10_000;
/** How many of the last messages took far longer than expected, each counted for several. */
export const JUMPS = 12;
export const SHORTS = 13;

/** Words of a class's row, then of a cluster's: mean and mean deviation of ln delay, how often measured. */
export const LN_MEAN = 0;
export const LN_SPREAD = 1;
export const LN_COUNT = 2;
export const CLUSTER_FLOATS = 3;
/** Mean distance of an agent's second measurement from its first, ms. */
export const FIRST_SCALE = 3;
/** Mean loss of each expert. */
export const CLASS_LOSS = 4;
/** Margins in scales for .90, .95, .99, less what is believed at first. */
export const CLASS_MARGIN = 8;
/** Offsets for each stage of an agent's life and each q. */
export const CLASS_OFFSET = 11;
export const STAGES = 8;
/** Cost of a queue at each knot, in levels, less what is believed at first; then the spread at each, less 1. */
export const QUEUE_COST = 35;
export const QUEUE_KNOTS = 16;
export const QUEUE_SPREAD = 51;
/** Cost of a weight at each knot, in levels: a quarter of a ln apart, the middle one that of weight 1. */
export const WEIGHT_COST = 67;
export const WEIGHT_KNOTS = 33;
/** What is to be added to it at each of more knots, a 32nd of a ln apart. */
export const WEIGHT_DETAIL = 100;
export const DETAIL_KNOTS = 257;
/** Share of the last messages that took far longer than expected. */
export const CLASS_JUMPS = 357;
export const CLASS_FLOATS = 358;

export const CLASSES = 6;
const AGENTS_A_CLUSTER = 30;

/** Bytes of one agent's own state. */
export const ARRIVAL_BYTES_PER_AGENT: number = FLOATS * 4 + SHORTS * 2 + SAMPLE * 2;

/** Slots for the clusters of so many agents: one for each class in each. */
export function clusterSlots(agents: number): number {
  return Math.ceil(agents / AGENTS_A_CLUSTER) * CLASSES;
}

/** Bytes of the whole state. */
export function arrivalBytes(agents: number): number {
  const shared = CLASSES * CLASS_FLOATS + clusterSlots(agents) * CLUSTER_FLOATS;
  return shared * 4 + agents * ARRIVAL_BYTES_PER_AGENT;
}

/** The columns, as seen by one thread. */
export interface ArrivalColumns {
  readonly floats: Float32Array;
  readonly shorts: Int16Array;
  readonly sample: Int16Array;
  readonly classes: Float32Array;
  readonly clusters: Float32Array;
}

/** Lays the columns over a buffer of at least {@link arrivalBytes}, widest words first. */
export function arrivalColumns(buffer: ArrayBufferLike, agents: number): ArrivalColumns {
  let offset = 0;
  const place = (bytes: number): number => {
    const at = offset;
    offset += bytes;
    return at;
  };
  const floatsAt = (length: number): Float32Array =>
    new Float32Array(buffer, place(length * 4), length);
  const shortsAt = (length: number): Int16Array =>
    new Int16Array(buffer, place(length * 2), length);
  return {
    classes: floatsAt(CLASSES * CLASS_FLOATS),
    clusters: floatsAt(clusterSlots(agents) * CLUSTER_FLOATS),
    floats: floatsAt(agents * FLOATS),
    shorts: shortsAt(agents * SHORTS),
    sample: shortsAt(agents * SAMPLE),
  };
}
