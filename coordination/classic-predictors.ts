/**
 * The predictors that the arrival predictor is measured against, each as its textbook has it: the
 * specification's formula (3.1), a moving average with its deviation, TCP's retransmission timer (RFC 6298),
 * and the quantile of a window.
 */
import { IMPEDANCE_CLASSES } from "./impedance-class.ts";
import { MAX_DELAY_MS, MAX_LOAD } from "./observation-bounds.ts";
import type { Load, Observation, Predictor, PredictorKind } from "./prediction.ts";

export type PlainPredictorKind = Exclude<PredictorKind, "arrival">;

const WINDOW = 32;
const WORDS: Readonly<Record<PlainPredictorKind, number>> = {
  seed: 4,
  ewma: 3,
  jacobson: 3,
  window: 1 + WINDOW,
};
const COUNT = 0;

/** Bytes of the whole state: that many words an agent, of four bytes each. */
export function plainPredictorBytes(kind: PlainPredictorKind, agents: number): number {
  return agents * WORDS[kind] * 4;
}

/** What all of them share: words of floats for each agent, the first counting, and a belief to start from. */
abstract class PlainPredictor implements Predictor {
  readonly kind: PredictorKind;
  readonly bytesPerAgent: number;
  protected readonly words: Float32Array;
  protected readonly classOf: Uint8Array;
  readonly #stride: number;

  constructor(kind: PlainPredictorKind, buffer: ArrayBufferLike, classOf: Uint8Array) {
    this.kind = kind;
    this.#stride = WORDS[kind];
    this.bytesPerAgent = this.#stride * 4;
    this.words = new Float32Array(buffer, 0, classOf.length * this.#stride);
    this.classOf = classOf;
  }

  predict(agent: number, q: number, load: Load): number {
    const row = agent * this.#stride;
    if (this.words[row + COUNT] > 0) return Math.max(0, this.lead(agent, row, q, load));
    const { priorLatencyMs, priorProcessingMs } = IMPEDANCE_CLASSES[this.classOf[agent]];
    const believed = priorLatencyMs + priorProcessingMs;
    return believed * (1 + normalQuantile(q) / 2);
  }

  observe(agent: number, seen: Observation): void {
    if (!(seen.delayMs >= 0 && seen.delayMs < MAX_DELAY_MS)) return;
    const row = agent * this.#stride;
    this.learn(agent, row, seen);
    this.words[row + COUNT]++;
  }

  probabilityReady(agent: number, availableMs: number, load: Load): number {
    if (!(availableMs > 0)) return 0;
    let low = 0.5;
    let high = 1 - 1e-6;
    const centre = this.predict(agent, low, load);
    if (availableMs < centre) return (0.5 * availableMs) / centre;
    for (let step = 0; step < 30; step++) {
      const middle = (low + high) / 2;
      if (this.predict(agent, middle, load) <= availableMs) low = middle;
      else high = middle;
    }
    return low;
  }

  samples(agent: number): number {
    return this.words[agent * this.#stride + COUNT];
  }

  protected abstract lead(agent: number, row: number, q: number, load: Load): number;
  protected abstract learn(agent: number, row: number, seen: Observation): void;
}

/**
 * Latency + base time of the class × (1 + weight / 2) × (1 + queue / 10) + buffer (spec 3.1). The
 * specification leaves the buffer open: here it is two standard deviations of about the last hundred errors,
 * for any q above 0.5.
 */
export class SeedPredictor extends PlainPredictor {
  constructor(buffer: ArrayBufferLike, classOf: Uint8Array) {
    super("seed", buffer, classOf);
  }

  protected lead(agent: number, row: number, q: number, load: Load): number {
    const { words } = this;
    const centre = this.#formula(agent, words[row + 1], load);
    return q > 0.5 ? centre + 2 * Math.sqrt(words[row + 3]) : centre;
  }

  protected learn(agent: number, row: number, seen: Observation): void {
    const { words } = this;
    const { priorLatencyMs } = IMPEDANCE_CLASSES[this.classOf[agent]];
    const { rttMs } = seen;
    const latency =
      rttMs !== undefined && rttMs > 0 && rttMs < MAX_DELAY_MS ? rttMs / 2 : priorLatencyMs;
    const count = words[row + COUNT];
    words[row + 1] += (latency - words[row + 1]) * Math.max(1 / (count + 1), 1 / 8);
    const error = seen.delayMs - this.#formula(agent, words[row + 1], seen);
    const step = Math.max(1 / (count + 1), 1 / 100);
    const off = error - words[row + 2];
    words[row + 2] += off * step;
    words[row + 3] += (off * off * (1 - step) - words[row + 3]) * step;
  }

  #formula(agent: number, latencyMs: number, { weight, queuedWork }: Load): number {
    const base = IMPEDANCE_CLASSES[this.classOf[agent]].priorProcessingMs;
    const heavier = weight > 0 ? 1 + 0.5 * Math.min(weight, MAX_LOAD) : 1.5;
    const queue = queuedWork > 0 ? 1 + 0.1 * Math.min(queuedWork, MAX_LOAD) : 1;
    return latencyMs + base * heavier * queue;
  }
}

/** Mean and standard deviation, exponentially weighted by 1/8; normal quantiles above the mean. */
export class EwmaPredictor extends PlainPredictor {
  constructor(buffer: ArrayBufferLike, classOf: Uint8Array) {
    super("ewma", buffer, classOf);
  }

