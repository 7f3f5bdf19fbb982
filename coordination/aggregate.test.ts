import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { ACTIVE, DEGRADED, NOT_STARTED, OFFLINE, QUARANTINED, STOPPED } from "./agent-state.ts";
import { foldCluster, foldSector } from "./aggregate.ts";
import { seedProfile } from "./profile.ts";
import { p95InPlace } from "./quantile.ts";
import { createRegistry, type Registry, registryBytes } from "./registry.ts";
import { readClusterSummary, readGlobalStats, readSectorSummary } from "./summary.ts";
import {
  type ClusterSummaries,
  clusterSummariesBytes,
  createClusterSummaries,
  createSectorSummaries,
  type SectorSummaries,
  sectorSummariesBytes,
} from "./summary-columns.ts";
import { createTopology } from "./topology.ts";

const topology = createTopology({ sectors: 2, clustersPerSector: 3, agentsPerCluster: 30 });
let registry: Registry;
let clusters: ClusterSummaries;
let sectors: SectorSummaries;

beforeEach(() => {
  registry = createRegistry(new ArrayBuffer(registryBytes(topology.rows)), topology.rows);
  clusters = createClusterSummaries(new ArrayBuffer(clusterSummariesBytes(topology)), topology);
  sectors = createSectorSummaries(new ArrayBuffer(sectorSummariesBytes(topology)), topology);
  for (let row = 0; row < topology.agents; row++) {
    seedProfile(registry, row, 0);
    registry.state[row] = ACTIVE;
    registry.processingMs[row] = 0;
    registry.latencyMs[row] = 100 + row;
    registry.latencySpreadMs[row] = 0;
  }
});

function foldAll(nowMs: number): void {
  for (let cluster = 0; cluster < topology.clusters; cluster++) {
    foldCluster(registry, topology, clusters, cluster, nowMs);
  }
  for (let sector = 0; sector < topology.sectors; sector++) {
    foldSector(clusters, topology, sectors, sector, nowMs);
  }
}

describe("the fold of a cluster", () => {
  test("is the heartbeat of its agents, and of nobody else", () => {
    foldCluster(registry, topology, clusters, 1, 77);
    expect(registry.lastHeartbeatMs[29]).toBe(0);
    expect(registry.lastHeartbeatMs[30]).toBe(77);
    expect(registry.lastHeartbeatMs[59]).toBe(77);
    expect(registry.lastHeartbeatMs[60]).toBe(0);
  });

  test("names the slowest and the fastest agent, the mean and the 95th percentile", () => {
    registry.latencyMs[35] = 900;
    registry.latencyMs[40] = 1;
    foldCluster(registry, topology, clusters, 1, 77);
    const scores = [...registry.score.subarray(30, 60)];
    expect(readClusterSummary(clusters, topology, 1)).toEqual({
      clusterId: "sector-1/cluster-2",
      sectorId: "sector-1",
      agentCount: 30,
      activeCount: 30,
      offlineCount: 0,
      quarantinedCount: 0,
      degradedCount: 1,
      unstableCount: 0,
      spikingCount: 0,
      meanImpedance: scores.reduce((left, right) => left + right, 0) / 30,
      p95Impedance: p95InPlace(Float64Array.from(scores)),
      slowestAgent: "sector-1/cluster-2/agent-6",
      fastestAgent: "sector-1/cluster-2/agent-11",
      lastUpdatedMs: 77,
    });
  });

  test("agrees with a plain computation for any states and times", () => {
    const agent = fc.record({
      state: fc.constantFrom(NOT_STARTED, STOPPED, ACTIVE, DEGRADED, OFFLINE, QUARANTINED),
      latency: fc.double({ min: 0, max: 2_000, noNaN: true }),
      reliability: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(agent, { minLength: 30, maxLength: 30 }), (agents) => {
        for (const [row, { state, latency, reliability }] of agents.entries()) {
          registry.state[row] = state;
          registry.latencyMs[row] = latency;
          registry.reliability[row] = reliability;
        }
        foldCluster(registry, topology, clusters, 0, 5);
        const scored = agents.flatMap(({ state }, row) => (state >= ACTIVE ? [row] : []));
        const scores = scored.map((row) => registry.score[row]);
        const active = agents.filter(({ state }) => state === ACTIVE);
        expect(clusters.activeCount[0]).toBe(active.length);
        expect(clusters.scoredCount[0]).toBe(scored.length);
        expect(clusters.p95Impedance[0]).toBe(p95InPlace(Float64Array.from(scores)));
        if (scored.length === 0) return;
        expect(registry.score[clusters.slowestAgent[0]]).toBe(Math.max(...scores));
        expect(registry.score[clusters.fastestAgent[0]]).toBe(Math.min(...scores));
        const sum = scores.reduce((left, right) => left + right, 0);
        expect(clusters.meanImpedance[0]).toBe(sum / scored.length);
      }),
    );
  });

  test("keeps the last score of an agent that has gone offline", () => {
    foldCluster(registry, topology, clusters, 0, 1);
    registry.state[3] = OFFLINE;
    registry.latencyMs[3] = 999;
    foldCluster(registry, topology, clusters, 0, 2);
    expect(registry.score[3]).toBe(103);
    expect(registry.lastHeartbeatMs[3]).toBe(1);
    expect(clusters.offlineCount[0]).toBe(1);
    expect(clusters.activeCount[0]).toBe(29);
    expect(clusters.scoredCount[0]).toBe(30);
  });

  test("of a cluster where nobody has started names nobody", () => {
    registry.state.fill(NOT_STARTED);
    foldCluster(registry, topology, clusters, 0, 3);
    const summary = readClusterSummary(clusters, topology, 0);
    expect(summary.slowestAgent).toBeNull();
    expect(summary.fastestAgent).toBeNull();
    expect([summary.meanImpedance, summary.p95Impedance]).toEqual([0, 0]);
    expect(summary.agentCount).toBe(30);
  });

  test("forgets the largest scores of the cluster before", () => {
    registry.latencyMs.fill(900, 0, 30);
    foldAll(1);
    const scores = registry.score.slice(30, 60);
    expect(clusters.p95Impedance[1]).toBe(p95InPlace(Float64Array.from(scores)));
  });
});

