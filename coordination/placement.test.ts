import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { placeIndices, placeSectors, sectorsOfShard, spawnRangeOfShard } from "./placement.ts";
import { createTopology, parentOf } from "./topology.ts";

describe("placement", () => {
  test("whole sectors are placed in order and evenly", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 255 }),
        (sectors, shards) => {
          const shardOf = placeSectors(sectors, shards);
          const counts = new Array<number>(shards + 1).fill(0);
          for (const shard of shardOf) counts[shard]++;
          expect(counts[0]).toBe(0);
          expect(Math.max(...counts.slice(1)) - Math.min(...counts.slice(1))).toBeLessThanOrEqual(
            1,
          );
          expect([...shardOf]).toEqual([...shardOf].sort((left, right) => left - right));
          for (let shard = 1; shard <= shards; shard++) {
            const range = sectorsOfShard(sectors, shards, shard);
            expect(range.to - range.from).toBe(counts[shard]);
            for (let sector = range.from; sector < range.to; sector++) {
              expect(shardOf[sector]).toBe(shard);
            }
          }
        },
      ),
    );
  });

  test("the ranges for spawned children share out the whole spawn range", () => {
    const topology = createTopology({ sectors: 3, spawnCapacity: 10 });
    const ranges = [1, 2, 3].map((shard) => spawnRangeOfShard(topology, 3, shard));
    expect(ranges[0].from).toBe(topology.spawnBase);
    expect(ranges[1].from).toBe(ranges[0].to);
    expect(ranges[2].from).toBe(ranges[1].to);
    expect(ranges[2].to).toBe(topology.rows);
  });

  test("everyone below the orchestrator is on the thread of its parent", () => {
    const topology = createTopology({ sectors: 7, clustersPerSector: 2, agentsPerCluster: 3 });
    const threadOf = placeIndices(topology, 3);
    expect(threadOf[topology.orchestrator]).toBe(0);
    for (let index = 0; index < topology.coordinatorBase; index++) {
      expect(threadOf[index]).toBeGreaterThan(0);
      expect(threadOf[index]).toBe(threadOf[parentOf(topology, index)]);
    }
    for (let index = topology.spawnBase; index < topology.rows; index++) {
      expect(threadOf[index]).toBeGreaterThan(0);
    }
  });

  test("a count of shards that a byte cannot name is refused", () => {
    expect(() => placeSectors(100, 256)).toThrow("shards: expected a whole number from 1 to 255");
    expect(() => placeSectors(100, 0)).toThrow("got 0");
    expect(() => sectorsOfShard(100, 4, 5)).toThrow("shard: expected");
  });
});
