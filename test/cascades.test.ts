// Cascades and second attempts on real threads: what survives a blocked main and a killed worker.
import { describe, expect, test } from "vitest";
import { call, pause, settled, until } from "./mesh.ts";
import {
  AGENTS,
  block,
  nowMs,
  onlyFast,
  type Seen,
  SLOW,
  seenBy,
  start,
  warm,
} from "./punctual.ts";

describe("cascades", () => {
  test("a wave confirms tier by tier", async () => {
    await using mesh = await start({ topology: onlyFast() });
    await warm(mesh);
    const result = await mesh.cascade(
      { payload: { do: "work", ms: 0 }, at: "in 1s" },
      { strategy: "wave" },
    );
    expect(result).toMatchObject({
      status: "SUCCESS",
      strategy: "wave",
      ready: AGENTS,
      sectors: { expected: 4, reached: 4 },
      clusters: { expected: 8, reached: 8 },
      agents: { expected: AGENTS, reached: AGENTS },
      phases: [],
    });
    expect(result.sectors.elapsedMs).toBeLessThanOrEqual(result.clusters.elapsedMs);
    expect(result.clusters.elapsedMs).toBeLessThanOrEqual(result.agents.elapsedMs);
  });

  test("a wave whose sectors do not confirm in time goes to no agent", async () => {
    await using mesh = await start({ topology: onlyFast(), watchdogMs: 10_000 });
    mesh.tell("sector-4/cluster-1/agent-1", { do: "block", ms: 900 });
    await pause(50);
    const result = await mesh.cascade({ payload: { do: "work", ms: 0 }, at: "in 700ms" });
    expect(result).toMatchObject({ status: "FAILED_AT_SECTOR", ready: 0 });
    expect(result.sectors).toMatchObject({ expected: 4, reached: 2 });
    await settled(mesh);
    for (const { received } of (await seenBy(mesh)).values())
      expect(received).not.toContain(result.operationId);
  });

  test("parallel needs no confirmation and 90 % of the agents", async () => {
    await using mesh = await start();
    const who = mesh
      .select("sector-1")
      .slice(0, 3)
      .map((ref) => mesh.address(ref));
    const result = await mesh.cascade(
      { payload: { do: "workUnless", who: who[0], ms: 20_000 }, at: "now" },
      { strategy: "parallel", timeoutMs: 300 },
    );
    expect(result).toMatchObject({ status: "SUCCESS", ready: 39, transit: 1 });
  });

  test("priority-first goes class by class, notes who is degraded, and goes on", async () => {
    await using mesh = await start();
    const gpus = mesh.select("CLASS_D_GPU").map((ref) => mesh.address(ref));
    const detail = { type: "CONTEXT_DIVERGENCE" };
    const result = await mesh.cascade(
      { payload: { do: "conflictAt", who: gpus, detail }, at: "now" },
      { strategy: "priority-first" },
    );
    const phases = result.phases.map(({ class: name, threshold, degraded }) => [
      name,
      threshold,
      degraded,
    ]);
    expect(phases).toEqual([
      ["CLASS_D_GPU", 0.99, true],
      ["CLASS_C_PERSISTENT", 0.98, false],
      ["CLASS_B_SERVERLESS", 0.95, false],
      ["CLASS_A_EDGE", 0.9, false],
      ["CLASS_E_LOCAL", 0.85, false],
    ]);
    expect(result.status).toBe("PARTIAL");
    expect(result.conflict).toBe(gpus.length);
    expect(result.ready + result.conflict).toBe(result.selected);
  });

  test("people are asked beside the classes, by their own deadline, and not waited for", async () => {
    await using mesh = await start({
      topology: { ...onlyFast(), classes: { CLASS_A_EDGE: 3, CLASS_F_HUMAN: 1 } },
    });
    const people = mesh.select("CLASS_F_HUMAN").map((ref) => mesh.address(ref));
    const payload = { do: "workUnless", who: people[0], ms: 3000 };
    const result = await mesh.cascade(
      { payload, at: "now" },
      { strategy: "priority-first", peopleTimeoutMs: 30_000 },
    );
    expect(result.phases.map(({ class: name }) => name)).toEqual(["CLASS_A_EDGE"]);
    expect(result.ready + people.length).toBe(AGENTS);
    let isAnswered = false;
    result.people?.then(() => {
      isAnswered = true;
    });
    await pause(1);
    expect(isAnswered).toBe(false);
    expect(await result.people).toMatchObject({ ready: people.length, transit: 0 });
    const without = await mesh.cascade({ payload, at: "now" }, { strategy: "priority-first" });
    expect(without.people).toBeUndefined();
  });

  test("sectors finish their part while the main thread is blocked", async () => {
    await using mesh = await start({ topology: onlyFast(), watchdogMs: 10_000 });
    await warm(mesh);
    const arrivalMs = nowMs() + 300;
    const running = mesh.cascade({ payload: { do: "work", ms: 0 }, at: arrivalMs });
    await pause(20);
    block(900);
    const unblockedMs = nowMs();
    expect((await running).ready).toBe(AGENTS);
    for (const { acted } of (await seenBy(mesh)).values()) {
      const [{ atMs }] = acted;
      expect(atMs).toBeGreaterThanOrEqual(arrivalMs);
      expect(atMs).toBeLessThan(unblockedMs);
    }
  });

  test("a worker killed in the middle: every agent acts exactly once", async () => {
    await using mesh = await start({ topology: onlyFast() });
    await warm(mesh);
    const back = new Promise((resolve) => mesh.on("workerBack", resolve));
    const running = mesh.cascade(
      { payload: { do: "work", ms: 20 }, at: "in 1500ms" },
      { windowMs: 10_000 },
    );
    await pause(700);
    await mesh.kill("worker-1");
    await back;
    const result = await running;
    expect(result).toMatchObject({ ready: AGENTS, transit: 0 });
    await settled(mesh);
    for (const [address, { acted }] of await seenBy(mesh))
      expect([address, acted.map(({ id }) => id)]).toEqual([address, [result.operationId]]);
    expect(mesh.status().lost).toBe(0);
  });

  test("a worker killed while its agents hold: who was READY is not asked again, and acts once", async () => {
    await using mesh = await start({ topology: onlyFast() });
    const running = mesh.cascade(
      { payload: { do: "work", ms: 0 }, at: "in 1500ms", readyBy: 0.999 },
      { windowMs: 10_000 },
    );
    await until("agents of worker-1 are READY", async () => {
      const { received } = (await call(mesh, "sector-1/cluster-1/agent-1", { do: "seen" })) as Seen;
      return received.length === 1;
    });
    await mesh.kill("worker-1");
    const result = await running;
    expect(result.ready).toBe(AGENTS);
    for (const { received, acted } of (await seenBy(mesh)).values()) {
      expect(received.filter((id) => id === result.operationId)).toHaveLength(1);
      expect(acted).toHaveLength(1);
    }
  });
});

