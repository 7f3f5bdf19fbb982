// What happens to what finds no room: asks, broadcasts, and tells when the mesh stops.
import { describe, expect, test } from "vitest";
import type { Mesh } from "../index.ts";
import { call, pause, settled, startMesh, until } from "./mesh.ts";

// All of worker-2.
const BUSY = "sector-3/cluster-1/agent-1";
const TARGET = "sector-3/cluster-1/agent-2";
const ELSEWHERE = "sector-1/cluster-1/agent-1";

/** Holds worker-2 up for `ms` and fills main's lane to it, to the last cell, behind what `first` sends. */
async function fillLane(mesh: Mesh, ms: number, first = (): void => {}): Promise<void> {
  mesh.tell(BUSY, { do: "block", ms });
  await until("the block", () =>
    mesh.status().workers.some(({ current }) => current?.address === BUSY),
  );
  first();
  // Once something waits for an agent, the next one's would wait behind it: one agent for each size.
  for (const [bytes, agent] of [
    [60_000, 3],
    [2_000, 4],
    [1, 5],
  ] as const) {
    const target = `sector-3/cluster-1/agent-${agent}`;
    let status = "accepted";
    while (status === "accepted")
      status = mesh.tell(target, { do: "echo", value: "x".repeat(bytes) }).status;
    expect(status).toBe("waiting");
  }
}

describe("a full lane", () => {
  test("holds a broadcast back, in order, and no agent misses it", async () => {
    await using mesh = await startMesh("puppet", { watchdogMs: 30_000 });
    await fillLane(mesh, 400);
    const gathered = ["first", "second"].map((id) =>
      mesh.broadcast({ do: "note", id }, { timeoutMs: 20_000 }),
    );
    for (const result of await Promise.all(gathered))
      expect(result).toMatchObject({ addressed: 40, ready: 40, transit: 0 });
    for (const address of [TARGET, ELSEWHERE])
      expect(await call(mesh, address, { do: "seen" })).toEqual(["first", "second"]);
    await settled(mesh);
  });

  test("lets a broadcast go when its deadline passes: its agents there are TRANSIT", async () => {
    await using mesh = await startMesh("puppet", { watchdogMs: 30_000 });
    await fillLane(mesh, 1200);
    const result = await mesh.broadcast({ do: "note", id: 1 }, { timeoutMs: 100 });
    expect(result).toMatchObject({ addressed: 40, ready: 20, transit: 20 });
    expect(result.elapsedMs).toBeLessThan(1000);
    await settled(mesh);
    expect(await call(mesh, TARGET, { do: "seen" })).toEqual([]);
  });

  test("an ask that is refused after it has waited rejects at once", async () => {
    await using mesh = await startMesh("puppet", {
      watchdogMs: 30_000,
      mailbox: { maxMessages: 30, overflow: ["reject", "block", "reject", "block"] },
    });
    mesh.tell(TARGET, { do: "dawdle", ms: 3_600_000 });
    await until("its turn", async () => (await mesh.inspect(TARGET)).current?.suspended === true);
    // They fill its mailbox as soon as the block is over, before there is room for the ask.
    await fillLane(mesh, 400, () => {
      for (let id = 0; id < 30; id++) mesh.tell(TARGET, { do: "note", id });
    });
    const asked = mesh.ask(TARGET, { do: "seen" }, { priority: 2, timeoutMs: 3_600_000 });
    const refused = expect(asked).rejects.toMatchObject({ code: "MESH_UNDELIVERABLE" });
    await refused;
    await mesh.stop({ deadlineMs: 0 });
  });
});

test("a tell that still waits when the mesh has drained is dropped, and all are counted", async () => {
  const mesh = await startMesh("puppet", { mailbox: { maxMessages: 5 } });
  mesh.tell(TARGET, { do: "dawdle", ms: 3_600_000 });
  await until("its turn", async () => (await mesh.inspect(TARGET)).current?.suspended === true);
  for (let id = 0; id < 5; id++) mesh.tell(TARGET, { do: "note", id });
  await until("a full mailbox", async () => (await mesh.inspect(TARGET)).queue.depth === 5);
  const waiting = [5, 6, 7].map((id) => mesh.tell(TARGET, { do: "note", id }));
  expect(waiting.map(({ status }) => status)).toEqual(["waiting", "waiting", "waiting"]);
  const stopped = mesh.stop({ deadlineMs: 100 });
  await pause(20);
  expect(waiting.map(({ status }) => status)).toEqual(["waiting", "waiting", "waiting"]);
  await stopped;
  expect(await Promise.all(waiting)).toEqual(["dropped", "dropped", "dropped"]);
  const letters = mesh.deadLetters.list({ reason: "mesh-stopping", target: TARGET });
  expect(letters.map(({ message }) => (message as { id: number }).id).sort()).toEqual([
    0, 1, 2, 3, 4, 5, 6, 7,
  ]);
  const { messages, lost } = mesh.status();
  expect({ lost, inFlight: messages.inFlight }).toEqual({ lost: 0, inFlight: 0 });
  expect(messages.sent).toBe(messages.accepted);
  expect(messages.deadLettered).toBe(8);
});
