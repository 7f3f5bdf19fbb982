// Deadlines, timers, messages put aside, and chance.
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Mesh } from "../index.ts";
import { call, pause, readyValue, settled, startMesh, until } from "./mesh.ts";

// Sectors 1 and 2 live on one worker, 3 and 4 on the other.
const HERE = "sector-1/cluster-1/agent-1";
const NEAR = "sector-1/cluster-1/agent-2";
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

describe("timers, stash, become", () => {
  test("once comes once, every comes again, cancel ends it", async () => {
    await fresh(HERE, FAR);
    mesh.tell(HERE, { do: "once", ms: 10, id: "once" });
    mesh.tell(FAR, { do: "every", ms: 5, id: "tick" });
    await until(
      "five ticks",
      async () => ((await call(mesh, FAR, { do: "seen" })) as unknown[]).length >= 5,
    );
    await call(mesh, FAR, { do: "cancel" });
    const ticks = ((await call(mesh, FAR, { do: "seen" })) as unknown[]).length;
    await pause(60);
    expect(((await call(mesh, FAR, { do: "seen" })) as unknown[]).length).toBe(ticks);
    expect(await call(mesh, HERE, { do: "seen" })).toEqual(["once"]);
  });

  test("timers end at a restart", async () => {
    await fresh(FAR);
    mesh.tell(FAR, { do: "every", ms: 5, id: "tick" });
    await until(
      "a tick",
      async () => ((await call(mesh, FAR, { do: "seen" })) as unknown[]).length >= 1,
    );
    await mesh.restart(FAR);
    await pause(20);
    const after = (await call(mesh, FAR, { do: "seen" })) as unknown[];
    await pause(60);
    expect(await call(mesh, FAR, { do: "seen" })).toEqual(after);
    // At most the tick that stood in the mailbox, which a restart keeps.
    expect(after.length).toBeLessThanOrEqual(1);
  });

  test("a timer's message is checked when it is set, not when it is due", async () => {
    expect(await call(mesh, HERE, { do: "hugeTimer", bytes: 65_400 })).toBe("set");
    expect(await call(mesh, HERE, { do: "hugeTimer", bytes: 65_600 })).toBe(
      "MESH_PAYLOAD_TOO_LARGE",
    );
    await pause(30);
    expect(mesh.status().restarts.workers).toBe(0);
  });

  test("sleep is over at the end of the incarnation", async () => {
    await fresh(FAR);
    const asked = mesh.ask(FAR, { do: "sleep", ms: 60_000 }, { timeoutMs: 60_000 });
    const rejected = expect(asked).rejects.toMatchObject({ code: "MESH_AGENT_FAILED" });
    await until("its turn", async () => (await mesh.inspect(FAR)).current !== undefined);
    await mesh.restart(FAR);
    await rejected;
  });

  test("stashed messages come back in front, in their order", async () => {
    await fresh(FAR);
    for (const id of [1, 2, 3]) mesh.tell(FAR, { do: "stashUntil", id });
    await until(
      "the stash",
      async () =>
        (await mesh.inspect(FAR)).queue.depth === 0 && mesh.status().messages.inFlight === 3,
    );
    mesh.tell(FAR, { do: "dawdle", ms: 40, id: "busy" });
    mesh.tell(FAR, { do: "open" });
    mesh.tell(FAR, { do: "stashUntil", id: 4 });
    await settled(mesh);
    expect(await call(mesh, FAR, { do: "seen" })).toEqual(["busy", 1, 2, 3, 4]);
  });

  test("a stashed ask is answered when it is handled at last", async () => {
    await fresh(FAR);
    const asked = mesh.ask(FAR, { do: "stashUntil", id: "patience" });
    await pause(20);
    mesh.tell(FAR, { do: "open" });
    expect(readyValue(await asked)).toBe("patience");
  });

  test("a restart brings stashed messages back to the mailbox", async () => {
    await fresh(FAR);
    for (const id of [1, 2, 3]) mesh.tell(FAR, { do: "stashUntil", id });
    await until("the stash", () => mesh.status().messages.inFlight === 3);
    await mesh.restart(FAR);
    mesh.tell(FAR, { do: "open" });
    await settled(mesh);
    expect(await call(mesh, FAR, { do: "seen" })).toEqual([1, 2, 3]);
  });

  test("a message that was stashed by a turn that then failed is spent, once", async () => {
    await fresh(FAR);
    mesh.tell(FAR, { do: "stashAndFail" });
    await until("its failure", () =>
      mesh.incidents().some(({ error }) => error.includes("stashed and failed")),
    );
    await settled(mesh);
    await call(mesh, FAR, { do: "unstash" });
    mesh.tell(FAR, { do: "note", id: 1 });
    await settled(mesh);
    expect(await call(mesh, FAR, { do: "seen" })).toEqual([1]);
    expect(
      mesh.incidents().filter(({ error }) => error.includes("stashed and failed")),
    ).toHaveLength(1);
    expect(mesh.status().lost).toBe(0);
  });

  test("become changes how messages are handled until the restart, over the same state", async () => {
    await fresh(FAR);
    mesh.tell(FAR, { do: "note", id: "before" });
    mesh.tell(FAR, { do: "become" });
    expect(await call(mesh, FAR, { id: 1 })).toBe(`other ${FAR}`);
    expect(await call(mesh, FAR, { do: "seen" })).toEqual(["before", "became 1"]);
    await mesh.restart(FAR);
    expect(await call(mesh, FAR, { do: "seen" })).toEqual([]);
    expect(await call(mesh, FAR, { do: "echo", value: "itself again" })).toBe("itself again");
  });
});

describe("chance", () => {
  test("a seed gives each agent its own numbers again, whoever draws first", async () => {
    const draw = async (
      seed: number,
      order: readonly string[],
    ): Promise<Record<string, unknown>> => {
      await using seeded = await startMesh("puppet", { seed });
      const drawn: Record<string, unknown> = {};
      for (const agent of order)
        drawn[agent] = await call(seeded, agent, { do: "random", count: 3 });
      return drawn;
    };
    const first = await draw(1, [HERE, NEAR, FAR]);
    expect(await draw(1, [FAR, NEAR, HERE])).toEqual(first);
    expect(first[HERE]).not.toEqual(first[NEAR]);
    expect(await draw(2, [HERE, NEAR, FAR])).not.toEqual(first);
  });
});
