import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  agentIndex,
  clusterOf,
  coordinatorOf,
  createTopology,
  kindOf,
  leadOf,
  parentOf,
  sectorOf,
} from "./topology.ts";

const size = fc.integer({ min: 1, max: 12 });
const topologies = fc
  .tuple(size, size, size, fc.integer({ min: 0, max: 20 }))
  .map(([sectors, clustersPerSector, agentsPerCluster, spawnCapacity]) =>
    createTopology({ sectors, clustersPerSector, agentsPerCluster, spawnCapacity }),
  );

describe("topology", () => {
  test("the default mesh is the specification's: 1, 100, 1,000, 30,000", () => {
    const topology = createTopology();
    expect(topology.agents).toBe(30_000);
    expect(topology.clusters).toBe(1_000);
    expect(topology.sectors).toBe(100);
    expect(topology.orchestrator).toBe(31_100);
    expect(topology.rows).toBe(31_101 + 4_096);
    expect(Object.isFrozen(topology)).toBe(true);
  });

  test("the ranges of kinds follow each other without gap", () => {
    fc.assert(
      fc.property(topologies, (topology) => {
        const counts = { agent: 0, lead: 0, coordinator: 0, orchestrator: 0, spawned: 0 };
        for (let index = 0; index < topology.rows; index++) counts[kindOf(topology, index)]++;
        expect(counts).toEqual({
          agent: topology.agents,
          lead: topology.clusters,
          coordinator: topology.sectors,
          orchestrator: 1,
          spawned: topology.spawnCapacity,
        });
      }),
    );
  });

  test("an agent's place can be read back from its index", () => {
    fc.assert(
      fc.property(topologies, (topology) => {
        let expected = 0;
        for (let sector = 0; sector < topology.sectors; sector++) {
          for (let cluster = 0; cluster < topology.clustersPerSector; cluster++) {
            for (let agent = 0; agent < topology.agentsPerCluster; agent++) {
              const index = agentIndex(topology, sector, cluster, agent);
              expect(index).toBe(expected++);
              expect(sectorOf(topology, index)).toBe(sector);
              expect(clusterOf(topology, index)).toBe(
                sector * topology.clustersPerSector + cluster,
              );
            }
          }
        }
      }),
      { numRuns: 20 },
    );
  });

  test("every agent is three hops below the orchestrator", () => {
    fc.assert(
      fc.property(topologies, (topology) => {
        const agent = topology.agents - 1;
        const lead = parentOf(topology, agent);
        const coordinator = parentOf(topology, lead);
        expect(lead).toBe(leadOf(topology, topology.clusters - 1));
        expect(coordinator).toBe(coordinatorOf(topology, topology.sectors - 1));
        expect(sectorOf(topology, lead)).toBe(sectorOf(topology, agent));
        expect(sectorOf(topology, coordinator)).toBe(sectorOf(topology, agent));
        expect(parentOf(topology, coordinator)).toBe(topology.orchestrator);
        expect(parentOf(topology, topology.orchestrator)).toBe(-1);
      }),
    );
  });

  test("those above the clusters are in no cluster, and the orchestrator in no sector", () => {
    const topology = createTopology({ sectors: 2, clustersPerSector: 2, agentsPerCluster: 2 });
    expect(clusterOf(topology, coordinatorOf(topology, 1))).toBe(-1);
    expect(sectorOf(topology, topology.orchestrator)).toBe(-1);
    expect(sectorOf(topology, topology.spawnBase)).toBe(-1);
    expect(parentOf(topology, topology.spawnBase)).toBe(-1);
  });

  test("a size that makes no sense is refused with field, value and expectation", () => {
    expect(() => createTopology({ sectors: 0 })).toThrow(
      new RangeError("sectors: expected a whole number from 1 to 65536, got 0"),
    );
    expect(() => createTopology({ agentsPerCluster: 1.5 })).toThrow("agentsPerCluster: expected");
    expect(() => createTopology({ spawnCapacity: -1 })).toThrow("spawnCapacity: expected");
    expect(() => createTopology({ sectors: 60_000, clustersPerSector: 60_000 })).toThrow(
      "sectors × clustersPerSector × agentsPerCluster: expected",
    );
  });

  test("an index outside the mesh is refused", () => {
    const topology = createTopology({ sectors: 1, clustersPerSector: 1, agentsPerCluster: 1 });
    expect(() => kindOf(topology, topology.rows)).toThrow("index: expected");
    expect(() => kindOf(topology, -1)).toThrow("index: expected");
    expect(() => agentIndex(topology, 0, 1, 0)).toThrow("cluster: expected");
  });
});
