/** The row of an agent as an object for people and for machines outside (spec 2.3). */
import { addressOf, clusterAddress, sectorAddress } from "./address.ts";
import { type OperationalState, operationalState } from "./agent-state.ts";
import { type CapabilityTable, capabilitiesOf } from "./capability.ts";
import { type ImpedanceClass, impedanceClassName } from "./impedance-class.ts";
import type { Registry } from "./registry.ts";
import { clusterOf, sectorOf, type Topology } from "./topology.ts";

/** Spec 2.3's `AgentImpedance`, its names in camelCase. A copy: it does not follow the row. */
export interface AgentImpedance {
  /** Address, such as `sector-7/cluster-4/agent-12`. */
  readonly agentId: string;
  readonly agentClass: ImpedanceClass;
  /** Address of the sector; empty for actors that are in none. */
  readonly sectorId: string;
  /** Address of the cluster; empty for actors that are in none. */
  readonly clusterId: string;
  /** One-way (the specification's own profiler measures one way, spec 4.1), ms. */
  readonly currentLatencyMs: number;
  readonly currentProcessingMs: number;
  readonly currentQueueDepth: number;
  /** ISO 8601; null before the first heartbeat. */
  readonly lastHeartbeat: string | null;
  /** 0–1000, of the last heartbeat. */
  readonly impedanceScore: number;
  /** 0–1. */
  readonly reliabilityScore: number;
  /** Spread of the latency in proportion to itself. */
  readonly driftCoefficient: number;
  readonly operationalState: OperationalState;
  /** Eight hexadecimal digits; empty when no context is loaded. */
  readonly currentContextHash: string;
  readonly capabilities: readonly string[];
}

/** Reads one row. RangeError for an index outside the topology. */
export function readRow(
  registry: Registry,
  topology: Topology,
  capabilities: CapabilityTable,
  index: number,
): AgentImpedance {
  const agentId = addressOf(topology, index);
  const cluster = clusterOf(topology, index);
  const sector = sectorOf(topology, index);
  const contextHash = registry.contextHash[index];
  return {
    agentId,
    agentClass: impedanceClassName(registry.class[index]),
    sectorId: sector < 0 ? "" : sectorAddress(sector),
    clusterId: cluster < 0 ? "" : clusterAddress(topology, cluster),
    currentLatencyMs: registry.latencyMs[index],
    currentProcessingMs: registry.processingMs[index],
    currentQueueDepth: registry.queueDepth[index],
    lastHeartbeat: isoTime(registry.lastHeartbeatMs[index]),
    impedanceScore: registry.score[index],
    reliabilityScore: registry.reliability[index],
    driftCoefficient: registry.drift[index],
    operationalState: operationalState(registry.state[index]),
    currentContextHash: contextHash === 0 ? "" : contextHash.toString(16).padStart(8, "0"),
    capabilities: capabilitiesOf(registry, index, capabilities),
  };
}

/** ISO 8601 of a time in ms since the epoch; null for 0, which stands for "never". */
export function isoTime(timeMs: number): string | null {
  return timeMs === 0 ? null : new Date(timeMs).toISOString();
}
