// `mesh.heal` on real threads: what it finds, what it does, what it sees afterwards.
import { describe, expect, test } from "vitest";
import type { HealFinding, Mesh, MeshOptions } from "../index.ts";
import { call, startMesh, until } from "./mesh.ts";

const SECTOR = "sector-2";
const CLUSTER = `${SECTOR}/cluster-1`;
const ONE = `${CLUSTER}/agent-1`;
const TWO = `${CLUSTER}/agent-2`;
const THREE = `${SECTOR}/cluster-2/agent-3`;
const STRICT = { intensity: { maxRestarts: 0 } };

function start(options: Partial<MeshOptions> = {}): Promise<Mesh> {
  return startMesh("schooled", { supervision: STRICT, ...options });
}

async function quarantine(mesh: Mesh, address: string): Promise<void> {
  await expect(mesh.ask(address, { do: "throw" })).rejects.toMatchObject({
    code: "MESH_AGENT_FAILED",
  });
  await until("the quarantine", () => stateOf(mesh, address) === "quarantined");
}

function stateOf(mesh: Mesh, address: string): string | undefined {
  return mesh.agents({ within: address })[0]?.operationalState;
}

async function look(mesh: Mesh, address: string): Promise<Record<string, unknown>> {
  return (await call(mesh, address, { do: "look" })) as Record<string, unknown>;
}

describe("heal", () => {
  test("restarts who has stopped, replaces who is in quarantine, and asks each for a turn", async () => {
    await using mesh = await start();
    await call(mesh, ONE, { do: "stop" });
    await call(mesh, THREE, { do: "stop" });
    await quarantine(mesh, TWO);
    await call(mesh, "sector-1/cluster-1/agent-1", { do: "stop" });
    const turnsBefore = (await mesh.inspect(ONE)).handled;
    const plan: HealFinding[] = [];
    const result = await mesh.heal("SECTOR-2", { onPlan: (findings) => plan.push(...findings) });
    expect(plan).toEqual([
      { subject: ONE, problem: "stopped", remedy: "restart" },
      { subject: TWO, problem: "quarantined", remedy: "replace" },
      { subject: THREE, problem: "stopped", remedy: "restart" },
    ]);
    expect(result).toMatchObject({
      target: SECTOR,
      dryRun: false,
      plan,
      found: 3,
      restarted: 2,
      replaced: 1,
      contexts: [],
      workers: [],
      failed: [],
      healthy: true,
    });
    for (const address of [ONE, TWO, THREE])
      expect(await look(mesh, address)).toEqual({ seen: [] });
    // What is elsewhere is left alone; of the two turns, the probe's is none that a behavior sees.
    expect(stateOf(mesh, "sector-1/cluster-1/agent-1")).toBe("offline");
    expect((await mesh.inspect(ONE)).handled).toBe(turnsBefore + 2);
    expect(mesh.status().lost).toBe(0);
    const { recoveries } = mesh.kpis();
    expect(recoveries.sector?.count).toBe(1);
  });

  test("a clean record: who is replaced fails as often again before it is given up", async () => {
    await using mesh = await start({ supervision: { intensity: { maxRestarts: 1 } } });
    await expect(mesh.ask(TWO, { do: "throw" })).rejects.toThrow();
    await quarantine(mesh, TWO);
    expect(await mesh.heal(TWO)).toMatchObject({ target: TWO, replaced: 1, healthy: true });
    await expect(mesh.ask(TWO, { do: "throw" })).rejects.toThrow("threw");
    expect(await look(mesh, TWO)).toEqual({ seen: [] });
    await quarantine(mesh, TWO);
  });

  test("a dry run says the same plan and does nothing", async () => {
    await using mesh = await start();
    await quarantine(mesh, TWO);
    const planned = await mesh.heal("auto", { dryRun: true });
    expect(planned).toMatchObject({ target: "mesh", found: 1, replaced: 0, healthy: false });
    expect(stateOf(mesh, TWO)).toBe("quarantined");
    const done = await mesh.heal();
    expect(done.plan).toEqual(planned.plan);
    expect(done).toMatchObject({ replaced: 1, healthy: true });
    expect(await mesh.heal()).toMatchObject({ found: 0, healthy: true });
  });

  test("who does not come back is named, and the mesh is not called healthy", async () => {
    await using mesh = await start({ agentOptions: { throws: [TWO] } });
    await until("the quarantine", () => stateOf(mesh, TWO) === "quarantined");
    await call(mesh, ONE, { do: "stop" });
    const result = await mesh.heal(CLUSTER);
    expect(result).toMatchObject({ restarted: 1, replaced: 1, healthy: false });
    expect(result.failed).toEqual([{ subject: TWO, why: "does not answer" }]);
    expect(await look(mesh, ONE)).toEqual({ seen: [] });
  });

  test("a worker that is blocked is replaced, and what blocked it is to blame", async () => {
    await using mesh = await start({ watchdogMs: 60_000, maxDeliveries: 1 });
    const asked = mesh.ask(ONE, { do: "block", ms: 60_000 }, { timeoutMs: 60_000 });
    const refused = expect(asked).rejects.toMatchObject({ code: "MESH_UNDELIVERABLE" });
    await until("the block", () => {
      const { state, current } = mesh.status().workers[0];
      return state === "blocked" && (current?.sinceMs ?? 0) > 1100;
    });
    const result = await mesh.heal("worker-1");
    expect(result.plan).toEqual([
      { subject: "worker-1", problem: "blocked", remedy: "replace-worker" },
    ]);
    expect(result).toMatchObject({ workers: ["worker-1"], healthy: true });
    await refused;
    expect(await look(mesh, ONE)).toEqual({ seen: [] });
    // Poison is told of, and left to a person.
    expect((await mesh.heal(SECTOR)).plan).toEqual([
      { subject: ONE, problem: "poison-held", remedy: "none" },
    ]);
  });

  test("a worker that was given up begins anew; one that dies again is named", async () => {
    const late = new Int32Array(new SharedArrayBuffer(4));
    await using mesh = await startMesh("tardy", { agentOptions: { late } });
    Atomics.store(late, 0, 2);
    await mesh.kill("worker-1");
    await until("the end", () => mesh.status().workers[0].state === "stopped");
    expect(mesh.status().agents).toMatchObject({ active: 20, offline: 20 });
    const dying = await mesh.heal("worker-1");
    expect(dying.plan).toEqual([
      { subject: "worker-1", problem: "given-up", remedy: "replace-worker" },
    ]);
    expect(dying).toMatchObject({ healthy: false });
    expect(dying.failed).toEqual([{ subject: "worker-1", why: "is still given-up" }]);
    Atomics.store(late, 0, 0);
    expect(await mesh.heal()).toMatchObject({ workers: ["worker-1"], failed: [], healthy: true });
    expect(mesh.status()).toMatchObject({ agents: { active: 40 }, lost: 0 });
    expect(mesh.roles.coordinator("sector-1")).toMatchObject({ heldBy: "worker-1" });
  });

  test("refuses what is no place", async () => {
    await using mesh = await start();
    for (const target of ["sector-9", "worker-3", "spawned-1", "everything"])
      await expect(mesh.heal(target)).rejects.toMatchObject({ code: "MESH_UNKNOWN_ACTOR" });
  });
});