describe("the fold of a sector", () => {
  test("averages its clusters and names the healthiest and the sickest", () => {
    foldAll(9);
    const mean =
      (clusters.meanImpedance[3] + clusters.meanImpedance[4] + clusters.meanImpedance[5]) / 3;
    expect(readSectorSummary(sectors, topology, 1)).toEqual({
      sectorId: "sector-2",
      clusterCount: 3,
      totalAgents: 90,
      activeAgents: 90,
      meanImpedance: mean,
      healthiestCluster: "sector-2/cluster-1",
      sickestCluster: "sector-2/cluster-3",
      lastUpdatedMs: 9,
    });
  });

  test("leaves out clusters that have not reported", () => {
    foldCluster(registry, topology, clusters, 1, 5);
    foldSector(clusters, topology, sectors, 0, 6);
    const summary = readSectorSummary(sectors, topology, 0);
    expect(summary.clusterCount).toBe(1);
    expect(summary.totalAgents).toBe(30);
    expect(summary.healthiestCluster).toBe("sector-1/cluster-2");
    expect(summary.meanImpedance).toBe(clusters.meanImpedance[1]);
  });

  test("names no cluster while none has a score", () => {
    foldSector(clusters, topology, sectors, 0, 6);
    expect(readSectorSummary(sectors, topology, 0).healthiestCluster).toBeNull();
    expect(readSectorSummary(sectors, topology, 0).sickestCluster).toBeNull();
  });
});

describe("the statistics of the mesh", () => {
  test("count agents, sectors and the percentile of percentiles", () => {
    registry.state.fill(OFFLINE, 0, 5);
    foldAll(1_000);
    expect(readGlobalStats(clusters, sectors, 1_000)).toEqual({
      timestamp: "1970-01-01T00:00:01.000Z",
      totalAgents: 180,
      activeAgents: 175,
      activeRate: 175 / 180,
      globalMeanImpedance: clusters.meanImpedance.reduce((left, right) => left + right, 0) / 6,
      globalP95Impedance: p95InPlace(clusters.p95Impedance.slice()),
      sectorsHealthy: 1,
      sectorsDegraded: 1,
    });
  });

  test("of a mesh that has not reported are zeros, not NaN", () => {
    const stats = readGlobalStats(clusters, sectors, 0);
    expect(stats.activeRate).toBe(0);
    expect(stats.globalMeanImpedance).toBe(0);
    expect(stats.globalP95Impedance).toBe(0);
    expect([stats.sectorsHealthy, stats.sectorsDegraded]).toEqual([0, 0]);
  });
});
