// The log of conflicts in a real PostgreSQL, which the test starts and kills.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import Module from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, assert, beforeAll, describe, test } from "vitest";
import { type Append, type ConflictLog, promised } from "../runtime/api/conflict-log.ts";
import { PostgresLink } from "../runtime/conflicts/postgres-link.ts";
import { PostgresLog } from "../runtime/conflicts/postgres-log.ts";
import { schemaSql } from "../runtime/conflicts/postgres-schema.ts";
import { SqliteLog } from "../runtime/conflicts/sqlite-log.ts";
import { readStore, type StorePlan } from "../runtime/plan/store-plan.ts";
import { conflict, conflictLogContract, resolved } from "./conflict-log-contract.ts";
import { printedSeed } from "./mesh.ts";
import { OWNER_PASSWORD, PostgresServer } from "./postgres-server.ts";

const root = mkdtempSync(join(tmpdir(), "mesh-store-"));
let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start({ durable: false });
  server.sql(
    "CREATE ROLE mesh_writer LOGIN PASSWORD 'w'; CREATE ROLE mesh_nobody LOGIN PASSWORD 'n'",
  );
}, 60_000);
afterAll(async () => {
  await server?.stop();
  rmSync(root, { recursive: true, force: true });
});

let made = 0;
/** A database of its own. */
function database(): string {
  const name = `mesh_${++made}`;
  server.sql(`CREATE DATABASE ${name}`);
  return name;
}

function planOf(name: string, node = "node-a", more: object = {}): StorePlan {
  const plan = readStore({ url: server.url(name), password: OWNER_PASSWORD, node, ...more }, {});
  return plan as StorePlan;
}

/** The log of a node; with a folder it has an anchor. */
function open(name: string, node?: string, dataDir?: string): Promise<PostgresLog> {
  return PostgresLog.open({ store: planOf(name, node), dataDir });
}

async function rejection(act: Promise<unknown>): Promise<Error & { code?: string }> {
  try {
    await act;
  } catch (error) {
    return error as Error;
  }
  throw new Error("it did not reject");
}

/** Ten conflicts, five of them resolved, in a database of their own; `dataDir` has the anchor. */
async function written(): Promise<{ readonly name: string; readonly dataDir: string }> {
  const name = database();
  const dataDir = join(root, name);
  const log = await open(name, "node-a", dataDir);
  const numbers = Array.from({ length: 10 }, (_, i) => i + 1);
  await log.append(
    numbers.flatMap((n) => [conflict(n, {}, "{}"), ...(n % 2 ? [resolved(n)] : [])]),
  );
  await log.close();
  return { name, dataDir };
}

async function verifyLater(
  name: string,
  dataDir?: string,
): Promise<{ ok: boolean; fault?: string }> {
  const log = await PostgresLog.openToRead({ store: planOf(name), dataDir });
  try {
    return await log.verify();
  } finally {
    await log.close();
  }
}

conflictLogContract("a log in PostgreSQL", () => open(database()));

test("PostgreSQL gives the same answers as SQLite to the same questions, over random records", async () => {
  const seed = printedSeed();
  const name = database();
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(groups(), { maxLength: 12 }),
      fc.array(filters(), { minLength: 3, maxLength: 6 }),
      async (written, asked) => {
        const sqlite = promised(new SqliteLog(join(root, `property-${++runs}`)));
        const postgres = await open(name, `property-${runs}`);
        try {
          let known = 0;
          for (const group of written) {
            const entries = group(() => `${runs}-${++known}`, known, runs);
            const heads = [
              await outcome(sqlite.append(entries)),
              await outcome(postgres.append(entries)),
            ];
            assert.deepEqual(heads[1], heads[0], "append");
          }
          for (const filter of asked) {
            assert.deepEqual(
              await postgres.list({ ...filter, own: true }),
              await sqlite.list(filter),
            );
          }
          for (let n = 1; n <= known + 1; n++) {
            assert.deepEqual(await postgres.get(`${runs}-${n}`), await sqlite.get(`${runs}-${n}`));
            assert.deepEqual(
              await postgres.heldOf(`${runs}-${n}`),
              await sqlite.heldOf(`${runs}-${n}`),
            );
          }
          for (const openOnly of [true, false])
            assert.deepEqual(await postgres.inbox(openOnly), await sqlite.inbox(openOnly));
          assert.deepEqual(await postgres.held(5), await sqlite.held(5));
          for (const [count, bytes] of [
            [0, 0],
            [3, 1e6],
            [100, 20],
            [100, 1e6],
          ])
            assert.deepEqual(
              await postgres.surplus(count, bytes),
              await sqlite.surplus(count, bytes),
            );
          assert.deepEqual(await postgres.head(), await sqlite.head());
          const own = (await postgres.verify()).head;
          assert.deepEqual(own, (await sqlite.verify()).head);
        } finally {
          await sqlite.close();
          await postgres.close();
        }
      },
    ),
    { seed, numRuns: Number(process.env.STORE_RUNS ?? 8) },
  );
});

