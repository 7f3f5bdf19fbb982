// A mesh whose threads sign what they send: at work, with a worker killed, with keys of its data folder, and with
// agents that are revoked while it runs.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Evidence, Mesh } from "../index.ts";
import { call, settled, startMesh, until } from "./mesh.ts";
import { Person } from "./person.ts";

const { COMMANDS } = await built("console/commands.js");
const { runOnMesh } = await built("console/command/line.js");
const { KeyStore } = await built("runtime/trust/key-store.js");
const NEAR = "sector-1/cluster-1/agent-1";
const FAR = "sector-4/cluster-1/agent-1";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "mesh-trust-"));
});
afterAll(() => rm(root, { recursive: true }));

async function built(path: string) {
  return import(new URL(`../dist/${path}`, import.meta.url).href);
}

function command(mesh: Mesh, name: string, args: Record<string, unknown>): Promise<unknown> {
  return runOnMesh(COMMANDS, mesh, name, args, new AbortController().signal);
}

function keys(mesh: Mesh, args: Record<string, unknown>): Promise<unknown> {
  return command(mesh, "keys", args);
}

async function verify(...argv: string[]): Promise<Person & { code: number }> {
  const person = new Person({ cwd: root });
  return Object.assign(person, { code: await person.run("verify", ...argv) });
}

/** How many batches and frames were refused, of all reasons. */
function refused(mesh: Mesh): number {
  const counts: readonly number[] = Object.values(mesh.trust?.status().refused ?? {});
  return counts.reduce((sum, count) => sum + count, 0);
}

