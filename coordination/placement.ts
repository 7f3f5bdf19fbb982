/**
 * Which thread owns what. Sectors are placed whole, so that traffic between a lead and its agents never
 * crosses threads; neighbours stay together, so that a thread's rows are one run of every column.
 * Threads are numbered from 0, the main thread; shards are 1 to N.
 */
import { wholeNumber } from "./check.ts";
import type { Topology } from "./topology.ts";

/** A run of indices, `to` not included. */
export interface IndexRange {
  readonly from: number;
  readonly to: number;
}

/**
 * Shard (1 to `shards`) of every sector: contiguous and even, no two shards differ by more than one
 * sector. With more shards than sectors some shards have none. `shards` is 1–255.
 */
export function placeSectors(sectors: number, shards: number): Uint8Array {
  wholeNumber("sectors", sectors, 1, 65_536);
  wholeNumber("shards", shards, 1, 255);
  const shardOf = new Uint8Array(sectors);
  for (let sector = 0; sector < sectors; sector++) {
    shardOf[sector] = 1 + Math.floor((sector * shards) / sectors);
  }
  return shardOf;
}

/** The sectors of one shard under {@link placeSectors}; empty when it has none. */
export function sectorsOfShard(sectors: number, shards: number, shard: number): IndexRange {
  wholeNumber("shard", shard, 1, shards);
  return {
    from: Math.ceil(((shard - 1) * sectors) / shards),
    to: Math.ceil((shard * sectors) / shards),
  };
}

/**
 * The indices that one shard gives to children its agents spawn: an even share of the spawn range, fixed,
 * so that whoever meets such an index knows its thread without asking.
 */
export function spawnRangeOfShard(topology: Topology, shards: number, shard: number): IndexRange {
  wholeNumber("shard", shard, 1, shards);
  const each = topology.spawnCapacity / shards;
  return {
    from: topology.spawnBase + Math.ceil((shard - 1) * each),
    to: topology.spawnBase + Math.ceil(shard * each),
  };
}

/** Thread of every index of the mesh: 0 for the orchestrator, 1 to `shards` for all others. */
export function placeIndices(topology: Topology, shards: number): Uint8Array {
  const shardOfSector = placeSectors(topology.sectors, shards);
  const threadOf = new Uint8Array(topology.rows);
  const { agentsPerSector, clustersPerSector, leadBase, coordinatorBase } = topology;
  for (let sector = 0; sector < topology.sectors; sector++) {
    const shard = shardOfSector[sector];
    threadOf.fill(shard, sector * agentsPerSector, (sector + 1) * agentsPerSector);
    const firstLead = leadBase + sector * clustersPerSector;
    threadOf.fill(shard, firstLead, firstLead + clustersPerSector);
    threadOf[coordinatorBase + sector] = shard;
  }
  for (let shard = 1; shard <= shards; shard++) {
    const spawned = spawnRangeOfShard(topology, shards, shard);
    threadOf.fill(shard, spawned.from, spawned.to);
  }
  return threadOf;
}
