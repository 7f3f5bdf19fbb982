/**
 * What is known of an agent's timing, kept in its row in constant memory (spec 4.1). The specification
 * keeps the last 100 samples of each kind and takes their median at every heartbeat; here a median and a
 * spread follow the samples, which costs 8 bytes instead of 800 and no sorting.
 *
 * - Centre: moves towards the sample, but by no more than an eighth of the spread. Far samples therefore
 *   count by their side only, as in a median, and near ones settle it without jitter.
 * - Spread: mean absolute deviation over about 16 samples, each clipped, so that one outlier of an hour
 *   cannot spoil it while a real shift is followed within some tens of samples.
 *
 * All functions here are for the thread that owns the row.
 */
import { IMPEDANCE_CLASSES } from "./impedance-class.ts";
import {
  FLAG_LATENCY_MEASURED,
  FLAG_LATENCY_REPORTED,
  FLAG_PROCESSING_MEASURED,
  type Registry,
} from "./registry.ts";

/** Step of the centre at most, as a share of the spread. */
const CENTRE_STEP = 1 / 8;
/** Share of a sample in the spread. */
const SPREAD_SHARE = 1 / 16;
/** A deviation counts up to this many spreads, plus a millisecond so that a spread of 0 can grow. */
const CLIP_SPREADS = 4;
/** Spread after one sample, as a share of it. */
const FIRST_SPREAD = 0.15;
/** Eleven days. Nothing that a mesh waits for is longer, and 32-bit floats hold it well. */
const LONGEST_MS = 1e9;
/** Outcomes that weigh as much as the belief that a new agent is reliable. */
const RELIABILITY_PRIOR = 8;
/** Outcomes that reliability remembers: about an hour of an agent that is asked twice a minute. */
const RELIABILITY_MEMORY = 128;

/**
 * Gives a row what its class is believed to be (spec 2.2): for a new agent, and for one whose measurements
 * are to be forgotten. Waiting work, counts and state are left alone. `classIndex` is 0–5.
 */
export function seedProfile(registry: Registry, row: number, classIndex: number): void {
  const prior = IMPEDANCE_CLASSES[classIndex];
  if (!prior) throw new RangeError(`classIndex: expected 0 to 5, got ${classIndex}`);
  registry.class[row] = classIndex;
  registry.flags[row] = 0;
  registry.latencyMs[row] = prior.priorLatencyMs;
  registry.latencySpreadMs[row] = prior.priorLatencyMs * FIRST_SPREAD;
  registry.processingMs[row] = prior.priorProcessingMs;
  registry.processingSpreadMs[row] = prior.priorProcessingMs * FIRST_SPREAD;
  registry.reliability[row] = 1;
  registry.baselineScore[row] = 0;
  registry.drift[row] = 0;
}

/**
 * Counts in the one-way latency of one message within the process, ms. The first sample replaces the prior. A negative
 * time or NaN is a clock's error, not a fast agent, and is passed over.
 */
export function observeLatency(registry: Registry, row: number, ms: number): void {
  if (!(ms >= 0)) return;
  const flags = registry.flags[row];
  if ((flags & FLAG_LATENCY_REPORTED) !== 0) return;
  registry.flags[row] = flags | FLAG_LATENCY_MEASURED;
  const first = (flags & FLAG_LATENCY_MEASURED) === 0;
  observe(registry.latencyMs, registry.latencySpreadMs, row, ms, first);
}

/**
 * Counts in the one-way latency to what an agent stands for elsewhere, ms, as it has measured it. The first one
 * replaces what was measured within the process, which counts no more from then on.
 */
export function reportLatency(registry: Registry, row: number, ms: number): void {
  if (!(ms >= 0)) return;
  const flags = registry.flags[row];
  const first = (flags & FLAG_LATENCY_REPORTED) === 0;
  registry.flags[row] = flags | FLAG_LATENCY_REPORTED | FLAG_LATENCY_MEASURED;
  observe(registry.latencyMs, registry.latencySpreadMs, row, ms, first);
}

/** Counts in the time one message took to handle, ms; otherwise as {@link observeLatency}. */
export function observeProcessing(registry: Registry, row: number, ms: number): void {
  if (!(ms >= 0)) return;
  const flags = registry.flags[row];
  registry.flags[row] = flags | FLAG_PROCESSING_MEASURED;
  const first = (flags & FLAG_PROCESSING_MEASURED) === 0;
  observe(registry.processingMs, registry.processingSpreadMs, row, ms, first);
}

/**
 * Counts the end of one turn, well (`ok`) or by failure: `handled`, `failed`, and the share of successes
 * among the last 128 or so. Time does not enter: an agent that nobody asks has not become reliable.
 */
export function observeOutcome(registry: Registry, row: number, ok: boolean): void {
  const handled = (registry.handled[row] + 1) >>> 0;
  registry.handled[row] = handled;
  if (!ok) registry.failed[row]++;
  const weight = Math.min(RELIABILITY_PRIOR + handled, RELIABILITY_MEMORY);
  const before = registry.reliability[row];
  registry.reliability[row] = before + ((ok ? 1 : 0) - before) / weight;
}

function observe(
  centres: Float32Array,
  spreads: Float32Array,
  row: number,
  ms: number,
  first: boolean,
): void {
  const sample = Math.min(ms, LONGEST_MS);
  if (first) {
    centres[row] = sample;
    spreads[row] = sample * FIRST_SPREAD;
    return;
  }
  const spread = spreads[row];
  const deviation = sample - centres[row];
  const distance = Math.abs(deviation);
  const step = spread * CENTRE_STEP;
  const clip = CLIP_SPREADS * spread + 1;
  // deviation within ± step, and the lesser of distance and clip, by absolute values instead of Math.min:
  // samples fall on either side at random, and half of all branches would be guessed wrong.
  const move = (Math.abs(deviation + step) - Math.abs(deviation - step)) / 2;
  const clipped = (distance + clip - Math.abs(distance - clip)) / 2;
  // Rounding may take the move a hair past a sample of 0; no time is negative.
  centres[row] = Math.abs(centres[row] + move);
  spreads[row] = spread + (clipped - spread) * SPREAD_SHARE;
}