describe("second attempts", () => {
  test("resume asks only those that were not done, under the same id", async () => {
    await using mesh = await start();
    const first = await mesh.scatterGather(
      { payload: { do: "workUnless", who: SLOW, ms: 600 }, at: "now" },
      { timeoutMs: 200 },
    );
    expect(first).toMatchObject({ ready: 39, transit: 1 });
    const second = await first.resume({ timeoutMs: 5000 });
    expect(second).toMatchObject({ selected: 1, ready: 1, operationId: first.operationId });
    for (const [address, { received }] of await seenBy(mesh))
      expect(received).toHaveLength(address === SLOW ? 2 : 1);
    await expect(second.resume()).rejects.toMatchObject({ code: "MESH_NOTHING_LEFT" });
  });

  test("resume waits for an agent that is still at work instead of asking it twice", async () => {
    await using mesh = await start();
    const first = await mesh.scatterGather(
      { payload: { do: "dawdle", ms: 1000 }, at: "now" },
      { select: SLOW, timeoutMs: 100 },
    );
    expect(first).toMatchObject({ ready: 0, transit: 1 });
    const second = await first.resume({ timeoutMs: 10_000 });
    expect(second).toMatchObject({ ready: 1, transit: 0 });
    const { received } = (await call(mesh, SLOW, { do: "seen" })) as Seen;
    expect(received).toEqual([first.operationId]);
  });

  test("a straggler of what may be done twice is helped out by an idle peer", async () => {
    await using mesh = await start({ topology: onlyFast() });
    await warm(mesh);
    const payload = { do: "workUnless", who: SLOW, ms: 20_000 };
    const alone = await mesh.scatterGather(
      { payload, at: "in 200ms" },
      { select: "sector-2", windowMs: 300 },
    );
    expect(alone).toMatchObject({ ready: 9, transit: 1 });
    const other = { do: "workUnless", who: "sector-3/cluster-2/agent-1", ms: 20_000 };
    const hedged = await mesh.scatterGather(
      { payload: other, at: "in 200ms", verb: "observe" },
      { select: "sector-3", windowMs: 2000 },
    );
    expect(hedged).toMatchObject({ ready: 10, transit: 0 });
  });

  test("an abort rejects at once, and what has not gone out stays", async () => {
    await using mesh = await start({ topology: onlyFast() });
    await warm(mesh);
    const stop = new AbortController();
    const running = mesh.scatterGather(
      { payload: { do: "work", ms: 0 }, at: "in 600ms" },
      { signal: stop.signal },
    );
    await pause(50);
    stop.abort(new Error("changed my mind"));
    await expect(running).rejects.toThrow("changed my mind");
    await pause(800);
    await settled(mesh);
    for (const { received } of (await seenBy(mesh)).values()) expect(received).toHaveLength(1);
  });
});
