// What an agent may rely on, and what callers see: messages, answers, order, time, timers, children.
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Mesh } from "../index.ts";
import {
  call,
  pause,
  printedSeed,
  randomOf,
  readyValue,
  settled,
  startMesh,
  until,
} from "./mesh.ts";

// Each test has agents of its own; sectors 1 and 2 live on one worker, 3 and 4 on the other.
const HERE = "sector-1/cluster-1/agent-1";
const NEAR = "sector-1/cluster-1/agent-2";
const NEAR_TOO = "sector-2/cluster-1/agent-1";
const FAR = "sector-4/cluster-1/agent-1";

let mesh: Mesh;
beforeAll(async () => {
  mesh = await startMesh("puppet");
});
afterAll(async () => {
  await mesh.stop();
});

/** Fresh state for the agents of a test. */
async function fresh(...addresses: string[]): Promise<void> {
  for (const address of addresses) await mesh.restart(address);
}

describe("messages and answers", () => {
  test.each([
    ["undefined", undefined],
    ["a number", 42.5],
    ["NaN", Number.NaN],
    ["null", null],
    ["a string", "häuser ∑ 🙂"],
    ["an object", { a: [1, { b: "two" }], c: null, d: true, e: -0.5 }],
    ["binary", new Uint8Array([0, 1, 2, 254, 255])],
    ["a bigint", 2n ** 60n],
    ["60 KB of text", "x".repeat(60_000)],
    ["60 KB of bytes", new Uint8Array(60_000).fill(7)],
  ])("%s comes back as it was sent, from both workers", async (_name, value) => {
    for (const target of [HERE, FAR]) {
      const answer = readyValue(await mesh.ask(target, { do: "echo", value }));
      const plain = answer instanceof Uint8Array ? new Uint8Array(answer) : answer;
      expect(plain).toEqual(value);
    }
  });

  test("values travel unchanged between agents of one worker and of two", async () => {
    const value = { list: [1, 2, 3], bytes: new Uint8Array([9, 8]), text: "ä" };
    for (const to of [NEAR, FAR]) {
      const answer = (await call(mesh, HERE, {
        do: "ask",
        to,
        message: { do: "echo", value },
      })) as {
        state: number;
        value: typeof value;
      };
      expect(answer.state).toBe(1);
      expect(answer.value.list).toEqual([1, 2, 3]);
      expect([...answer.value.bytes]).toEqual([9, 8]);
      expect(answer.value.text).toBe("ä");
    }
  });

  test("a handler that returns nothing is READY without a value", async () => {
    expect(await mesh.ask(HERE, { do: "nothing" })).toEqual({ state: 1, value: undefined });
    expect(await mesh.ask(FAR, { do: "readyNothing" })).toEqual({ state: 1, value: undefined });
  });

  test("a conflict is a value, with all its detail, on every path", async () => {
    const detail = { type: "DATA_CONTRADICTION", expected: 1, received: { two: 2 } };
    const expected = { state: -1, conflict: detail };
    expect(await mesh.ask(HERE, { do: "conflict", detail })).toEqual(expected);
    for (const to of [NEAR, FAR]) {
      expect(
        await call(mesh, HERE, { do: "ask", to, message: { do: "conflict", detail } }),
      ).toEqual(expected);
    }
  });

  test("a handler that throws rejects the ask with its reason, whoever asked", async () => {
    await expect(mesh.ask(HERE, { do: "fail", text: "no such luck" })).rejects.toMatchObject({
      code: "MESH_AGENT_FAILED",
      message: expect.stringMatching(/sector-1\/cluster-1\/agent-1 failed .*no such luck/),
    });
    const outcome = await call(mesh, NEAR_TOO, {
      do: "ask",
      to: FAR,
      message: { do: "failLater", text: "later" },
    });
    expect(outcome).toMatchObject({
      code: "MESH_AGENT_FAILED",
      text: expect.stringContaining("later"),
    });
  });

  test("what is neither ready, conflict nor nothing is a failure that says so", async () => {
    await expect(mesh.ask(HERE, { do: "wrong" })).rejects.toThrow(
      /expected ready\(value\), conflict\(detail\) or nothing/,
    );
  });

  test("a payload that is too large is refused at the sender, with both sizes", async () => {
    expect(() => mesh.tell(HERE, "x".repeat(70_000))).toThrow(
      /payload is 7\d{4} bytes, the mesh takes at most 65536/,
    );
    await expect(mesh.ask(HERE, "x".repeat(70_000))).rejects.toMatchObject({
      code: "MESH_PAYLOAD_TOO_LARGE",
    });
    for (const to of [NEAR, FAR]) {
      const refused = await call(mesh, HERE, { do: "tryTell", to, bytes: 70_000 });
      expect(refused).toMatchObject({ code: "MESH_PAYLOAD_TOO_LARGE" });
    }
    expect(await call(mesh, HERE, { do: "echo", value: "still well" })).toBe("still well");
  });

  test("an answer that is too large fails the turn, not the worker", async () => {
    const grow = { do: "ask", to: NEAR, message: { do: "echo", value: "x".repeat(65_000) } };
    await expect(call(mesh, HERE, { do: "echo", value: "y".repeat(65_400) })).resolves.toHaveLength(
      65_400,
    );
    expect(((await call(mesh, HERE, grow)) as { value: string }).value).toHaveLength(65_000);
    expect(mesh.status().restarts.workers).toBe(0);
  });

  test.each([
    ["sector-9/cluster-1/agent-1"],
    ["sector-1"],
    ["agent-1"],
    [""],
    [-1],
    [1.5],
    [2 ** 31],
  ])("%j is no actor, and tell and ask say so", async (target) => {
    expect(() => mesh.tell(target, 1)).toThrow(/no actor/);
    await expect(mesh.ask(target, 1)).rejects.toMatchObject({ code: "MESH_UNKNOWN_ACTOR" });
    expect(await call(mesh, HERE, { do: "tryTell", to: target })).toMatchObject({
      code: "MESH_UNKNOWN_ACTOR",
    });
  });

  test("what has a row but is no agent takes no messages", async () => {
    const { leadBase, coordinatorBase, orchestrator } = mesh.topology;
    for (const index of [leadBase, coordinatorBase, orchestrator]) {
      await expect(mesh.ask(index, 1)).rejects.toMatchObject({ code: "MESH_UNKNOWN_ACTOR" });
    }
  });

  test("a message to a child that was never spawned is a dead letter, not a message for ever in flight", async () => {
    const nobody = mesh.topology.spawnBase + 5;
    await expect(mesh.ask(nobody, 1)).rejects.toMatchObject({ code: "MESH_UNDELIVERABLE" });
    await until(
      "the dead letter",
      () => mesh.deadLetters.list({ target: mesh.address(nobody) }).length === 1,
    );
    expect(mesh.deadLetters.list({ target: mesh.address(nobody) })[0]?.reason).toBe(
      "unknown-actor",
    );
    await settled(mesh);
  });

  test("changing a message or an answer reaches nobody else", async () => {
    for (const to of [NEAR, FAR]) {
      const own = { do: "ask", to, message: { do: "own" } };
      const first = (await call(mesh, HERE, own)) as { value: { list: number[] } };
      first.value.list.push(4);
      const second = (await call(mesh, HERE, own)) as { value: { list: number[] } };
      expect(second.value.list).toEqual([1, 2, 3]);
    }
    const value = { spoiled: false };
    expect(await call(mesh, HERE, { do: "spoil", value })).toEqual({ spoiled: true });
    expect(value).toEqual({ spoiled: false });
  });

  test("the envelope names the sender, its count, priority and deadline", async () => {
    const outside = (await call(mesh, HERE, { do: "envelope" })) as Record<string, number>;
    expect(outside.sender).toBeNull();
    const asked = {
      do: "ask",
      to: FAR,
      message: { do: "envelope" },
      options: { priority: 2, timeoutMs: 9000 },
    };
    const { value } = (await call(mesh, HERE, asked)) as { value: Record<string, number> };
    expect(value).toMatchObject({ sender: mesh.ref(HERE), priority: 2, redelivered: false });
    expect(Math.round((value.deadlineMs as number) - (value.createdMs as number))).toBe(9000);
  });

  test("a broadcast reaches every agent of the selection once and counts their outcomes", async () => {
    await mesh.restart("orchestrator");
    expect(await mesh.broadcast({ do: "note", id: 7 })).toMatchObject({
      addressed: 40,
      ready: 40,
      conflict: 0,
      transit: 0,
    });
    for (const ref of mesh.select("all"))
      expect(await call(mesh, ref, { do: "seen" })).toEqual([7]);
    const conflicts = await mesh.broadcast(
      { do: "conflict", detail: { type: "HASH_MISMATCH" } },
      { select: "sector-3" },
    );
    expect(conflicts).toMatchObject({ addressed: 10, ready: 0, conflict: 10, transit: 0 });
  });

  test("broadcasts that overlap each carry their own payload", async () => {
    await fresh("orchestrator");
    const held = mesh.tell(FAR, { do: "dawdle", ms: 600, id: "slow" });
    expect(held.status).toBe("accepted");
    const first = await mesh.broadcast(
      { do: "note", id: "first" },
      { select: "sector-4", timeoutMs: 20 },
    );
    expect(first.transit).toBeGreaterThanOrEqual(1);
    // Time for main to give the place of the first payload away.
    await pause(20);
    const ids = ["second", "third", "fourth"];
    await Promise.all(
      ids.map((id) =>
        mesh.broadcast({ do: "note", id }, { select: "sector-4", timeoutMs: 10_000 }),
      ),
    );
    await settled(mesh);
    expect(await call(mesh, FAR, { do: "seen" })).toEqual(["slow", ...ids]);
    // Its neighbours had the first one too, and must not take the later ones for it.
    expect(await call(mesh, "sector-4/cluster-1/agent-2", { do: "seen" })).toEqual([
      "first",
      ...ids,
    ]);
  });
});

