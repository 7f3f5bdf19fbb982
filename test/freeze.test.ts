// A mesh is frozen under load, lets go, and is started elsewhere from its file: nothing lost, nothing twice.
import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { Cut, Mesh } from "../index.ts";
import { readCut } from "../runtime/freeze/cut-file.ts";
import {
  agentModule,
  call,
  createMesh,
  pause,
  printedSeed,
  randomOf,
  SMALL,
  settled,
  startMesh,
  until,
} from "./mesh.ts";

const AGENTS = 40;
const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "mesh-freeze-"));
  folders.push(path);
  return path;
}

interface Books {
  readonly next: Record<string, number>;
  readonly sent: Record<string, number>;
  readonly twice: number;
  readonly gaps: number;
  readonly total: number;
}

/** Every other agent sends counted messages to some of the rest, on and on. All have had a turn before. */
async function drive(mesh: Mesh, random: () => number): Promise<void> {
  for (let agent = 0; agent < AGENTS; agent++) await call(mesh, agent, { do: "books" });
  for (let agent = 0; agent < AGENTS; agent += 4) {
    const targets = Array.from({ length: 3 }, () => 2 * Math.floor((random() * AGENTS) / 2) + 1);
    mesh.tell(agent, { do: "drive", targets: [...new Set(targets)], each: 1, on: true });
  }
}

async function halt(mesh: Mesh): Promise<void> {
  await Promise.all(
    Array.from({ length: AGENTS }, (_, agent) => call(mesh, agent, { do: "halt" }, 60_000)),
  );
  await settled(mesh);
}

/** What was sent was noted, each message once and in order. */
async function balance(mesh: Mesh): Promise<number> {
  const books = (await Promise.all(
    Array.from({ length: AGENTS }, (_, agent) => call(mesh, agent, { do: "books" })),
  )) as Books[];
  let total = 0;
  for (const [agent, { next, twice, gaps }] of books.entries()) {
    expect({ agent, twice, gaps }).toEqual({ agent, twice: 0, gaps: 0 });
    for (const [from, count] of Object.entries(next)) {
      expect(count).toBe(books[Number(from)].sent[agent]);
      total += count;
    }
  }
  for (const [agent, { sent }] of books.entries())
    for (const [target, count] of Object.entries(sent))
      expect(books[Number(target)].next[agent] ?? 0).toBe(count);
  expect(mesh.status().lost).toBe(0);
  return total;
}

/** The in-flight set and the states, whatever their order among agents. */
function hashOf(cut: Cut): string {
  const hash = createHash("sha256");
  for (const { agent, bytes } of cut.snapshots) hash.update(`${agent}:`).update(bytes);
  const messages = cut.messages.map(
    ({ target, sender, sequence, priority, kind, payload }) =>
      `${target} ${priority} ${kind} ${sender} ${sequence} ${JSON.stringify(payload)}`,
  );
  // Order counts within a mailbox, not among them.
  const byTarget = messages.map(
    (line, place) => [line.split(" ", 2).join(" "), place, line] as const,
  );
  byTarget.sort(([a, i], [b, j]) => (a < b ? -1 : a > b ? 1 : i - j));
  return hash.update(byTarget.map(([, , line]) => line).join("\n")).digest("hex");
}

