// Operating modes: every restriction of spec 6.3 gates something, and each is shown to.
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { OFFLINE } from "../coordination/agent-state.ts";
import type { Mesh } from "../index.ts";
import type { ApprovalRequest } from "../runtime/api/mode-api.ts";
import { Guarded } from "./guarded.ts";
import { call, startMesh } from "./mesh.ts";

const ONE = "sector-1/cluster-1/agent-1";
const ECHO = { payload: { do: "readyNothing" }, at: "now" } as const;

/** How an operation ended: its status, or the code of its error. */
function ended(operation: Promise<{ readonly status: string }>): Promise<string> {
  return operation.then(
    ({ status }) => status,
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );
}

const scatter = (mesh: Mesh, priority: 0 | 1 | 2 | 3, select = "all"): Promise<string> =>
  ended(mesh.scatterGather({ ...ECHO, priority }, { select }));

describe("the mode of a mesh", () => {
  test("follows its active agents when they have been few, or many, for five seconds", async () => {
    const mesh = await Guarded.of({});
    const { clock } = mesh.threads;
    for (const active of [8, 7, 7, 7, 7, 7, 7]) {
      clock.nowMs += 1_000;
      mesh.guards.tick(active, 8);
    }
    expect(mesh.guards.modes.mode).toBe("DEGRADED_LIGHT");
    for (let second = 0; second < 5; second++) {
      clock.nowMs += 1_000;
      mesh.guards.tick(8, 8);
      expect(mesh.guards.modes.mode).toBe("DEGRADED_LIGHT");
    }
    clock.nowMs += 1_000;
    mesh.guards.tick(8, 8);
    expect(mesh.modes).toMatchObject([
      { from: "FULL", to: "DEGRADED_LIGHT", activeRate: 7 / 8, alert: false, forced: false },
      { from: "DEGRADED_LIGHT", to: "FULL", activeRate: 1 },
    ]);
  });

  test("is kept when an operator has set it, until they let it go", async () => {
    const mesh = await Guarded.of({});
    mesh.guards.modes.set("DEGRADED_SEVERE");
    for (let i = 0; i < 10; i++) await mesh.pass(1_000);
    expect(mesh.guards.modes.status()).toMatchObject({ mode: "DEGRADED_SEVERE", forced: true });
    mesh.guards.modes.auto();
    for (let i = 0; i < 10; i++) await mesh.pass(1_000);
    expect(mesh.guards.modes.status()).toMatchObject({ mode: "FULL", forced: false });
    expect(() => mesh.guards.modes.set("BUSY" as "FULL")).toThrow(/mode: expected one of FULL/);
  });

  test("is in the status; a mesh with all its agents is in FULL, without restrictions", async () => {
    await using mesh = await startMesh("puppet");
    expect(mesh.status().mode).toBe("FULL");
    expect(mesh.mode.status()).toMatchObject({ mode: "FULL", restrictions: [], queued: 0 });
    expect(await scatter(mesh, 0)).toBe("SUCCESS");
    mesh.mode.set("DEGRADED_LIGHT");
    expect(mesh.status().mode).toBe("DEGRADED_LIGHT");
  });
});

describe("DEGRADED_LIGHT", () => {
  test("background work is off: from outside, from agents, and probes but those of each 30 s", async () => {
    const probed: number[] = [];
    const mesh = await Guarded.of({
      probe: (_state, ctx) => {
        if (ctx.self === 0) probed.push(ctx.clock.nowMs());
        return undefined;
      },
      receive: (_state, message, ctx) => {
        const { status } = ctx.tell(message as number, "hello", { priority: 0 });
        return { state: 1, value: status };
      },
    });
    const inAMinute = async (): Promise<number> => {
      const before = probed.length;
      for (let i = 0; i < 12; i++) await mesh.pass(5_000);
      return probed.length - before;
    };
    expect(await inAMinute()).toBe(12);
    expect(await mesh.ask(1, 2)).toBe("accepted");
    mesh.guards.modes.set("DEGRADED_LIGHT");
    expect(await inAMinute()).toBe(2);
    expect(await mesh.ask(1, 2)).toBe("rejected");
    expect(mesh.tell(1, 2, 0)).toBe("rejected");
    expect(mesh.guards.modes.admits(0)).toBe(false);
    expect(mesh.guards.modes.admits(1)).toBe(true);
  });

  test("operations of priority 0 are refused, others go on", async () => {
    await using mesh = await startMesh("puppet");
    mesh.mode.set("DEGRADED_LIGHT");
    expect(await scatter(mesh, 0)).toBe("MESH_MODE");
    expect(await scatter(mesh, 1)).toBe("SUCCESS");
    expect(mesh.tell(ONE, { do: "nothing" }, { priority: 0 }).status).toBe("rejected");
    await expect(mesh.ask(ONE, { do: "nothing" }, { priority: 0 })).rejects.toThrow(
      /messages of priority 0 are off in mode DEGRADED_LIGHT/,
    );
  });

  test("timeouts that nobody chose are longer, in each mode more", async () => {
    const mesh = await Guarded.of({});
    const { modes } = mesh.guards;
    const timeouts = (["FULL", "DEGRADED_LIGHT", "DEGRADED_MODERATE", "EMERGENCY"] as const).map(
      (mode) => {
        modes.set(mode);
        expect(modes.patient({ timeoutMs: 70 }, 5_000).timeoutMs).toBe(70);
        return modes.patient({} as { timeoutMs?: number }, 5_000).timeoutMs ?? 5_000;
      },
    );
    expect(timeouts).toEqual([5_000, 10_000, 20_000, 40_000]);
  });
});

