// A mesh that grows and shrinks while it runs (spec 10.2).
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { Mesh, MeshOptions, ScaleProgress } from "../index.ts";
import { call, pause, settled, startMesh, until } from "./mesh.ts";

const meshes: Mesh[] = [];
const folders: string[] = [];
afterEach(async () => {
  await Promise.all(meshes.splice(0).map((mesh) => mesh.stop({ deadlineMs: 0 })));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** Four sectors of two clusters of five, and room for two clusters more in each. */
const GROWING = {
  sectors: 4,
  clustersPerSector: 2,
  agentsPerCluster: 5,
  spawnCapacity: 16,
  growth: 40,
};

async function growing(options: Partial<MeshOptions> = {}, agent = "puppet"): Promise<Mesh> {
  const mesh = await startMesh(agent, { topology: GROWING, heartbeatMs: 50, ...options });
  meshes.push(mesh);
  return mesh;
}

function total(mesh: Mesh): number {
  return mesh.status().agents.total;
}

async function whoAnswers(mesh: Mesh): Promise<number> {
  const { addressed, ready } = await mesh.broadcast({ do: "readyNothing" });
  expect(ready).toBe(addressed);
  return ready;
}

describe("a mesh with a reserve", () => {
  test("has nobody in it until agents are added, and they are told of as they become one", async () => {
    const mesh = await growing();
    expect(total(mesh)).toBe(40);
    expect(mesh.scale.status()).toMatchObject({ places: 80, agents: 40, vacant: 40, outside: 0 });
    expect(mesh.select("all")).toHaveLength(40);
    expect(mesh.select("sector-1")).toHaveLength(10);
    expect(mesh.clusters("sector-1")).toHaveLength(2);
    expect(await whoAnswers(mesh)).toBe(40);
    await expect(mesh.ask("sector-1/cluster-3/agent-1", { do: "count" })).rejects.toMatchObject({
      code: "MESH_UNDELIVERABLE",
    });

    await expect(mesh.kill("sector-1/cluster-3/agent-1")).rejects.toThrow(/this place is vacant/);
    expect(await mesh.restart("sector-1")).toEqual({ restarted: 10 });

    // What it would do it says, and does nothing; and where it has no room.
    const plan = await mesh.scale.add(12, { dryRun: true });
    expect(plan).toMatchObject({ dryRun: true, asked: 12, started: 0, vacant: 40, complete: true });
    expect(plan.clusters).toHaveLength(3);
    expect(await mesh.scale.remove(3, { dryRun: true })).toMatchObject({ removed: 0 });
    expect(total(mesh)).toBe(40);
    await expect(mesh.scale.add(41)).rejects.toThrow(/expected at most 40, .* got 41; its reserve/);
    await expect(mesh.scale.remove(40)).rejects.toThrow(/expected at most 39/);
    await expect(mesh.scale.add(0)).rejects.toThrow(/count.*whole number from 1/);
    await expect(mesh.scale.add(1, { within: "sector-9" })).rejects.toThrow(/sector-9/);

    const heard: ScaleProgress[] = [];
    const result = await mesh.scale.add(12, { onProgress: (each) => heard.push(each) });
    expect(result).toMatchObject({
      action: "add",
      asked: 12,
      started: 12,
      admitted: 12,
      heldBack: [],
      conflicts: 0,
      vacant: 28,
      complete: true,
    });
    // Three clusters, each in another of the sectors, which are loaded all alike.
    expect(result.clusters.map(({ agents, whole }) => [agents, whole])).toEqual([
      [5, true],
      [5, true],
      [2, true],
    ]);
    expect(new Set(result.clusters.map(({ cluster }) => cluster.split("/")[0])).size).toBe(3);
    expect(new Set(heard.map(({ phase }) => phase))).toEqual(
      new Set(["starting", "stabilizing", "admitting"]),
    );
    // Gradually: some were in before all were.
    const steps = heard.filter(({ phase }) => phase === "admitting").map(({ done }) => done);
    expect(steps).toEqual([2, 3, 6, 12]);

    expect(total(mesh)).toBe(52);
    expect(await whoAnswers(mesh)).toBe(52);
    const [first] = result.examples;
    expect(await call(mesh, first, { do: "about" })).toMatchObject({ address: first });
    expect(mesh.roles.lead(first).heldBy).toMatch(/agent-\d$/);
    expect(mesh.stats().sectorsHealthy).toBe(4);
  });

  test("leads nothing to them before they are stable and everything after, in its mode as it was", async () => {
    const mesh = await growing();
    const modes: unknown[] = [];
    mesh.on("mode", (event) => modes.push(event));
    const adding = mesh.scale.add(20, { stableBeats: 1_000, timeoutMs: 500 });
    await until("the new ones are there", () => total(mesh) === 60);
    await expect(mesh.scale.add(1)).rejects.toMatchObject({ code: "MESH_SCALING" });
    expect(mesh.scale.status()).toMatchObject({ agents: 60, outside: 20 });
    // They work, but no operation means them.
    expect(await call(mesh, "sector-1/cluster-3/agent-1", { do: "count" })).toBe(0);
    expect(await whoAnswers(mesh)).toBe(40);
    const result = await adding;
    expect(result).toMatchObject({ started: 20, admitted: 0, complete: false });
    expect(result.heldBack[0].why).toMatch(/^was stable for \d+ of 1000 heartbeats$/);
    expect(await whoAnswers(mesh)).toBe(40);
    expect(await mesh.scale.admit({ stableBeats: 1 })).toMatchObject({
      admitted: 20,
      complete: true,
    });
    expect(await whoAnswers(mesh)).toBe(60);
    expect(modes).toEqual([]);
  });

  test("holds those back that report conflicts as they come in, and lets in no more when they are many", async () => {
    const mesh = await growing({ heartbeatMs: 200 });
    const adding = mesh.scale.add(10, {
      onProgress: ({ phase, done }) => {
        if (phase === "admitting" && done === 1)
          mesh.tell("sector-1/cluster-3/agent-1", {
            do: "conflict",
            detail: { type: "DATA_DIVERGENCE" },
          });
      },
    });
    const result = await adding;
    expect(result.halted).toMatch(/^1 of the \d+ agents that were let in first/);
    expect(result.complete).toBe(false);
    expect(result.conflicts).toBe(1);
    expect(result.heldBack).toContainEqual({
      address: "sector-1/cluster-3/agent-1",
      why: "has reported a conflict",
    });
    const { outside } = mesh.scale.status();
    expect(outside).toBe(result.heldBack.length);
    expect(await whoAnswers(mesh)).toBe(50 - outside);
    // What was the matter is settled: they get another chance.
    expect(await mesh.scale.admit()).toMatchObject({
      asked: outside,
      admitted: outside,
      complete: true,
    });
    expect(await whoAnswers(mesh)).toBe(50);
  });

  test("shrinks: who came last finishes what it has, and goes; its place can be filled again", async () => {
    const mesh = await growing();
    await mesh.scale.add(5, { within: "sector-2" });
    const busy = "sector-2/cluster-3/agent-3";
    const slow = mesh.ask(busy, { do: "sleep", ms: 300 }, { timeoutMs: 10_000 });
    for (let id = 0; id < 20; id++) mesh.tell(busy, { do: "note", id });
    const result = await mesh.scale.remove(5);
    expect(result).toMatchObject({ removed: 5, busy: [], complete: true, vacant: 40 });
    expect(result.clusters).toEqual([{ cluster: "sector-2/cluster-3", agents: 5, whole: true }]);
    expect(await slow).toMatchObject({ state: 1, value: "slept" });
    await settled(mesh);
    expect(mesh.deadLetters.list()).toEqual([]);
    expect(total(mesh)).toBe(40);
    expect(await whoAnswers(mesh)).toBe(40);

    expect((await mesh.scale.add(5, { within: "sector-2" })).complete).toBe(true);
    // It is another agent, that knows nothing of the one before.
    expect(await call(mesh, busy, { do: "count" })).toBe(0);

    // Whoever does not finish in time stays.
    const dawdling = mesh.ask(busy, { do: "sleep", ms: 1_000 });
    const late = await mesh.scale.remove(5, { drainMs: 60 });
    expect(late).toMatchObject({ removed: 4, complete: false });
    expect(late.busy.map(({ address }) => address)).toEqual([busy]);
    expect(await dawdling).toMatchObject({ state: 1 });
    expect(await whoAnswers(mesh)).toBe(41);
  });
});

test("a mesh without a reserve says how to start one with it", async () => {
  const mesh = await growing({ topology: { ...GROWING, growth: 0 } });
  await expect(mesh.scale.add(1)).rejects.toThrow(/started without a reserve.*--growth N/);
  // What it gives up it can have again.
  await mesh.scale.remove(3);
  expect(total(mesh)).toBe(37);
  expect((await mesh.scale.add(3)).complete).toBe(true);
  expect(await whoAnswers(mesh)).toBe(40);
});

describe("those who were added", () => {
  test("are there again after the death of their worker, also when it dies while they come in", async () => {
    const mesh = await growing();
    const adding = mesh.scale.add(20, { stableBeats: 4 });
    await until("some are there", () => total(mesh) > 40);
    await Promise.all([mesh.kill("worker-1"), mesh.kill("worker-2")]);
    expect(await adding).toMatchObject({ started: 20, admitted: 20, complete: true });
    await mesh.kill("worker-1");
    await until(
      "all are back",
      () => mesh.status().agents.active === 60 && mesh.status().restarts.workers === 3,
    );
    expect(await whoAnswers(mesh)).toBe(60);
    await mesh.scale.remove(10);
    await mesh.kill("worker-2");
    await until(
      "all but those who went",
      () => mesh.status().restarts.workers === 4 && mesh.status().agents.active === 50,
    );
    expect(total(mesh)).toBe(50);
  });

  test("wait while the mesh is frozen, and are in the cut that another mesh starts from", async () => {
    const mesh = await growing();
    const adding = mesh.scale.add(10, { stableBeats: 3 });
    await until("the new ones are there", () => total(mesh) === 50);
    await mesh.freeze();
    await expect(mesh.scale.remove(1)).rejects.toThrow();
    const { agents } = mesh.status();
    await pause(100);
    expect(mesh.status().agents).toEqual(agents);
    await mesh.thaw();
    expect((await adding).complete).toBe(true);
    await mesh.freeze();
    const cut = mesh.cut();
    const next = await growing({ from: cut, workers: 3 });
    expect(total(next)).toBe(50);
    expect(await whoAnswers(next)).toBe(50);
    expect(next.scale.status()).toMatchObject({ agents: 50, vacant: 30, outside: 0 });
    await expect(growing({ from: cut, topology: { ...GROWING, growth: 20 } })).rejects.toThrow(
      /topology.growth.*40, as in the cut/,
    );
  });

  test("outlive the process, as do places that were given up, where there is a data folder", async () => {
    const dataDir = mkdtempSync(join(tmpdir(), "mesh-scale-"));
    folders.push(dataDir);
    const first = await growing({ dataDir });
    await first.scale.add(10);
    await first.scale.remove(3);
    await first.stop();
    const second = await growing({ dataDir });
    expect(total(second)).toBe(47);
    expect(await whoAnswers(second)).toBe(47);
  });
});
