import { describe, expect, test } from "vitest";
import { ACTIVE, OFFLINE, QUARANTINED, STOPPED } from "../coordination/agent-state.ts";
import {
  createRegistry,
  FLAG_DEGRADED,
  type Registry,
  registryBytes,
} from "../coordination/registry.ts";
import { createTopology } from "../coordination/topology.ts";
import { backupThread, fittestAdopter, fittestLead } from "./candidates.ts";
import { Seats, seatsBytes, VACANT } from "./seats.ts";

const topology = createTopology({ sectors: 2, clustersPerSector: 3, agentsPerCluster: 3 });

function mesh(): { registry: Registry; seats: Seats } {
  const registry = createRegistry(
    new SharedArrayBuffer(registryBytes(topology.rows)),
    topology.rows,
  );
  registry.state.fill(ACTIVE, 0, topology.agents);
  const seats = new Seats(new SharedArrayBuffer(seatsBytes(topology)), topology);
  seats.begin(() => 1);
  return { registry, seats };
}

describe("the fittest lead", () => {
  // Cluster 1 is agents 3 to 5.
  test("is the one of the lowest impedance, of equals the first", () => {
    const { registry } = mesh();
    registry.score.set([200, 100, 100], 3);
    expect(fittestLead(registry, topology, 1)).toBe(1);
  });

  test("is rather one that is not slow, not the last one, and there", () => {
    const { registry } = mesh();
    registry.score.set([1, 900, 950], 3);
    registry.flags[3] |= FLAG_DEGRADED;
    expect(fittestLead(registry, topology, 1)).toBe(1);
    expect(fittestLead(registry, topology, 1, 1)).toBe(2);
    registry.state[5] = OFFLINE;
    expect(fittestLead(registry, topology, 1, 1)).toBe(0);
    registry.state[3] = STOPPED;
    registry.state[4] = QUARANTINED;
    expect(fittestLead(registry, topology, 1)).toBe(2);
    registry.state[5] = STOPPED;
    expect(fittestLead(registry, topology, 1)).toBe(VACANT);
  });
});

describe("the fittest adopter", () => {
  test("has the most active agents of the other clusters of the sector, of equals the next", () => {
    const { registry, seats } = mesh();
    expect(fittestAdopter(registry, topology, seats, 4)).toBe(5);
    registry.state[5 * 3] = STOPPED;
    expect(fittestAdopter(registry, topology, seats, 4)).toBe(3);
  });

  test("is led, in nobody's care, and has somebody active", () => {
    const { registry, seats } = mesh();
    seats.adopt(5, 3);
    expect(fittestAdopter(registry, topology, seats, 4)).toBe(3);
    seats.promoteLead(3, 1, VACANT);
    expect(fittestAdopter(registry, topology, seats, 4)).toBe(-1);
    seats.adopt(5, -1);
    registry.state.fill(QUARANTINED, 15, 18);
    expect(fittestAdopter(registry, topology, seats, 4)).toBe(-1);
  });
});

test("the backup is the next worker that runs, else main", () => {
  expect(backupThread(1, 4, () => true)).toBe(2);
  expect(backupThread(3, 4, () => true)).toBe(1);
  expect(backupThread(1, 4, (thread) => thread !== 2)).toBe(3);
  expect(backupThread(1, 4, (thread) => thread === 1)).toBe(0);
  expect(backupThread(1, 2, () => true)).toBe(0);
});
