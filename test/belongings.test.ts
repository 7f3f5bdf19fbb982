// What agents have besides states and messages goes with them: timers, children, death watches.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { Cut, Mesh } from "../index.ts";
import { readCut } from "../runtime/freeze/cut-file.ts";
import { call, pause, settled, startMesh, until } from "./mesh.ts";

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

async function file(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "mesh-belongings-"));
  folders.push(folder);
  return join(folder, "state.mesh");
}

function seen(mesh: Mesh, agent: number): Promise<string[]> {
  return call(mesh, agent, { do: "seen" }) as Promise<string[]>;
}

/** Freezes, stops and starts elsewhere from the file. */
async function elsewhere(mesh: Mesh, workers: number, awayMs = 0): Promise<[Mesh, Cut]> {
  const path = await file();
  await mesh.freeze("all", { file: path });
  await mesh.stop({ deadlineMs: 0 });
  await pause(awayMs);
  const from = await readCut(path);
  return [await startMesh("nursing", { workers, from }), from];
}

describe("elsewhere, from a file", () => {
  test("a timer fires after the time that it had left, not after the time of the world", async () => {
    const first = await startMesh("nursing");
    await call(first, 3, { do: "once", ms: 900, id: "slow" });
    await call(first, 3, { do: "once", ms: 60_000, id: "never" });
    await call(first, 33, { do: "every", ms: 60, id: "tick" });
    await pause(50);
    const [mesh, { belongings }] = await elsewhere(first, 3, 600);
    await using _ = mesh;
    expect(belongings.filter(({ kind }) => kind === "timer")).toHaveLength(3);
    const left = belongings.flatMap((each) => (each.kind === "timer" ? [each.leftMs] : []));
    expect(Math.max(...left.filter((ms) => ms < 10_000))).toBeGreaterThan(0);
    // By the clock of the world it would have been due a while ago.
    await until(
      "ticks",
      async () => (await seen(mesh, 33)).filter((id) => id === "tick").length > 3,
    );
    await until("the slow one", async () => (await seen(mesh, 3)).length > 0);
    expect(await seen(mesh, 3)).toEqual(["slow"]);
  });

  test.each([1, 3])("children answer at their addresses, with %i workers", async (workers) => {
    const first = await startMesh("nursing");
    // On the second worker: with one, or three, its child lives on another thread than its place is given out by.
    const child = (await call(first, 25, { do: "spawn" })) as number;
    const grandchild = (await call(first, child, { do: "spawn" })) as number;
    const sibling = (await call(first, 25, { do: "spawn" })) as number;
    await call(first, 2, { do: "watch", who: child });
    await call(first, grandchild, { do: "note", id: "kept" });
    await call(first, sibling, { do: "once", ms: 150, id: "timer of a child" });
    const [mesh, { belongings }] = await elsewhere(first, workers);
    await using _ = mesh;
    expect(belongings.filter(({ kind }) => kind === "child")).toHaveLength(3);
    expect(await call(mesh, 25, { do: "children" })).toEqual([child, sibling]);
    expect(await seen(mesh, grandchild)).toEqual(["kept"]);
    await until("its timer", async () => (await seen(mesh, sibling)).length === 1);
    // The places of those who live are not given out again.
    const others = new Set<number>();
    for (let i = 0; i < 5; i++) others.add((await call(mesh, 25, { do: "spawn" })) as number);
    for (const known of [child, grandchild, sibling]) expect(others.has(known)).toBe(false);
    await call(mesh, 25, { do: "dismiss" });
    await until("its watcher hears", async () => (await seen(mesh, 2)).length === 1);
    expect(await seen(mesh, 2)).toEqual(["terminated stopped"]);
    await settled(mesh);
    // With its parent a grandchild has ended.
    await expect(mesh.ask(grandchild, { do: "seen" })).rejects.toThrow(/stopped/);
    expect(mesh.status().lost).toBe(0);
  });

  test("a child whose behavior no module exports is told of, its messages become dead letters", async () => {
    const first = await startMesh("nursing");
    const child = (await call(first, 25, { do: "spawn", kind: "secret" })) as number;
    await call(first, 4, { do: "watch", who: child });
    const frozen = await first.freeze("all");
    expect(frozen.preserved).toMatchObject({ children: 0, unkept: 1 });
    first.tell(child, { do: "note", id: "too late" });
    await first.thaw();
    const [mesh] = await elsewhere(first, 1);
    await using _ = mesh;
    await until("its watcher hears", async () => (await seen(mesh, 4)).length === 1);
    expect(await seen(mesh, 4)).toEqual(["terminated lost"]);
    await expect(mesh.ask(child, { do: "seen" })).rejects.toThrow(/stopped/);
  });

  test("a turn that had not ended has neither started its timer nor had its child, until it comes again", async () => {
    const first = await startMesh("nursing");
    await call(first, 7, { do: "once", ms: 900, id: "before" });
    first.tell(7, { do: "begin", ms: 600 });
    await until(
      "the turn",
      async () => (await first.inspect("sector-1/cluster-2/agent-3")).current,
    );
    const [mesh, { belongings, messages }] = await elsewhere(first, 2);
    await using _ = mesh;
    expect(messages).toHaveLength(1);
    expect(belongings.map(({ kind }) => kind)).toEqual(["timer"]);
    await until("both timers", async () => (await seen(mesh, 7)).length === 2);
    await pause(60);
    expect((await seen(mesh, 7)).toSorted()).toEqual(["before", "begun"]);
    expect(await call(mesh, 7, { do: "children" })).toHaveLength(1);
  });

  test("who starts timers of its own in `restore` has no others", async () => {
    const first = await startMesh("nursing");
    await call(first, 9, { do: "note", id: "on my own" });
    await call(first, 9, { do: "every", ms: 10, id: "theirs" });
    const [mesh] = await elsewhere(first, 2);
    await using _ = mesh;
    const already = (await seen(mesh, 9)).filter((id) => id === "theirs").length;
    await until(
      "its own",
      async () => (await seen(mesh, 9)).filter((id) => id === "mine").length > 3,
    );
    expect((await seen(mesh, 9)).filter((id) => id === "theirs")).toHaveLength(already);
  });
});

test("a worker killed while it stands still has a successor with its timers and children", async () => {
  await using mesh = await startMesh("nursing");
  const child = (await call(mesh, 3, { do: "spawn" })) as number;
  await call(mesh, child, { do: "note", id: "kept" });
  await call(mesh, 3, { do: "once", ms: 200, id: "timer" });
  await mesh.freeze();
  const back = new Promise((resolve) => mesh.on("workerBack", resolve));
  await mesh.kill("worker-1");
  await back;
  await until("both stand", () => mesh.status().workers.every(({ state }) => state === "frozen"));
  await until("its belongings", () => mesh.cut().belongings.length === 2);
  await mesh.thaw();
  expect(await seen(mesh, child)).toEqual(["kept"]);
  await until("the timer", async () => (await seen(mesh, 3)).length === 1);
  // In their own process they are not kept twice.
  await mesh.freeze();
  expect(mesh.cut().belongings.map(({ kind }) => kind)).toEqual(["child"]);
  await mesh.thaw();
  expect(mesh.status().lost).toBe(0);
});
