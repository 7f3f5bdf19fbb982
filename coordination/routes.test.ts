import { beforeEach, expect, test } from "vitest";
import { CIRCUIT_MARKS, isShut, RouteMark, RouteMarks, RouteTable, routesBytes } from "./routes.ts";
import { createTopology } from "./topology.ts";

const topology = createTopology({ sectors: 2, clustersPerSector: 2, agentsPerCluster: 3 });
const classes = new Uint8Array(topology.rows);
let marks: RouteMarks;
let elsewhere: RouteMarks;
let table: RouteTable;

beforeEach(() => {
  classes.fill(0).fill(5, 6, 9);
  const buffer = new SharedArrayBuffer(routesBytes(topology));
  marks = new RouteMarks(buffer, topology, classes);
  elsewhere = new RouteMarks(buffer, topology, classes);
  table = new RouteTable(marks, topology);
});

const avoided = (bit?: number): number[] =>
  Array.from({ length: topology.agents }, (_, row) => row).filter(
    (row) => !elsewhere.isRoutable(row, bit),
  );

test.each([
  ["sector-1/cluster-1/agent-2", [1]],
  ["sector-1/cluster-2", [3, 4, 5]],
  ["sector-2", [6, 7, 8, 9, 10, 11]],
  ["CLASS_F_HUMAN", [6, 7, 8]],
])("avoiding %s keeps other threads from its agents, until it is allowed", (target, rows) => {
  table.avoid(target, 1);
  expect(avoided()).toEqual(rows);
  expect(avoided(40)).toEqual(rows);
  expect(table.allow(target)).toBe(true);
  expect(avoided()).toEqual([]);
  expect(table.allow(target)).toBe(false);
});

test("what is allowed again stays avoided for other reasons", () => {
  for (const target of ["sector-1", "sector-1/cluster-1", "sector-1/cluster-1/agent-1"])
    table.avoid(target, 1);
  table.allow("sector-1");
  expect(avoided()).toEqual([0, 1, 2]);
  table.allow("sector-1/cluster-1");
  expect(avoided()).toEqual([0]);
});

test.each([0, 31, 32, 63])("a class is avoided for capability %s alone", (bit) => {
  table.avoid("CLASS_F_HUMAN", 1, { capabilityBit: bit });
  expect(avoided(bit)).toEqual([6, 7, 8]);
  expect(avoided((bit + 1) % 64)).toEqual([]);
  expect(avoided()).toEqual([]);
  expect(table.allow("CLASS_F_HUMAN")).toBe(false);
  expect(table.allow("CLASS_F_HUMAN", bit)).toBe(true);
  expect(avoided(bit)).toEqual([]);
});

test("lists what is avoided, why and since when", () => {
  table.avoid("sector-1", 5, { reason: "repairs" });
  table.avoid("CLASS_D_GPU", 6, { capabilityBit: 2 });
  table.avoid("sector-1", 7, { reason: "more repairs" });
  expect(table.list()).toEqual([
    { target: "sector-1", capabilityBit: undefined, reason: "more repairs", sinceMs: 5 },
    { target: "CLASS_D_GPU", capabilityBit: 2, reason: undefined, sinceMs: 6 },
  ]);
});

test("an open circuit is respected, and outlives what people avoid", () => {
  marks.marks[4] |= RouteMark.CLUSTER_CIRCUIT;
  table.avoid("sector-1", 1);
  table.allow("sector-1");
  expect(avoided()).toEqual([4]);
});

test.each(["orchestrator", "sector-9", "nobody", ""])("%o cannot be avoided", (target) => {
  expect(() => table.avoid(target, 1)).toThrow(`or a class, got ${target}`);
  expect(table.list()).toEqual([]);
});

test("a capability is avoided of a class only, and has a bit", () => {
  expect(() => table.avoid("sector-1", 1, { capabilityBit: 1 })).toThrow("an impedance class");
  for (const capabilityBit of [-1, 64, 0.5])
    expect(() => table.avoid("CLASS_D_GPU", 1, { capabilityBit })).toThrow("expected 0 to 63");
  expect(avoided()).toEqual([]);
});