describe("one message at a time, in order", () => {
  test("an async handler is never entered again before it has settled", async () => {
    await fresh(FAR);
    for (let id = 0; id < 20; id++) mesh.tell(FAR, { do: "noteSlowly", id, ms: 1 });
    const expected = Array.from({ length: 20 }, (_, id) => [`begin ${id}`, `end ${id}`]).flat();
    expect(await call(mesh, FAR, { do: "seen" })).toEqual(expected);
  });

  test("messages of one sender to one target at one priority keep their order, near and far", async () => {
    await fresh(HERE, NEAR, FAR);
    for (const to of [NEAR, FAR]) {
      for (let round = 0; round < 5; round++) {
        await call(mesh, HERE, { do: "tellMany", to, from: round * 200, count: 200 });
      }
      await settled(mesh);
      expect(await call(mesh, to, { do: "seen" })).toEqual([...Array(1000).keys()]);
    }
  });

  test("several senders are each in order at one target", async () => {
    await fresh(NEAR);
    const senders = [
      "sector-1/cluster-2/agent-1",
      "sector-3/cluster-1/agent-2",
      "sector-4/cluster-2/agent-5",
    ];
    await Promise.all(
      senders.map((sender, i) =>
        call(mesh, sender, { do: "tellMany", to: NEAR, from: i * 1000, count: 300 }),
      ),
    );
    await settled(mesh);
    const seen = (await call(mesh, NEAR, { do: "seen" })) as number[];
    expect(seen).toHaveLength(900);
    for (let i = 0; i < senders.length; i++) {
      const own = seen.filter((id) => Math.floor(id / 1000) === i);
      expect(own).toEqual(Array.from({ length: 300 }, (_, id) => i * 1000 + id));
    }
  });

  test("a waiting message of higher priority goes first", async () => {
    await fresh(FAR);
    mesh.tell(FAR, { do: "dawdle", ms: 150, id: "busy" });
    await pause(30);
    for (const priority of [0, 1, 2, 3] as const) {
      mesh.tell(FAR, { do: "note", id: `a${priority}` }, { priority });
      mesh.tell(FAR, { do: "note", id: `b${priority}` }, { priority });
    }
    await settled(mesh);
    expect(await call(mesh, FAR, { do: "seen" })).toEqual([
      "busy",
      "a3",
      "b3",
      "a2",
      "b2",
      "a1",
      "b1",
      "a0",
      "b0",
    ]);
  });
});

