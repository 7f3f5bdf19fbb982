/**
 * How 30,000 rows become one line: a lead folds its agents' rows into a cluster summary, a coordinator its
 * clusters' into a sector summary (spec 4.2, 4.3). Each fold is one pass over shared columns and allocates
 * nothing; the lead's is also the heartbeat of its agents, since both must look at every row.
 *
 *     registry rows ── foldCluster ──▶ cluster row ── foldSector ──▶ sector row ── readGlobalStats
 *        30 each                          10 each                        all
 */
import { ACTIVE, OFFLINE, QUARANTINED, VACANT_SEAT } from "./agent-state.ts";
import { heartbeat, isBeating } from "./heartbeat.ts";
import { p95Needs, p95OfTop } from "./quantile.ts";
import { FLAG_DEGRADED, FLAG_SPIKING, FLAG_UNSTABLE, type Registry } from "./registry.ts";
import type { ClusterSummaries, SectorSummaries } from "./summary-columns.ts";
import type { Topology } from "./topology.ts";

// As in heartbeat.ts: constants of this module are part of the code, imported ones are not.
const HAS_SCORE = ACTIVE;
const UP = ACTIVE;
const GONE = OFFLINE;
const LOCKED_UP = QUARANTINED;
/** States from the first that has a score to the last. */
const SCORED_STATES = QUARANTINED - ACTIVE;
const NOBODY = VACANT_SEAT;
const SLOW = FLAG_DEGRADED;
const UNSTABLE = FLAG_UNSTABLE;
const SPIKING = FLAG_SPIKING;

/** The largest scores of the cluster being folded, largest first. One cluster is folded at a time. */
const top: Float64Array = new Float64Array(64);

/**
 * Heartbeat of the agents of one cluster that are up, and their summary, at `nowMs` (mesh clock). For the
 * thread that owns the cluster. `cluster` counts over the whole mesh. Agents that are offline or in
 * quarantine keep their last score in the statistics, as in the specification; those that have not
 * started or have stopped have none. Places that are vacant are not counted at all.
 */
export function foldCluster(
  registry: Registry,
  topology: Topology,
  summaries: ClusterSummaries,
  cluster: number,
  nowMs: number,
): void {
  const { state: states, score: scores, flags } = registry;
  const from = cluster * topology.agentsPerCluster;
  const to = from + topology.agentsPerCluster;
  const kept = p95Needs(topology.agentsPerCluster);
  top.fill(-1, 0, kept);
  let scored = 0;
  let active = 0;
  let offline = 0;
  let quarantined = 0;
  let vacant = 0;
  let degraded = 0;
  let unstable = 0;
  let spiking = 0;
  let sum = 0;
  let lowest = Infinity;
  let highest = -Infinity;
  let fastest = from;
  let slowest = from;
  for (let row = from; row < to; row++) {
    const state = states[row];
    // One comparison for both ends: as an unsigned number what lies below is far above.
    if ((state - HAS_SCORE) >>> 0 > SCORED_STATES) {
      if (state === NOBODY) vacant++;
      continue;
    }
    if (isBeating(state)) {
      heartbeat(registry, row, nowMs);
      const found = flags[row];
      // Bits are summed as they stand and divided by their weight below: no branch to guess.
      degraded += found & SLOW;
      unstable += found & UNSTABLE;
      spiking += found & SPIKING;
      if (state === UP) active++;
    } else if (state === GONE) offline++;
    else if (state === LOCKED_UP) quarantined++;
    // As stored, so that whoever recomputes the summary from the registry gets the same figures.
    const score = scores[row];
    scored++;
    sum += score;
    if (score < lowest) {
      lowest = score;
      fastest = row;
    }
    if (score > highest) {
      highest = score;
      slowest = row;
    }
    if (score > top[kept - 1]) insert(score, kept);
  }
  summaries.agentCount[cluster] = to - from - vacant;
  summaries.activeCount[cluster] = active;
  summaries.scoredCount[cluster] = scored;
  summaries.offlineCount[cluster] = offline;
  summaries.quarantinedCount[cluster] = quarantined;
  summaries.degradedCount[cluster] = degraded / SLOW;
  summaries.unstableCount[cluster] = unstable / UNSTABLE;
  summaries.spikingCount[cluster] = spiking / SPIKING;
  summaries.meanImpedance[cluster] = scored > 0 ? sum / scored : 0;
  summaries.p95Impedance[cluster] = p95OfTop(top, scored);
  summaries.slowestAgent[cluster] = slowest;
  summaries.fastestAgent[cluster] = fastest;
  summaries.lastUpdatedMs[cluster] = nowMs;
}

/** Summary of one sector from those of its clusters that have reported. For the thread that owns it. */
export function foldSector(
  clusters: ClusterSummaries,
  topology: Topology,
  sectors: SectorSummaries,
  sector: number,
  nowMs: number,
): void {
  const from = sector * topology.clustersPerSector;
  const to = from + topology.clustersPerSector;
  let reported = 0;
  let scored = 0;
  let total = 0;
  let active = 0;
  let sum = 0;
  let healthiest = from;
  let sickest = from;
  for (let cluster = from; cluster < to; cluster++) {
    if (clusters.lastUpdatedMs[cluster] === 0 || clusters.agentCount[cluster] === 0) continue;
    reported++;
    total += clusters.agentCount[cluster];
    active += clusters.activeCount[cluster];
    if (clusters.scoredCount[cluster] === 0) continue;
    const mean = clusters.meanImpedance[cluster];
    if (scored === 0 || mean < clusters.meanImpedance[healthiest]) healthiest = cluster;
    if (scored === 0 || mean > clusters.meanImpedance[sickest]) sickest = cluster;
    scored++;
    sum += mean;
  }
  sectors.clusterCount[sector] = reported;
  sectors.totalAgents[sector] = total;
  sectors.activeAgents[sector] = active;
  sectors.scoredClusters[sector] = scored;
  sectors.meanImpedance[sector] = scored > 0 ? sum / scored : 0;
  sectors.healthiestCluster[sector] = healthiest;
  sectors.sickestCluster[sector] = sickest;
  sectors.lastUpdatedMs[sector] = nowMs;
}

/** Puts a score among the largest `kept`; the smallest of them falls out. */
function insert(score: number, kept: number): void {
  let place = kept - 1;
  while (place > 0 && top[place - 1] < score) {
    top[place] = top[place - 1];
    place--;
  }
  top[place] = score;
}
