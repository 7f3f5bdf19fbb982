// A mesh that ends and begins again over the same folder: what it comes back with, and what it refuses.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Mesh, MeshOptions } from "../index.ts";
import { agentModule, call, SMALL, settled, startMesh, until } from "./mesh.ts";

const AGENT = "sector-1/cluster-1/agent-1";
const ELSEWHERE = "sector-3/cluster-1/agent-2";

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "durability-"));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

interface Books {
  readonly next: Record<string, number>;
  readonly operations: Record<string, number>;
}

function start(options: Partial<MeshOptions> = {}): Promise<Mesh> {
  return startMesh("durable", { dataDir, ...options });
}

function booksOf(mesh: Mesh, agent: string | number): Promise<Books> {
  return call(mesh, agent, { do: "books" }) as Promise<Books>;
}

/** What of the folder is the journal's. */
function journalsIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.startsWith("journal"))
    .sort();
}

/** Runs a script with a mesh over the folder in a process of its own, which kills itself. */
function runAndDie(script: string): void {
  const whole = `
    import { createMesh } from ${JSON.stringify(new URL("../dist/index.js", import.meta.url).href)};
    const mesh = await createMesh({
      ...${JSON.stringify(SMALL)},
      agent: ${JSON.stringify(agentModule("durable").href)},
      dataDir: ${JSON.stringify(dataDir)},
    });
    ${script}
    process.kill(process.pid, "SIGKILL");
  `;
  const env = { ...process.env, DURABLE_SLOW: "1" };
  const run = spawnSync(process.execPath, ["--input-type=module", "--eval", whole], {
    env,
    encoding: "utf8",
    timeout: 60_000,
  });
  expect(run.stderr).toBe("");
  expect(run.signal).toBe("SIGKILL");
}

describe("a mesh that stops in good order", () => {
  test("comes back with its states, with nothing left to do", async () => {
    {
      await using mesh = await start();
      expect(mesh.journal?.status()).toMatchObject({
        run: 1,
        restored: { agents: 0, cleanly: true },
      });
      for (let id = 0; id < 50; id++) mesh.tell(AGENT, { from: "main", id }, { durable: true });
      // Not durable; but the mesh has the time to put it on disk.
      mesh.tell(ELSEWHERE, { from: "main", id: 0 });
      await settled(mesh);
    }
    await using mesh = await start();
    expect(mesh.journal?.status()).toMatchObject({
      state: "running",
      run: 2,
      restored: { agents: 2, messages: 0, operations: 0, tornBytes: 0, cleanly: true },
    });
    expect((await booksOf(mesh, AGENT)).next).toEqual({ main: 50 });
    expect((await booksOf(mesh, ELSEWHERE)).next).toEqual({ main: 1 });
    expect(mesh.status()).toMatchObject({ lost: 0, messages: { redelivered: 0 } });
  });

  test("delivers at its next start what its end cut off, if it is durable", async () => {
    const mesh = await startMesh("puppet", { dataDir });
    mesh.tell(AGENT, { do: "sleep", ms: 60_000 });
    expect(await mesh.tell(AGENT, { do: "note", id: "durable" }, { durable: true })).toBe(
      "accepted",
    );
    mesh.tell(AGENT, { do: "note", id: "not" });
    await mesh.stop({ deadlineMs: 100 });
    expect(mesh.deadLetters.summary().total["mesh-stopping"]).toBe(2);
    await using again = await startMesh("puppet", { dataDir });
    await settled(again);
    expect(await call(again, AGENT, { do: "seen" })).toEqual(["durable"]);
    expect(again.status().lost).toBe(0);
  });

  test("writes nothing when nobody asks for anything that outlives it", async () => {
    {
      await using mesh = await startMesh("puppet", { dataDir });
      mesh.tell(AGENT, { do: "note", id: 1 });
      await call(mesh, AGENT, { do: "seen" });
      expect(mesh.journal?.status()).toMatchObject({ batches: 0, bytes: 0 });
    }
    expect(readdirSync(join(dataDir, "journal"))).toEqual([]);
  });
});

