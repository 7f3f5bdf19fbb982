/** The summaries of spec 4.2 and 4.3 as objects for people, read from the shared rows. */
import { addressOf, clusterAddress, sectorAddress } from "./address.ts";
import { p95InPlace } from "./quantile.ts";
import type { ClusterSummaries, SectorSummaries } from "./summary-columns.ts";
import type { Topology } from "./topology.ts";

/** A sector is healthy when more than this share of its agents is active (spec 4.3). */
export const HEALTHY_ACTIVE_RATE = 0.95;

/** Spec 4.2's `ClusterImpedanceSummary` and what else the scan finds. A copy. */
export interface ClusterSummary {
  readonly clusterId: string;
  readonly sectorId: string;
  readonly agentCount: number;
  readonly activeCount: number;
  readonly offlineCount: number;
  readonly quarantinedCount: number;
  readonly degradedCount: number;
  readonly unstableCount: number;
  readonly spikingCount: number;
  readonly meanImpedance: number;
  readonly p95Impedance: number;
  /** Address, or null while no agent of the cluster has a score. */
  readonly slowestAgent: string | null;
  readonly fastestAgent: string | null;
  /** ms of the mesh clock; 0 when the cluster has never reported. */
  readonly lastUpdatedMs: number;
}

/** Spec 4.3's `SectorImpedanceSummary`. A copy. */
export interface SectorSummary {
  readonly sectorId: string;
  readonly clusterCount: number;
  readonly totalAgents: number;
  readonly activeAgents: number;
  readonly meanImpedance: number;
  /** Address, or null while no cluster of the sector has a score. */
  readonly healthiestCluster: string | null;
  readonly sickestCluster: string | null;
  /** ms of the mesh clock; 0 when the sector has never reported. */
  readonly lastUpdatedMs: number;
}

/** Spec 4.3's `GlobalImpedanceStats`. */
export interface GlobalStats {
  /** ISO 8601. */
  readonly timestamp: string;
  readonly totalAgents: number;
  readonly activeAgents: number;
  /** 0–1; 0 while nobody has reported. */
  readonly activeRate: number;
  /** Mean of the clusters' means. */
  readonly globalMeanImpedance: number;
  /** 95th percentile of the clusters' 95th percentiles. */
  readonly globalP95Impedance: number;
  /** Sectors with more than 95 % of their agents active. */
  readonly sectorsHealthy: number;
  /** Sectors that have reported and are not healthy. */
  readonly sectorsDegraded: number;
}

/** Reads the summary of a cluster, by its number over the whole mesh. */
export function readClusterSummary(
  summaries: ClusterSummaries,
  topology: Topology,
  cluster: number,
): ClusterSummary {
  const scored = summaries.scoredCount[cluster] > 0;
  return {
    clusterId: clusterAddress(topology, cluster),
    sectorId: sectorAddress(Math.floor(cluster / topology.clustersPerSector)),
    agentCount: summaries.agentCount[cluster],
    activeCount: summaries.activeCount[cluster],
    offlineCount: summaries.offlineCount[cluster],
    quarantinedCount: summaries.quarantinedCount[cluster],
    degradedCount: summaries.degradedCount[cluster],
    unstableCount: summaries.unstableCount[cluster],
    spikingCount: summaries.spikingCount[cluster],
    meanImpedance: summaries.meanImpedance[cluster],
    p95Impedance: summaries.p95Impedance[cluster],
    slowestAgent: scored ? addressOf(topology, summaries.slowestAgent[cluster]) : null,
    fastestAgent: scored ? addressOf(topology, summaries.fastestAgent[cluster]) : null,
    lastUpdatedMs: summaries.lastUpdatedMs[cluster],
  };
}

/** Reads the summary of a sector. */
export function readSectorSummary(
  summaries: SectorSummaries,
  topology: Topology,
  sector: number,
): SectorSummary {
  const scored = summaries.scoredClusters[sector] > 0;
  return {
    sectorId: sectorAddress(sector),
    clusterCount: summaries.clusterCount[sector],
    totalAgents: summaries.totalAgents[sector],
    activeAgents: summaries.activeAgents[sector],
    meanImpedance: summaries.meanImpedance[sector],
    healthiestCluster: scored
      ? clusterAddress(topology, summaries.healthiestCluster[sector])
      : null,
    sickestCluster: scored ? clusterAddress(topology, summaries.sickestCluster[sector]) : null,
    lastUpdatedMs: summaries.lastUpdatedMs[sector],
  };
}

/** Statistics of the whole mesh at `nowMs` (mesh clock) from what clusters and sectors have reported. */
export function readGlobalStats(
  clusters: ClusterSummaries,
  sectors: SectorSummaries,
  nowMs: number,
): GlobalStats {
  const highs = new Float64Array(clusters.rows);
  let scored = 0;
  let total = 0;
  let active = 0;
  let sum = 0;
  for (let cluster = 0; cluster < clusters.rows; cluster++) {
    total += clusters.agentCount[cluster];
    active += clusters.activeCount[cluster];
    if (clusters.scoredCount[cluster] === 0) continue;
    sum += clusters.meanImpedance[cluster];
    highs[scored++] = clusters.p95Impedance[cluster];
  }
  let healthy = 0;
  let reported = 0;
  for (let sector = 0; sector < sectors.rows; sector++) {
    if (sectors.totalAgents[sector] === 0) continue;
    reported++;
    const activeRate = sectors.activeAgents[sector] / sectors.totalAgents[sector];
    if (activeRate > HEALTHY_ACTIVE_RATE) healthy++;
  }
  return {
    timestamp: new Date(nowMs).toISOString(),
    totalAgents: total,
    activeAgents: active,
    activeRate: total > 0 ? active / total : 0,
    globalMeanImpedance: scored > 0 ? sum / scored : 0,
    globalP95Impedance: p95InPlace(highs.subarray(0, scored)),
    sectorsHealthy: healthy,
    sectorsDegraded: reported - healthy,
  };
}
