// A mesh whose store is killed under it: what it said that is recorded is there when the store is.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, assert, beforeAll, test } from "vitest";
import { healthOf } from "../console/reports/health.ts";
import { metricsOf } from "../console/reports/metrics.ts";
import type { Mesh } from "../index.ts";
import { PostgresLog } from "../runtime/conflicts/postgres-log.ts";
import { readStore, type StorePlan } from "../runtime/plan/store-plan.ts";
import { TierCertificates } from "../runtime/trust/tier-certificates.ts";
import { createMesh, pause, printedSeed, randomOf, startMesh, until } from "./mesh.ts";
import { Person } from "./person.ts";
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

test("the store is read where no mesh runs", async () => {
  const env = { MESH_STORE: server.url(), MESH_STORE_PASSWORD: OWNER_PASSWORD };
  const read = async (...words: string[]): Promise<Record<string, unknown>> => {
    const person = new Person({ cwd: root, env });
    const code = await person.run(...words, "--json", "--data", join(root, "no"));
    assert.equal(code, 0, person.talk);
    return JSON.parse(person.out);
  };
  const { verification } = (await read("conflicts", "verify")) as {
    verification: Record<string, unknown>;
  };
  assert.isTrue(verification.ok);
  assert.isNotEmpty(verification.chains as unknown[]);
  assert.lengthOf((await read("history")).operations as unknown[], 2);
  const { conflicts } = await read("conflicts", "list", "--limit", "3");
  assert.lengthOf(conflicts as unknown[], 3);
}, 30_000);

test("start says which store it could not have, never its password, and does not start", async () => {
  const url = server.url().replace("mesh_owner", "mesh_owner:wrong-one");
  const person = new Person({ cwd: root, createMesh });
  const size = "--sectors 1 --clusters 1 --agents 3 --workers 1 --no-repl --log silent".split(" ");
  const code = await person.run("start", ...size, "--data", join(root, "cli"), "--store", url);
  assert.notEqual(code, 0);
  assert.match(person.talk, /expected a user and a password that the server knows/);
  assert.notInclude(person.talk + person.out, "wrong-one");
});

test("a store that asks for certificates lets in who has one of its authority, and nobody else", async () => {
  const certs = async (name: string): Promise<string> => {
    const store = new TierCertificates(join(root, name), {});
    const [days, hosts] = [30, ["localhost", "127.0.0.1"]];
    await store.init([
      { name: "server", tier: "server", hosts, days },
      { name: "node-1", tier: "node", hosts: [], days },
    ]);
    return store.folder;
  };
  const [own, foreign] = await Promise.all([certs("own"), certs("foreign")]);
  server.requireCertificates(own);
  const opened = async (ca: string, mine?: string): Promise<string> => {
    const pair = mine === undefined ? "" : `&sslcert=${mine}/node-1.pem&sslkey=${mine}/node-1.pem`;
    const url = `${server.url()}?sslmode=verify-full&sslrootcert=${ca}/ca.pem${pair}`;
    const store = readStore({ url, password: OWNER_PASSWORD, node: "tls" }, {}) as StorePlan;
    return PostgresLog.open({ store, dataDir: undefined }).then(
      async (log) => {
        const { ok } = await log.verify();
        await log.close();
        return ok ? "in" : "in, and wrong";
      },
      (error) => error.message,
    );
  };
  await until("certificates", async () => (await opened(own, own)) === "in");
  assert.match(await opened(own), /expected a certificate of its authority/);
  assert.match(await opened(own, foreign), /certificate|alert|connection broke/);
  assert.match(await opened(foreign, own), /self-signed|verify/);
  assert.match(await opened(join(root, "none"), own), /no such file .*none\/ca\.pem/);
  const plain = readStore({ url: server.url(), password: OWNER_PASSWORD }, {}) as StorePlan;
  const error = await PostgresLog.open({ store: plain, dataDir: undefined }).catch((e) => e);
  assert.match(error.message, /expected to be let in by its pg_hba.conf, .*no encryption/);
}, 60_000);
