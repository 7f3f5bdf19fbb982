// Children of agents, and who hears of whose end.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Mesh } from "../index.ts";
import { call, pause, settled, startMesh, until } from "./mesh.ts";

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