test("a mesh that is stopped at once says of each durable message what became of it", async () => {
  const mesh = await start();
  const receipts = [...Array(500).keys()].map((id) =>
    mesh.tell(AGENT, { from: "main", id }, { durable: true }),
  );
  await mesh.stop({ deadlineMs: 0 });
  const ends = await Promise.allSettled(receipts);
  const accepted = ends.filter((end) => end.status === "fulfilled" && end.value === "accepted");
  await using again = await start();
  await settled(again);
  const { next } = await booksOf(again, AGENT);
  expect(next.main ?? 0).toBeGreaterThanOrEqual(accepted.length);
});

describe("a mesh whose process dies", () => {
  test("loses of states that nobody waited for no more than was not on disk", async () => {
    runAndDie(`
      mesh.tell(0, { from: "main", id: 0 });
      await mesh.ask(0, { do: "books" });
      while (mesh.journal.status().batches === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    `);
    await using mesh = await start();
    expect((await booksOf(mesh, 0)).next).toEqual({ main: 1 });
    expect(mesh.journal?.status().restored).toMatchObject({ agents: 1, cleanly: false });
  });

  test("goes on with its operations, under their ids, for those who had not done them", async () => {
    runAndDie(`
      const operation = { payload: { do: "operation" }, verb: "act", at: "now" };
      mesh.scatterGather(operation, { timeoutMs: 60_000 }).catch(() => {});
      // Reports of sectors come at their end: so look at the agents.
      for (let agent = 1; agent < 40; agent += 2)
        while (Object.keys((await mesh.ask(agent, { do: "books" })).value.operations).length === 0);
      await mesh.journal.flushed();
    `);
    {
      await using mesh = await start();
      expect(mesh.journal?.status().restored).toMatchObject({ operations: 1, messages: 0 });
      const done = new Set<string>();
      for (let agent = 0; agent < 40; agent++) {
        const operations = await until(`agent ${agent} does it`, async () => {
          const books = await booksOf(mesh, agent);
          return Object.keys(books.operations).length > 0 && books.operations;
        });
        expect(Object.values(operations), `agent ${agent}`).toEqual([1]);
        for (const id of Object.keys(operations)) done.add(id);
      }
      expect(done.size).toBe(1);
      await settled(mesh);
      await mesh.journal?.flushed();
    }
    await using mesh = await start();
    expect(mesh.journal?.status().restored.operations).toBe(0);
    for (let agent = 0; agent < 40; agent++)
      expect(Object.values((await booksOf(mesh, agent)).operations)).toEqual([1]);
  });

  test("does nothing of an operation whose time is over", async () => {
    runAndDie(`
      const operation = { payload: { do: "operation" }, verb: "act", at: "now" };
      mesh.scatterGather(operation, { timeoutMs: 300 }).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 100));
      await mesh.journal.flushed();
    `);
    await new Promise((resolve) => setTimeout(resolve, 250));
    await using mesh = await start();
    expect(mesh.journal?.status().restored.operations).toBe(0);
    expect((await booksOf(mesh, 0)).operations).toEqual({});
  });
});

test("an operation that only looks is not written down, one that changes something is", async () => {
  await using mesh = await start();
  await mesh.scatterGather({ payload: { do: "books" }, verb: "observe", at: "now" });
  expect(mesh.journal?.status().batches).toBe(0);
  const result = await mesh.scatterGather({ payload: { do: "operation" }, verb: "act", at: "now" });
  expect(result.ready).toBe(40);
  expect(mesh.journal?.status().batches).toBeGreaterThan(0);
});

