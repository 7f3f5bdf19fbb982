// Each failure class of spec 6.1 on the real runtime: what finds it, what is done, when it is escalated.
import { describe, expect, test } from "vitest";
import type { Probe } from "../actors/behavior.ts";
import { ready } from "../actors/result.ts";
import { QUARANTINED } from "../coordination/agent-state.ts";
import { PEOPLE } from "../coordination/impedance-class.ts";
import { FLAG_SPIKING } from "../coordination/registry.ts";
import { Guarded } from "./guarded.ts";

const ONE = "sector-1/cluster-1/agent-1";
const PATIENT = { clusterFailures: 1_000, sectorFailures: 1_000 };

describe("TRANSIENT_NETWORK", () => {
  /** The first agent stands for something elsewhere, which answers when it is told to. */
  async function remote(): Promise<{ mesh: Guarded; probes: ((probe: Probe) => void)[] }> {
    const probes: ((probe: Probe) => void)[] = [];
    const mesh = await Guarded.of(
      {
        probe: (_state, ctx) =>
          ctx.self === 0 ? new Promise<Probe>((answer) => probes.push(answer)) : undefined,
      },
      PATIENT,
    );
    mesh.threads.main.view.registry.class[0] = 0;
    return { mesh, probes };
  }

  test("a probe that is not answered is sent again; the third missed heartbeat escalates", async () => {
    const { mesh, probes } = await remote();
    expect(probes).toHaveLength(1);
    await mesh.pass(5_000);
    expect(mesh.story(ONE)).toEqual(["TRANSIENT_NETWORK retry"]);
    await mesh.pass(500);
    expect(probes).toHaveLength(2);
    await mesh.pass(4_500);
    await mesh.pass(5_000);
    expect(mesh.story(ONE)).toEqual(["TRANSIENT_NETWORK retry", "TRANSIENT_NETWORK escalate!"]);
  });

  test("an answer to any of them ends it: the next silence is a new one", async () => {
    const { mesh, probes } = await remote();
    await mesh.pass(5_000);
    await mesh.pass(5_000);
    probes[0]({ rttMs: 10 });
    await mesh.pass(1);
    for (let i = 0; i < 3; i++) await mesh.pass(5_000);
    expect(mesh.story(ONE)).toEqual(["TRANSIENT_NETWORK retry", "TRANSIENT_NETWORK retry"]);
  });

  test("a probe that fails is a heartbeat missed at once, and no crash; one that succeeds ends it", async () => {
    let isThere = false;
    let probes = 0;
    const mesh = await Guarded.of(
      {
        probe: async (_state, ctx): Promise<Probe | undefined> => {
          if (ctx.self !== 0) return undefined;
          probes++;
          if (!isThere) throw new Error("ECONNREFUSED");
          return { rttMs: 10 };
        },
      },
      PATIENT,
    );
    await mesh.pass(10);
    expect(mesh.story(ONE)).toEqual(["TRANSIENT_NETWORK retry"]);
    expect(mesh.incidents[0].error).toBe("1 heartbeat missed: ECONNREFUSED");
    await mesh.pass(300);
    await mesh.pass(600);
    expect(mesh.story(ONE)).toEqual(["TRANSIENT_NETWORK retry", "TRANSIENT_NETWORK escalate!"]);
    expect(probes).toBe(3);
    isThere = true;
    for (let i = 0; i < 8; i++) await mesh.pass(5_000);
    expect(mesh.story(ONE)).toHaveLength(2);
    expect(mesh.threads.main.view.registry.generation[0]).toBe(1);
  });

  test("an other side that refuses all probes for 30 s has crashed", async () => {
    const mesh = await Guarded.of(
      { probe: (_state, ctx) => (ctx.self === 0 ? Promise.reject(new Error("gone")) : undefined) },
      PATIENT,
    );
    for (let i = 0; i < 5; i++) await mesh.pass(5_000);
    expect(mesh.story(ONE)).not.toContain("AGENT_CRASH restart");
    for (let i = 0; i < 3; i++) await mesh.pass(5_000);
    expect(mesh.story(ONE)).toContain("AGENT_CRASH restart");
  });

  test("30 s without one is a crash: its supervisor starts a replacement", async () => {
    const { mesh } = await remote();
    for (let i = 0; i < 8; i++) await mesh.pass(5_000);
    expect(mesh.story(ONE)).toContain("AGENT_CRASH restart");
    expect(mesh.incidents.find((each) => each.class === "AGENT_CRASH")?.error).toMatch(
      /no heartbeat for 3\d s/,
    );
    expect(mesh.threads.main.view.registry.generation[0]).toBe(2);
  });

  test("three asks on end that are not answered escalate; people are let think", async () => {
    const mesh = await Guarded.of({ receive: () => new Promise(() => {}) }, PATIENT);
    const { registry } = mesh.threads.main.view;
    registry.class[0] = 0;
    registry.class[7] = PEOPLE;
    for (let i = 0; i < 4; i++) {
      for (const agent of [0, 7])
        expect(await mesh.ask(agent, "work", { timeoutMs: 20_000 }, 20_000)).toBe("transit");
    }
    expect(mesh.story(ONE)).toEqual(["TRANSIENT_NETWORK escalate!"]);
    expect(mesh.guards.failures.classes()[0]).toMatchObject({
      class: "TRANSIENT_NETWORK",
      count: 3,
      escalated: 1,
    });
  });
});