describe("time", () => {
  test("no work begins after a message's time to live: it is counted as expired, a dead letter", async () => {
    await fresh(FAR, NEAR);
    const before = mesh.status().messages.expired;
    for (const target of [NEAR, FAR]) {
      mesh.tell(target, { do: "dawdle", ms: 120, id: "busy" });
      mesh.tell(target, { do: "note", id: "late" }, { ttlMs: 20 });
      mesh.tell(target, { do: "note", id: "in time" }, { ttlMs: 30_000 });
    }
    await settled(mesh);
    for (const target of [NEAR, FAR]) {
      expect(await call(mesh, target, { do: "seen" })).toEqual(["busy", "in time"]);
      const letters = mesh.deadLetters.list({ reason: "expired", target });
      expect(letters[0]).toMatchObject({ message: { do: "note", id: "late" } });
    }
    expect(mesh.status().messages.expired - before).toBe(2);
    expect(mesh.status().lost).toBe(0);
  });

  test("the time to live of an ask ends it before its timeout does", async () => {
    await fresh(FAR);
    mesh.tell(FAR, { do: "dawdle", ms: 120, id: "busy" });
    const answer = await mesh.ask(FAR, { do: "note", id: "late" }, { ttlMs: 20, timeoutMs: 400 });
    expect(answer.state).toBe(0);
    expect(await call(mesh, FAR, { do: "seen" })).toEqual(["busy"]);
  });

  test("an ask that is not answered in time is TRANSIT, a value, and says how long it waited", async () => {
    for (const target of [NEAR, FAR]) {
      const answer = await mesh.ask(target, { do: "sleep", ms: 400 }, { timeoutMs: 60 });
      expect(answer.state).toBe(0);
      if (answer.state === 0) expect(answer.waitedMs).toBeGreaterThanOrEqual(59);
      const inside = {
        do: "ask",
        to: target,
        message: { do: "sleep", ms: 400 },
        options: { timeoutMs: 60 },
      };
      expect(await call(mesh, HERE, inside)).toMatchObject({ state: 0 });
    }
    await settled(mesh);
  });

  test("an agent that gives up at the deadline has not failed: its message expired", async () => {
    await fresh(FAR);
    const { restarts } = await mesh.inspect(FAR);
    expect((await mesh.ask(FAR, { do: "untilAborted" }, { timeoutMs: 50 })).state).toBe(0);
    expect(await call(mesh, FAR, { do: "seen" })).toEqual(["aborted MESH_DEADLINE"]);
    expect((await mesh.ask(FAR, { do: "sleep", ms: 20_000 }, { timeoutMs: 50 })).state).toBe(0);
    await settled(mesh);
    expect((await mesh.inspect(FAR)).restarts).toBe(restarts);
  });

  test("an ask is given its whole timeout even after its agent's thread has slept", async () => {
    await fresh(HERE);
    const quiet = {
      do: "ask",
      afterMs: 400,
      to: FAR,
      message: { do: "sleep", ms: 20 },
      options: { timeoutMs: 250 },
    };
    expect(await call(mesh, HERE, quiet)).toEqual({ state: 1, value: "slept" });
  });

  test("a message's time to live begins when it is sent, even after its agent's thread has slept", async () => {
    await fresh(FAR);
    await call(mesh, HERE, {
      do: "tellLater",
      afterMs: 400,
      to: FAR,
      message: { do: "note", id: "late" },
      options: { ttlMs: 250 },
    });
    await settled(mesh);
    expect(await call(mesh, FAR, { do: "seen" })).toEqual(["late"]);
  });

  test("an abort signal rejects the ask with its reason, before and while it waits", async () => {
    await expect(
      mesh.ask(HERE, 1, { signal: AbortSignal.abort(new Error("never mind")) }),
    ).rejects.toThrow("never mind");
    const controller = new AbortController();
    const asked = mesh.ask(FAR, { do: "sleep", ms: 200 }, { signal: controller.signal });
    setTimeout(() => controller.abort(new Error("changed my mind")), 20);
    await expect(asked).rejects.toThrow("changed my mind");
    await settled(mesh);
  });

  test("a signal that serves many asks keeps none of them", async () => {
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, "addEventListener");
    const removed = vi.spyOn(signal, "removeEventListener");
    for (let i = 0; i < 20; i++) await mesh.ask(HERE, { do: "echo", value: i }, { signal });
    expect(added).toHaveBeenCalledTimes(20);
    expect(removed).toHaveBeenCalledTimes(20);
  });

  test.each([[-1], [Number.NaN]])("a timeout of %s is refused by name", async (timeoutMs) => {
    await expect(mesh.ask(HERE, 1, { timeoutMs })).rejects.toMatchObject({
      code: "MESH_INVALID_OPTION",
      field: "timeoutMs",
    });
    expect(() => mesh.tell(HERE, 1, { ttlMs: timeoutMs })).toThrow(/^ttlMs: expected/);
  });

  test("a priority that does not exist is refused by name", () => {
    const priority = 7 as unknown as 3;
    expect(() => mesh.tell(HERE, 1, { priority })).toThrow(/^priority: expected .*0 to 3, got 7/);
  });
});

