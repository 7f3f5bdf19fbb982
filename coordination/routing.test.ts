import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { ACTIVE, DEGRADED, OFFLINE } from "./agent-state.ts";
import { createCapabilityTable, setCapabilities } from "./capability.ts";
import { seedProfile } from "./profile.ts";
import { createRegistry, type Registry, registryBytes } from "./registry.ts";
import {
  bestInCluster,
  countCapable,
  earliestToFinish,
  findBestAgents,
  NoCapableAgentError,
  routeWithinCluster,
} from "./routing.ts";
import { createTopology } from "./topology.ts";

const topology = createTopology({
  sectors: 2,
  clustersPerSector: 2,
  agentsPerCluster: 10,
  spawnCapacity: 4,
});
const capabilities = createCapabilityTable(["vision", "summarise"]);
let registry: Registry;

beforeEach(() => {
  registry = createRegistry(new ArrayBuffer(registryBytes(topology.rows)), topology.rows);
  for (let row = 0; row < topology.rows; row++) {
    seedProfile(registry, row, 0);
    registry.state[row] = ACTIVE;
    registry.latencyMs[row] = 100 + row;
    registry.processingMs[row] = 0;
    setCapabilities(registry, row, capabilities, ["vision"]);
  }
});

describe("routing over the mesh", () => {
  test("finds the best agents, best first, and nobody above the limit", () => {
    registry.latencyMs[33] = 1;
    expect(findBestAgents(registry, topology, 0, 3)).toEqual([33, 0, 1]);
    expect(findBestAgents(registry, topology, 0, 3, 100)).toEqual([33, 0]);
    expect(findBestAgents(registry, topology, 0, 0)).toEqual([]);
  });

  test("agrees with sorting everybody, for any scores", () => {
    const scores = fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 40, maxLength: 40 });
    fc.assert(
      fc.property(scores, fc.integer({ min: 0, max: 45 }), (all, count) => {
        registry.state.fill(0, topology.agents);
        for (const [row, score] of all.entries()) registry.latencyMs[row] = score;
        const expected = [...all.keys()].sort(
          (left, right) => all[left] - all[right] || left - right,
        );
        expect(findBestAgents(registry, topology, 0, count)).toEqual(expected.slice(0, count));
      }),
    );
  });

  test("takes spawned children, but not those who lead", () => {
    registry.latencyMs.fill(1, topology.agents);
    const found = findBestAgents(registry, topology, 0, 5);
    expect(found.slice(0, 4)).toEqual([0, 1, 2, 3].map((child) => topology.spawnBase + child));
    expect(found[4]).toBe(0);
  });

  test("passes over those that are not active and those that cannot", () => {
    registry.state[0] = OFFLINE;
    registry.state[1] = DEGRADED;
    setCapabilities(registry, 2, capabilities, ["summarise"]);
    expect(findBestAgents(registry, topology, 0, 1)).toEqual([3]);
    expect(findBestAgents(registry, topology, 1, 5)).toEqual([2]);
    expect(findBestAgents(registry, topology, capabilities.bitOf("unheard of"), 5)).toEqual([]);
  });

  test("sees a queue that has grown since the last heartbeat", () => {
    registry.queuedWorkMs[0] = 50;
    expect(findBestAgents(registry, topology, 0, 2)).toEqual([1, 2]);
  });

  test("refuses a count that makes no sense", () => {
    expect(() => findBestAgents(registry, topology, 0, -1)).toThrow("count: expected");
  });
});

describe("routing within a cluster", () => {
  test("takes the agent of the cluster with the lowest impedance", () => {
    registry.latencyMs[17] = 20;
    registry.latencyMs[3] = 1;
    expect(routeWithinCluster(registry, topology, capabilities, 1, "vision")).toBe(17);
    registry.queuedWorkMs[17] = 200;
    expect(routeWithinCluster(registry, topology, capabilities, 1, "vision")).toBe(10);
  });

  test("says which capability and which cluster when nobody can", () => {
    expect(bestInCluster(registry, topology, 3, 1)).toBe(-1);
    const route = () => routeWithinCluster(registry, topology, capabilities, 3, "summarise");
    expect(route).toThrow(NoCapableAgentError);
    expect(route).toThrow('no active agent of sector-2/cluster-2 can "summarise"');
  });
});

describe("the earliest to finish", () => {
  const finishMs = [30, 10, 20, 10, Number.NaN, Infinity];
  const predictMs = (row: number) => finishMs[row];
  const isRoutable = (row: number) => row !== 1;

  test("is active, can be routed to, and is the first of equals", () => {
    const anybody = { predictMs, isRoutable: () => true };
    expect(earliestToFinish(registry, [4, 0, 1, 2, 3], anybody)).toBe(1);
    expect(earliestToFinish(registry, [4, 0, 1, 2, 3], { predictMs, isRoutable })).toBe(3);
    registry.state[3] = OFFLINE;
    expect(earliestToFinish(registry, [4, 0, 1, 2, 3], { predictMs, isRoutable })).toBe(2);
  });

  test("is somebody who may never finish rather than nobody", () => {
    expect(earliestToFinish(registry, [4, 5], { predictMs, isRoutable })).toBe(4);
    expect(earliestToFinish(registry, [1], { predictMs, isRoutable })).toBe(-1);
  });

  test("or the error says why there is none", () => {
    registry.state[2] = OFFLINE;
    const counts = countCapable(registry, [1, 2], isRoutable);
    expect(new NoCapableAgentError("vision", "the mesh", counts).message).toBe(
      'no active agent of the mesh can "vision": 2 with the capability, of which 1 not active, 1 routed around',
    );
    const none = countCapable(registry, [], isRoutable);
    expect(new NoCapableAgentError("vision", "the mesh", none).message).toMatch(
      /: none has the capability$/,
    );
  });
});
