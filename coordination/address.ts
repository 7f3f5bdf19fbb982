/**
 * Addresses as people read and type them: `sector-7/cluster-4/agent-12`, `sector-7/cluster-4` (the lead),
 * `sector-7` (the coordinator), `orchestrator`, `spawned-3`. People count from 1, as the specification's
 * drawings and examples do; indices count from 0.
 */
import { agentIndex, coordinatorOf, kindOf, leadOf, type Topology } from "./topology.ts";

const ADDRESS = /^sector-(\d+)(?:\/cluster-(\d+)(?:\/agent-(\d+))?)?$/;
const SPAWNED = /^spawned-(\d+)$/;

/** Address of an index; RangeError outside the index space. */
export function addressOf(topology: Topology, index: number): string {
  switch (kindOf(topology, index)) {
    case "agent": {
      const cluster = Math.floor(index / topology.agentsPerCluster);
      return `${clusterAddress(topology, cluster)}/agent-${1 + (index % topology.agentsPerCluster)}`;
    }
    case "lead":
      return clusterAddress(topology, index - topology.leadBase);
    case "coordinator":
      return sectorAddress(index - topology.coordinatorBase);
    case "orchestrator":
      return "orchestrator";
    case "spawned":
      return `spawned-${1 + index - topology.spawnBase}`;
  }
}

/** Address of a sector, counted from 0. */
export function sectorAddress(sector: number): string {
  return `sector-${1 + sector}`;
}

/** Address of a cluster, counted over the whole mesh from 0. */
export function clusterAddress(topology: Topology, cluster: number): string {
  const sector = Math.floor(cluster / topology.clustersPerSector);
  return `${sectorAddress(sector)}/cluster-${1 + (cluster % topology.clustersPerSector)}`;
}

/** Index of an address, or −1 when the mesh has no such place. */
export function indexOfAddress(topology: Topology, address: string): number {
  if (address === "orchestrator") return topology.orchestrator;
  const place = ADDRESS.exec(address);
  if (!place) return indexOfSpawned(topology, address);
  const sector = Number(place[1]) - 1;
  if (!within(sector, topology.sectors)) return -1;
  if (place[2] === undefined) return coordinatorOf(topology, sector);
  const cluster = Number(place[2]) - 1;
  if (!within(cluster, topology.clustersPerSector)) return -1;
  if (place[3] === undefined)
    return leadOf(topology, sector * topology.clustersPerSector + cluster);
  const agent = Number(place[3]) - 1;
  return within(agent, topology.agentsPerCluster)
    ? agentIndex(topology, sector, cluster, agent)
    : -1;
}

function indexOfSpawned(topology: Topology, address: string): number {
  const place = SPAWNED.exec(address);
  if (!place) return -1;
  const child = Number(place[1]) - 1;
  return within(child, topology.spawnCapacity) ? topology.spawnBase + child : -1;
}

function within(value: number, count: number): boolean {
  return value >= 0 && value < count;
}
