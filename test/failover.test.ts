// Loss of a lead, a coordinator, a worker: who holds the role then, and what becomes of what it had begun.
import { describe, expect, test } from "vitest";
import type { Mesh, MeshOptions } from "../index.ts";
import { call, pause, startMesh, until } from "./mesh.ts";
import { block } from "./punctual.ts";

const CLUSTER = "sector-2/cluster-1";
const SIBLING = "sector-2/cluster-2";
const ONE = `${CLUSTER}/agent-1`;
const TWO = `${CLUSTER}/agent-2`;
const THREE = `${CLUSTER}/agent-3`;
const ALL = [ONE, TWO, THREE, `${CLUSTER}/agent-4`, `${CLUSTER}/agent-5`];

function start(options: Partial<MeshOptions> = {}): Promise<Mesh> {
  return startMesh("fragile", options);
}

async function born(mesh: Mesh, address: string): Promise<number> {
  return ((await call(mesh, address, { do: "look" })) as { born: number }).born;
}

async function fail(mesh: Mesh, address: string): Promise<void> {
  await expect(mesh.ask(address, { do: "throw" })).rejects.toThrow("threw");
}

function back(mesh: Mesh): Promise<unknown> {
  return new Promise((resolve) => mesh.on("workerBack", resolve));
}

describe("a lead", () => {
  test("is an agent of its cluster; killed, another leads in the next term, and the agents go on", async () => {
    await using mesh = await start();
    await call(mesh, ONE, { do: "note", id: 1 });
    expect(mesh.roles.lead(TWO)).toEqual({
      cluster: CLUSTER,
      heldBy: ONE,
      term: 1,
      adoptedBy: undefined,
      caresFor: [],
    });
    await mesh.kill(CLUSTER);
    const { lead } = await mesh.inspect(CLUSTER);
    expect(lead).toMatchObject({ term: 2, adoptedBy: undefined });
    expect(ALL.slice(1)).toContain(lead?.heldBy);
    expect(mesh.roles.lead(SIBLING)).toMatchObject({ heldBy: `${SIBLING}/agent-1`, term: 1 });
    expect(await call(mesh, ONE, { do: "look" })).toMatchObject({ born: 1, seen: [1] });
    await until("the incident", () => mesh.incidents().length > 0);
    expect(mesh.incidents()[0]).toMatchObject({ subject: CLUSTER, decision: "promote" });
  });

  test("that has ended is followed by a healthy agent; without one the seat is empty until one is back", async () => {
    await using mesh = await start({ supervision: { intensity: { maxRestarts: 0 } } });
    await fail(mesh, ONE);
    expect(mesh.roles.lead(CLUSTER)).toMatchObject({ term: 2 });
    for (const address of ALL.slice(1)) await call(mesh, address, { do: "stop" });
    await until("the empty seat", () => mesh.roles.lead(CLUSTER).heldBy === undefined);
    await mesh.restart(THREE);
    expect(mesh.roles.lead(CLUSTER).heldBy).toBe(THREE);
  });

  test("takes its decisions along: its successor restarts at once who waited, and is not cut short by it", async () => {
    const backoff = { firstMs: 1000, factor: 1, maxMs: 1000, jitter: 0 };
    await using mesh = await start({ supervision: { backoff } });
    // The first restart is at once, the second waits for a second.
    await fail(mesh, TWO);
    await fail(mesh, TWO);
    await mesh.kill(CLUSTER);
    expect(await born(mesh, TWO)).toBe(3);
    // A clean record: again the first is at once. The decision of the old lead is due in between.
    await fail(mesh, TWO);
    await pause(200);
    const sinceMs = performance.now();
    await fail(mesh, TWO);
    expect(await born(mesh, TWO)).toBe(5);
    expect(performance.now() - sinceMs).toBeGreaterThanOrEqual(990);
  });
});