describe("a folder", () => {
  /** Leaves a state in the folder. */
  async function leaveState(): Promise<void> {
    await using mesh = await start();
    await mesh.tell(AGENT, { from: "main", id: 0 }, { durable: true });
  }

  test("of another mesh is refused, and set aside when asked to", async () => {
    await leaveState();
    const topology = { ...SMALL.topology, sectors: 5 };
    await expect(start({ topology })).rejects.toMatchObject({
      code: "MESH_JOURNAL_MISMATCH",
      message: expect.stringContaining("a mesh of 4 × 2 × 5 agents"),
    });
    await expect(startMesh("puppet", { dataDir })).rejects.toMatchObject({
      code: "MESH_JOURNAL_MISMATCH",
      message: expect.stringContaining("agents of durable-agent.mjs, not of puppet-agent.mjs"),
    });
    {
      await using other = await startMesh("puppet", { dataDir, fresh: true });
      expect(await call(other, AGENT, { do: "seen" })).toEqual([]);
    }
    expect(journalsIn(dataDir)).toEqual(["journal", "journal.aside-1"]);
    await expect(start({ fresh: "yes" as never })).rejects.toMatchObject({ field: "fresh" });
  });

  test("with another number of workers goes on", async () => {
    await leaveState();
    await using mesh = await start({ workers: 3 });
    expect((await booksOf(mesh, AGENT)).next).toEqual({ main: 1 });
  });

  test("that another mesh uses is refused", async () => {
    await using mesh = await start();
    await expect(start()).rejects.toMatchObject({
      code: "MESH_DATA_IN_USE",
      message:
        `dataDir: ${dataDir} is in use by another mesh of this process; ` +
        "stop it, or give this mesh a folder of its own",
    });
    expect(await call(mesh, AGENT, { do: "books" })).toBeDefined();
  });

  test("that a process used which is dead is taken over, one of a live process is not", async () => {
    const lock = join(dataDir, "journal.lock");
    writeFileSync(lock, "1 0\n");
    // Process 1 lives; but it did not begin then, where the system says when.
    if (process.platform === "linux") await (await start()).stop();
    else await expect(start()).rejects.toMatchObject({ code: "MESH_DATA_IN_USE" });
    writeFileSync(lock, `${process.ppid}\n`);
    await expect(start()).rejects.toThrow(`is in use by process ${process.ppid}`);
    writeFileSync(lock, "");
    await (await start()).stop();
    expect(journalsIn(dataDir)).toEqual(["journal"]);
  });

  test("that is damaged is refused, with nothing changed", async () => {
    await leaveState();
    const [segment] = readdirSync(join(dataDir, "journal"));
    const path = join(dataDir, "journal", segment);
    writeFileSync(
      path,
      "nothing that a journal would have written, and longer than a header is, by far",
    );
    await expect(start()).rejects.toMatchObject({
      code: "MESH_JOURNAL_CORRUPT",
      message: expect.stringContaining(`${segment} is damaged at byte 0`),
    });
    expect(journalsIn(dataDir)).toEqual(["journal"]);
  });
});

describe("without a folder", () => {
  test("nothing durable is promised", async () => {
    await using mesh = await startMesh("puppet");
    expect(mesh.journal).toBeUndefined();
    expect(() => mesh.tell(AGENT, { do: "note", id: 1 }, { durable: true })).toThrow(
      "durable: expected a mesh with a dataDir, got one without",
    );
    // Not a mark that the next message would have.
    mesh.tell(AGENT, { do: "note", id: 2 });
    expect(await call(mesh, AGENT, { do: "seen" })).toEqual([2]);
  });

  test.each([
    ["an ask that is durable", { durable: true }],
    ["an ask that is volatile", { volatile: false }],
  ])("%s is refused", async (_, options) => {
    await using mesh = await startMesh("puppet");
    await expect(mesh.ask(AGENT, { do: "seen" }, options as never)).rejects.toThrow(
      "a tell that has it, not an ask",
    );
  });
});

test("a volatile message is not delivered again when its worker dies, another one is", async () => {
  await using mesh = await startMesh("deadly");
  const back = new Promise((resolve) => mesh.on("workerBack", resolve));
  // The first of them is at work, and the others wait, when the worker goes.
  const first = "sector-1/cluster-1/agent-1";
  mesh.tell(first, { do: "exitOnce" });
  for (const id of [1, 2, 3]) mesh.tell(first, { do: "note", id }, { volatile: true });
  for (const id of [4, 5]) mesh.tell(first, { do: "note", id });
  await back;
  await settled(mesh);
  expect(await call(mesh, first, { do: "seen" })).toEqual([4, 5]);
  const { messages, lost } = mesh.status();
  expect(lost).toBe(0);
  expect(messages.deadLettered).toBe(3);
  expect(mesh.deadLetters.summary().total.volatile).toBe(3);
  expect(() => mesh.tell(first, 1, { volatile: true, durable: true })).toThrow(
    "one of durable and volatile",
  );
});
