/**
 * What a message's weight and the work queued before it cost one agent: what its class has learned of them, in
 * proportion to how much of that is true of this agent.
 */
import {
  type ArrivalColumns,
  CENTRE,
  COUNT,
  FLOATS,
  GAIN_UNIT,
  QUEUE_GAIN,
  SHORTS,
  WEIGHT_GAIN,
} from "./arrival-columns.ts";
import { observeQueue, observeWeight, queueCost, weightCost } from "./class-arrivals.ts";
import { MAX_LOAD } from "./observation-bounds.ts";
import type { Load } from "./prediction.ts";

const COVARIATE_STEP = 0.1;
/** Slower than the class's costs, which it multiplies: one of the two must lead. */
const QUEUE_GAIN_STEP = 0.02;
/** However light a message is, it takes some time. */
const LEAST_FACTOR = 0.1;
const LEAST_LEVEL_MS = 0.1;

/** Work ahead of a message; none where none is known. */
export function queuedOf(load: Load): number {
  const queued = load.queuedWork;
  return queued > 0 ? (queued < MAX_LOAD ? queued : MAX_LOAD) : 0;
}

/** How much further delays spread of messages that take `factor` times as long: some of it is not of the message. */
export function weightSpread(factor: number): number {
  return (1 + factor) / 2;
}

export class AgentLoad {
  readonly #floats: Float32Array;
  readonly #shorts: Int16Array;
  readonly #classes: Float32Array;
  readonly #classOf: Uint8Array;

  constructor({ floats, shorts, classes }: ArrivalColumns, classOf: Uint8Array) {
    this.#floats = floats;
    this.#shorts = shorts;
    this.#classes = classes;
    this.#classOf = classOf;
  }

  /** How many times a message of usual weight one of this weight takes. */
  weightFactor(agent: number, weight: number): number {
    const gain = this.#shorts[agent * SHORTS + WEIGHT_GAIN];
    if (gain === 0 || weight === 1) return 1;
    const factor =
      1 + gain * GAIN_UNIT * weightCost(this.#classes, this.#classOf[agent], lnOf(weight));
    return factor > LEAST_FACTOR ? factor : LEAST_FACTOR;
  }

  /** Cost of the work before a message, in levels of the agent. */
  queueCost(agent: number, queued: number): number {
    if (queued === 0) return 0;
    const gain = 1 + this.#floats[agent * FLOATS + QUEUE_GAIN];
    return gain * queueCost(this.#classes, this.#classOf[agent], queued);
  }

  /** Learns what weight and queue cost: normalized steps, outliers clipped. */
  observe(
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
    const off = clipped(offMs, wide);
    if (queued > 0) {
      const step = 0.5 * Math.max(0.02, 0.5 / Math.sqrt(floats[row + COUNT]));
      const size = step * Math.min(1, Math.max(0.2, scale / Math.max(level, LEAST_LEVEL_MS)));
      const cost = level * queueCost(this.#classes, this.#classOf[agent], queued);
      const gain = (QUEUE_GAIN_STEP * off * cost) / (cost * cost + wide * wide);
      floats[row + QUEUE_GAIN] = clippedBetween(floats[row + QUEUE_GAIN] + gain, -1, 4);
      observeQueue(this.#classes, this.#classOf[agent], queued, offMs / wide, size);
    }
    // Behind a queue a delay says more of the queue than of the message.
    const centre = floats[row + CENTRE];
    const ln = queued > 0 ? 0 : lnOf(weight);
    if (ln === 0) return;
    const known = centre * weightCost(this.#classes, this.#classOf[agent], ln);
    const gain = shorts[short + WEIGHT_GAIN] * GAIN_UNIT;
    if (centre > 0)
      observeWeight(
        this.#classes,
        this.#classOf[agent],
        ln,
        clipped(off + (gain - 1) * known, wide) / centre,
      );
    const moved = gain + (COVARIATE_STEP * off * known) / (known * known + wide * wide);
    shorts[short + WEIGHT_GAIN] = Math.round(clippedBetween(moved, 0, 1) / GAIN_UNIT);
  }
}

/** Ln of a weight; that of the usual one, 0, where none is known. */
function lnOf(weight: number): number {
  return weight !== 1 && weight > 0 && weight < MAX_LOAD ? Math.log(weight) : 0;
}

function clippedBetween(value: number, least: number, most: number): number {
  return value > most ? most : value < least ? least : value;
}

function clipped(value: number, limit: number): number {
  return clippedBetween(value, -limit, limit);
}