describe("a cluster that is given up", () => {
  const supervision = {
    intensity: { maxRestarts: 1, withinMs: 60_000 },
    backoff: { firstMs: 0, factor: 1, maxMs: 0, jitter: 0 },
    whenExceeded: "escalate",
  } as const;

  async function giveUp(mesh: Mesh): Promise<void> {
    // Beyond the agent's restarts its cluster begins anew, beyond the cluster's it is given up.
    for (let i = 0; i < 4; i++) await fail(mesh, TWO);
    await until("the adoption", () => mesh.roles.lead(CLUSTER).adoptedBy !== undefined);
  }

  test("goes into the care of another of its sector: its agents work on, but the one that failed", async () => {
    await using mesh = await start({ supervision });
    await call(mesh, ONE, { do: "note", id: 1 });
    await giveUp(mesh);
    expect(mesh.roles.lead(CLUSTER).adoptedBy).toBe(SIBLING);
    expect(mesh.roles.lead(SIBLING).caresFor).toEqual([CLUSTER]);
    const states = mesh.agents({ within: CLUSTER }).map((row) => row.operationalState);
    expect(states.toSorted()).toEqual(["active", "active", "active", "active", "quarantined"]);
    // Operations reach them, and who is in quarantine is TRANSIT.
    const result = await mesh.broadcast({ do: "note", id: 2 }, { select: "sector-2" });
    expect(result).toMatchObject({ addressed: 10, ready: 9, transit: 1 });
    expect(mesh.incidents()[0]).toMatchObject({ subject: CLUSTER, decision: "adopt" });
  });

  test("a guest has a clean record, and is kept from work alone when it fails too often", async () => {
    await using mesh = await start({ supervision });
    await giveUp(mesh);
    const before = await born(mesh, THREE);
    await fail(mesh, THREE);
    expect(await born(mesh, THREE)).toBe(before + 1);
    await fail(mesh, THREE);
    await expect(mesh.ask(THREE, { do: "look" })).rejects.toThrow(/quarantine/);
    await until("the incident", () => mesh.incidents()[0]?.decision !== "restart");
    expect(mesh.incidents()[0]).toMatchObject({ subject: THREE, decision: "quarantine" });
    expect(await born(mesh, ONE)).toBeGreaterThan(0);
    expect(mesh.agents({ within: SIBLING, state: "active" })).toHaveLength(5);
  });

  test("comes home by heal, with a lead of its own", async () => {
    await using mesh = await start({ supervision });
    await giveUp(mesh);
    const result = await mesh.heal(CLUSTER);
    expect(result.plan).toEqual([
      { subject: CLUSTER, problem: "adopted", remedy: "bring-home" },
      { subject: TWO, problem: "quarantined", remedy: "replace" },
    ]);
    expect(result).toMatchObject({ broughtHome: [CLUSTER], replaced: 1, healthy: true });
    expect(mesh.roles.lead(CLUSTER)).toMatchObject({ adoptedBy: undefined });
    expect(await born(mesh, TWO)).toBeGreaterThan(0);
    // It may fail as often as any other again.
    await fail(mesh, TWO);
    expect(mesh.roles.lead(CLUSTER).adoptedBy).toBeUndefined();
  });

  test("can be by order; its care outlives the worker, and moves on when the adopter fails too", async () => {
    await using mesh = await start({
      topology: { sectors: 2, clustersPerSector: 3, agentsPerCluster: 2, spawnCapacity: 0 },
      workers: 2,
    });
    expect(await mesh.roles.giveUp("sector-1/cluster-1")).toBe(true);
    expect(mesh.roles.lead("sector-1/cluster-1").adoptedBy).toBe("sector-1/cluster-2");
    const replaced = back(mesh);
    await mesh.kill("worker-1");
    await replaced;
    expect(await mesh.roles.giveUp("sector-1/cluster-2")).toBe(true);
    expect(mesh.roles.lead("sector-1/cluster-3").caresFor).toEqual([
      "sector-1/cluster-1",
      "sector-1/cluster-2",
    ]);
    // Nobody is left to care for the last.
    expect(await mesh.roles.giveUp("sector-1/cluster-3")).toBe(false);
    expect(await mesh.heal("sector-1")).toMatchObject({
      broughtHome: ["sector-1/cluster-1", "sector-1/cluster-2"],
      healthy: true,
    });
  });
});

