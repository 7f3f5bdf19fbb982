// What an agent may rely on over its life: timers, messages put aside, children, the deaths of others, chance.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Mesh } from "../index.ts";
import { call, pause, readyValue, settled, startMesh, until } from "./mesh.ts";

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
    expect(await call(mesh, HERE, { do: "hugeTimer", bytes: 65_000 })).toBe("set");
    expect(await call(mesh, HERE, { do: "hugeTimer", bytes: 66_000 })).toBe(
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

describe("children and death watch", () => {
  test("a child is spawned, answers, is stopped, and its watchers on both workers hear of it once", async () => {
    await fresh(HERE, NEAR, FAR);
    const child = (await call(mesh, HERE, { do: "spawn" })) as number;
    expect(mesh.address(child)).toMatch(/^spawned-\d+$/);
    expect(await call(mesh, child, { do: "echo", value: "hello" })).toBe("hello");
    expect(
      await call(mesh, FAR, { do: "ask", to: child, message: { do: "echo", value: "far" } }),
    ).toMatchObject({ value: "far" });
    for (const watcher of [HERE, NEAR, FAR]) await call(mesh, watcher, { do: "watch", who: child });
    // The watch from the other worker is on its way; an ask behind it on the same lane is answered after it.
    await call(mesh, FAR, {
      do: "ask",
      to: child,
      message: { do: "nothing" },
      options: { priority: 3 },
    });
    await call(mesh, HERE, { do: "stopChild" });
    for (const watcher of [HERE, NEAR, FAR]) {
      const signals = await until("the signal", async () => {
        const heard = (await call(mesh, watcher, { do: "signals" })) as unknown[];
        return heard.length > 0 && heard;
      });
      expect(signals).toEqual([{ type: "terminated", actor: child, reason: "stopped" }]);
    }
    await expect(mesh.ask(child, 1)).rejects.toMatchObject({ code: "MESH_UNDELIVERABLE" });
  });

  test("who watches an actor that has ended hears so at once", async () => {
    await fresh(HERE, FAR);
    const child = (await call(mesh, HERE, { do: "spawn" })) as number;
    await call(mesh, HERE, { do: "stopChild" });
    for (const watcher of [HERE, FAR]) {
      await call(mesh, watcher, { do: "watch", who: child });
      await until(
        "the signal",
        async () => ((await call(mesh, watcher, { do: "signals" })) as unknown[]).length === 1,
      );
    }
  });

  test("who has unwatched hears nothing", async () => {
    await fresh(HERE, FAR);
    const child = (await call(mesh, HERE, { do: "spawn" })) as number;
    await call(mesh, FAR, { do: "watch", who: child });
    await call(mesh, FAR, { do: "unwatch", who: child });
    await call(mesh, FAR, {
      do: "ask",
      to: child,
      message: { do: "nothing" },
      options: { priority: 3 },
    });
    await call(mesh, HERE, { do: "stopChild" });
    await pause(50);
    expect(await call(mesh, FAR, { do: "signals" })).toEqual([]);
  });

  test("a parent hears of its child's failure and what was decided; the child comes back", async () => {
    await fresh(HERE);
    const child = (await call(mesh, HERE, { do: "spawn" })) as number;
    mesh.tell(child, { do: "note", id: 1 });
    await expect(mesh.ask(child, { do: "fail", text: "child fell" })).rejects.toThrow("child fell");
    const [signal] = (await until("the signal", async () => {
      const heard = (await call(mesh, HERE, { do: "signals" })) as unknown[];
      return heard.length > 0 && heard;
    })) as Record<string, unknown>[];
    expect(signal).toMatchObject({ type: "child-failed", actor: child, decision: "restart" });
    expect(signal?.error).toContain("child fell");
    expect(await call(mesh, child, { do: "seen" })).toEqual([]);
  });

  test("children end with their parent", async () => {
    await fresh(HERE);
    const child = (await call(mesh, HERE, { do: "spawn" })) as number;
    await mesh.restart(HERE);
    await expect(mesh.ask(child, 1)).rejects.toMatchObject({ code: "MESH_UNDELIVERABLE" });
  });

  test("a child that waits for its restart ends with its parent too", async () => {
    await fresh(HERE);
    const child = (await call(mesh, HERE, { do: "spawn" })) as number;
    // The second restart within a minute waits for its back-off.
    for (let i = 0; i < 2; i++) await expect(mesh.ask(child, { do: "fail" })).rejects.toThrow();
    await mesh.restart(HERE);
    await pause(200);
    await expect(mesh.ask(child, { do: "echo" }, { timeoutMs: 500 })).rejects.toMatchObject({
      code: "MESH_UNDELIVERABLE",
    });
    await settled(mesh);
  });

  test("the places of children are used again", async () => {
    await fresh(HERE);
    for (let i = 0; i < 100; i++) {
      const child = (await call(mesh, HERE, { do: "spawn" })) as number;
      expect(await call(mesh, child, { do: "echo", value: i })).toBe(i);
      await call(mesh, HERE, { do: "stopChild" });
    }
  });

  test("a child that cannot begin does not take its worker along", async () => {
    await fresh(HERE);
    await call(mesh, HERE, { do: "spawnBrittle" });
    await until("the incident", () =>
      mesh.incidents().some(({ error }) => error.includes("born broken")),
    );
    expect(await call(mesh, HERE, { do: "echo", value: 1 })).toBe(1);
  });
});

describe("probe", () => {
  test("what an agent measures of its other side is in its row; a probe that throws is a failure", async () => {
    await using probing = await startMesh("puppet", { heartbeatMs: 50 });
    await call(probing, HERE, { do: "probeAs", probed: { rttMs: 80, processingMs: 300 } });
    await until("its row", async () => {
      const { impedance } = await probing.inspect(HERE);
      return impedance.currentLatencyMs > 20 && impedance.currentProcessingMs > 100;
    });
    expect((await probing.inspect(NEAR)).impedance.currentProcessingMs).toBeLessThan(100);
    await call(probing, FAR, { do: "probeAs", probed: "fails" });
    await until("the incident", () => probing.incidents().length > 0);
    expect(probing.incidents()[0]).toMatchObject({ subject: FAR, decision: "restart" });
    expect(await call(probing, FAR, { do: "echo", value: 1 })).toBe(1);
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
