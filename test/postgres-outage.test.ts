// A mesh whose store is killed under it: what it said that is recorded is there when the store is.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, assert, beforeAll, test } from "vitest";
import { healthOf } from "../console/reports/health.ts";
import { metricsOf } from "../console/reports/metrics.ts";
import type { Mesh } from "../index.ts";
import { pause, printedSeed, randomOf, startMesh, until } from "./mesh.ts";
import { OWNER_PASSWORD, PostgresServer } from "./postgres-server.ts";

/** Kills; `STORE_KILLS=50` for more than continuous integration has time for. */
const KILLS = Number(process.env.STORE_KILLS ?? 2);
const AGENT = "sector-1/cluster-1/agent-1";

const root = mkdtempSync(join(tmpdir(), "mesh-outage-"));
let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start();
}, 60_000);
afterAll(async () => {
  await server?.stop();
  rmSync(root, { recursive: true, force: true });
});

function startWith(node: string): Promise<Mesh> {
  return startMesh("wary", {
    topology: { sectors: 1, clustersPerSector: 1, agentsPerCluster: 3 },
    workers: 1,
    dataDir: join(root, node),
    store: { url: server.url(), password: OWNER_PASSWORD, node },
  });
}

const detail = { type: "DATA_CONTRADICTION", expected: 1, received: 2 };

test(`over ${KILLS} kills of PostgreSQL nothing recorded is lost, and the mesh says how its store is`, async () => {
  const seed = printedSeed();
  const random = randomOf(seed);
  const mesh = await startWith("alone");
  const recorded: string[] = [];
  mesh.conflicts.on("recorded", ({ conflictId }) => recorded.push(conflictId));
  let told = 0;
  let telling = true;
  const teller = (async () => {
    while (telling) {
      for (let i = 0; i < 5; i++) mesh.tell(AGENT, { do: "conflict", detail });
      told += 5;
      await pause(2);
    }
  })();
  const store = () => mesh.status().store;
  for (let kill = 0; kill < KILLS; kill++) {
    const before = recorded.length;
    await until("recorded again", () => recorded.length > before);
    await pause(random() * 100);
    await server.kill();
    await until("out of reach", () => store()?.reachable === false && (store()?.waiting ?? 0) > 0);
    assert.include(store()?.trouble?.error, "store postgres://mesh_owner:***@");
    assert.notInclude(JSON.stringify(mesh.status()), OWNER_PASSWORD);
    const { lines } = await healthOf(mesh, mesh.status().store?.trouble?.sinceMs ?? 0);
    const grades = lines.filter(({ name }) => /^(store|unresolved)/.test(name));
    assert.deepEqual(
      grades.map(({ grade }) => grade),
      ["critical", "critical"],
    );
    assert.match(metricsOf(mesh), /^mesh_store_reachable 0$/m);
    const error = await mesh.conflicts.list().then(
      () => undefined,
      (reason) => reason,
    );
    assert.equal(error?.code, "MESH_STORE");
    await server.run();
    await until("reachable", () => store()?.reachable === true, 30_000);
  }
  telling = false;
  await teller;
  await until("all told", () => mesh.conflicts.counts().told >= told);
  await mesh.conflicts.settled();
  assert.match(metricsOf(mesh), /^mesh_store_reachable 1$/m);
  const listed = await mesh.conflicts.list({ limit: 1_000_000 });
  const there = new Set(listed.map(({ record }) => record.conflictId));
  assert.isEmpty(
    recorded.filter((id) => !there.has(id)),
    `seed ${seed}`,
  );
  // Each of them once, and none that was buffered is missing.
  assert.equal(there.size, listed.length);
  const { lost, told: counted } = mesh.conflicts.counts();
  const unnamed = listed.reduce((sum, { record }) => sum + (record.alsoUnnamed ?? 0), 0);
  assert.equal(there.size + unnamed + lost, counted);
  const { ok, fault } = await mesh.conflicts.verify();
  assert.isTrue(ok, fault);
  await mesh.stop();
}, 120_000);

test("two meshes share it: each resolves its own conflicts, both tell of all, each comes back", async () => {
  const [a, b] = await Promise.all([startWith("a"), startWith("b")]);
  const heard = async (mesh: Mesh, by: Mesh): Promise<string> => {
    const known = new Promise<string>((resolve) =>
      mesh.conflicts.on("recorded", ({ conflictId }) => resolve(conflictId)),
    );
    mesh.tell(AGENT, { do: "conflict", detail: { ...detail, type: "HASH_MISMATCH" } });
    const id = await known;
    assert.isDefined(await by.conflicts.get(id));
    return id;
  };
  const ofA = await heard(a, b);
  const ofB = await heard(b, a);
  assert.equal((await b.conflicts.get(ofA))?.elsewhere, "a");
  assert.isUndefined((await b.conflicts.get(ofB))?.elsewhere);
  // Its agents are asked where it was recorded; an operator's word holds wherever it is said.
  const refused = await b.conflicts.resolve(ofA).catch((error) => error);
  assert.equal(refused.code, "MESH_OTHER_NODE");
  await b.conflicts.resolve(ofA, { outcome: "looked at by hand" });
  assert.equal((await a.conflicts.get(ofA))?.state, "resolved");
  // How operations went is told of both, too, and by a mesh that began after them.
  const [{ operationId }] = await Promise.all([
    a.scatterGather({ payload: { do: "state" } }),
    b.broadcast({ do: "state" }),
  ]);
  await Promise.all([a.conflicts.settled(), b.conflicts.settled()]);
  const told = await b.traces.history();
  assert.sameMembers(
    told.map(({ elsewhere = "b" }) => elsewhere),
    ["a", "b"],
  );
  const [ofOther] = told.filter(({ elsewhere }) => elsewhere === "a");
  assert.deepInclude(ofOther, { operationId, end: "reported", selected: 3, ready: 3 });
  assert.isTrue((await a.conflicts.verify()).ok);
  await Promise.all([a.stop(), b.stop()]);
  const again = await startWith("a");
  assert.equal(again.status().store?.node, "a");
  assert.lengthOf(await again.traces.history(1), 1);
  assert.lengthOf(await again.traces.history(), 2);
  assert.isTrue((await again.conflicts.verify()).ok);
  await again.stop();
}, 60_000);

test("start says which store it could not have, never its password, and exits with 2", () => {
  const url = server.url().replace("mesh_owner", "mesh_owner:wrong-one");
  const bin = fileURLToPath(new URL("../runtime/index.js", import.meta.url));
  const args = [
    "start",
    "--no-repl",
    "--sectors",
    "1",
    "--workers",
    "1",
    "--data",
    join(root, "cli"),
  ];
  const run = (store: string): { status: number | null; said: string } => {
    const done = spawnSync(process.execPath, [bin, ...args, "--for", "1s", "--store", store], {
      encoding: "utf8",
      timeout: 30_000,
    });
    return { status: done.status, said: done.stdout + done.stderr };
  };
  const wrong = run(url);
  assert.notEqual(wrong.status, 0);
  assert.match(wrong.said, /expected a user and a password that the server knows/);
  assert.notInclude(wrong.said, "wrong-one");
  const bad = run("mysql://u:wrong-one@h/d");
  assert.equal(bad.status, 2);
  assert.match(bad.said, /store: expected postgres:/);
  assert.notInclude(bad.said, "wrong-one");
});
