/**
 * Who is where: the tree of spec 2.1 as one space of 32-bit indices. An actor's index is its row in the
 * registry, its name on the wire and, by division alone, its place in the tree.
 *
 *     0            agents       +clusters     +sectors      +1       +spawnCapacity
 *     ├─ agents ───┼─ leads ────┼─ coord. ────┼─ orch. ─────┼─ spawned ──┤ rows
 *     by sector,    by sector,    by sector                   children made while running
 *     cluster,      cluster
 *     agent
 */
import { wholeNumber } from "./check.ts";
import { type ClassShares, classCounts, dealClasses } from "./class-mix.ts";

/** What stands at an index. */
export type NodeKind = "agent" | "lead" | "coordinator" | "orchestrator" | "spawned";

/** Size of a mesh. All are optional; the defaults are those of spec 2.1. */
export interface TopologyOptions {
  /** 1–65,536. Default 100. */
  readonly sectors?: number;
  /** 1–65,536. Default 10. */
  readonly clustersPerSector?: number;
  /** 1–1,000 (spec 2.1 wants no more than 100 children a node). Default 30. */
  readonly agentsPerCluster?: number;
  /** Children that agents may have alive at once in the whole mesh, 0–1,000,000. Default 4,096. */
  readonly spawnCapacity?: number;
  /** Shares of the impedance classes. Default: spec 2.2's. */
  readonly classes?: ClassShares;
}

/** Size and index space of a mesh; frozen, the same on every thread. */
export interface Topology {
  readonly sectors: number;
  readonly clustersPerSector: number;
  readonly agentsPerCluster: number;
  /** Clusters of the whole mesh. */
  readonly clusters: number;
  readonly agentsPerSector: number;
  /** Agents of the whole mesh: indices 0 to `agents` − 1. */
  readonly agents: number;
  /** Index of the first cluster lead. */
  readonly leadBase: number;
  /** Index of the first sector coordinator. */
  readonly coordinatorBase: number;
  readonly orchestrator: number;
  /** Index of the first place for spawned children. */
  readonly spawnBase: number;
  readonly spawnCapacity: number;
  /** Number of indices in use: rows that the registry needs. */
  readonly rows: number;
  /** Class index by agent. Never write to it. */
  readonly classOf: Uint8Array;
}

/** More agents than this have no use for one process; it also keeps every index a small integer. */
const MAX_AGENTS = 10_000_000;

/** Makes a topology. RangeError names the field, its value and what was expected. */
export function createTopology(options: TopologyOptions = {}): Topology {
  const sectors = wholeNumber("sectors", options.sectors ?? 100, 1, 65_536);
  const clustersPerSector = wholeNumber(
    "clustersPerSector",
    options.clustersPerSector ?? 10,
    1,
    65_536,
  );
  const agentsPerCluster = wholeNumber(
    "agentsPerCluster",
    options.agentsPerCluster ?? 30,
    1,
    1_000,
  );
  const spawnCapacity = wholeNumber("spawnCapacity", options.spawnCapacity ?? 4_096, 0, 1_000_000);
  const clusters = sectors * clustersPerSector;
  const agents = wholeNumber(
    "sectors × clustersPerSector × agentsPerCluster",
    clusters * agentsPerCluster,
    1,
    MAX_AGENTS,
  );
  const orchestrator = agents + clusters + sectors;
  return Object.freeze({
    sectors,
    clustersPerSector,
    agentsPerCluster,
    clusters,
    agentsPerSector: clustersPerSector * agentsPerCluster,
    agents,
    leadBase: agents,
    coordinatorBase: agents + clusters,
    orchestrator,
    spawnBase: orchestrator + 1,
    spawnCapacity,
    rows: orchestrator + 1 + spawnCapacity,
    classOf: dealClasses(
      sectors,
      clustersPerSector,
      agentsPerCluster,
      classCounts(agents, options.classes),
    ),
  });
}

/** What stands at `index`; RangeError outside the index space. */
export function kindOf(topology: Topology, index: number): NodeKind {
  if (index >= 0 && index < topology.agents) return "agent";
  wholeNumber("index", index, 0, topology.rows - 1);
  if (index < topology.coordinatorBase) return "lead";
  if (index < topology.orchestrator) return "coordinator";
  return index === topology.orchestrator ? "orchestrator" : "spawned";
}

/** Index of an agent by its place; `cluster` counts within the sector, `agent` within the cluster. */
export function agentIndex(
  topology: Topology,
  sector: number,
  cluster: number,
  agent: number,
): number {
  wholeNumber("sector", sector, 0, topology.sectors - 1);
  wholeNumber("cluster", cluster, 0, topology.clustersPerSector - 1);
  wholeNumber("agent", agent, 0, topology.agentsPerCluster - 1);
  return (sector * topology.clustersPerSector + cluster) * topology.agentsPerCluster + agent;
}

/**
 * Cluster of an agent or a lead, counted over the whole mesh from 0; −1 for those that are in none
 * (coordinators, the orchestrator, spawned children).
 */
export function clusterOf(topology: Topology, index: number): number {
  if (index < topology.agents) return Math.floor(index / topology.agentsPerCluster);
  if (index < topology.coordinatorBase) return index - topology.leadBase;
  return -1;
}

/** Sector of an agent, lead or coordinator, from 0; −1 for the orchestrator and spawned children. */
export function sectorOf(topology: Topology, index: number): number {
  if (index < topology.agents) return Math.floor(index / topology.agentsPerSector);
  if (index < topology.coordinatorBase) {
    return Math.floor((index - topology.leadBase) / topology.clustersPerSector);
  }
  return index < topology.orchestrator ? index - topology.coordinatorBase : -1;
}

/** Index of the lead of a cluster (counted over the whole mesh). */
export function leadOf(topology: Topology, cluster: number): number {
  return topology.leadBase + cluster;
}

/** Index of the coordinator of a sector. */
export function coordinatorOf(topology: Topology, sector: number): number {
  return topology.coordinatorBase + sector;
}

/** Index of the parent in the tree; −1 for the orchestrator and for spawned children, whose parent is elsewhere. */
export function parentOf(topology: Topology, index: number): number {
  if (index < topology.agents) return leadOf(topology, clusterOf(topology, index));
  if (index < topology.coordinatorBase) return coordinatorOf(topology, sectorOf(topology, index));
  return index < topology.orchestrator ? topology.orchestrator : -1;
}
