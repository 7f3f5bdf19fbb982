// The way of an operation down the tree and back, as mesh.traces and the command tell it.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { meshCommandNamed, runOnMesh } from "../console/command/line.ts";
import { COMMANDS } from "../console/commands.ts";
import { paint } from "../console/terminal/paint.ts";
import type { Mesh, OperationTrace } from "../index.ts";
import { until } from "./mesh.ts";
import { AGENTS, onlyFast, start } from "./punctual.ts";

const LATE = "sector-3/cluster-2/agent-4";

let mesh: Mesh;
beforeAll(async () => {
  mesh = await start({ topology: onlyFast() });
});
afterAll(() => mesh.stop({ deadlineMs: 0 }));

/** Each hop comes after the one before, as far as it is known. */
function expectInOrder(trace: OperationTrace): void {
  for (const { sector, cluster, ...path } of trace.paths) {
    const way = [
      trace.createdMs,
      sector.takenMs,
      sector.plannedMs,
      path.sentMs,
      path.readyMs,
      cluster.foldedMs,
      sector.foldedMs,
      sector.reportedMs,
      sector.arrivedMs,
      trace.endedMs,
    ].filter((atMs) => atMs !== undefined);
    // Rows travel as floats of 32 bits, and the clocks of two threads are a moment apart.
    for (let i = 1; i < way.length; i++) expect(way[i]).toBeGreaterThanOrEqual(way[i - 1] - 1);
  }
}

function command(args: Record<string, unknown>): Promise<unknown> {
  return runOnMesh(COMMANDS, mesh, "trace", args, AbortSignal.timeout(9_000));
}

