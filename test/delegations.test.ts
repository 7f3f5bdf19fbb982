// Work for one of many: delegation, samples, pipelines.
import { describe, expect, test } from "vitest";
import { onlyFast, start, warm } from "./punctual.ts";

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

  test("an idempotent task whose agent has failed waits for no competitor that does not come", async () => {
    await using mesh = await start();
    const to = "sector-1/cluster-1/agent-1";
    const done = mesh.delegate({ do: "fail" }, { to, idempotent: true, timeoutMs: 2000 });
    await expect(done).rejects.toThrow(/told to fail/);
  });

  test("nobody able is a clear error", async () => {
    await using mesh = await start();
    await expect(mesh.delegate({}, { to: "fly" })).rejects.toMatchObject({
      code: "MESH_INVALID_OPTION",
    });
  });

  test("nobody free to take it is an error that says why", async () => {
    await using mesh = await start();
    const to = "sector-1/cluster-1/agent-1";
    mesh.route.avoid(to);
    await expect(mesh.delegate({ do: "work", ms: 0 }, { to })).rejects.toMatchObject({
      code: "MESH_NO_CAPABLE_AGENT",
      message: expect.stringMatching(/1 with the capability, of which 0 not active, 1 routed/),
    });
  });

  test("traffic goes around who is avoided, until they are allowed again", async () => {
    await using mesh = await start();
    const payload = { do: "work", ms: 0 };
    const addressed = async (): Promise<number> =>
      (await mesh.scatterGather({ payload, at: "now" })).addressed;
    const edge = mesh.select("CLASS_A_EDGE").length;
    mesh.route.avoid("CLASS_A_EDGE", { reason: "too far" });
    mesh.route.avoid("sector-1/cluster-1/agent-1");
    mesh.route.avoid("CLASS_B_SERVERLESS", { capability: "punctual" });
    expect(mesh.route.list()).toMatchObject([
      { target: "CLASS_A_EDGE", reason: "too far" },
      { target: "sector-1/cluster-1/agent-1" },
      { target: "CLASS_B_SERVERLESS", capability: "punctual" },
    ]);
    const avoidsOne = mesh.agents({ class: "CLASS_A_EDGE" }).map((row) => row.agentId);
    const one = avoidsOne.includes("sector-1/cluster-1/agent-1") ? 0 : 1;
    expect(await addressed()).toBe(40 - edge - one);
    const serverless = mesh.select("CLASS_B_SERVERLESS").length;
    const operation = { payload, at: "now", requiresCapabilities: ["punctual"] };
    expect((await mesh.scatterGather(operation)).addressed).toBe(40 - edge - one - serverless);
    for (const { target, capability } of mesh.route.list())
      expect(mesh.route.allow(target, capability === undefined ? {} : { capability })).toBe(true);
    expect(mesh.route.allow("CLASS_A_EDGE")).toBe(false);
    expect(await addressed()).toBe(40);
    expect(() => mesh.route.avoid("nowhere")).toThrow(/^target: expected .+ got "nowhere"/);
    expect(() => mesh.route.avoid("CLASS_A_EDGE", { capability: "fly" })).toThrow(/^capability: /);
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

test("what delegations take is learned: the next goes to who is faster", async () => {
  await using mesh = await start({ topology: onlyFast() });
  const to = "sector-3/cluster-1";
  const slow = mesh
    .select(to)
    .map((ref) => mesh.address(ref))
    .slice(0, 4);
  for (const address of slow) await mesh.delegate({ do: "work", ms: 150 }, { to: address });
  const fast = await mesh.delegate({ do: "work", ms: 1 }, { to: `${to}/agent-5` });
  for (let i = 0; i < 5; i++)
    expect((await mesh.delegate({ do: "work", ms: 1 }, { to })).agent).toBe(fast.agent);
});
