import { describe, expect, test } from "vitest";
import { addressOf, indexOfAddress } from "./address.ts";
import { agentIndex, createTopology } from "./topology.ts";

const topology = createTopology({
  sectors: 12,
  clustersPerSector: 5,
  agentsPerCluster: 20,
  spawnCapacity: 9,
});

describe("address", () => {
  test("an address counts from 1 where indices count from 0", () => {
    expect(addressOf(topology, agentIndex(topology, 6, 3, 11))).toBe("sector-7/cluster-4/agent-12");
    expect(addressOf(topology, topology.leadBase + 33)).toBe("sector-7/cluster-4");
    expect(addressOf(topology, topology.coordinatorBase + 6)).toBe("sector-7");
    expect(addressOf(topology, topology.orchestrator)).toBe("orchestrator");
    expect(addressOf(topology, topology.spawnBase + 2)).toBe("spawned-3");
  });

  test("every index can be found again by its address", () => {
    for (let index = 0; index < topology.rows; index++) {
      expect(indexOfAddress(topology, addressOf(topology, index))).toBe(index);
    }
  });

  test.each([
    "sector-0",
    "sector-13",
    "sector-1/cluster-6",
    "sector-1/cluster-1/agent-21",
    "spawned-10",
    "spawned-0",
    "sector-1/agent-1",
    "sector-1/",
    "Sector-1",
    "",
  ])("there is nobody at %j", (address) => {
    expect(indexOfAddress(topology, address)).toBe(-1);
  });
});
