import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, assert, beforeAll, describe, test } from "vitest";
import type { Mesh } from "../runtime/api/mesh-api.ts";
import { logFiles, SqliteLog } from "../runtime/conflicts/sqlite-log.ts";
import { openSqlite } from "../runtime/machine/sqlite.ts";
import { conflict, resolved } from "../test/conflict-log-contract.ts";
import { startMesh, until } from "../test/mesh.ts";
import { Person } from "../test/person.ts";
import { readWords } from "./command/arguments.ts";
import { meshCommandNamed, runOnMesh } from "./command/line.ts";
import { COMMANDS } from "./commands.ts";
import { UsageError } from "./terminal/exit.ts";
import { paintFor } from "./terminal/paint.ts";

const root = mkdtempSync(join(tmpdir(), "mesh-conflicts-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const plain = paintFor({ isTTY: false } as never, {});
const A = "sector-1/cluster-1/agent-1";

describe("of a mesh that no longer runs", () => {
  const dataDir = join(root, "left");
  const broken = join(root, "broken");
  beforeAll(() => {
    for (const folder of [dataDir, broken]) {
      const log = new SqliteLog(folder);
      log.append([conflict(1), conflict(2, { type: "HASH_MISMATCH", priority: 4 }), resolved(1)]);
      log.close();
    }
    const db = openSqlite(logFiles(broken).log);
    db.exec("DROP TRIGGER log_no_delete");
    db.exec("DELETE FROM log WHERE seq = 2");
    db.close();
  });

  const cases: [string[], number, RegExp][] = [
    [["list"], 0, /^CONFLICT .*\nconflict-2 .*HASH_MISMATCH +4 +open.*\nconflict-1 .*resolved/],
    [[], 0, /conflict-1/],
    [["list", "--priority", "4"], 0, /^CONFLICT .*\nconflict-2 [^\n]*\n$/],
    [["list", "--state", "resolved"], 0, /^CONFLICT .*\nconflict-1 [^\n]*\n$/],
    [["list", "--type", "temporal_paradox"], 0, /no conflict fits/],
    [["list", "--last", "1ms", "--limit", "5"], 0, /conflict-1/],
    [["show", "conflict-1"], 0, /expected +–\n[\s\S]*resolved by mesh/],
    [["verify"], 0, /the log is what was recorded: 3 entries/],
    [["show", "conflict-9"], 1, /^$/],
    [["resolve", "conflict-2"], 69, /^$/],
  ];
  for (const [words, code, out] of cases) {
    test(`conflicts ${words.join(" ")} --data ends with ${code}`, async () => {
      const person = new Person({ cwd: root });
      assert.equal(await person.run("conflicts", ...words, "--data", dataDir), code, person.talk);
      assert.match(person.out, out);
      if (code !== 0) return;
      const machine = new Person({ cwd: root });
      assert.equal(await machine.run("conflicts", ...words, "--data", dataDir, "--json"), 0);
      assert.doesNotThrow(() => JSON.parse(machine.out));
    });
  }

  test("conflicts verify ends with 1 when the log is not what was recorded", async () => {
    const person = new Person({ cwd: root });
    assert.equal(await person.run("conflicts", "verify", "--data", broken), 1);
    assert.match(person.out, /NOT what was recorded: entry 2: missing/);
  });

  test("a folder without a log is said to have none", async () => {
    const person = new Person({ cwd: root });
    assert.equal(await person.run("conflicts", "--data", join(root, "none")), 69);
    assert.match(person.talk, /none has left a log/);
  });
});

describe("of a running mesh", () => {
  let mesh: Mesh;
  let ids: readonly string[];
  beforeAll(async () => {
    mesh = await startMesh("wary");
    for (const conflictingData of [undefined, "\u001b[2Jdata", 3])
      mesh.tell(A, { do: "conflict", detail: { type: "HASH_MISMATCH", conflictingData } });
    await until("reviews", async () => (await mesh.inbox.list()).length === 3);
    await until("all said", async () =>
      (await mesh.conflicts.list()).every(({ state }) => state === "review"),
    );
    ids = (await mesh.conflicts.list()).map(({ record }) => record.conflictId).reverse();
  });
  afterAll(() => mesh.stop({ deadlineMs: 0 }));

  /** Runs a command line on the mesh, as the control socket would. */
  async function run(name: string, ...words: string[]): Promise<{ out: string; failed: boolean }> {
    const command = meshCommandNamed(COMMANDS, name);
    const { args } = readWords(command, words);
    const data = await runOnMesh(COMMANDS, mesh, name, args, new AbortController().signal);
    return { out: command.render(data, plain), failed: command.failed(data) };
  }

  test("conflicts are resolved by a person's word", async () => {
    const { out, failed } = await run(
      "conflicts",
      ...["resolve", ids[0], "--outcome", "mended", "--value", '{"a": 1}', "--by", "anna"],
    );
    assert.isFalse(failed);
    assert.match(out, /^resolved by anna at .*, HUMAN_REVIEW: mended\n {2}value: \{"a":1\}/);
    assert.isTrue((await run("conflicts", "resolve", ids[0], "--method", "reroute")).failed);
    assert.match((await run("conflicts", "verify")).out, /is what was recorded/);
  });

  test("quarantine lists, shows, hands out and discards, each once", async () => {
    assert.match((await run("quarantine")).out, new RegExp(`${ids[1]} .* B`));
    assert.match((await run("quarantine", "show", ids[1])).out, /value +"\\u001b\[2Jdata"/);
    const { out } = await run("quarantine", "release", ids[1], "--to", "caller");
    assert.notInclude(out, "\u001b");
    assert.isFalse((await run("quarantine", "discard", ids[2], "--reason", "noise")).failed);
    assert.isTrue((await run("quarantine", "discard", ids[2])).failed);
    assert.match((await run("quarantine", "release", ids[0])).out, /told to its agent again/);
    assert.match((await run("quarantine", "list", "--limit", "1")).out, /held|CONFLICT/);
  });

  test("the inbox lists, shows, takes comments and decides", async () => {
    const item = `review-${ids[1]}`;
    assert.match((await run("inbox")).out, new RegExp(`${item} +conflict-review +open`));
    await run("inbox", "comment", item, "--comment", "looking", "--by", "bert");
    assert.match((await run("inbox", "show", item)).out, /comment .* bert: looking/);
    assert.match((await run("inbox", "deny", item, "--by", "anna")).out, /state +denied by anna/);
    assert.notMatch((await run("inbox")).out, new RegExp(item));
    assert.match((await run("inbox", "--all")).out, new RegExp(`${item} .*denied`));
  });

  for (const [name, ...words] of [
    ["conflicts", "show"],
    ["conflicts", "list", "conflict-1"],
    ["conflicts", "list", "--by", "anna"],
    ["conflicts", "resolve", "conflict-1", "--method", "reroute", "--outcome", "x"],
    ["quarantine", "release"],
    ["quarantine", "list", "conflict-1"],
    ["quarantine", "discard", "conflict-1", "--to", "agent"],
    ["inbox", "approve"],
    ["inbox", "comment", "item"],
    ["inbox", "show", "item", "--all"],
  ]) {
    test(`${name} ${words.join(" ")} is a wrong usage`, async () => {
      const error = await run(name, ...words).catch((refusal) => refusal);
      assert.instanceOf(error, UsageError);
    });
  }
});
