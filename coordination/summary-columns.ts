/**
 * Summaries of clusters and sectors (spec 4.2, 4.3) in shared memory, one row each, like the registry: the
 * thread that owns the sector writes, everyone reads. aggregate.ts fills them, summary.ts reads them. A row
 * that was never filled has `lastUpdatedMs` 0.
 */
import { type Column, columnViews, tableBytes } from "./columns.ts";
import type { Topology } from "./topology.ts";

/** One row a cluster, by its number over the whole mesh. */
export interface ClusterSummaries {
  readonly rows: number;
  /** When the row was last filled, ms of the mesh clock; 0 if never. */
  readonly lastUpdatedMs: Float64Array;
  /** Mean impedance score of the scored agents. */
  readonly meanImpedance: Float64Array;
  /** 95th percentile of their scores, after Python's exclusive method: may exceed 1000 for a few agents. */
  readonly p95Impedance: Float64Array;
  /** Agents that belong to the cluster. */
  readonly agentCount: Int32Array;
  /** Agents in state active. */
  readonly activeCount: Int32Array;
  /** Agents that have a score: all that have been up and were not stopped. */
  readonly scoredCount: Int32Array;
  readonly offlineCount: Int32Array;
  readonly quarantinedCount: Int32Array;
  /** Agents up and flagged slow. */
  readonly degradedCount: Int32Array;
  /** Agents up and flagged unstable. */
  readonly unstableCount: Int32Array;
  /** Agents up and flagged with a spike; several at once are cause for escalation (spec 6.1). */
  readonly spikingCount: Int32Array;
  /** Index of the agent with the highest score; meaningless while `scoredCount` is 0. */
  readonly slowestAgent: Int32Array;
  /** Index of the agent with the lowest score; meaningless while `scoredCount` is 0. */
  readonly fastestAgent: Int32Array;
}

/** One row a sector. */
export interface SectorSummaries {
  readonly rows: number;
  /** When the row was last filled, ms of the mesh clock; 0 if never. */
  readonly lastUpdatedMs: Float64Array;
  /** Mean of the clusters' means, each cluster counting the same (spec 4.3). */
  readonly meanImpedance: Float64Array;
  /** Clusters that have reported. */
  readonly clusterCount: Int32Array;
  readonly totalAgents: Int32Array;
  readonly activeAgents: Int32Array;
  /** Clusters with a score: `healthiestCluster` and `sickestCluster` are among them. */
  readonly scoredClusters: Int32Array;
  /** Cluster with the lowest mean, by its number over the mesh; meaningless while none is scored. */
  readonly healthiestCluster: Int32Array;
  readonly sickestCluster: Int32Array;
}

const CLUSTER_LAYOUT: readonly Column<keyof Omit<ClusterSummaries, "rows">>[] = [
  ["lastUpdatedMs", "f64"],
  ["meanImpedance", "f64"],
  ["p95Impedance", "f64"],
  ["agentCount", "i32"],
  ["activeCount", "i32"],
  ["scoredCount", "i32"],
  ["offlineCount", "i32"],
  ["quarantinedCount", "i32"],
  ["degradedCount", "i32"],
  ["unstableCount", "i32"],
  ["spikingCount", "i32"],
  ["slowestAgent", "i32"],
  ["fastestAgent", "i32"],
];

const SECTOR_LAYOUT: readonly Column<keyof Omit<SectorSummaries, "rows">>[] = [
  ["lastUpdatedMs", "f64"],
  ["meanImpedance", "f64"],
  ["clusterCount", "i32"],
  ["totalAgents", "i32"],
  ["activeAgents", "i32"],
  ["scoredClusters", "i32"],
  ["healthiestCluster", "i32"],
  ["sickestCluster", "i32"],
];

/** Bytes of the summaries of all clusters of a mesh. */
export function clusterSummariesBytes(topology: Topology): number {
  return tableBytes(CLUSTER_LAYOUT, topology.clusters);
}

/** Bytes of the summaries of all sectors of a mesh. */
export function sectorSummariesBytes(topology: Topology): number {
  return tableBytes(SECTOR_LAYOUT, topology.sectors);
}

/** Lays a view over the clusters' buffer. RangeError when it is too small. */
export function createClusterSummaries(
  buffer: ArrayBufferLike,
  topology: Topology,
): ClusterSummaries {
  const rows = topology.clusters;
  const views = columnViews(CLUSTER_LAYOUT, buffer, rows);
  return Object.freeze({
    rows,
    lastUpdatedMs: views.f64("lastUpdatedMs"),
    meanImpedance: views.f64("meanImpedance"),
    p95Impedance: views.f64("p95Impedance"),
    agentCount: views.i32("agentCount"),
    activeCount: views.i32("activeCount"),
    scoredCount: views.i32("scoredCount"),
    offlineCount: views.i32("offlineCount"),
    quarantinedCount: views.i32("quarantinedCount"),
    degradedCount: views.i32("degradedCount"),
    unstableCount: views.i32("unstableCount"),
    spikingCount: views.i32("spikingCount"),
    slowestAgent: views.i32("slowestAgent"),
    fastestAgent: views.i32("fastestAgent"),
  });
}

/** Lays a view over the sectors' buffer. RangeError when it is too small. */
export function createSectorSummaries(
  buffer: ArrayBufferLike,
  topology: Topology,
): SectorSummaries {
  const rows = topology.sectors;
  const views = columnViews(SECTOR_LAYOUT, buffer, rows);
  return Object.freeze({
    rows,
    lastUpdatedMs: views.f64("lastUpdatedMs"),
    meanImpedance: views.f64("meanImpedance"),
    clusterCount: views.i32("clusterCount"),
    totalAgents: views.i32("totalAgents"),
    activeAgents: views.i32("activeAgents"),
    scoredClusters: views.i32("scoredClusters"),
    healthiestCluster: views.i32("healthiestCluster"),
    sickestCluster: views.i32("sickestCluster"),
  });
}
