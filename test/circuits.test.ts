// Breakers on the real runtime, under a clock of the test's own: what opens them, whom they keep out, how they close.
import { describe, expect, test } from "vitest";
import { ready } from "../actors/result.ts";
import { Guarded } from "./guarded.ts";

const CLUSTER = "sector-1/cluster-1";

/** Fails at "fail", never ends at "hang", tells the agent it is given, and else answers. */
function agent(seen: unknown[] = []): Parameters<typeof Guarded.of>[0] {
  return {
    receive(_state, message, ctx) {
      seen.push(message);
      if (message === "fail") throw new Error("told to fail");
      if (message === "hang") return new Promise(() => {});
      if (typeof message === "number") return ready(ctx.tell(message, "from inside").status);
      return ready("done");
    },
  };
}

/** The two agents of the first cluster fail twice each. */
async function broken(seen?: unknown[]): Promise<Guarded> {
  const mesh = await Guarded.of(agent(seen), { clusterFailures: 3 });
  for (const target of [0, 1, 0, 1]) {
    mesh.tell(target, "fail");
    await mesh.pass(200);
  }
  return mesh;
}

describe("a cluster's circuit", () => {
  test("opens with one failure too many, and says so", async () => {
    const mesh = await Guarded.of(agent(), { clusterFailures: 3 });
    for (const target of [0, 1, 0]) mesh.tell(target, "fail");
    await mesh.pass(200);
    expect(mesh.circuits).toEqual([]);
    mesh.tell(1, "fail");
    await mesh.pass(200);
    expect(mesh.circuits).toMatchObject([
      { type: "CIRCUIT", action: "OPEN", scope: "cluster", targetId: CLUSTER },
    ]);
    expect(mesh.circuits[0].reason).toContain("AGENT_CRASH: Error: told to fail");
    expect(mesh.guards.circuits.list()).toMatchObject([{ target: CLUSTER, state: "OPEN" }]);
  });

  test("keeps out what comes from outside: a tell becomes a dead letter, an ask is refused", async () => {
    const mesh = await broken();
    expect(mesh.tell(0, "work")).toBe("dropped");
    expect(mesh.letters).toEqual(["circuit-open"]);
    expect(await mesh.ask(1, "work")).toContain("its circuit is open");
    expect(await mesh.ask(2, 0)).toBe("dropped");
    expect(await mesh.ask(2, "work")).toBe("done");
  });

  test("lets critical messages through, and those inside go on among themselves", async () => {
    const seen: unknown[] = [];
    const mesh = await broken(seen);
    expect(await mesh.ask(0, "critical", { priority: 3 })).toBe("done");
    expect(await mesh.ask(0, 1, { priority: 3 })).toBe("accepted");
    expect(seen).toContain("from inside");
  });

  test("is probed after 30 s through the mailbox, unseen by the handler, then lets one in so many in", async () => {
    const seen: unknown[] = [];
    const mesh = await broken(seen);
    seen.length = 0;
    await mesh.pass(29_000);
    expect(mesh.circuits).toHaveLength(1);
    await mesh.pass(1_500);
    expect(mesh.circuits.at(-1)).toMatchObject({ action: "HALF_OPEN", targetId: CLUSTER });
    expect(seen).toEqual([]);
    expect([0, 1].map((target) => mesh.tell(target, "work"))).toEqual(["accepted", "dropped"]);
    await mesh.pass(60_500);
    expect(mesh.circuits.at(-1)).toMatchObject({ action: "CLOSE", reason: "recovered" });
    expect([0, 1].map((target) => mesh.tell(target, "work"))).toEqual(["accepted", "accepted"]);
    expect(mesh.guards.circuits.list()).toEqual([]);
  });

  test("opens again with the first failure of its trial, and lets another agent in at the next", async () => {
    const mesh = await broken();
    await mesh.pass(30_000);
    mesh.tell(0, "fail");
    await mesh.pass(100);
    expect(mesh.circuits.map(({ action }) => action)).toEqual(["OPEN", "HALF_OPEN", "OPEN"]);
    await mesh.pass(59_000);
    expect(mesh.circuits).toHaveLength(3);
    await mesh.pass(2_000);
    expect(mesh.circuits.at(-1)?.action).toBe("HALF_OPEN");
    expect([0, 1].map((target) => mesh.tell(target, "work"))).toEqual(["dropped", "accepted"]);
  });

  test("stays open while its agents do not answer the probe, and is probed again after 60 s", async () => {
    const mesh = await Guarded.of(agent());
    for (const target of [0, 1]) mesh.tell(target, "hang");
    mesh.guards.circuits.trip(CLUSTER, "a drill");
    await mesh.pass(30_000);
    await mesh.pass(5_500);
    const { state, dueMs = 0, sinceMs } = mesh.guards.circuits.state(CLUSTER);
    expect(state).toBe("OPEN");
    const afterMs = dueMs - sinceMs;
    expect(afterMs).toBeGreaterThanOrEqual(95_000);
    expect(afterMs).toBeLessThan(97_000);
  });
});

test("operators trip and reset any circuit, by address; agents have none of their own", async () => {
  const mesh = await Guarded.of(agent());
  const { circuits } = mesh.guards;
  expect(circuits.trip("sector-2", "a drill")).toMatchObject({ level: "sector", state: "OPEN" });
  expect(mesh.tell(4, "work")).toBe("dropped");
  expect(mesh.tell(0, "work")).toBe("accepted");
  expect(circuits.trip("orchestrator")).toMatchObject({ level: "global", reason: /operator/ });
  expect(mesh.tell(0, "work")).toBe("dropped");
  expect(circuits.reset("orchestrator").state).toBe("CLOSED");
  expect(circuits.reset("sector-2").state).toBe("CLOSED");
  expect([0, 4].map((target) => mesh.tell(target, "work"))).toEqual(["accepted", "accepted"]);
  expect(circuits.state("sector-1/cluster-2/agent-1").target).toBe("sector-1/cluster-2");
  expect(() => circuits.trip("sector-1/cluster-1/agent-1")).toThrow(/nothing else has a circuit/);
  expect(() => circuits.state("sector-9")).toThrow(/no actor "sector-9"/);
});

test("a worker that dies six times within a minute opens what lived on it; one that was killed does not", async () => {
  const mesh = await Guarded.of(agent());
  const lose = (reason: string): void =>
    mesh.listeners.emit("workerLost", { worker: "worker-1", reason });
  for (let i = 0; i < 10; i++) lose("killed by the operator");
  for (let i = 0; i < 5; i++) lose("out of memory");
  expect(mesh.circuits).toEqual([]);
  lose("out of memory");
  expect(mesh.circuits.map(({ targetId }) => targetId)).toEqual([
    "sector-1/cluster-1",
    "sector-1/cluster-2",
    "sector-2/cluster-1",
    "sector-2/cluster-2",
  ]);
});