/** What came of it, in both engines alike: a head, or that it was refused. */
function outcome(act: Promise<unknown>): Promise<unknown> {
  return act.catch(() => "refused");
}

type Group = (newId: () => string, known: number, run: number) => readonly Append[];

/** Groups of entries: conflicts of few agents and moments, words on them, questions; text of any kind. */
function groups(): fc.Arbitrary<Group> {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constant("\0"),
    fc.constant("\ud800"),
    fc.string(),
  );
  const about = fc.record({
    atMs: fc.oneof(fc.integer({ min: 0, max: 9 }), fc.double({ min: 0, max: 1e13, noNaN: true })),
    agent: fc.constantFrom("a", "B", "sector-1/cluster-1/agent-1"),
    type: fc.constantFrom("DATA_CONTRADICTION" as const, "HASH_MISMATCH" as const),
    priority: fc.constantFrom(0 as const, 2 as const, 4 as const),
    expected: fc.oneof(text, fc.double(), fc.bigInt(), fc.constant(undefined)),
  });
  const one = fc.oneof(
    fc.tuple(fc.constant("conflict" as const), about, fc.option(text)),
    fc.tuple(
      fc.constant("resolution" as const),
      fc.nat(),
      fc.constantFrom("open", "review", "resolved"),
    ),
    fc.tuple(
      fc.constant("inbox" as const),
      fc.nat({ max: 3 }),
      fc.constantFrom("opened", "approved", "commented"),
    ),
    fc.tuple(fc.constant("again" as const), fc.nat(), text),
  );
  return fc.array(one, { minLength: 1, maxLength: 5 }).map((members) => (newId, known, run) => {
    let last = known;
    return members.map(([kind, what, more]): Append => {
      if (kind === "conflict" || kind === "again") {
        // "again": an id that may be there already, with data, which the whole group is then refused for.
        const conflictId =
          kind === "conflict" ? newId() : `${run}-${1 + ((what as number) % (known + 1))}`;
        if (kind === "conflict") last++;
        const facts = kind === "conflict" ? (what as object) : {};
        const data = more === null ? undefined : JSON.stringify(more);
        return conflict(1, { ...facts, conflictId }, data);
      }
      if (kind === "resolution") {
        const word = resolved(1, more as "open").entry as { resolution: object };
        const conflictId = `${run}-${1 + ((what as number) % (last + 1))}`;
        return { entry: { kind, resolution: { ...word.resolution, conflictId } } } as Append;
      }
      const note = { itemId: `item-${run}-${what}`, act: more, atMs: 1, by: "x", text: "y\0" };
      return { entry: { kind, note } } as Append;
    });
  });
}

function filters(): fc.Arbitrary<Parameters<ConflictLog["list"]>[0]> {
  return fc.record(
    {
      agent: fc.constantFrom(
        "a",
        "B",
        "b",
        "\0",
        "'; DROP TABLE log; --",
        "sector-1/cluster-1/agent-1",
      ),
      type: fc.constantFrom("DATA_CONTRADICTION" as const, "HASH_MISMATCH" as const),
      priority: fc.constantFrom(0 as const, 2 as const, 4 as const),
      state: fc.constantFrom("open" as const, "review" as const, "resolved" as const),
      sinceMs: fc.double({ min: 0, max: 20, noNaN: true }),
      untilMs: fc.double({ min: 0, max: 1e13, noNaN: true }),
      limit: fc.nat({ max: 8 }),
    },
    { requiredKeys: [] },
  );
}

