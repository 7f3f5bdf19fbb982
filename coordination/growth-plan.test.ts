import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clusterAddress } from "./address.ts";
import { type ClusterPlaces, planGrowth, planShrink, runsOf } from "./growth-plan.ts";
import { createTopology, isSeatedAtStart, type Topology } from "./topology.ts";

function placesOf(topology: Topology, vacant: Set<number>, loads: readonly number[] = []) {
  return {
    topology,
    isVacant: (agent: number) => vacant.has(agent),
    loadOf: (sector: number) => loads[sector] ?? 0,
  };
}

function reserveOf(topology: Topology): Set<number> {
  const all = Array.from({ length: topology.agents }, (_, agent) => agent);
  return new Set(all.filter((agent) => !isSeatedAtStart(topology, agent)));
}

function everywhere({ agents }: Topology): { from: number; to: number } {
  return { from: 0, to: agents };
}

function agentsOf(plan: readonly ClusterPlaces[]): number[] {
  return plan.flatMap(({ agents }) => agents);
}

describe("growth", () => {
  test("of 1,000 agents in a mesh of 30,000 opens 34 clusters, each in a sector of its own", () => {
    const topology = createTopology({ growth: 1_000 });
    const plan = planGrowth(placesOf(topology, reserveOf(topology)), 1_000, everywhere(topology));
    expect(plan).toHaveLength(34);
    expect(agentsOf(plan)).toHaveLength(1_000);
    expect(plan.every(({ whole }) => whole)).toBe(true);
    expect(new Set(plan.map(({ cluster }) => Math.floor(cluster / 11)))).toHaveProperty("size", 34);
  });

  test("fills clusters that are in use first, in the sector with the least load, then the emptiest sector", () => {
    const topology = createTopology({
      sectors: 3,
      clustersPerSector: 2,
      agentsPerCluster: 3,
      growth: 9,
    });
    const vacant = reserveOf(topology);
    // One place each in sectors 1 and 2, of which sector 2 has less to do; sector 3 has a cluster less than others.
    vacant.add(1).add(9 + 2);
    for (const agent of [18, 19, 20]) vacant.add(agent);
    const plan = planGrowth(placesOf(topology, vacant, [50, 10, 90]), 7, everywhere(topology));
    expect(
      plan.map(({ cluster, agents, whole }) => [clusterAddress(topology, cluster), agents, whole]),
    ).toEqual([
      ["sector-2/cluster-1", [11], false],
      ["sector-1/cluster-1", [1], false],
      ["sector-3/cluster-1", [18, 19, 20], true],
      // All sectors have as many now: the one with the lowest load.
      ["sector-2/cluster-3", [15, 16], true],
    ]);
  });
});

test("what grows by a number shrinks by it to what it was, whoever was there, wherever it may", () => {
  fc.assert(
    fc.property(
      fc.record({
        sectors: fc.integer({ min: 1, max: 4 }),
        clustersPerSector: fc.integer({ min: 1, max: 3 }),
        agentsPerCluster: fc.integer({ min: 1, max: 4 }),
        growth: fc.integer({ min: 0, max: 30 }),
      }),
      fc.infiniteStream(fc.boolean()),
      fc.integer({ min: 1, max: 40 }),
      fc.boolean(),
      (options, coin, count, isPart) => {
        const topology = createTopology(options);
        const vacant = reserveOf(topology);
        for (let agent = 0; agent < topology.agents; agent++)
          if (coin.next().value) vacant.add(agent);
        const before = new Set(vacant);
        const only = isPart ? { from: 0, to: topology.agentsPerSector } : everywhere(topology);
        const free = [...vacant].filter((agent) => agent < only.to).length;

        const grown = agentsOf(planGrowth(placesOf(topology, vacant), count, only));
        expect(grown).toHaveLength(Math.min(count, free));
        expect(new Set(grown).size).toBe(grown.length);
        for (const agent of grown) {
          expect(before.has(agent) && agent >= only.from && agent < only.to).toBe(true);
          vacant.delete(agent);
        }
        if (grown.length === 0) return;
        const view = placesOf(topology, vacant);
        const shrunk = planShrink(view, grown.length, only, [...grown].reverse());
        expect(agentsOf(shrunk).sort((a, b) => a - b)).toEqual(grown.sort((a, b) => a - b));
        for (const agent of agentsOf(shrunk)) vacant.add(agent);
        expect(vacant).toEqual(before);
        for (const { cluster, whole } of shrunk) {
          const first = cluster * topology.agentsPerCluster;
          let left = 0;
          for (let agent = first; agent < first + topology.agentsPerCluster; agent++)
            if (!vacant.has(agent)) left++;
          expect(whole).toBe(left === 0);
        }
      },
    ),
    { numRuns: 200 },
  );
});

test("those whom nobody added go by whole clusters, the last of each sector first", () => {
  const topology = createTopology({ sectors: 2, clustersPerSector: 2, agentsPerCluster: 2 });
  const plan = planShrink(placesOf(topology, new Set()), 5, everywhere(topology), []);
  expect(plan.map(({ cluster, agents }) => [clusterAddress(topology, cluster), agents])).toEqual([
    ["sector-2/cluster-2", [6, 7]],
    ["sector-1/cluster-2", [2, 3]],
    ["sector-2/cluster-1", [5]],
  ]);
});

test("runs are what follows each other", () => {
  expect(runsOf([])).toEqual([]);
  expect(runsOf([3, 4, 5, 7, 9, 10])).toEqual([
    { from: 3, to: 6 },
    { from: 7, to: 8 },
    { from: 9, to: 11 },
  ]);
});
