import type { TopologyOptions } from "../coordination/topology.ts";
import { DENSE_LOAD, HOURLY_LOAD, type Load } from "./workload.ts";

/** Agents that a simulation may have. */
export const MAX_SIMULATED_AGENTS = 1_000_000;

const AGENTS_A_CLUSTER = 30;
const CLUSTERS_A_SECTOR = 10;
const MAX_SECTORS = 65_536;
/** Workers of a mesh that is large enough; each is a quarter of the mesh to lose. */
const WORKERS = 4;
/** From this size on a mesh is used as by the hour. */
const LARGE_AGENTS = 3000;

/** Size, threads and load of a simulated mesh. */
export interface Shape {
  readonly topology: TopologyOptions;
  readonly workers: number;
  readonly load: Load;
  readonly custodyBytes: number;
}

/**
 * The shape of a mesh of exactly so many agents: clusters of 30 and sectors of 10 clusters where the number allows,
 * smaller ones where not. RangeError when it is a number that cannot be divided so.
 */
export function shapeOf(agents: number): Shape {
  const isSmall = agents < LARGE_AGENTS;
  // A small mesh has several sectors all the same, or there is nothing to lose a worker of.
  const perCluster = largestDivisor(agents, isSmall ? 5 : AGENTS_A_CLUSTER);
  const clusters = agents / perCluster;
  const perSector = largestDivisor(clusters, isSmall ? 2 : CLUSTERS_A_SECTOR);
  const sectors = clusters / perSector;
  if (sectors > MAX_SECTORS)
    throw new RangeError(
      `agents: expected a number of which sectors of up to 300 can be made, got ${agents}`,
    );
  return {
    topology: {
      sectors,
      clustersPerSector: perSector,
      agentsPerCluster: perCluster,
      spawnCapacity: 0,
    },
    workers: Math.min(isSmall ? 3 : WORKERS, sectors),
    load: isSmall ? DENSE_LOAD : HOURLY_LOAD,
    custodyBytes: custodyBytesFor(agents),
  };
}

/** Bytes of custody of each worker of a mesh of so many agents. */
export function custodyBytesFor(agents: number): number {
  const mebibytes = agents < LARGE_AGENTS ? 8 : Math.min(512, Math.ceil(agents / 500));
  return mebibytes * 1024 * 1024;
}

function largestDivisor(number: number, most: number): number {
  for (let divisor = Math.min(most, number); divisor > 1; divisor--)
    if (number % divisor === 0) return divisor;
  return 1;
}