describe("a log in PostgreSQL", () => {
  test("refuses changes, removals and entries that do not follow, to the owner of the server as well", async () => {
    const { name, dataDir } = await written();
    const columns = "(node, seq, hash, body, kind)";
    for (const statement of [
      "UPDATE mesh_30k.log SET body = '{}' WHERE seq = 3",
      "UPDATE mesh_30k.log SET node = 'x'",
      "DELETE FROM mesh_30k.log WHERE seq = 15",
      "TRUNCATE mesh_30k.log",
      `INSERT INTO mesh_30k.log ${columns} VALUES ('node-a', 3, '', '{}', 'gap')`,
      `INSERT INTO mesh_30k.log ${columns} VALUES ('node-a', 16, '', '{}', 'gap')`,
      `INSERT INTO mesh_30k.log ${columns} VALUES ('node-a', 17, '', '{}', 'gap')`,
      `INSERT INTO mesh_30k.log ${columns} VALUES ('node-b', 1, '', '{}', 'gap')`,
      `INSERT INTO mesh_30k.log ${columns} VALUES ('node-a', 3, '', '{}', 'gap')
         ON CONFLICT (node, seq) DO UPDATE SET body = '{}'`,
      "SET session_replication_role = replica; DELETE FROM mesh_30k.log",
    ])
      assert.throws(
        () => server.sql(statement, name),
        /append-only|is not that of its text/,
        statement,
      );
    assert.isTrue((await verifyLater(name, dataDir)).ok);
  });

  test("needs of the role that writes no more than to read and to append", async () => {
    const name = database();
    // What a deployment's owner runs, as it lies there.
    const sql = readFileSync(new URL("../deploy/postgres-tables.sql", import.meta.url), "utf8");
    assert.equal(
      sql,
      schemaSql(),
      "deploy/postgres-tables.sql is not what the code says: npm run tables",
    );
    server.sql(sql, name);
    const store = readStore({ url: server.url(name, "mesh_writer"), password: "w", node: "w" }, {});
    const log = await PostgresLog.open({ store: store as StorePlan, dataDir: undefined });
    await log.append([conflict(21, {}, "{}"), resolved(21)]);
    await log.drop(["conflict-21"]);
    assert.isTrue((await log.verify()).ok);
    await log.close();
    for (const statement of ["UPDATE mesh_30k.log SET body = ''", "TRUNCATE mesh_30k.log"])
      assert.throws(
        () => server.sql(`SET ROLE mesh_writer; ${statement}`, name),
        /permission denied/,
      );
    const nobody = readStore(
      { url: server.url(name, "mesh_nobody"), password: "n", node: "n" },
      {},
    );
    const refused = await rejection(
      PostgresLog.open({ store: nobody as StorePlan, dataDir: undefined }),
    );
    assert.match(refused.message, /expected a role that may read and append in mesh_30k/);
  });

  test("verify finds what the owner of the database did behind the back of its triggers", async () => {
    for (const statement of [
      "UPDATE mesh_30k.log SET body = replace(body, 'DATA', 'data') WHERE seq = 4",
      "UPDATE mesh_30k.log SET hash = repeat('f', 64) WHERE seq = 4",
      "DELETE FROM mesh_30k.log WHERE seq = 4",
      "DELETE FROM mesh_30k.log WHERE seq > 12",
      "DELETE FROM mesh_30k.log",
      "UPDATE mesh_30k.log SET priority = 0 WHERE seq = 4",
      "UPDATE mesh_30k.held SET data = '[]' WHERE conflict_id = 'conflict-3'",
    ]) {
      const { name, dataDir } = await written();
      assert.isTrue((await verifyLater(name, dataDir)).ok);
      server.sql(`ALTER TABLE mesh_30k.log DISABLE TRIGGER USER; ${statement}`, name);
      const { ok, fault } = await verifyLater(name, dataDir);
      assert.isFalse(ok, statement);
      assert.isString(fault);
    }
  });

  test("a file of its name that a crash has left empty is written again", async () => {
    const name = database();
    const dataDir = join(root, name);
    mkdirSync(dataDir);
    const file = join(dataDir, "conflicts-store.node");
    writeFileSync(file, "");
    const store = { ...planOf(name), node: undefined };
    await (await PostgresLog.open({ store, dataDir })).close();
    assert.match(readFileSync(file, "utf8"), /^node-[0-9a-f]{8}\n$/);
  });

  test("a chain that is shorter than its anchor says is not continued", async () => {
    const { name, dataDir } = await written();
    server.sql(
      "ALTER TABLE mesh_30k.log DISABLE TRIGGER USER; DELETE FROM mesh_30k.log WHERE seq > 12",
      name,
    );
    const error = await rejection(open(name, "node-a", dataDir));
    assert.equal(error.code, "MESH_CONFLICTS_CUT");
    assert.match(error.message, /expected the 15 entries .* got 12/);
  });

  test("an append whose answer was lost is not made twice, by who goes on or who comes after", async () => {
    const name = database();
    const first = await open(name);
    const group = [conflict(1), conflict(2)];
    await first.append(group, 0);
    await first.close();
    const second = await open(name);
    assert.equal((await second.append(group, 0)).count, 2);
    await second.append([conflict(3)], 2);
    assert.lengthOf(await second.list({}), 3);
    await second.close();
  });
});

