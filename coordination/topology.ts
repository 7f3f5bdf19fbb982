/**
 * Who is where: the tree of spec 2.1 as one space of 32-bit indices. An actor's index is its row in the
 * registry, its name on the wire and, by division alone, its place in the tree.
 *
 *     0            agents       +clusters     +sectors      +1       +spawnCapacity
 *     ├─ agents ───┼─ leads ────┼─ coord. ────┼─ orch. ─────┼─ spawned ──┤ rows
 *     by sector,    by sector,    by sector                   children made while running
 *     cluster,      cluster
 *     agent
 *
 * A mesh that is to grow has its last clusters of every sector in reserve: their places are there from the start,
 * vacant, so that whoever comes later has an address, and nobody's address ever changes.
 */
import { wholeNumber } from "./check.ts";
import { type ClassShares, classCounts, dealClasses } from "./class-mix.ts";
import { IMPEDANCE_CLASSES } from "./impedance-class.ts";

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
  /**
   * Agents by which the mesh can grow while it runs, 0–1,000,000; rounded up to the same number of whole clusters in
   * every sector. Default 0: it cannot.
   */
  readonly growth?: number;
  /** Shares of the impedance classes. Default: spec 2.2's. */
  readonly classes?: ClassShares;
  /** Class index of each place instead of shares, in index order: for a mesh that is to be like another one. */
  readonly classOf?: Uint8Array;
}

/** What the options have to be for the same topology, its classes apart. */
export type TopologySize = Required<Omit<TopologyOptions, "classes" | "classOf">>;

/** Size and index space of a mesh; frozen, the same on every thread. */
export interface Topology {
  readonly sectors: number;
  /** Those in reserve, which are the last of each sector, among them. */
  readonly clustersPerSector: number;
  /** Clusters of each sector with which the mesh starts. */
  readonly startingClusters: number;
  readonly agentsPerCluster: number;
  /** Clusters of the whole mesh. */
  readonly clusters: number;
  readonly agentsPerSector: number;
  /** Places for agents in reserve: whole clusters of every sector. */
  readonly growth: number;
  /** Places for agents in the whole mesh, indices 0 to `agents` − 1: as many agents, unless some are vacant. */
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
  const startingClusters = wholeNumber(
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
  const wanted = wholeNumber("growth", options.growth ?? 0, 0, 1_000_000);
  const reserved = Math.ceil(wanted / agentsPerCluster / sectors);
  const clustersPerSector = startingClusters + reserved;
  const clusters = sectors * clustersPerSector;
  const agents = wholeNumber(
    reserved > 0
      ? "sectors × clustersPerSector × agentsPerCluster + growth"
      : "sectors × clustersPerSector × agentsPerCluster",
    clusters * agentsPerCluster,
    1,
    MAX_AGENTS,
  );
  const orchestrator = agents + clusters + sectors;
  return Object.freeze({
    sectors,
    clustersPerSector,
    startingClusters,
    agentsPerCluster,
    clusters,
    agentsPerSector: clustersPerSector * agentsPerCluster,
    growth: sectors * reserved * agentsPerCluster,
    agents,
    leadBase: agents,
    coordinatorBase: agents + clusters,
    orchestrator,
    spawnBase: orchestrator + 1,
    spawnCapacity,
    rows: orchestrator + 1 + spawnCapacity,
    classOf:
      options.classOf === undefined
        ? classesOf(sectors, [startingClusters, reserved], agentsPerCluster, options.classes)
        : givenClasses(options.classOf, agents),
  });
}

/** The size of a topology. */
export function topologySize(topology: Topology): TopologySize {
  const { sectors, startingClusters, agentsPerCluster, spawnCapacity, growth } = topology;
  return { sectors, clustersPerSector: startingClusters, agentsPerCluster, spawnCapacity, growth };
}

/** Whether the mesh starts with an agent at this place: it is of no cluster in reserve. */
export function isSeatedAtStart(topology: Topology, agent: number): boolean {
  const within = agent % topology.agentsPerSector;
  return within < topology.startingClusters * topology.agentsPerCluster;
}

function givenClasses(classOf: Uint8Array, agents: number): Uint8Array {
  wholeNumber("classOf.length", classOf.length, agents, agents);
  for (const index of classOf) wholeNumber("classOf", index, 0, IMPEDANCE_CLASSES.length - 1);
  return classOf;
}

/** The classes of those that are there and of those in reserve, dealt apart: a reserve changes nobody's class. */
function classesOf(
  sectors: number,
  [starting, reserved]: readonly [number, number],
  agentsPerCluster: number,
  shares: ClassShares | undefined,
): Uint8Array {
  const deal = (clusters: number): Uint8Array =>
    dealClasses(
      sectors,
      clusters,
      agentsPerCluster,
      classCounts(sectors * clusters * agentsPerCluster, shares),
    );
  const there = deal(starting);
  if (reserved === 0) return there;
  const spare = deal(reserved);
  const [mine, more] = [starting * agentsPerCluster, reserved * agentsPerCluster];
  const classOf = new Uint8Array(there.length + spare.length);
  for (let sector = 0; sector < sectors; sector++) {
    const at = sector * (mine + more);
    classOf.set(there.subarray(sector * mine, (sector + 1) * mine), at);
    classOf.set(spare.subarray(sector * more, (sector + 1) * more), at + mine);
  }
  return classOf;
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