describe("trust", () => {
  test("off: nothing is signed, and status says nothing of it; by default all is", async () => {
    await using usual = await startMesh("puppet");
    expect(usual.status().trust?.level).toBe("all");
    await using mesh = await startMesh("puppet", { trust: "off" });
    expect(mesh.trust).toBeUndefined();
    expect(mesh.status().trust).toBeUndefined();
    await call(mesh, FAR, { do: "echo", value: 1 });
  });

  test("all: every batch is signed and verified, none refused, and a worker may die", async () => {
    await using mesh = await startMesh("ledger", { trust: "all" });
    const gathered = await mesh.broadcast({ do: "operation", number: 1 });
    expect(gathered.ready).toBe(40);
    const drivers = [NEAR, "sector-2/cluster-1/agent-1", FAR].map((address) => mesh.ref(address));
    const targets = [
      mesh.ref("sector-3/cluster-1/agent-2"),
      mesh.ref("sector-1/cluster-2/agent-3"),
    ];
    for (const driver of drivers) mesh.tell(driver, { do: "drive", targets, each: 2, on: true });
    const back = new Promise<void>((resolve) => {
      const off = mesh.on("workerBack", () => {
        off();
        resolve();
      });
    });
    await until("some traffic", () => (mesh.trust?.status().verified ?? 0) > 60);
    await mesh.kill("worker-2");
    await back;
    const sent = new Map<number, Record<number, number>>();
    for (const driver of drivers)
      sent.set(driver, (await call(mesh, driver, { do: "halt" })) as Record<number, number>);
    await settled(mesh);
    for (const target of targets) {
      const books = (await call(mesh, target, { do: "books" })) as {
        next: Record<number, number>;
        gaps: number;
      };
      for (const [driver, counts] of sent) {
        if (books.next[driver] === undefined) continue;
        expect(books.next[driver]).toBeGreaterThanOrEqual(counts[target] ?? 0);
      }
      expect(books.gaps).toBe(0);
    }
    const { trust, messages, lost } = mesh.status();
    expect(refused(mesh)).toBe(0);
    expect(messages.corrupt).toBe(0);
    expect(lost).toBe(0);
    expect(trust?.verified).toBeGreaterThan(60);
    expect(trust?.signed).toBeGreaterThanOrEqual(trust?.verified ?? 0);
    expect(trust?.kept).toBe(false);
  });

  test("boundary: what main sends is signed, what workers send each other is not", async () => {
    await using mesh = await startMesh("puppet", { trust: "boundary" });
    await call(mesh, NEAR, { do: "ask", to: FAR, message: { do: "echo", value: 3 } });
    const before = mesh.trust?.status().signed ?? 0;
    expect(before).toBeGreaterThan(0);
    expect(refused(mesh)).toBe(0);
    expect(mesh.status().trust?.level).toBe("boundary");
  });

  test("with keys in the data folder a revoked agent is heard no more, until its keys are renewed", async () => {
    const dataDir = join(root, "revoked");
    const shape = { sectors: 4, clustersPerSector: 2, agentsPerCluster: 5 };
    await KeyStore.init(dataDir, shape, process.env);
    await using mesh = await startMesh("puppet", { trust: "all", dataDir });
    expect(mesh.trust?.status().kept).toBe(true);
    const say = (id: number): Promise<unknown> =>
      call(mesh, NEAR, { do: "tell", to: FAR, message: { do: "note", id } });
    await say(1);
    await until(
      "heard",
      async () => ((await call(mesh, FAR, { do: "seen" })) as number[]).length === 1,
    );
    const told = command(mesh, "evidence", { address: NEAR, within: 20_000 });
    await call(mesh, NEAR, { do: "tell", to: FAR, message: { do: "nothing" } });
    const file = join(root, "message.json");
    await writeFile(file, JSON.stringify(await told));
    const list = (await keys(mesh, { action: "list" })) as { root: string };
    const good = await verify(file, "--root", list.root);
    expect([good.code, good.talk]).toEqual([0, ""]);
    expect(good.out).toMatch(/^HOLDS: (tell|ask) from /);
    const foreign = await verify(file, "--root", "0".repeat(32));
    expect([foreign.code, foreign.out]).toEqual([1, "DOES NOT HOLD: root\n"]);
    await writeFile(file, JSON.stringify({ ...((await told) as object), index: 1 }));
    const bent = await verify(file, "--json");
    expect([bent.code, JSON.parse(bent.out)]).toMatchObject([1, { holds: false, reason: "proof" }]);
    // Main asked it; the first message that NEAR itself sends to another thread is its own word.
    const own = command(mesh, "evidence", { address: FAR, within: 20_000 });
    await say(0);
    await writeFile(file, JSON.stringify(await own));
    expect((await verify(file, "--data", dataDir)).out).toContain(
      `HOLDS: tell from ${NEAR} to ${FAR}`,
    );
    expect((await verify(file)).out).toContain("the sender's own identity delegated to the key");
    await until(
      "heard",
      async () => ((await call(mesh, FAR, { do: "seen" })) as number[]).length === 2,
    );
    await mesh.restart(FAR);
    await say(1);
    await until(
      "heard after the restart",
      async () => ((await call(mesh, FAR, { do: "seen" })) as number[]).length === 1,
    );
    expect(await keys(mesh, { action: "revoke", scope: NEAR })).toMatchObject({
      agents: 1,
      states: { revoked: 1 },
      revocations: 1,
    });
    await say(2);
    await until("refused", () => mesh.trust?.status().refused.revoked === 1);
    expect(await call(mesh, FAR, { do: "seen" })).toEqual([1]);
    await until("a dead letter", () => mesh.deadLetters.list({ reason: "untrusted" }).length === 1);
    // Its own thread still hears it, and others are heard everywhere.
    await call(mesh, "sector-1/cluster-1/agent-2", {
      do: "tell",
      to: FAR,
      message: { do: "note", id: 3 },
    });
    await until(
      "heard",
      async () => ((await call(mesh, FAR, { do: "seen" })) as number[]).length === 2,
    );
    expect(await keys(mesh, { action: "rotate", scope: NEAR })).toMatchObject({
      states: { valid: 1 },
    });
    await say(4);
    await until(
      "heard again",
      async () => ((await call(mesh, FAR, { do: "seen" })) as number[]).length === 3,
    );
    expect(await call(mesh, FAR, { do: "seen" })).toEqual([1, 3, 4]);
  });

  test("all keys renewed under load: no message is lost, and new sessions are believed", async () => {
    const dataDir = join(root, "renewed");
    const shape = { sectors: 4, clustersPerSector: 2, agentsPerCluster: 5 };
    await KeyStore.init(dataDir, shape, process.env);
    await using mesh = await startMesh("ledger", { trust: "all", dataDir });
    const targets = [mesh.ref(FAR)];
    mesh.tell(NEAR, { do: "drive", targets, each: 2, on: true });
    await until("some traffic", () => (mesh.trust?.status().verified ?? 0) > 50);
    const told = command(mesh, "evidence", { address: FAR, within: 20_000 });
    const before = (await told) as Evidence;
    await keys(mesh, { action: "rotate" });
    // The threads that run have new sessions, delegated by the new conductor.
    await until("a new session", async () => {
      const after = (await command(mesh, "evidence", { address: FAR })) as Evidence;
      return after.session[1] !== before.session[1] && after.session[2] !== before.session[2];
    });
    // A successor's session is delegated by the new conductor.
    const back = until("a successor", () => mesh.status().restarts.workers === 1);
    await mesh.kill("worker-1");
    await back;
    const sent = (await call(mesh, NEAR, { do: "halt" })) as Record<number, number>;
    await settled(mesh);
    const books = (await call(mesh, FAR, { do: "books" })) as {
      next: Record<number, number>;
      gaps: number;
    };
    expect(books.next[mesh.ref(NEAR)]).toBeGreaterThanOrEqual(sent[mesh.ref(FAR)]);
    expect(books.gaps).toBe(0);
    expect(refused(mesh)).toBe(0);
  });

  test("keys of a mesh of another size are refused, with both sizes", async () => {
    const dataDir = join(root, "other");
    await KeyStore.init(
      dataDir,
      { sectors: 1, clustersPerSector: 1, agentsPerCluster: 2 },
      process.env,
    );
    await expect(startMesh("puppet", { trust: "all", dataDir })).rejects.toThrow(
      /expected the keys of a mesh of 4 × 2 × 5, got 1 × 1 × 2/,
    );
    await expect(startMesh("puppet", { trust: "some" as "all" })).rejects.toThrow(
      /trust: expected one of all, boundary, off, got "some"/,
    );
  });
});