describe("nodes that share a store", () => {
  test("begin at once, each of them, and find one set of tables", async () => {
    const name = database();
    const logs = await Promise.all([1, 2, 3, 4].map((n) => open(name, `node-${n}`)));
    assert.equal(server.sql("SELECT count(*) FROM mesh_30k.migrations", name), "1");
    await Promise.all(logs.map((log) => log.close()));
    await (await open(name, "node-1")).close();
  });

  test("write at once, each its own chain, and read what all of them wrote", async () => {
    const name = database();
    const [a, b] = await Promise.all([open(name, "a"), open(name, "b")]);
    const writing = async (log: PostgresLog, from: number): Promise<void> => {
      for (let n = from; n < from + 40; n += 2)
        await log.append([conflict(n), conflict(n + 1, {}, "{}")]);
    };
    await Promise.all([writing(a, 0), writing(b, 100)]);
    assert.lengthOf(await a.list({ limit: 1000 }), 80);
    const own = await a.list({ own: true, limit: 1000 });
    assert.lengthOf(own, 40);
    assert.isTrue(own.every(({ elsewhere }) => elsewhere === undefined));
    assert.equal((await a.get("conflict-100"))?.elsewhere, "b");
    assert.lengthOf(await a.held(1000), 20);
    // The last word is the last word, whoever says it.
    await a.append([resolved(100)]);
    assert.equal((await b.get("conflict-100"))?.state, "resolved");
    assert.lengthOf(await b.list({ state: "open", own: true, limit: 1000 }), 39);
    const { ok, entries, chains } = await b.verify();
    assert.deepEqual({ ok, entries }, { ok: true, entries: 81 });
    assert.deepEqual(chains?.map(({ node, count }) => [node, count]).sort(), [
      ["a", 41],
      ["b", 40],
    ]);
    await Promise.all([a.close(), b.close()]);
  });

  test("of two under one name the second is told", async () => {
    const name = database();
    const first = await open(name, "twin");
    const error = await rejection(open(name, "twin"));
    assert.equal(error.code, "MESH_DATA_IN_USE");
    assert.match(error.message, /store\.node: another process writes as node twin/);
    await first.append([conflict(1)]);
    await first.close();
  });

  test("what somebody else wrote under a node's name is not taken for its own", async () => {
    const name = database();
    const log = await open(name, "twin");
    const { hash } = await log.append([conflict(1)], 0);
    server.sql(
      `INSERT INTO mesh_30k.log (node, seq, hash, body, kind) VALUES ('twin', 2,
         encode(sha256(convert_to('${hash}2' || E'\\n' || '{}', 'UTF8')), 'hex'), '{}', 'gap');
       SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'mesh-30k twin'`,
      name,
    );
    // The first of them may find out that the connection was lost.
    await rejection(log.append([conflict(2)], 1));
    const error = await rejection(log.append([conflict(2)], 1));
    assert.equal(error.code, "MESH_CONFLICTS_CUT");
    await log.close();
  });

  test("a session that would not wait for the disk is told to", async () => {
    const name = database();
    server.sql(`ALTER DATABASE ${name} SET synchronous_commit = off`);
    const link = new PostgresLink(planOf(name), "node-a");
    const { rows } = await (await link.connect()).query("SHOW synchronous_commit");
    assert.deepEqual(rows, [{ synchronous_commit: "on" }]);
    await link.close();
  });

  test("tables that a newer program made are left alone", async () => {
    const { name } = await written();
    server.sql("INSERT INTO mesh_30k.migrations (version) VALUES (99)", name);
    const error = await rejection(open(name));
    assert.equal(error.code, "MESH_STORE");
    assert.match(error.message, /expected tables of version \d+ or less, got 99/);
  });
});

