import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import {
  BREAKER_SETTINGS,
  BreakerTree,
  type CircuitChange,
  type CircuitPlace,
  PROBES_AT_ONCE,
} from "./breaker-tree.ts";
import { createTopology } from "./topology.ts";

const topology = createTopology({ sectors: 12, clustersPerSector: 10, agentsPerCluster: 30 });
const PER_SECTOR = 300;
let changes: CircuitChange[];
let probes: [CircuitPlace, number][];
let tree: BreakerTree;

const said = (): string[] => changes.map(({ level, index, to }) => `${level} ${index} ${to}`);

/** So many different agents of a sector fail, so many in each of its clusters, in their order. */
function failures(sector: number, count: number, perCluster: number, nowMs: number): void {
  for (let i = 0; i < count; i++) {
    const cluster = Math.floor(i / perCluster);
    tree.fail(sector * PER_SECTOR + cluster * 30 + (i % perCluster), nowMs, "crash");
  }
}

beforeEach(() => {
  changes = [];
  probes = [];
  tree = new BreakerTree(topology, {
    onChange: (change) => changes.push(change),
    probe: (place, probe) => probes.push([place, probe]),
  });
});

describe("breaker tree", () => {
  test("the thresholds are the specification's", () => {
    expect(BREAKER_SETTINGS).toMatchObject({
      clusterFailures: 5,
      sectorFailures: 50,
      globalSectors: 10,
    });
  });

  test("the sixth failure in a cluster opens the cluster, and nothing else", () => {
    failures(0, 5, 30, 0);
    expect(said()).toEqual([]);
    tree.fail(6, 1, "crash");
    expect(said()).toEqual(["cluster 0 OPEN"]);
    expect(tree.reason({ level: "cluster", index: 0 })).toBe("crash");
  });

  test("failures that are few in each cluster open the sector at the fifty-first", () => {
    failures(2, 50, 5, 0);
    expect(said()).toEqual([]);
    tree.fail(2 * PER_SECTOR + 29, 1, "crash");
    expect(said()).toEqual(["cluster 20 OPEN", "sector 2 OPEN"]);
  });

  test("one agent that fails on and on opens nothing", () => {
    for (let i = 0; i < 100; i++) tree.fail(7, i * 100, "crash");
    expect(said()).toEqual([]);
    expect(tree.circuit({ level: "cluster", index: 0 }).failures(10_000)).toBe(2);
    // Its failures of the next window count again.
    tree.fail(7, 70_000, "crash");
    expect(tree.circuit({ level: "cluster", index: 0 }).failures(70_000)).toBe(1);
  });

  test("on trial the failure of one who failed before counts too", () => {
    for (let i = 0; i < 5; i++) tree.fail(7, i, "crash");
    tree.trip({ level: "cluster", index: 0 }, 5, "test");
    tree.tick(30_005);
    tree.probed(...probes[0], true, 30_005);
    tree.fail(7, 30_006, "crash");
    expect(tree.circuit({ level: "cluster", index: 0 }).state).toBe("OPEN");
  });

  test("ten sectors open are borne, the eleventh opens the mesh", () => {
    for (let sector = 0; sector < 10; sector++)
      tree.trip({ level: "sector", index: sector }, sector, "test");
    expect(said()).not.toContain("global 0 OPEN");
    tree.trip({ level: "sector", index: 10 }, 10, "test");
    expect(said().at(-1)).toBe("global 0 OPEN");
    expect(tree.list()).toHaveLength(12);
  });

  test("sectors that are closed again are not counted", () => {
    for (let round = 0; round < 3; round++) {
      for (let sector = 0; sector < 10; sector++)
        tree.trip({ level: "sector", index: sector }, 0, "test");
      for (let sector = 0; sector < 10; sector++)
        tree.reset({ level: "sector", index: sector }, 0, "test");
    }
    expect(said().filter((change) => change.startsWith("global"))).toEqual([]);
    expect(tree.list()).toEqual([]);
  });

  test("the mesh on trial bears one sector, and opens at the second", () => {
    tree.trip({ level: "global", index: 0 }, 0, "test");
    tree.tick(30_000);
    tree.probed(...probes[0], true, 30_000);
    tree.trip({ level: "sector", index: 1 }, 30_001, "test");
    expect(tree.circuit({ level: "global", index: 0 }).state).toBe("HALF_OPEN");
    tree.trip({ level: "sector", index: 2 }, 30_002, "test");
    expect(said().at(-1)).toBe("global 0 OPEN");
  });

  test("a circuit recovers by probe and trial, and says so", () => {
    tree.trip({ level: "cluster", index: 3 }, 0, "test");
    tree.tick(29_999);
    expect(probes).toEqual([]);
    tree.tick(30_000);
    tree.tick(30_001);
    expect(probes).toHaveLength(1);
    tree.probed(...probes[0], true, 30_002);
    tree.tick(90_001);
    expect(said().at(-1)).toBe("cluster 3 HALF_OPEN");
    tree.tick(90_002);
    expect(changes.map(({ to, reason }) => `${to}: ${reason}`)).toEqual([
      "OPEN: test",
      "HALF_OPEN: a probe was answered",
      "CLOSED: recovered",
    ]);
  });

  test("a storm is answered by a bounded number of probes at once, and by all in the end", () => {
    for (let cluster = 0; cluster < topology.clusters; cluster++)
      tree.trip({ level: "cluster", index: cluster }, 0, "storm");
    let answered = 0;
    let nowMs = 30_000;
    for (; answered < topology.clusters; nowMs++) {
      tree.tick(nowMs);
      expect(probes.length - answered).toBeLessThanOrEqual(PROBES_AT_ONCE);
      for (; answered < probes.length; answered++) tree.probed(...probes[answered], true, nowMs);
    }
    expect(tree.list().every((place) => tree.circuit(place).state === "HALF_OPEN")).toBe(true);
  });

  test("any story leaves whole books: what is listed is what is not closed, and the mesh follows its sectors", () => {
    const step = fc.record({
      act: fc.constantFrom("fail", "trip", "reset", "tick", "answer"),
      sector: fc.nat(11),
      ok: fc.boolean(),
      waitMs: fc.nat(20_000),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        changes = [];
        probes = [];
        const settings = { clusterFailures: 2, sectorFailures: 3, globalSectors: 2 };
        const ports = {
          onChange: (change: CircuitChange) => changes.push(change),
          probe: (place: CircuitPlace, probe: number) => probes.push([place, probe]),
        };
        tree = new BreakerTree(topology, ports, settings);
        let nowMs = 0;
        for (const { act, sector, ok, waitMs } of steps) {
          nowMs += waitMs;
          const place: CircuitPlace = { level: "sector", index: sector };
          if (act === "fail") tree.fail(sector * PER_SECTOR + (nowMs % 30), nowMs, "crash");
          else if (act === "trip") tree.trip(place, nowMs, "test");
          else if (act === "reset") tree.reset(place, nowMs, "test");
          else if (act === "tick") tree.tick(nowMs);
          else for (const probe of probes.splice(0)) tree.probed(...probe, ok, nowMs);
        }
        const states = new Map<string, string>();
        let isOpen = 0;
        for (const { level, index, from, to } of changes) {
          expect(from).toBe(states.get(`${level} ${index}`) ?? "CLOSED");
          expect(to).not.toBe(from);
          if (level === "sector") isOpen += Number(to === "OPEN") - Number(from === "OPEN");
          if (level === "global" && from === "CLOSED") expect(isOpen).toBeGreaterThan(2);
          states.set(`${level} ${index}`, to);
        }
        const listed = tree.list().map(({ level, index }) => `${level} ${index}`);
        const notClosed = [...states].filter(([, state]) => state !== "CLOSED").map(([key]) => key);
        expect(listed.sort()).toEqual(notClosed.sort());
      }),
      { numRuns: 500 },
    );
  });
});
