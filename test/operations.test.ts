// Operations of many agents on real threads: who is READY when, who acts, who is skipped, and what of it
// survives a blocked main, a killed worker and a second attempt.
import { describe, expect, test } from "vitest";
import type { GatherResult, Mesh, MeshOptions, Operation } from "../index.ts";
import { call, pause, settled, startMesh, until } from "./mesh.ts";

const AGENTS = 40;
const SLOW = "sector-2/cluster-1/agent-3";

interface Seen {
  readonly received: readonly string[];
  readonly acted: readonly { readonly id: string; readonly atMs: number }[];
}

function start(options: Partial<MeshOptions> = {}): Promise<Mesh> {
  return startMesh("punctual", options);
}

/** What every agent has seen, by address. */
async function seenBy(mesh: Mesh): Promise<Map<string, Seen>> {
  const seen = new Map<string, Seen>();
  for (const ref of mesh.select("all"))
    seen.set(mesh.address(ref), (await call(mesh, ref, { do: "seen" })) as Seen);
  return seen;
}

/** Lets the mesh learn how fast its agents are, so that nothing is planned with what classes are believed to be. */
async function warm(mesh: Mesh): Promise<void> {
  const at = "in 2s";
  const result = await mesh.scatterGather(
    { payload: { do: "work", ms: 0 }, at, hold: false },
    { select: "all", windowMs: 100 },
  );
  expect(result.ready + result.skipped).toBe(AGENTS);
}