describe("a store that cannot be had", () => {
  for (const [url, expected] of [
    ["mysql://u:secret1@h/d", /store: expected postgres:.*beginning is mysql:/],
    ["not an address", /store: expected postgres:.*got "not an address"/],
    ["postgres://u:secret1@h", /it has no database/],
    ["postgres:///d", /it has no host/],
    ["postgres://u:sec:ret1@h:port/d", /store: expected postgres:.*h:port/],
  ] as const) {
    test(`${url} is no address of one`, () => {
      try {
        readStore(url, {});
      } catch (error) {
        assert.match((error as Error).message, expected);
        assert.notInclude((error as Error).message, "ret1");
        return;
      }
      throw new Error("it was taken");
    });
  }

  test("a name or a number that it cannot have is told with its field", () => {
    const url = "postgres://h/d";
    assert.throws(() => readStore({ url, node: "a b" }, {}), /store\.node: expected .*, got "a b"/);
    assert.throws(
      () => readStore({ url, connections: 0 }, {}),
      /store\.connections: expected .* 1 to 100/,
    );
  });

  for (const [what, change, expected] of [
    [
      "a wrong password",
      { password: "wrong-one" },
      /expected a user and a password that the server knows/,
    ],
    [
      "no password",
      { password: undefined },
      /expected a password \(MESH_STORE_PASSWORD\), got none/,
    ],
    [
      "no server",
      { url: "postgres://u@127.0.0.1:1/d" },
      /127\.0\.0\.1:1\/d: expected a PostgreSQL server there/,
    ],
    ["no machine", { url: "postgres://u@mesh.invalid/d" }, /expected the name of a machine/],
    ["no database", { url: "/none" }, /expected a database that exists/],
  ] as const) {
    test(`${what}: the error says what was expected and never a password`, async () => {
      const url = "url" in change ? change.url : "";
      const full = url.startsWith("/") ? server.url("none") : url || server.url();
      const password = "password" in change ? change.password : OWNER_PASSWORD;
      const plan = readStore({ url: full, ...(password && { password }) }, {}) as StorePlan;
      const error = await rejection(PostgresLog.open({ store: plan, dataDir: undefined }));
      assert.equal(error.code, "MESH_STORE");
      assert.match(error.message, expected);
      assert.notInclude(error.message, "wrong-one");
      assert.notInclude(error.message, "secret");
      assert.match(error.message, /^store postgres:\/\/(u|mesh_owner)(:\*\*\*)?@/);
    });
  }

  test("without the package that speaks to it, the error says what to install", async () => {
    const hidden = Module as unknown as { _load(name: string, ...more: unknown[]): unknown };
    const load = hidden._load;
    hidden._load = function (name, ...more) {
      if (name === "pg") throw new Error("Cannot find module 'pg'");
      return load.call(this, name, ...more);
    };
    try {
      const error = await rejection(open("any"));
      assert.equal(error.code, "MESH_NO_POSTGRES");
      assert.match(error.message, /npm install pg/);
    } finally {
      hidden._load = load;
    }
  });
});