describe("freeze and thaw", () => {
  test("under load, again and again: nothing is lost, nothing comes twice, order is kept", async () => {
    const random = randomOf(printedSeed());
    await using mesh = await startMesh("ledger");
    await drive(mesh, random);
    for (let round = 0; round < 5; round++) {
      await pause(5 + random() * 40);
      const operation = mesh.scatterGather(
        { payload: { do: "operation", number: round, slow: true }, at: "in 30ms" },
        { timeoutMs: 500 },
      );
      operation.catch(() => {});
      const asked = mesh.ask(round, { do: "books" }, { timeoutMs: 20_000 });
      const frozen = await mesh.freeze();
      expect(frozen).toMatchObject({ scope: "all", agents: AGENTS, late: [] });
      expect(frozen.preserved?.file).toBeUndefined();
      expect(mesh.status()).toMatchObject({ state: "frozen", frozen: [{ scope: "all" }] });
      expect(mesh.status().workers.map(({ state }) => state)).toEqual(["frozen", "frozen"]);
      const before = mesh.status().messages;
      const first = mesh.cut();
      // Sent and not accepted is what waits for room, of turns that have ended.
      const waiting = before.sent - before.accepted;
      const inFlight = before.inFlight + waiting;
      expect(first.counts).toMatchObject({ handled: before.handled, inFlight });
      await pause(10 + random() * 30);
      expect(hashOf(mesh.cut())).toBe(hashOf(first));
      expect(mesh.status().messages).toEqual(before);
      const { stoodMs } = await mesh.thaw();
      expect(stoodMs).toBeGreaterThan(9);
      expect((await asked).state).toBe(1);
    }
    expect(mesh.status().state).toBe("running");
    await halt(mesh);
    expect(await balance(mesh)).toBeGreaterThan(1000);
  });

  test.each([
    [1, 3],
    [3, 1],
  ])("from a file, with %i workers before and %i after", async (before, after) => {
    const random = randomOf(printedSeed());
    const dataDir = await folder();
    let file: string;
    let frozen: Cut;
    {
      // So little room that turns end with sends that wait for more.
      const mailbox = { maxMessages: 16 };
      await using mesh = await startMesh("ledger", { workers: before, dataDir, mailbox });
      await drive(mesh, random);
      await pause(60);
      const { preserved } = await mesh.freeze();
      file = preserved?.file as string;
      expect(preserved).toMatchObject({ snapshots: AGENTS, withoutSnapshot: 0 });
      expect(await readdir(join(dataDir, "frozen"))).toHaveLength(1);
      frozen = mesh.cut();
      await mesh.stop();
    }
    const from = await readCut(file);
    expect(hashOf(from)).toBe(hashOf(frozen));
    expect(from.messages.length).toBeGreaterThan(0);
    const { topology: _, ...others } = SMALL;
    await using again = await createMesh({
      ...others,
      agent: agentModule("ledger"),
      workers: after,
      from,
    });
    await halt(again);
    await balance(again);
    expect(again.status().messages.redelivered).toBeGreaterThanOrEqual(from.messages.length);
  });

  test("time stands still: timers and times to live are later, what came meanwhile waits", async () => {
    await using mesh = await startMesh("puppet");
    await call(mesh, 3, { do: "once", ms: 150, id: "timer" });
    mesh.tell(3, { do: "sleep", ms: 100 });
    mesh.tell(3, { do: "note", id: "patient" }, { ttlMs: 300 });
    await pause(20);
    await mesh.freeze();
    const receipt = mesh.tell(3, { do: "note", id: "late" });
    expect(receipt.status).toBe("waiting");
    const asked = mesh.ask(5, { do: "seen" }, { timeoutMs: 50 });
    expect((await asked).state).toBe(0);
    await pause(400);
    await mesh.thaw();
    expect(await receipt).toBe("accepted");
    await until("all notes", async () => ((await call(mesh, 3, { do: "count" })) as number) >= 3);
    expect(new Set((await call(mesh, 3, { do: "seen" })) as string[])).toEqual(
      new Set(["patient", "late", "timer"]),
    );
    // The question of whoever has given up was for nobody.
    expect(mesh.status().messages.expired).toBe(1);
  });

  test("a turn that awaits the world goes on, and what it sends and its end wait", async () => {
    await using mesh = await startMesh("puppet");
    mesh.tell(3, {
      do: "tellLater",
      to: 25,
      message: { do: "note", id: "sent" },
      afterMs: 500,
    });
    const answer = mesh.ask(4, { do: "dawdle", ms: 500, id: "done" }, { timeoutMs: 10_000 });
    const turns = (): number => mesh.status().workers.reduce((sum, one) => sum + one.turns, 0);
    await until("both turns", () => turns() === 2);
    const { suspended } = await mesh.freeze();
    expect(suspended).toBe(2);
    await pause(700);
    const { handled } = mesh.status().messages;
    expect(mesh.cut().messages).toHaveLength(2);
    await pause(20);
    expect(mesh.status().messages.handled).toBe(handled);
    await mesh.thaw();
    expect(await answer).toMatchObject({ state: 1, value: "done" });
    await settled(mesh);
    expect(await call(mesh, 25, { do: "seen" })).toEqual(["sent"]);
  });

  test("an operation that is out is in the cut, and goes on with the thaw", async () => {
    await using mesh = await startMesh("puppet");
    const payload = { do: "dawdle", ms: 100, id: 1 };
    const result = mesh.scatterGather({ payload, at: "now" }, { timeoutMs: 20_000 });
    await until("all turns", () => mesh.agents({ limit: AGENTS }).length === AGENTS);
    await pause(20);
    await mesh.freeze();
    const { operations, counts, messages } = mesh.cut();
    expect(operations).toHaveLength(4);
    expect(operations.reduce((sum, { addressed }) => sum + addressed, 0)).toBe(AGENTS);
    expect(counts.inFlight).toBe(messages.length + 4);
    await pause(150);
    await mesh.thaw();
    const { ready, addressed } = await result;
    expect({ ready, addressed }).toEqual({ ready: AGENTS, addressed: AGENTS });
  });

  test("of a part: its agents get no turns, the others do, and operations go around it", async () => {
    await using mesh = await startMesh("puppet");
    const frozen = await mesh.freeze("sector-1/cluster-1");
    expect(frozen).toMatchObject({ scope: "sector-1/cluster-1", agents: 5, late: [] });
    expect(mesh.status()).toMatchObject({ state: "running" });
    mesh.tell(0, { do: "note", id: 1 });
    expect((await mesh.ask(0, { do: "seen" }, { timeoutMs: 60 })).state).toBe(0);
    expect(await call(mesh, 7, { do: "echo", value: 1 })).toBe(1);
    const { addressed } = await mesh.scatterGather({ payload: { do: "nothing" }, at: "now" });
    expect(addressed).toBe(AGENTS - 5);
    await expect(mesh.freeze("sector-1/cluster-1")).rejects.toThrow(/is frozen already/);
    await expect(mesh.thaw("sector-2")).rejects.toThrow(
      /sector-2 is not frozen; what is: sector-1/,
    );
    await mesh.freeze("sector-1/cluster-1/agent-2");
    await mesh.thaw("sector-1/cluster-1");
    expect(await call(mesh, 0, { do: "seen" })).toEqual([1]);
    expect((await mesh.ask(1, { do: "seen" }, { timeoutMs: 60 })).state).toBe(0);
    await mesh.thaw();
    expect(await call(mesh, 1, { do: "seen" })).toEqual([]);
    expect(mesh.route.list()).toEqual([]);
  });

  test("refuses what makes no sense, and says why", async () => {
    await using mesh = await startMesh("puppet");
    await expect(mesh.thaw()).rejects.toThrow("thaw: nothing is frozen");
    expect(() => mesh.cut()).toThrow("only a frozen mesh");
    await expect(mesh.freeze("sector-9")).rejects.toThrow();
    await expect(mesh.freeze("sector-1", { file: "x" })).rejects.toThrow("file: expected none");
    await mesh.freeze();
    await expect(mesh.freeze()).rejects.toThrow(
      /freeze: the mesh is frozen since 20.*thaw it first/,
    );
    await expect(mesh.restart("sector-1")).rejects.toThrow("restart: the mesh is frozen");
    await expect(mesh.broadcast({ do: "nothing" })).rejects.toThrow(
      "operation: the mesh is frozen",
    );
    expect((await mesh.inspect("sector-1/cluster-1/agent-1")).state).toHaveProperty("value");
    await mesh.thaw();
    expect(await call(mesh, 1, { do: "echo", value: 2 })).toBe(2);
  });

  test("stays frozen, and says so, when its state cannot be preserved", async () => {
    await using mesh = await startMesh("puppet");
    const events: string[] = [];
    mesh.on("state", (state) => events.push(state));
    mesh.on("frozen", ({ scope }) => events.push(`frozen ${scope}`));
    mesh.on("thawed", ({ scope }) => events.push(`thawed ${scope}`));
    const file = join(agentModule("puppet").pathname, "no folder", "state.mesh");
    await expect(mesh.freeze("all", { file })).rejects.toThrow(
      /the mesh is frozen, but its state is not preserved: ENOTDIR/,
    );
    expect(mesh.status().state).toBe("frozen");
    await mesh.thaw();
    expect(await call(mesh, 1, { do: "echo", value: 2 })).toBe(2);
    expect(events).toEqual(["frozen", "frozen all", "running", "thawed all"]);
  });

  test("a worker that hangs is named; when it is replaced its successor stands still too", async () => {
    await using mesh = await startMesh("puppet", { watchdogMs: 300 });
    mesh.tell(3, { do: "block", ms: 60_000 });
    await until("the turn that blocks", () => mesh.status().workers[0].current !== undefined);
    const hasty = await mesh.freeze("all", { timeoutMs: 50 });
    expect(hasty.late).toMatchObject([
      { worker: "worker-1", address: "sector-1/cluster-1/agent-4" },
    ]);
    expect(hasty.preserved).toBeUndefined();
    expect(() => mesh.cut()).toThrow(/worker-1 has not come to a boundary .*agent-4/);
    await until("its successor stands", () => mesh.status().workers[0].state === "frozen");
    await mesh.thaw();
    mesh.tell(4, { do: "block", ms: 60_000 });
    await until("the next that blocks", () => mesh.status().workers[0].current !== undefined);
    const patient = await mesh.freeze();
    expect(patient).toMatchObject({ late: [] });
    expect(patient.preserved?.messages).toBeGreaterThanOrEqual(1);
    await mesh.thaw();
  });

  test("a worker killed while it stands still has a successor that stands still, with all that it had", async () => {
    await using mesh = await startMesh("ledger");
    await drive(mesh, randomOf(printedSeed()));
    await mesh.freeze();
    const before = hashOf(mesh.cut());
    const lost = new Promise((resolve) => mesh.on("workerLost", resolve));
    const back = new Promise((resolve) => mesh.on("workerBack", resolve));
    await mesh.kill("worker-1");
    await lost;
    expect(() => mesh.cut()).toThrow(/worker-1 has not come to a boundary/);
    await back;
    await until("both stand", () => mesh.status().workers.every(({ state }) => state === "frozen"));
    expect(hashOf(mesh.cut())).toBe(before);
    await mesh.thaw();
    await halt(mesh);
    await balance(mesh);
  });

  test("a mesh without room to take in what is on its way holds it in its cut all the same", async () => {
    await using mesh = await startMesh("puppet", {
      custodyBytes: 1024 * 1024,
      mailbox: { maxMessages: 1_000_000, maxBytes: 2 ** 30 },
    });
    mesh.tell(3, { do: "dawdle", ms: 1500, id: "first" });
    const value = "x".repeat(4000);
    for (let i = 0; i < 400; i++) mesh.tell(3, { do: "note", id: i, value });
    await pause(50);
    await mesh.freeze();
    const { messages, counts } = mesh.cut();
    const { accepted } = mesh.status().messages;
    expect(counts.accepted).toBeGreaterThan(accepted);
    expect(counts.inFlight).toBe(messages.length);
    await mesh.thaw();
    await settled(mesh);
    expect(await call(mesh, 3, { do: "count" })).toBe(401);
  });
});
