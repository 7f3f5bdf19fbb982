import fc from "fast-check";
import { expect, test } from "vitest";
import { hasCapability } from "./capability.ts";
import { CapableAgents } from "./capable-agents.ts";
import { createRegistry, registryBytes } from "./registry.ts";
import { createTopology } from "./topology.ts";

const topology = createTopology({
  sectors: 2,
  clustersPerSector: 1,
  agentsPerCluster: 3,
  spawnCapacity: 2,
});
const empty = () => createRegistry(new ArrayBuffer(registryBytes(topology.rows)), topology.rows);

test("finds agents and spawned children, not those who lead", () => {
  const registry = empty();
  registry.capabilitiesHigh.fill(1);
  const { spawnBase } = topology;
  expect([...new CapableAgents(registry, topology).having(32)]).toEqual([
    0,
    1,
    2,
    3,
    4,
    5,
    spawnBase,
    spawnBase + 1,
  ]);
});

test("agrees with looking at everybody, after every change", () => {
  const registry = empty();
  const index = new CapableAgents(registry, topology);
  const change = fc.record({ row: fc.nat(5), low: fc.nat(), high: fc.nat() });
  fc.assert(
    fc.property(change, fc.nat(63), ({ row, low, high }, bit) => {
      const same = registry.capabilitiesLow[row] === low && registry.capabilitiesHigh[row] === high;
      registry.capabilitiesLow[row] = low;
      registry.capabilitiesHigh[row] = high;
      expect(index.refresh() || same).toBe(true);
      const rows = [0, 1, 2, 3, 4, 5].filter((agent) => hasCapability(registry, agent, bit));
      expect([...index.having(bit)]).toEqual(rows);
    }),
  );
});

test("keeps what it has found while nothing changes", () => {
  const registry = empty();
  const index = new CapableAgents(registry, topology);
  index.refresh();
  const before = index.having(3);
  expect(index.refresh()).toBe(false);
  expect(index.having(3)).toBe(before);
  registry.capabilitiesLow[1] = 8;
  expect(index.refresh()).toBe(true);
  expect([...index.having(3)]).toEqual([1]);
});

test("a capability that nobody has is had by none", () => {
  expect([...new CapableAgents(empty(), topology).having(-1)]).toEqual([]);
});