test("a buffer that is too small is refused", () => {
  const buffer = new ArrayBuffer(8);
  expect(() => new RouteMarks(buffer, topology, classes)).toThrow("buffer: expected at least");
});

test.each([
  ["cluster", 1, [3, 4, 5]],
  ["sector", 1, [6, 7, 8, 9, 10, 11]],
  ["global", 0, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]],
] as const)(
  "an open %s circuit keeps all its agents out, a closed one none",
  (level, index, rows) => {
    table.setCircuit({ level, index }, "OPEN", 0, 10);
    expect(avoided()).toEqual(rows);
    expect(elsewhere.isClear).toBe(false);
    table.setCircuit({ level, index }, "CLOSED", 0, 10);
    expect(avoided()).toEqual([]);
  },
);

test("a half-open circuit lets in one agent in so many of each cluster, at each attempt the next", () => {
  table.setCircuit({ level: "global", index: 0 }, "HALF_OPEN", 0, 3);
  expect(avoided()).toEqual([1, 2, 4, 5, 7, 8, 10, 11]);
  table.setCircuit({ level: "global", index: 0 }, "HALF_OPEN", 1, 3);
  expect(avoided()).toEqual([0, 1, 3, 4, 6, 7, 9, 10]);
});

test("a cluster with fewer agents than the stride lets one in", () => {
  for (let attempt = 0; attempt < 7; attempt++) {
    table.setCircuit({ level: "cluster", index: 0 }, "HALF_OPEN", attempt, 10);
    expect(avoided()).toHaveLength(2);
  }
});

test("circuits of several levels are apart, and from what the operator avoids", () => {
  table.avoid("sector-1/cluster-1", 1);
  table.setCircuit({ level: "cluster", index: 0 }, "OPEN", 0, 10);
  table.setCircuit({ level: "sector", index: 0 }, "OPEN", 0, 10);
  expect(elsewhere.marks[0] & CIRCUIT_MARKS).toBe(
    RouteMark.CLUSTER_CIRCUIT | RouteMark.SECTOR_CIRCUIT,
  );
  table.setCircuit({ level: "sector", index: 0 }, "CLOSED", 0, 10);
  table.setCircuit({ level: "cluster", index: 0 }, "CLOSED", 0, 10);
  expect(avoided()).toEqual([0, 1, 2]);
  expect(elsewhere.marks[0]).toBe(RouteMark.CLUSTER);
});

test("every thread reads the mode", () => {
  expect(elsewhere.mode).toBe(0);
  table.setMode(3);
  expect(elsewhere.mode).toBe(3);
});

test("a circuit isolates: those inside of it go on among themselves", () => {
  const outside = topology.orchestrator;
  const shut = (target: number): boolean[] =>
    [outside, 0, 3, 6].map((source) => isShut(elsewhere, topology, source, target));
  expect(shut(1)).toEqual([false, false, false, false]);
  table.setCircuit({ level: "cluster", index: 0 }, "OPEN", 0, 10);
  expect(shut(1)).toEqual([true, false, true, true]);
  table.setCircuit({ level: "sector", index: 0 }, "OPEN", 0, 10);
  table.setCircuit({ level: "cluster", index: 0 }, "CLOSED", 0, 10);
  expect(shut(1)).toEqual([true, false, false, true]);
  table.setCircuit({ level: "sector", index: 0 }, "CLOSED", 0, 10);
  table.setCircuit({ level: "global", index: 0 }, "OPEN", 0, 10);
  expect(shut(1)).toEqual([true, false, false, false]);
});

test("every mark has a bit of its own", () => {
  const marks = Object.values(RouteMark);
  expect(new Set(marks).size).toBe(marks.length);
  for (const mark of marks) expect(mark & (mark - 1)).toBe(0);
});