describe("DEGRADED_MODERATE", () => {
  test("operations go to healthy sectors only; where none is, to all", async () => {
    const mesh = await Guarded.of({});
    const { registry, routes } = mesh.threads.main.view;
    const routable = (): boolean[] => [0, 4].map((row) => routes.isRoutable(row));
    registry.state[1] = OFFLINE;
    mesh.guards.modes.set("DEGRADED_LIGHT");
    expect(routable()).toEqual([true, true]);
    mesh.guards.modes.set("DEGRADED_MODERATE");
    expect(routable()).toEqual([false, true]);
    // What is addressed to its agents arrives all the same.
    expect(mesh.tell(0, "work")).toBe("accepted");
    registry.state[5] = OFFLINE;
    mesh.guards.tick(6, 8);
    expect(routable()).toEqual([true, true]);
    registry.state[5] = registry.state[4];
    mesh.guards.tick(7, 8);
    expect(routable()).toEqual([false, true]);
    mesh.guards.modes.set("FULL");
    expect(routable()).toEqual([true, true]);
  });

  test("no scatter reaches more than 1,000 agents; a cascade may, and a thousand may", async () => {
    const topology = { sectors: 7, clustersPerSector: 11, agentsPerCluster: 13, spawnCapacity: 0 };
    await using mesh = await startMesh("puppet", { topology });
    mesh.mode.set("DEGRADED_MODERATE");
    await expect(mesh.scatterGather({ ...ECHO, priority: 2 })).rejects.toThrow(
      /scatter: expected at most 1000 agents at once, got 1001 in mode DEGRADED_MODERATE/,
    );
    await expect(mesh.broadcast({ do: "nothing" }, { priority: 2 })).rejects.toThrow(/broadcast/);
    expect(await scatter(mesh, 2, "sector-1")).toBe("SUCCESS");
    expect(await ended(mesh.cascade({ ...ECHO, priority: 2 }))).toBe("SUCCESS");
  });

  test("what is not urgent waits, in order, until the mode improves; single messages do not", async () => {
    await using mesh = await startMesh("puppet");
    mesh.mode.set("DEGRADED_MODERATE");
    const done: number[] = [];
    const waiting = [1, 2, 3].map((id) =>
      mesh.delegate({ do: "note", id }, { to: ONE }).then(() => done.push(id)),
    );
    expect(await scatter(mesh, 2)).toBe("SUCCESS");
    expect(await call(mesh, ONE, { do: "count" })).toBe(0);
    expect(mesh.mode.status().queued).toBe(3);
    mesh.mode.set("DEGRADED_SEVERE");
    expect(mesh.mode.status().queued).toBe(3);
    mesh.mode.set("FULL");
    await Promise.all(waiting);
    expect(await call(mesh, ONE, { do: "seen" })).toEqual([1, 2, 3]);
    expect(mesh.mode.status().queued).toBe(0);
  });

  test("the queue is bounded, and is left by a signal or the end of the mesh", async () => {
    const mesh = await startMesh("puppet");
    mesh.mode.set("DEGRADED_MODERATE");
    const gaveUp = new AbortController();
    const first = mesh.scatterGather(ECHO, { signal: gaveUp.signal });
    const others = Array.from({ length: 255 }, () => ended(mesh.scatterGather(ECHO)));
    await expect(mesh.scatterGather(ECHO)).rejects.toThrow(/256 operations wait already/);
    gaveUp.abort(new Error("no longer wanted"));
    await expect(first).rejects.toThrow("no longer wanted");
    expect(mesh.mode.status().queued).toBe(255);
    await mesh.stop();
    expect(new Set(await Promise.all(others))).toEqual(new Set(["MESH_STOPPED"]));
  });
});

