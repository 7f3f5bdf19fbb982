/**
 * A heartbeat refreshes what follows from a row's measurements: score, drift, flags (spec 4.1, 4.2). It
 * runs for every agent of the mesh every few seconds, so it is plain arithmetic on the columns.
 */
import { ACTIVE, DEGRADED } from "./agent-state.ts";
import { IMPEDANCE_CLASSES } from "./impedance-class.ts";
import { FLAG_DEGRADED, FLAG_SPIKING, FLAG_UNSTABLE, type Registry } from "./registry.ts";

/** Top of the impedance score (spec 2.3). */
const MAX_SCORE = 1_000;
/** Above this score an agent is flagged slow (spec 4.2). */
const DEGRADED_SCORE = 800;
/** Above this drift an agent is flagged unstable (spec 4.2). */
const UNSTABLE_DRIFT = 0.5;
/** Above this multiple of its baseline a score is a spike (spec 6.1). */
const SPIKE_FACTOR = 2;
/** A rise of fewer points is no spike: from 2 to 5 ms is nothing that anyone need route around. */
const SPIKE_POINTS = 50;
/** Before it has handled so many messages an agent has no normal from which it could have risen. */
const KNOWN_AFTER = 32;

/** Share of one heartbeat in the baseline: an hour of heartbeats 5 s apart. */
const BASELINE_SHARE = 1 / 720;
/** Drift is measured against at least this latency, ms: below a point of the score nothing is unstable. */
const DRIFT_FLOOR_MS = 1;
// Imported constants under names of this module: V8 builds a module's own constants into the code, and
// reads those of others from memory each time, which took a fifth of the heartbeat.
const LEAST_UP = ACTIVE;
const MOST_UP = DEGRADED;
const SLOW = FLAG_DEGRADED;
const UNSTABLE = FLAG_UNSTABLE;
const SPIKING = FLAG_SPIKING;
const KEPT_FLAGS = ~(SLOW | UNSTABLE | SPIKING);
const PER_255 = 1 / 255;
const POINTS_PER_MS: Float64Array = Float64Array.from(
  IMPEDANCE_CLASSES,
  (entry) => 1 / entry.msPerPoint,
);

/**
 * Impedance score of a row as it stands now, 0–1000, written nowhere. It is the time until a message sent
 * now would be ready (one-way latency, work that waits, processing) in points of the agent's class, where
 * a failed message counts as never ready: the share that fails counts 1000. So failures always raise the
 * score; were time alone counted, an agent that fails at once would look like the best of all. A row that
 * was never seeded scores 1000.
 */
export function computeScore(registry: Registry, row: number): number {
  const processingMs = registry.processingMs[row];
  const queuedMs = registry.queuedWorkMs[row];
  const waitingMs = queuedMs > 0 ? queuedMs : registry.queueDepth[row] * processingMs;
  const readyMs = registry.latencyMs[row] + waitingMs + processingMs;
  const points = Math.min(MAX_SCORE, readyMs * POINTS_PER_MS[registry.class[row]]);
  return MAX_SCORE - registry.reliability[row] * (MAX_SCORE - points);
}

/** Whether a row in this state sends heartbeats, that is, takes messages. */
export function isBeating(state: number): boolean {
  return state >= LEAST_UP && state <= MOST_UP;
}

/**
 * Refreshes one row at `nowMs` (mesh clock) and returns its score. For the thread that owns the row, and
 * for agents that are up ({@link isBeating}): the time of the heartbeat is what silence is measured from.
 *
 * Drift is the latency's spread in proportion to the latency. The specification takes the standard
 * deviation in ms, but then its threshold of 0.5 would call every agent farther than a millisecond away
 * unstable; as a proportion it means the same for an edge function and for a human.
 */
export function heartbeat(registry: Registry, row: number, nowMs: number): number {
  const score = computeScore(registry, row);
  const drift = registry.latencySpreadMs[row] / Math.max(registry.latencyMs[row], DRIFT_FLOOR_MS);
  const before = registry.baselineScore[row];
  const isKnown = before !== 0 && registry.handled[row] >= KNOWN_AFTER;
  const baseline = isKnown ? before + (score - before) * BASELINE_SHARE : score;
  const slow = isPositive((score - DEGRADED_SCORE) / 1_024);
  const unstable = isPositive(Math.min(drift, 1) - UNSTABLE_DRIFT);
  const isSpike = score > SPIKE_FACTOR * baseline && score - baseline > SPIKE_POINTS;
  const found = (slow * SLOW) | (unstable * UNSTABLE) | (isSpike ? SPIKING : 0);
  registry.score[row] = score;
  registry.drift[row] = drift;
  registry.baselineScore[row] = baseline;
  registry.flags[row] = (registry.flags[row] & KEPT_FLAGS) | found;
  registry.lastHeartbeatMs[row] = nowMs;
  return score;
}

/**
 * Writes what an agent elsewhere says of itself into its row: its own estimates, as they come (spec 4.2).
 * `health` is the last word of a row on the wire: depth | reliability (0–255) << 16 | state << 24.
 */
export function storeHeartbeat(
  registry: Registry,
  row: number,
  latencyMs: number,
  processingMs: number,
  queuedMs: number,
  health: number,
): void {
  registry.latencyMs[row] = latencyMs;
  registry.processingMs[row] = processingMs;
  registry.queuedWorkMs[row] = queuedMs;
  registry.queueDepth[row] = health & 0xffff;
  registry.reliability[row] = ((health >>> 16) & 0xff) * PER_255;
  registry.state[row] = health >>> 24;
}

/** Heartbeat of every row in [from, to) that is up, without a summary. */
export function heartbeatRange(registry: Registry, from: number, to: number, nowMs: number): void {
  const { state } = registry;
  for (let row = from; row < to; row++) {
    if (isBeating(state[row])) heartbeat(registry, row, nowMs);
  }
}

/**
 * 1 for a value in (0, 1], 0 for one in (−1, 0]. Rounding up instead of comparing, because which agents are
 * slow or unstable looks random to the processor, and each wrong guess at a branch costs as much as the rest.
 */
function isPositive(value: number): number {
  return Math.ceil(value) | 0;
}