/** Blocks this thread. */
function block(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

const nowMs = (): number => performance.timeOrigin + performance.now();

describe("at a time", () => {
  test("agents are READY before T, hold, and act once and not before it", async () => {
    await using mesh = await start({ topology: onlyFast() });
    const arrivalMs = nowMs() + 400;
    const result = await mesh.scatterGather({ payload: { do: "work", ms: 0 }, at: arrivalMs });
    expect(result).toMatchObject({
      status: "SUCCESS",
      arrivalMs,
      selected: AGENTS,
      addressed: AGENTS,
      ready: AGENTS,
      conflict: 0,
      transit: 0,
      failed: 0,
      skipped: 0,
      responseRate: 1,
    });
    expect(result.quorum).toMatchObject({ achieved: true, decision: "PROCEED", confidence: 1 });
    expect(result.acting.count).toBe(AGENTS);
    for (const [, { received, acted }] of await seenBy(mesh)) {
      expect(received).toEqual([result.operationId]);
      expect(acted.map(({ id }) => id)).toEqual([result.operationId]);
      expect(acted[0].atMs).toBeGreaterThanOrEqual(arrivalMs);
    }
    expect(mesh.status().lost).toBe(0);
  });

  test("without hold they act by answering, and `act` is not called", async () => {
    await using mesh = await start({ topology: onlyFast() });
    const result = await mesh.scatterGather({
      payload: { do: "work", ms: 0 },
      at: "in 300ms",
      hold: false,
    });
    expect(result.ready).toBe(AGENTS);
    expect(result.acting.count).toBe(0);
    for (const { acted } of (await seenBy(mesh)).values()) expect(acted).toEqual([]);
  });

  test("the plan of everyone is on the result, an agent is told its own part only", async () => {
    await using mesh = await start({ topology: onlyFast() });
    const operation: Operation = {
      payload: { do: "envelope" },
      at: "in 300ms",
      verb: "decide",
      payloadWeight: 2,
      priority: 2,
      correlationId: "together",
      causationId: "because",
      requiresCapabilities: ["punctual"],
    };
    const result = await mesh.scatterGather(operation, { answers: true });
    const { message } = result;
    expect(message).toMatchObject({
      messageId: result.operationId,
      correlationId: "together",
      causationId: "because",
      sourceAgentId: "orchestrator",
      routingStrategy: "scatter-gather",
      priority: 2,
      payloadWeight: 2,
      requiresCapabilities: ["punctual"],
      verb: "decide",
      payload: { do: "envelope" },
      trinaryExpectation: 1,
    });
    expect(message.payloadHash).toMatch(/^[0-9a-f]{64}$/);
    expect(message.targetAgentIds).toHaveLength(AGENTS);
    expect(Object.keys(message.compensationApplied)).toHaveLength(AGENTS);
    expect([...result.plan()].every(({ status }) => status === "SCHEDULED")).toBe(true);
    for (const { address, state, value } of result.outcomes()) {
      expect(state).toBe(1);
      const { whole, acting, verb, id } = value as {
        whole: typeof message;
        acting: boolean;
        verb: string;
        id: string;
      };
      expect({ acting, verb, id }).toEqual({
        acting: false,
        verb: "decide",
        id: result.operationId,
      });
      expect(whole.targetAgentIds).toEqual([address]);
      expect(whole.payloadHash).toBe(message.payloadHash);
      expect(whole.compensationApplied).toEqual({
        [address]: message.compensationApplied[address],
      });
    }
  });

  test("who cannot be READY in time is skipped, with what it would need and what there was", async () => {
    await using mesh = await start();
    await warm(mesh);
    for (let i = 0; i < 3; i++)
      await mesh.scatterGather(
        { payload: { do: "workUnless", who: SLOW, ms: 400 }, at: "in 900ms", hold: false },
        { select: "all", windowMs: 600 },
      );
    const operation = { payload: { do: "work", ms: 0 }, at: "in 200ms" };
    const { sent } = mesh.status().messages;
    const forecast = await mesh.forecast(operation);
    expect(mesh.status().messages.sent).toBe(sent);
    expect(forecast.skips.map(({ address }) => address)).toContain(SLOW);
    expect(forecast.scheduled + forecast.skipped).toBe(AGENTS);
    expect(forecast.earliestQuorumMs).toBeGreaterThan(0);
    const result = await mesh.scatterGather(operation);
    const skip = [...result.plan()].find(({ address }) => address === SLOW);
    if (skip?.status !== "SKIP") throw new Error("the slow agent was not skipped");
    expect(skip.reason).toBe("insufficient_lead_time");
    expect(skip.wouldNeedMs).toBeGreaterThan(300);
    expect(skip.availableMs).toBeLessThan(200.1);
    expect(result.addressed + result.skipped).toBe(AGENTS);
    expect(result.quorum.achieved).toBe(true);
  });

  test("when nobody can be READY in time, the error says how long the quorum needs", async () => {
    await using mesh = await start();
    await expect(
      mesh.scatterGather({ payload: { do: "work", ms: 0 }, at: nowMs() - 10 }),
    ).rejects.toMatchObject({
      code: "MESH_NOBODY_IN_TIME",
      message: expect.stringMatching(/none of 40 agents .+ needs \d+ ms/),
    });
  });

  test("the earliest quorum is chosen by what is known of the agents", async () => {
    await using mesh = await start({ topology: onlyFast() });
    const before = await mesh.forecast({ payload: { do: "work", ms: 0 } });
    await warm(mesh);
    const after = await mesh.forecast({ payload: { do: "work", ms: 0 } });
    expect(after.availableMs).toBeLessThan(before.availableMs);
    const result = await mesh.scatterGather({ payload: { do: "work", ms: 0 } });
    expect(result.ready).toBe(result.addressed);
  });
});

describe("outcomes", () => {
  test("answers come back by agent", async () => {
    await using mesh = await start();
    const result = await mesh.scatterGather(
      { payload: { do: "work", ms: 0 }, at: "now" },
      { answers: true },
    );
    const outcomes = [...result.outcomes()];
    expect(outcomes).toHaveLength(AGENTS);
    for (const { address, value } of outcomes) expect(value).toBe(address);
    expect(result.arrivalMs).toBeUndefined();
  });

  test("conflicts are counted, kept with their details, and decide the quorum", async () => {
    await using mesh = await start();
    const who = ["sector-1/cluster-1/agent-1", "sector-4/cluster-2/agent-5", SLOW];
    const detail = { type: "DATA_CONTRADICTION", expected: 1, received: 2 };
    const result = await mesh.scatterGather(
      { payload: { do: "conflictAt", who, detail }, at: "now" },
      { quorum: 0.9 },
    );
    expect(result).toMatchObject({ status: "PARTIAL", ready: 37, conflict: 3, transit: 0 });
    expect(result.quorum).toMatchObject({ achieved: false, decision: "RESOLVE_CONFLICTS" });
    expect(result.conflicts.map(({ address }) => address).sort()).toEqual([...who].sort());
    for (const conflict of result.conflicts) expect(conflict.detail).toEqual(detail);
  });

  test("a handler that throws is TRANSIT, and failed", async () => {
    await using mesh = await start();
    const result = await mesh.scatterGather(
      { payload: { do: "fail" }, at: "now" },
      { select: "sector-1" },
    );
    expect(result).toMatchObject({ addressed: 10, ready: 0, transit: 10, failed: 10 });
    expect(result.quorum).toMatchObject({ decision: "WAIT" });
  });

  test("an act that throws is failed, not READY", async () => {
    await using mesh = await start({ topology: onlyFast() });
    const result = await mesh.scatterGather(
      { payload: { do: "work", ms: 0, failsToAct: true }, at: "in 200ms" },
      { select: "sector-1" },
    );
    expect(result).toMatchObject({ addressed: 10, ready: 0, failed: 10 });
  });

  test("silence is TRANSIT, and the result does not wait for it longer than its time", async () => {
    await using mesh = await start();
    const startedMs = performance.now();
    const result = await mesh.scatterGather(
      { payload: { do: "workUnless", who: SLOW, ms: 20_000 }, at: "now" },
      { timeoutMs: 300 },
    );
    expect(performance.now() - startedMs).toBeLessThan(5000);
    expect(result).toMatchObject({ ready: 39, transit: 1, failed: 0, status: "SUCCESS" });
    expect([...result.outcomes()].find(({ state }) => state === 0)?.address).toBe(SLOW);
  });

  test("progress tells how it goes", async () => {
    await using mesh = await start({ topology: onlyFast() });
    const seen: number[] = [];
    await mesh.scatterGather(
      { payload: { do: "work", ms: 0 }, at: "in 200ms" },
      { onProgress: ({ ready }) => seen.push(ready) },
    );
    expect(seen.length).toBeGreaterThan(1);
    expect(seen.at(-1)).toBe(AGENTS);
    expect([...seen]).toEqual([...seen].sort((a, b) => a - b));
  });
});

describe("fields that have effect", () => {
  test("requiresCapabilities: who lacks one is not addressed, nobody at all is an error", async () => {
    await using mesh = await start();
    const payload = { do: "work", ms: 0 };
    const able = await mesh.scatterGather({
      payload,
      at: "now",
      requiresCapabilities: ["punctual"],
    });
    expect(able.addressed).toBe(AGENTS);
    await expect(
      mesh.scatterGather({ payload, at: "now", requiresCapabilities: ["fly"] }),
    ).rejects.toMatchObject({ code: "MESH_INVALID_OPTION", field: "requiresCapabilities" });
  });

  test("ttlMs: what has not begun by then is not begun", async () => {
    await using mesh = await start({ topology: onlyFast() });
    await warm(mesh);
    const result = await mesh.scatterGather({
      payload: { do: "work", ms: 0 },
      at: "in 500ms",
      ttlMs: 1,
    });
    expect(result).toMatchObject({ ready: 0, transit: AGENTS });
    for (const { received } of (await seenBy(mesh)).values()) expect(received).toHaveLength(1);
  });

  test("priority: a critical operation goes before what waits", async () => {
    await using mesh = await start();
    const target = "sector-1/cluster-1/agent-1";
    mesh.tell(target, { do: "block", ms: 100 });
    await pause(30);
    for (let i = 0; i < 5; i++) mesh.tell(target, { do: "work", ms: 0 }, { priority: 1 });
    const result = await mesh.scatterGather(
      { payload: { do: "work", ms: 0 }, at: "now", priority: 3 },
      { select: target },
    );
    await settled(mesh);
    const { received } = (await call(mesh, target, { do: "seen" })) as Seen;
    expect(received).toEqual(["told", result.operationId, "told", "told", "told", "told", "told"]);
  });

  test("observe and orient only look: their turns are not saved, those of the others are", async () => {
    await using mesh = await start();
    const saved: string[] = [];
    for (const verb of ["observe", "orient", "decide", "act", "record", "sync"] as const) {
      const { operationId } = await mesh.scatterGather(
        { payload: { do: "work", ms: 0 }, at: "now", verb },
        { select: "sector-1" },
      );
      if (verb !== "observe" && verb !== "orient") saved.push(operationId);
      const back = new Promise((resolve) => mesh.on("workerBack", resolve));
      await mesh.kill("worker-1");
      await back;
    }
    const { received } = (await call(mesh, "sector-1/cluster-1/agent-1", { do: "seen" })) as Seen;
    expect(received).toEqual(saved);
  });

  test.each([
    ["verb", { verb: "jump" }],
    ["at", { at: "soon" }],
    ["readyBy", { readyBy: 0.2 }],
    ["payloadWeight", { payloadWeight: -1 }],
    ["priority", { priority: 7 }],
    ["trinaryExpectation", { trinaryExpectation: 2 }],
  ])("%s: what makes no sense is refused by name", async (field, wrong) => {
    await using mesh = await start();
    const operation = { payload: 1, at: "now", ...wrong } as Operation;
    await expect(mesh.scatterGather(operation)).rejects.toMatchObject({
      code: "MESH_INVALID_OPTION",
      field,
    });
  });

  test("a selection that is none, a quorum that is no share and a strategy that is none are refused", async () => {
    await using mesh = await start();
    const operation = { payload: 1 };
    for (const options of [{ select: "sector-9" }, { quorum: 2 }, { windowMs: -1 }])
      await expect(mesh.scatterGather(operation, options)).rejects.toMatchObject({
        code: "MESH_INVALID_OPTION",
      });
    await expect(mesh.cascade(operation, { strategy: "sideways" as never })).rejects.toMatchObject({
      code: "MESH_INVALID_OPTION",
    });
  });
});

describe("cascades", () => {
  test("a wave confirms tier by tier", async () => {
    await using mesh = await start({ topology: onlyFast() });
    await warm(mesh);
    const result = await mesh.cascade({ payload: { do: "work", ms: 0 } }, { strategy: "wave" });
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

describe("many at once", () => {
  test("200 scatter-gathers in flight: none lost, none mixed", async () => {
    await using mesh = await start();
    const runs = Array.from(
      { length: 200 },
      async (_, id): Promise<[number, GatherResult]> => [
        id,
        await mesh.scatterGather(
          { payload: { do: "work", ms: id % 7, value: id }, at: "now" },
          { answers: true, select: `sector-${1 + (id % 4)}` },
        ),
      ],
    );
    for (const [id, result] of await Promise.all(runs)) {
      expect(result.ready).toBe(10);
      for (const { value } of result.outcomes()) expect(value).toBe(id);
    }
    expect(mesh.status().lost).toBe(0);
  });
});

describe("delegation, samples, pipelines", () => {
  test("a task goes to who is expected to finish it first, and its answer comes back", async () => {
    await using mesh = await start();
    const done = await mesh.delegate({ do: "work", ms: 0 }, { to: "sector-3" });
    expect(done.answer).toEqual({ state: 1, value: done.agent });
    expect(done.agent).toMatch(/^sector-3\//);
    expect(done.tried).toEqual([done.agent]);
  });

  test("busy agents are passed over", async () => {
    await using mesh = await start();
    const to = "sector-1/cluster-1";
    const all = await Promise.all(
      Array.from({ length: 5 }, () => mesh.delegate({ do: "work", ms: 300 }, { to })),
    );
    expect(new Set(all.map(({ agent }) => agent)).size).toBe(5);
  });

  test("an idempotent task has a competitor when it is late, and the first answer counts", async () => {
    await using mesh = await start({ topology: onlyFast() });
    await warm(mesh);
    const to = "sector-2/cluster-1";
    const first = (await mesh.delegate({ do: "work", ms: 0 }, { to })).agent;
    const payload = { do: "workUnless", who: first, ms: 20_000 };
    const done = await mesh.delegate(payload, { to, idempotent: true, timeoutMs: 2000 });
    expect(done).toMatchObject({ answer: { state: 1 } });
  });

  test("nobody able is a clear error", async () => {
    await using mesh = await start();
    await expect(mesh.delegate({}, { to: "fly" })).rejects.toMatchObject({
      code: "MESH_INVALID_OPTION",
    });
  });

  test("a sample is asked once each, and its answers are grouped by value", async () => {
    await using mesh = await start();
    const asked = await mesh.ask(
      { sample: 12, capability: "punctual" },
      { do: "work", ms: 0, value: "same" },
    );
    expect(asked).toMatchObject({ asked: 12, responses: 12 });
    expect(asked.groups).toHaveLength(1);
    expect(asked.groups[0]).toMatchObject({ count: 12, outcome: { state: 1, value: "same" } });
    const each = await mesh.ask({ select: "sector-1" }, { do: "work", ms: 0 });
    expect(each.groups).toHaveLength(10);
  });

  test("a pipeline passes each answer on, and ends where there is none", async () => {
    await using mesh = await start();
    const stages = ["sector-1/cluster-1/agent-1", "sector-4", "punctual"];
    const message = {
      do: "work",
      ms: 0,
      value: { do: "work", ms: 0, value: { do: "work", ms: 0 } },
    };
    const result = await mesh.pipeline<string>(message, stages);
    expect(result.stages.map(({ state }) => state)).toEqual([1, 1, 1]);
    expect(result.answer).toEqual({ state: 1, value: result.stages[2].agent });
    const detail = { type: "DATA_CONTRADICTION" };
    const broken = await mesh.pipeline({ do: "conflict", detail }, stages);
    expect(broken.answer).toEqual({ state: -1, conflict: detail });
    expect(broken.stages).toHaveLength(1);
  });
});

/** All of the class that is fastest by what is believed of it, so that little time is enough for everyone. */
function onlyFast(): NonNullable<MeshOptions["topology"]> {
  return {
    sectors: 4,
    clustersPerSector: 2,
    agentsPerCluster: 5,
    spawnCapacity: 64,
    classes: { CLASS_A_EDGE: 1 },
  };
}
