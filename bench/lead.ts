import assert from "node:assert/strict";
import { ACTIVE } from "../coordination/agent-state.ts";
import { foldCluster } from "../coordination/aggregate.ts";
import { storeHeartbeat } from "../coordination/heartbeat.ts";
import { seedProfile } from "../coordination/profile.ts";
import { p95InPlace } from "../coordination/quantile.ts";
import { createRegistry, type Registry, registryBytes } from "../coordination/registry.ts";
import {
  type ClusterSummaries,
  clusterSummariesBytes,
  createClusterSummaries,
} from "../coordination/summary-columns.ts";
import { createTopology, type Topology } from "../coordination/topology.ts";
import { packHealth } from "../mailbox/heartbeat.ts";

/*
 * Both ends of the heartbeat benches. Heartbeat number n comes from agent n modulo the number of agents, so
 * that a cluster's heartbeats follow each other; what it says follows from n, so that the lead can prove it.
 */

/** Size of a mesh whose agents beat; can be sent to a worker. */
export interface BeatSize {
  readonly sectors: number;
  readonly clustersPerSector: number;
  readonly agentsPerCluster: number;
}

const QUEUED_MASK = 1_023;

/** What heartbeat `number` says of the work that waits at its agent, ms. */
export function queuedMsOf(number: number): number {
  return number & QUEUED_MASK;
}

/** What agents know of themselves: each has another latency, none of them hurts. */
export class Profiles {
  readonly latencyMs: Float32Array;
  readonly processingMs: Float32Array;
  readonly health: number = packHealth(3, 0.99, ACTIVE);

  constructor(agents: number) {
    this.latencyMs = Float32Array.from({ length: agents }, (_, agent) => 1 + (agent % 97) / 8);
    this.processingMs = Float32Array.from({ length: agents }, (_, agent) => 2 + (agent % 89) / 4);
  }
}

/** The leads of a mesh: they write what heartbeats say into the registry, and fold clusters. */
export class Leads {
  readonly topology: Topology;
  readonly registry: Registry;
  readonly summaries: ClusterSummaries;
  readonly #beats: Uint32Array;
  #queuedSum = 0;

  constructor(size: BeatSize) {
    this.topology = createTopology({ ...size, spawnCapacity: 0 });
    const { rows, agents, classOf } = this.topology;
    this.registry = createRegistry(new SharedArrayBuffer(registryBytes(rows)), rows);
    this.summaries = createClusterSummaries(
      new SharedArrayBuffer(clusterSummariesBytes(this.topology)),
      this.topology,
    );
    for (let agent = 0; agent < agents; agent++) seedProfile(this.registry, agent, classOf[agent]);
    this.#beats = new Uint32Array(agents);
  }

  /** Writes one heartbeat into its agent's row. */
  note(
    agent: number,
    latencyMs: number,
    processingMs: number,
    queuedMs: number,
    health: number,
  ): void {
    const { registry } = this;
    storeHeartbeat(registry, agent, latencyMs, processingMs, queuedMs, health);
    this.#beats[agent]++;
    this.#queuedSum += queuedMs;
  }

  /** Folds a cluster into its summary. */
  fold(cluster: number, nowMs: number): void {
    foldCluster(this.registry, this.topology, this.summaries, cluster, nowMs);
  }

  /** Proves that the heartbeats below `total` were each noted once, and that the summaries follow from them. */
  prove(total: number): void {
    const { agents, clusters, agentsPerCluster } = this.topology;
    let queuedSum = 0;
    for (let number = 0; number < total; number++) queuedSum += queuedMsOf(number);
    assert.equal(this.#queuedSum, queuedSum);
    for (let agent = 0; agent < agents; agent++) {
      const beats = Math.floor(total / agents) + (agent < total % agents ? 1 : 0);
      assert.equal(this.#beats[agent], beats, `heartbeats of agent ${agent}`);
    }
    for (let cluster = 0; cluster < Math.min(clusters, total / agentsPerCluster); cluster++) {
      this.#proveSummary(cluster);
    }
  }

  #proveSummary(cluster: number): void {
    const { summaries } = this;
    const { agentsPerCluster } = this.topology;
    const from = cluster * agentsPerCluster;
    const scores = [...this.registry.score.subarray(from, from + agentsPerCluster)];
    const mean = scores.reduce((sum, score) => sum + score, 0) / agentsPerCluster;
    assert.equal(summaries.activeCount[cluster], agentsPerCluster);
    assert.ok(Math.abs(summaries.meanImpedance[cluster] - mean) < 1e-9);
    assert.equal(summaries.p95Impedance[cluster], p95InPlace(Float64Array.from(scores)));
    assert.equal(scores[summaries.slowestAgent[cluster] - from], Math.max(...scores));
    assert.equal(scores[summaries.fastestAgent[cluster] - from], Math.min(...scores));
  }
}