test("AGENT_CRASH: a replacement is started; that it fails too is escalated", async () => {
  const mesh = await Guarded.of(
    {
      receive() {
        throw new Error("broken");
      },
    },
    PATIENT,
  );
  mesh.tell(0, "work");
  await mesh.pass(100);
  mesh.tell(0, "work");
  await mesh.pass(1_000);
  mesh.tell(1, "work");
  await mesh.pass(100);
  expect(mesh.story(ONE)).toEqual(["AGENT_CRASH restart", "AGENT_CRASH restart!"]);
  expect(mesh.story("sector-1/cluster-1/agent-2")).toEqual(["AGENT_CRASH restart"]);
});

test("AGENT_CRASH: what an operator kills has not failed", async () => {
  const mesh = await Guarded.of({}, { clusterFailures: 1 });
  for (const agent of [0, 1, 0, 1]) {
    mesh.threads.shard.agents.failures.kill(agent);
    await mesh.pass(500);
  }
  expect(mesh.story(ONE)).toEqual(["undefined restart", "undefined restart"]);
  expect(mesh.circuits).toEqual([]);
});

test("IMPEDANCE_SPIKE: routed around, let in again when it has recovered", async () => {
  const mesh = await Guarded.of({}, PATIENT);
  const { registry, routes } = mesh.threads.main.view;
  registry.flags[0] |= FLAG_SPIKING;
  mesh.guards.tick(8, 8);
  expect(mesh.story(ONE)).toEqual(["IMPEDANCE_SPIKE route-around"]);
  expect([0, 1].map((row) => routes.isRoutable(row))).toEqual([false, true]);
  // Whoever addresses it itself still reaches it.
  expect(mesh.tell(0, "work")).toBe("accepted");
  registry.flags[0] &= ~FLAG_SPIKING;
  mesh.guards.tick(8, 8);
  expect(routes.isRoutable(0)).toBe(true);
});

describe("CONTEXT_CORRUPTION", () => {
  test("a context that has changed is loaded again at the next heartbeat, and the agent goes on", async () => {
    const mesh = await Guarded.of(
      {
        init: () => ({ rules: ["be kind"] }),
        context: (state) => (state as { rules: string[] }).rules,
        receive: (state) => ready((state as { rules: string[] }).rules[0]),
      },
      PATIENT,
    );
    await mesh.pass(5_000);
    expect(mesh.incidents).toEqual([]);
    const cell = mesh.threads.shard.agents.cellOf(0);
    if (cell !== undefined) (cell.state as { rules: string[] }).rules[0] = "be evil";
    await mesh.pass(5_000);
    expect(mesh.story(ONE)).toEqual(["CONTEXT_CORRUPTION reload!"]);
    expect(await mesh.ask(0, "what is the rule?")).toBe("be kind");
    await mesh.pass(5_000);
    expect(mesh.story(ONE)).toHaveLength(1);
  });

  test("what it is loaded from has changed: quarantined, until an operator starts it with that", async () => {
    let source = "be kind";
    const mesh = await Guarded.of(
      { init: () => ({ rule: source }), context: (state) => (state as { rule: string }).rule },
      PATIENT,
    );
    const { shard, main } = mesh.threads;
    source = "be evil";
    const cell = shard.agents.cellOf(0);
    if (cell !== undefined) cell.state = { rule: source };
    await mesh.pass(5_000);
    expect(mesh.story(ONE)).toEqual([
      "CONTEXT_CORRUPTION reload!",
      "CONTEXT_CORRUPTION quarantine!",
    ]);
    expect(main.view.registry.state[0]).toBe(QUARANTINED);
    main.outbox.control(0, 0, { verb: "restart", from: 0, to: 1 });
    await mesh.pass(5_000);
    expect(main.view.registry.state[0]).not.toBe(QUARANTINED);
    expect(mesh.story(ONE)).toHaveLength(2);
  });
});

test("BYZANTINE_BEHAVIOR: who contradicts its peers is quarantined with what it said", async () => {
  const mesh = await Guarded.of({}, PATIENT);
  mesh.guards.failures.contradicted([[0, '"the earth is flat"']]);
  await mesh.pass(1);
  expect(mesh.story(ONE)).toEqual(["BYZANTINE_BEHAVIOR quarantine!"]);
  expect(mesh.incidents[0].error).toContain("the earth is flat");
  expect(mesh.threads.main.view.registry.state[0]).toBe(QUARANTINED);
  expect(await mesh.ask(0, "work")).toContain("quarantine");
});

test("CASCADE_FAILURE: failures that double from window to window isolate the sector they come from", async () => {
  const mesh = await Guarded.of({}, PATIENT);
  const { clock } = mesh.threads;
  clock.nowMs = 2_000_000;
  for (const count of [3, 6, 12, 24]) {
    for (let i = 0; i < count; i++) {
      const subject = i % 3 === 0 ? 0 : 4 + (i % 4);
      const about = { error: "broken", decision: "restart", delayMs: 0 } as const;
      mesh.guards.failures.take({ subject, atMs: clock.nowMs, ...about });
    }
    clock.nowMs += 5_000 - 4;
    clock.nowMs = Math.ceil(clock.nowMs / 5_000) * 5_000;
  }
  expect(mesh.story("sector-2")).toEqual(["CASCADE_FAILURE isolate!"]);
  expect(mesh.circuits).toMatchObject([{ action: "OPEN", scope: "sector", targetId: "sector-2" }]);
  expect(mesh.tell(4, "work")).toBe("dropped");
  expect(mesh.tell(0, "work")).toBe("accepted");
});