describe("DEGRADED_SEVERE", () => {
  test("only critical operations go on; those on most of the mesh with a person's consent", async () => {
    const asked: ApprovalRequest[] = [];
    let consent = false;
    const approve = async (request: ApprovalRequest): Promise<boolean> => {
      asked.push(request);
      return consent;
    };
    await using mesh = await startMesh("puppet", { operators: { approve } });
    mesh.mode.set("DEGRADED_SEVERE");
    expect(await scatter(mesh, 2, "sector-1")).toBe("MESH_MODE");
    expect(await scatter(mesh, 3, "sector-1")).toBe("SUCCESS");
    expect(asked).toEqual([]);
    expect(await scatter(mesh, 3)).toBe("MESH_APPROVAL");
    consent = true;
    expect(await scatter(mesh, 3)).toBe("SUCCESS");
    expect(asked).toMatchObject([
      { operation: "scatter", agents: 40, priority: 3, mode: "DEGRADED_SEVERE" },
      { operation: "scatter", agents: 40 },
    ]);
    expect(await call(mesh, ONE, { do: "count" })).toBe(0);
  });

  test("without anybody else to ask, people are asked through the inbox", async () => {
    await using mesh = await startMesh("puppet");
    mesh.mode.set("DEGRADED_SEVERE");
    const asked = async (
      operation: Promise<unknown>,
      answer: "approve" | "deny",
    ): Promise<void> => {
      operation.catch(() => {});
      const item = await vi.waitUntil(async () => (await mesh.inbox.list())[0], {
        timeout: 30_000,
      });
      expect(item.text).toMatch(/^cascade over 40 agents, priority 3: the mode is DEGRADED_SEVERE/);
      await mesh.inbox[answer](item.itemId);
    };
    const allowed = mesh.cascade({ ...ECHO, priority: 3 });
    await asked(allowed, "approve");
    expect((await allowed).ready).toBe(40);
    const denied = mesh.cascade({ ...ECHO, priority: 3 });
    await asked(denied, "deny");
    await expect(denied).rejects.toMatchObject({ code: "MESH_APPROVAL" });
  });
});

describe("EMERGENCY", () => {
  test("nothing begins by itself; people, critical messages and the state of the mesh are served", async () => {
    const approve = vi.fn(async () => true);
    await using mesh = await startMesh("puppet", { operators: { approve } });
    mesh.mode.set("EMERGENCY");
    expect(mesh.tell(ONE, { do: "nothing" }, { priority: 2 }).status).toBe("rejected");
    await expect(mesh.ask(ONE, { do: "count" })).rejects.toMatchObject({ code: "MESH_MODE" });
    expect(await mesh.ask(ONE, { do: "count" }, { priority: 3 })).toMatchObject({ value: 0 });
    expect(await scatter(mesh, 3, ONE)).toBe("SUCCESS");
    expect(approve).toHaveBeenCalledOnce();
    expect(mesh.status()).toMatchObject({ mode: "EMERGENCY", lost: 0 });
    expect(mesh.kpis()).toBeDefined();
    expect((await mesh.inspect(ONE)).state).toHaveProperty("value");
  });

  test("the state is written to the data folder, and the mesh goes on", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "mesh-modes-"));
    try {
      await using mesh = await startMesh("puppet", { dataDir });
      mesh.mode.set("EMERGENCY");
      const files = await vi.waitUntil(
        async () => {
          const found = await readdir(join(dataDir, "frozen")).catch(() => []);
          return found.some((name) => name.endsWith(".mesh")) && mesh.status().state === "running"
            ? found
            : undefined;
        },
        { timeout: 30_000 },
      );
      expect(files).toHaveLength(1);
      expect(await mesh.ask(ONE, { do: "count" }, { priority: 3 })).toMatchObject({ value: 0 });
    } finally {
      await rm(dataDir, { recursive: true });
    }
  });

  test("without a data folder it is said that the state was not preserved", async () => {
    await using mesh = await startMesh("puppet");
    mesh.mode.set("EMERGENCY");
    const said = (): boolean => mesh.incidents().some(({ error }) => /not preserved/.test(error));
    await vi.waitUntil(said, { timeout: 30_000 });
  });

  test("people are alerted and the state is preserved once, on the way down", async () => {
    const preserved: string[] = [];
    const preserve = async (mode: string): Promise<void> => {
      preserved.push(mode);
      throw new Error("the disk is full");
    };
    const mesh = await Guarded.of({}, {}, { preserve });
    for (let i = 0; i < 7; i++) {
      mesh.threads.clock.nowMs += 1_000;
      mesh.guards.tick(2, 8);
    }
    await new Promise((resolve) => setImmediate(resolve));
    mesh.guards.modes.set("DEGRADED_SEVERE");
    expect(preserved).toEqual(["EMERGENCY"]);
    expect(mesh.modes[0]).toMatchObject({ from: "FULL", to: "EMERGENCY", alert: true });
    expect(mesh.incidents.map(({ error, decision }) => `${decision}: ${error}`)).toEqual([
      expect.stringMatching(/^escalate: mode EMERGENCY: 25.0 % of the agents are active; Halt all/),
      "escalate: mode EMERGENCY: the state could not be preserved: the disk is full",
    ]);
  });

  test("that nothing was given to preserve the state with is said", async () => {
    const mesh = await Guarded.of({});
    mesh.guards.modes.set("EMERGENCY");
    expect(mesh.incidents.at(-1)?.error).toMatch(/not preserved/);
  });
});