describe("a coordinator", () => {
  test("of a mesh with one worker has main as its backup", async () => {
    await using mesh = await start({ workers: 1 });
    const held: string[] = [];
    mesh.on("workerLost", () => held.push(mesh.roles.coordinator("sector-4").heldBy));
    const replaced = back(mesh);
    expect(mesh.roles.coordinator("sector-4").backup).toBe("main");
    await mesh.kill("worker-1");
    await replaced;
    expect(held).toEqual(["main"]);
    expect(mesh.roles.coordinator("sector-4")).toMatchObject({ heldBy: "worker-1", term: 3 });
  });

  test("is its sector's worker, and its backup another; killed, the next one begins with a clean record", async () => {
    await using mesh = await start({
      supervision: {
        intensity: { maxRestarts: 1, withinMs: 60_000 },
        whenExceeded: "escalate",
        backoff: { firstMs: 0, factor: 1, maxMs: 0, jitter: 0 },
      },
    });
    // Its cluster has begun anew once: the next time it would be given up.
    for (let i = 0; i < 2; i++) await fail(mesh, TWO);
    expect(mesh.roles.coordinator(ONE)).toEqual({
      sector: "sector-2",
      heldBy: "worker-1",
      term: 1,
      home: "worker-1",
      backup: "worker-2",
    });
    await mesh.kill("sector-2");
    expect((await mesh.inspect("sector-2")).coordinator).toMatchObject({
      heldBy: "worker-1",
      term: 2,
    });
    await until("the incident", () => mesh.incidents()[0]?.decision === "promote");
    expect(mesh.incidents()[0]).toMatchObject({ subject: "sector-2", decision: "promote" });
    expect(mesh.roles.coordinator("sector-1").term).toBe(1);
    for (let i = 0; i < 2; i++) await fail(mesh, TWO);
    expect(await born(mesh, ONE)).toBe(3);
    expect(mesh.roles.lead(CLUSTER).adoptedBy).toBeUndefined();
    const result = await mesh.broadcast({ do: "note", id: 1 });
    expect(result).toMatchObject({ addressed: 40, ready: 40 });
  });

  test("is followed by its backup while its worker is away, and has the seat again when that is back", async () => {
    await using mesh = await start();
    const seen: unknown[] = [];
    mesh.on("workerLost", () => {
      const { heldBy, term } = mesh.roles.coordinator("sector-1");
      seen.push({ heldBy, term, active: mesh.sectors()[0].activeAgents });
    });
    const replaced = back(mesh);
    await mesh.kill("worker-1");
    await replaced;
    expect(seen).toEqual([{ heldBy: "worker-2", term: 2, active: 0 }]);
    expect(mesh.roles.coordinator("sector-1")).toMatchObject({ heldBy: "worker-1", term: 3 });
    expect(mesh.roles.coordinator("sector-3")).toMatchObject({ heldBy: "worker-2", term: 1 });
    expect(mesh.roles.lead("sector-1/cluster-1")).toMatchObject({ term: 2 });
    expect(mesh.sectors()[0].activeAgents).toBe(10);
  });
});

test("sectors supervise on their own while main is blocked, and a worker lost meanwhile is healed after", async () => {
  await using mesh = await start({
    supervision: {
      intensity: { maxRestarts: 1000 },
      backoff: { firstMs: 1, factor: 1, maxMs: 1, jitter: 0 },
    },
  });
  const others = mesh.select("sector-1");
  for (let i = 0; i < 50; i++) mesh.tell(TWO, { do: "throw" });
  for (const ref of others) for (let id = 0; id < 50; id++) mesh.tell(ref, { do: "note", id });
  const running = mesh.cascade(
    { payload: { do: "note", id: "cascaded" }, at: "now" },
    { strategy: "parallel", timeoutMs: 20_000 },
  );
  await new Promise((resolve) => setImmediate(resolve));
  const returned = back(mesh);
  await mesh.kill("worker-2");
  block(1500);
  // Read before main has taken a turn of its own: whoever is on the other worker has gone on meanwhile.
  expect(mesh.status().restarts.agents).toBe(50);
  expect(mesh.status().messages.handled).toBeGreaterThanOrEqual(50 + 50 * others.length);
  await returned;
  expect(await running).toMatchObject({ selected: 40, ready: 40, transit: 0 });
  expect(await born(mesh, TWO)).toBe(51);
  for (const ref of others) {
    const { seen } = (await call(mesh, ref, { do: "look" })) as { seen: unknown[] };
    expect(seen).toHaveLength(51);
    expect(seen.filter((id) => id === "cascaded")).toHaveLength(1);
  }
  expect(mesh.agents({ state: "active" })).toHaveLength(40);
  expect(mesh.status().lost).toBe(0);
}, 30_000);