describe("a context that was lost", () => {
  const LESSON = { version: 7, rules: ["be on time"] };

  function school(taught: readonly string[], plan: object = {}): Promise<Mesh> {
    return start({ agentOptions: { taught, lesson: LESSON, ...plan } });
  }

  function addressesIn(mesh: Mesh, place: string): string[] {
    return mesh.select(place).map((ref) => mesh.address(ref));
  }

  test("comes from the nearest healthy agent, before the first turn", async () => {
    await using mesh = await school([SECTOR], { slow: [TWO] });
    for (const address of [ONE, TWO]) await quarantine(mesh, address);
    const healing = mesh.heal(SECTOR);
    // Some of these find it in quarantine; none of those that do not is handled without the context.
    const noting = setInterval(() => {
      for (const address of [ONE, TWO]) mesh.tell(address, { do: "note", id: 1 });
    }, 1);
    const result = await healing;
    clearInterval(noting);
    expect(result).toMatchObject({ replaced: 2, healthy: true });
    expect(result.contexts).toEqual([{ from: expect.stringContaining(CLUSTER), agents: 2 }]);
    for (const address of [ONE, TWO]) {
      const { context, seen } = await look(mesh, address);
      expect(context).toEqual(LESSON);
      expect(seen).not.toContainEqual([1, null]);
    }
  });

  test("comes from the neighbour sector, on another worker, when a whole sector has lost its own", async () => {
    await using mesh = await school([SECTOR, "sector-3"]);
    const all = addressesIn(mesh, SECTOR);
    for (const address of all) await quarantine(mesh, address);
    const result = await mesh.heal(SECTOR);
    expect(result).toMatchObject({ replaced: 10, healthy: true });
    expect(result.contexts).toEqual([{ from: "sector-3", agents: 10 }]);
    for (const address of all) expect((await look(mesh, address)).context).toEqual(LESSON);
  });

  test("who does not hold what it was given, or fails at it, is named", async () => {
    await using mesh = await school([CLUSTER], { forgets: [ONE], refuses: [TWO] });
    for (const address of [ONE, TWO]) await quarantine(mesh, address);
    const result = await mesh.heal(CLUSTER);
    expect(result).toMatchObject({ replaced: 2, healthy: false, contexts: [] });
    expect(result.failed.map(({ subject }) => subject)).toEqual([ONE, TWO]);
    const why = /has not taken the context of sector-2\/cluster-1\/agent-\d/;
    expect(result.failed[0].why).toMatch(why);
  });
});

test("a healing waits for the one before", async () => {
  await using mesh = await start({ agentOptions: { slow: [ONE] } });
  await quarantine(mesh, ONE);
  const [first, second] = await Promise.all([mesh.heal(), mesh.heal()]);
  expect([first.replaced, second.replaced]).toEqual([1, 0]);
  expect(second).toMatchObject({ found: 0, healthy: true });
});

test("closes the circuits of what it heals, and those below, and no others", async () => {
  await using mesh = await start();
  mesh.circuits.trip(CLUSTER, "by hand");
  mesh.circuits.trip(SECTOR, "by hand");
  mesh.circuits.trip("sector-1/cluster-1", "by hand");
  const result = await mesh.heal(SECTOR);
  expect(result.circuits).toHaveLength(2);
  expect(mesh.circuits.list().map(({ target }) => target)).toEqual(["sector-1/cluster-1"]);
  expect(result.healthy).toBe(true);
});
