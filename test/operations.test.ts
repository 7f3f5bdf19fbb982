// Operations of many agents on real threads: who is READY when, who acts, who is skipped, and what is told of it.
import { describe, expect, test } from "vitest";
import type { GatherResult, Operation } from "../index.ts";
import { call, pause, settled, startMesh } from "./mesh.ts";
import { AGENTS, nowMs, onlyFast, type Seen, SLOW, seenBy, start, warm } from "./punctual.ts";

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
    const operation = { payload: { do: "work", ms: 0 }, at: "in 200ms" };
    // It was fast when it was first measured: that it is slow now is believed when it has been so for a while.
    const isKnownSlow = async (): Promise<boolean> =>
      (await mesh.forecast(operation)).skips.some(({ address }) => address === SLOW);
    for (let i = 0; i < 30 && !(await isKnownSlow()); i++)
      await mesh.scatterGather(
        { payload: { do: "workUnless", who: SLOW, ms: 400 }, at: "in 500ms", hold: false },
        { select: SLOW, windowMs: 600 },
      );
    const { sent } = mesh.status().messages;
    const forecast = await mesh.forecast(operation);
    expect(mesh.status().messages.sent).toBe(sent);
    expect(forecast.skips.map(({ address }) => address)).toContain(SLOW);
    expect(forecast.scheduled + forecast.skipped).toBe(AGENTS);
    expect(forecast.earliestQuorumMs).toBeGreaterThan(0);
    const result = await mesh.scatterGather(operation);
    const skip = [...result.plan()].find(({ address }) => address === SLOW);
    if (skip?.status !== "SKIP") throw new Error("the slow agent was not skipped");
    if (skip.reason !== "insufficient_lead_time") throw new Error("it was skipped for its circuit");
    expect(skip.wouldNeedMs).toBeGreaterThan(skip.availableMs);
    expect(skip.availableMs).toBeLessThan(200.1);
    expect(result.addressed + result.skipped).toBe(AGENTS);
    expect(result.quorum.achieved).toBe(true);
  });

  test("who was never measured is tried, though its class is too slow; people are not", async () => {
    await using mesh = await start({
      topology: { ...onlyFast(), classes: { CLASS_D_GPU: 3, CLASS_F_HUMAN: 1 } },
    });
    const people = mesh.select("CLASS_F_HUMAN").length;
    const operation = { payload: { do: "work", ms: 0 }, at: "in 100ms" };
    const forecast = await mesh.forecast(operation);
    expect(forecast).toMatchObject({ scheduled: AGENTS - people, skipped: people });
    const result = await mesh.scatterGather(operation, { windowMs: 5000 });
    expect(result).toMatchObject({ ready: AGENTS - people, skipped: people });
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
    const work = { payload: { do: "work", ms: 400 } };
    const before = await mesh.forecast(work);
    expect(before.availableMs).toBeLessThan(400);
    await mesh.scatterGather({ ...work, at: "in 1s", hold: false }, { windowMs: 5_000 });
    // Whatever the machine does meanwhile, they were not faster than that.
    expect((await mesh.forecast(work)).availableMs).toBeGreaterThanOrEqual(400);
    const result = await mesh.scatterGather(work, { windowMs: 5_000 });
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

describe("clocks elsewhere", () => {
  test("T is told by the clock of the other side, as its probes have told it", async () => {
    await using mesh = await startMesh("elsewhere", { topology: onlyFast(), heartbeatMs: 50 });
    await pause(300);
    const result = await mesh.scatterGather({ payload: "when", at: "in 400ms" }, { answers: true });
    for (const { value } of result.outcomes()) {
      const { local, arrival } = value as { local: number; arrival: number };
      expect(arrival).toBe(result.arrivalMs);
      // The agent's clock is an hour ahead; the best of its probes was 2 ms away, of which it knows nothing more.
      expect(Math.abs(local - arrival - 3_600_000)).toBeLessThan(5);
    }
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