describe("circles of asks", () => {
  /** `path` each asks the next when asked; the last closes the circle. */
  function chain(path: readonly string[]): unknown {
    const [next, ...rest] = path;
    if (next === undefined) return { do: "echo", value: "reached" };
    return { do: "ask", to: next, message: chain(rest), options: { timeoutMs: 15_000 } };
  }
  function innermost(answer: unknown): unknown {
    const { value } = (answer ?? {}) as { value?: unknown };
    return value === undefined ? answer : innermost(value);
  }

  test.each([
    ["an agent that asks itself", [HERE, HERE]],
    ["two agents of one worker", [HERE, NEAR, HERE]],
    ["two agents of two workers", [HERE, FAR, HERE]],
    ["three agents of two workers", [HERE, FAR, NEAR_TOO, HERE]],
  ])("%s: the ask that would close it is refused at once, with the path", async (_name, circle) => {
    const startMs = performance.now();
    const answer = await call(mesh, circle[0] as string, chain(circle.slice(1)));
    const refused = innermost(answer) as Record<string, unknown>;
    expect(refused.code).toBe("MESH_ASK_CYCLE");
    const path = refused.path as string[];
    expect(path[0]).toBe(path.at(-1));
    expect(new Set(path)).toEqual(new Set(circle));
    expect(path).toHaveLength(circle.length);
    // Far less than the timeout of 15 s that would have ended it otherwise.
    expect(performance.now() - startMs).toBeLessThan(8_000);
  });

  test("a chain that closes no circle is answered", async () => {
    const answer = await call(mesh, HERE, chain([FAR, NEAR_TOO, "sector-3/cluster-1/agent-1"]));
    expect(innermost(answer)).toBe("reached");
  });

  test("two agents that ask each other at once: one of them is told, neither waits for the timeout", async () => {
    const seed = printedSeed();
    const random = randomOf(seed);
    for (let round = 0; round < 20; round++) {
      const [a, b] = random() < 0.5 ? [HERE, FAR] : [HERE, NEAR];
      const cross = (to: string): unknown => ({
        do: "ask",
        to,
        message: { do: "echo", value: 1 },
        options: { timeoutMs: 15_000 },
      });
      const answers = (await Promise.all([
        call(mesh, a, cross(b)),
        call(mesh, b, cross(a)),
      ])) as Record<string, unknown>[];
      for (const answer of answers)
        expect(answer.state === 1 || answer.code === "MESH_ASK_CYCLE").toBe(true);
      expect(answers.some((answer) => answer.state === 1)).toBe(true);
    }
  });
});