describe("an operation with a T", () => {
  test("is told path by path, the last to be READY first, with every hop's time", async () => {
    const payload = { do: "workUnless", who: LATE, ms: 150 };
    const result = await mesh.cascade({ payload, at: "in 600ms" });
    const { operationId } = result;
    const trace = mesh.traces.operation(operationId, { limit: 5 });
    expect(trace).toMatchObject({
      operationId,
      verb: "sync",
      strategy: "wave",
      state: "reported",
      selected: AGENTS,
      ready: AGENTS,
      sectors: 4,
      clusters: 8,
      agentTimes: true,
      total: AGENTS,
    });
    expect(trace.paths).toHaveLength(5);
    const [slowest, next] = trace.paths;
    expect(slowest).toMatchObject({
      address: LATE,
      outcome: "acted",
      sector: { address: "sector-3", agents: 10, ready: 10 },
      cluster: { address: "sector-3/cluster-2", agents: 5, ready: 5, foldedMs: slowest.readyMs },
    });
    expect(slowest.readyMs).toBeGreaterThan(Number(next.readyMs));
    const { arrivalMs = 0, gateMs = 0 } = trace;
    expect(arrivalMs).toBe(result.arrivalMs);
    expect(gateMs).toBeGreaterThanOrEqual(trace.createdMs);
    expect(gateMs).toBeLessThanOrEqual(Number(slowest.sector.plannedMs) + 1);
    for (const path of trace.paths) {
      expect(path.plannedMs).toBeLessThanOrEqual(arrivalMs);
      expect(Number(path.sentMs)).toBeGreaterThan(Number(path.plannedMs) - 1);
      expect(Number(path.actedMs)).toBeGreaterThanOrEqual(arrivalMs - 1);
    }
    expectInOrder(mesh.traces.operation("last", { limit: AGENTS }));
  });

  test("names one agent's path, and those of a cluster alone", async () => {
    await mesh.scatterGather({ payload: { do: "work", ms: 0 }, at: "in 300ms" });
    const own = mesh.traces.operation("last", { within: LATE });
    expect(own.paths.map(({ address }) => address)).toEqual([LATE]);
    expect(own).toMatchObject({ total: 1, selected: AGENTS, strategy: "scatter-gather" });
    const cluster = mesh.traces.operation("last", { within: "sector-3/cluster-2" });
    expect(cluster.total).toBe(5);
    for (const { address } of cluster.paths) expect(address).toMatch(/^sector-3\/cluster-2\//);
  });
});

describe("an operation without a T", () => {
  test("that is out tells who has not answered, first; when it has ended, that they never did", async () => {
    const payload = { do: "workUnless", who: LATE, ms: 20_000 };
    const ending = mesh.scatterGather({ payload, at: "now" }, { timeoutMs: 1_500 });
    await until("all others READY", () => mesh.live.operations()[0]?.agents.ready === AGENTS - 1);
    const out = mesh.traces.operation("last", { limit: 3 });
    expect(out).toMatchObject({ state: "running", total: AGENTS, ready: AGENTS - 1 });
    expect(out.endedMs).toBeUndefined();
    expect(out.paths.map(({ outcome }) => outcome)).toEqual(["transit", "ready", "ready"]);
    expect(out.paths[0].address).toBe(LATE);
    const { operationId } = await ending;
    const trace = mesh.traces.operation(operationId, { limit: AGENTS });
    expect(trace.paths[0]).toMatchObject({ address: LATE, outcome: "transit" });
    expect(trace.paths[0].readyMs).toBeUndefined();
    const ready = trace.paths.slice(1).map(({ readyMs }) => Number(readyMs));
    expect(ready).toEqual(ready.toSorted((a, b) => b - a));
    expectInOrder(trace);
  });

  test("tells conflicts and failures as such, and of a broadcast the sectors' times alone", async () => {
    const detail = { type: "DATA_CONTRADICTION" };
    const payload = { do: "conflictAt", who: [LATE], detail };
    await mesh.scatterGather({ payload, at: "now" }, { select: "sector-3" });
    const torn = mesh.traces.operation("last", { within: LATE });
    expect(torn).toMatchObject({ sectors: 1, selected: 10, ready: 9 });
    expect(torn.paths[0]).toMatchObject({ outcome: "conflict", readyMs: expect.any(Number) });
    await mesh.scatterGather({ payload: { do: "fail" }, at: "now" }, { select: LATE });
    expect(mesh.traces.operation("last").paths[0]).toMatchObject({ outcome: "failed" });
    await mesh.broadcast({ do: "work", ms: 0 });
    const broadcast = mesh.traces.operation("last");
    expect(broadcast).toMatchObject({ strategy: "broadcast", agentTimes: false, ready: AGENTS });
    expect(broadcast.paths[0].sector.arrivedMs).toBeGreaterThan(broadcast.createdMs);
    expect(broadcast.paths[0].readyMs).toBeUndefined();
  });
});

describe("what is remembered", () => {
  test("is bounded: the oldest of more than sixty is forgotten, and what never was is told as such", async () => {
    const ids: string[] = [];
    for (let i = 0; i < 61; i++) {
      const operation = { payload: { do: "work", ms: 0 }, at: "now" } as const;
      ids.push((await mesh.scatterGather(operation, { select: LATE })).operationId);
    }
    expect(mesh.traces.operation(ids[1]).operationId).toBe(ids[1]);
    expect(() => mesh.traces.operation(ids[0])).toThrow(/nothing is remembered of operation/);
    expect(() => mesh.traces.operation("last", { within: "sector-9" })).toThrow(/no actor/);
    for (const limit of [0, 1.5, 10_001])
      expect(() => mesh.traces.operation("last", { limit })).toThrow(/limit: expected a whole/);
  });
});

describe("the command", () => {
  test("shows paths for people and the same as data; options of operations need one", async () => {
    const operation = { payload: { do: "work", ms: 0 }, at: "in 300ms" };
    const { operationId } = await mesh.cascade(operation);
    const trace = meshCommandNamed(COMMANDS, "trace");
    const data = await command({ target: operationId, limit: 2, within: "sector-2" });
    expect(data).toMatchObject({ operationId, total: 10, paths: [{}, {}] });
    const lines = trace.render(data, paint(false)).split("\n");
    expect(lines[0]).toBe(`${operationId} sync, wave, all sectors have reported`);
    expect(lines[1]).toMatch(/^began \S+Z, gate \S+ms, T 300ms, ended \S+ms$/);
    expect(lines[2]).toBe("orchestrator → 4 sectors → 8 clusters → 40 agents, 40 READY");
    expect(lines[3]).toBe("10 paths, the slowest 2");
    expect(lines[4]).toMatch(
      /^AGENT +OUTCOME +SECTOR +LEADS +PLANNED +SENT +READY +ACTED +CLUSTER/,
    );
    expect(lines[5]).toMatch(/^sector-2\/cluster-\d\/agent-\d +acted( +-?[\d.,]+ms){9}$/);
    await expect(command({ target: LATE, limit: 2 })).rejects.toThrow(
      /^trace: limit: expected the id of an operation/,
    );
    await expect(command({ target: "1-a-1" })).rejects.toThrow(/nothing is remembered/);
  });
});