  protected lead(_agent: number, row: number, q: number): number {
    return this.words[row + 1] + normalQuantile(q) * Math.sqrt(this.words[row + 2]);
  }

  protected learn(_agent: number, row: number, { delayMs }: Observation): void {
    const { words } = this;
    if (words[row + COUNT] === 0) {
      words[row + 1] = delayMs;
      words[row + 2] = (delayMs * 0.15) ** 2;
      return;
    }
    const off = delayMs - words[row + 1];
    words[row + 1] += off / 8;
    words[row + 2] += (off * off - words[row + 2]) / 16;
  }
}

/** Smoothed delay + 4 × its mean deviation (RFC 6298), for any q above 0.5. */
export class JacobsonPredictor extends PlainPredictor {
  constructor(buffer: ArrayBufferLike, classOf: Uint8Array) {
    super("jacobson", buffer, classOf);
  }

  protected lead(_agent: number, row: number, q: number): number {
    return this.words[row + 1] + (q > 0.5 ? 4 * this.words[row + 2] : 0);
  }

  protected learn(_agent: number, row: number, { delayMs }: Observation): void {
    const { words } = this;
    if (words[row + COUNT] === 0) {
      words[row + 1] = delayMs;
      words[row + 2] = delayMs / 2;
      return;
    }
    const off = delayMs - words[row + 1];
    words[row + 2] += (Math.abs(off) - words[row + 2]) / 4;
    words[row + 1] += off / 8;
  }
}

const sorted = new Float32Array(WINDOW);

/** Quantile of the last 32 delays. */
export class WindowPredictor extends PlainPredictor {
  constructor(buffer: ArrayBufferLike, classOf: Uint8Array) {
    super("window", buffer, classOf);
  }

  protected lead(_agent: number, row: number, q: number): number {
    const held = Math.min(this.words[row + COUNT], WINDOW);
    for (let i = 0; i < held; i++) {
      const value = this.words[row + 1 + i];
      let at = i;
      for (; at > 0 && sorted[at - 1] > value; at--) sorted[at] = sorted[at - 1];
      sorted[at] = value;
    }
    const rank = Math.max(0, Math.min(held - 1, Math.max(q, 0.5) * (held + 1) - 1));
    const below = Math.floor(rank);
    const above = Math.min(held - 1, below + 1);
    return sorted[below] + (rank - below) * (sorted[above] - sorted[below]);
  }

  protected learn(_agent: number, row: number, { delayMs }: Observation): void {
    this.words[row + 1 + (this.words[row + COUNT] % WINDOW)] = delayMs;
  }
}

/** Quantile of the normal distribution for q from 0.5, 0 below; off by less than 0.0005 (Abramowitz–Stegun 26.2.23). */
function normalQuantile(q: number): number {
  if (!(q > 0.5)) return 0;
  const t = Math.sqrt(-2 * Math.log(Math.max(1 - q, 1e-9)));
  const top = 2.515517 + t * (0.802853 + t * 0.010328);
  return t - top / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
}
