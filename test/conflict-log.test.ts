import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, assert, describe, test } from "vitest";
import { promised } from "../runtime/api/conflict-log.ts";
import { MemoryLog } from "../runtime/conflicts/memory-log.ts";
import { logFiles, SqliteLog } from "../runtime/conflicts/sqlite-log.ts";
import { openSqlite } from "../runtime/machine/sqlite.ts";
import { conflict, conflictLogContract, resolved } from "./conflict-log-contract.ts";
import { printedSeed, randomOf } from "./mesh.ts";

const root = mkdtempSync(join(tmpdir(), "mesh-conflicts-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;
const newFolder = (): string => join(root, String(++folders));

/** A log of ten conflicts in a folder of its own, closed. */
function written(): string {
  const dataDir = newFolder();
  const log = new SqliteLog(dataDir);
  const data = JSON.stringify({ value: 1, isMessage: true });
  for (let n = 1; n <= 10; n++)
    log.append([conflict(n, {}, data), ...(n % 2 ? [resolved(n)] : [])]);
  log.close();
  return dataDir;
}

/** What the owner of the file could do to it. */
function asOwner(dataDir: string, ...statements: string[]): void {
  const db = openSqlite(logFiles(dataDir).log);
  for (const trigger of ["log_no_update", "log_no_delete", "log_no_replace"])
    db.exec(`DROP TRIGGER ${trigger}`);
  for (const statement of statements) db.exec(statement);
  db.close();
}

function textsOf(dataDir: string): string {
  const db = openSqlite(logFiles(dataDir).log);
  const rows = db.prepare("SELECT body FROM log ORDER BY seq").all();
  db.close();
  return rows.map(({ body }) => body).join("\n");
}

function verifyLater(dataDir: string): { ok: boolean; fault?: string } {
  const log = new SqliteLog(dataDir, { toRead: true });
  try {
    return log.verify();
  } finally {
    log.close();
  }
}

conflictLogContract("a log in memory", () => promised(new MemoryLog()));
conflictLogContract("a log in an SQLite file", () => promised(new SqliteLog(newFolder())));

describe("a log in memory", () => {
  test("keeps the newest within its bounds, and is whole from where it begins", () => {
    const log = new MemoryLog();
    const text = "x".repeat(100_000);
    for (let n = 1; n <= 1000; n++) log.append([conflict(n, { expected: text })]);
    const kept = log.list({ limit: 10_000 }).length;
    assert.isAtLeast(kept, 600);
    assert.isBelow(kept, 1000);
    assert.isUndefined(log.get("conflict-1"));
    assert.isTrue(log.verify().ok);
  });
});

describe("a log in an SQLite file", () => {
  test("is there again when it is opened again, and goes on", () => {
    const dataDir = written();
    const log = new SqliteLog(dataDir);
    assert.lengthOf(log.list({}), 10);
    assert.equal(log.append([conflict(11)]).count, 16);
    assert.isTrue(log.verify().ok);
    log.close();
  });

  test("is for its owner's eyes only, and syncs every commit", () => {
    const dataDir = written();
    for (const path of Object.values(logFiles(dataDir)))
      assert.equal(statSync(path).mode & 0o077, 0, path);
  });

  for (const statement of [
    "UPDATE log SET body = '{}' WHERE seq = 3",
    "UPDATE OR REPLACE log SET seq = 4 WHERE seq = 3",
    "DELETE FROM log WHERE seq = 15",
    "DELETE FROM log",
    "REPLACE INTO log (seq, hash, body) VALUES (3, '', '{}')",
    "INSERT OR REPLACE INTO log (seq, hash, body) VALUES (15, '', '{}')",
    "INSERT INTO log (seq, hash, body) VALUES (3, '', '{}') ON CONFLICT (seq) DO UPDATE SET body = '{}'",
  ]) {
    test(`refuses ${statement}`, () => {
      const dataDir = written();
      const db = openSqlite(logFiles(dataDir).log);
      // Whoever opens the file otherwise may have them off: REPLACE must be refused then too.
      db.exec("PRAGMA recursive_triggers = OFF");
      assert.throws(() => db.exec(statement), /append-only/);
      db.close();
      assert.isTrue(verifyLater(dataDir).ok);
    });
  }

  for (const [what, ...statements] of [
    [
      "a changed entry",
      "UPDATE log SET body = json_set(body, '$.record.priority', 0) WHERE seq = 4",
    ],
    ["a changed hash", "UPDATE log SET hash = 'f' || substr(hash, 2) WHERE seq = 4"],
    ["an entry taken out", "DELETE FROM log WHERE seq = 4"],
    ["an end cut off", "DELETE FROM log WHERE seq > 12"],
    ["the last entry cut off", "DELETE FROM log WHERE seq = 15"],
    ["all entries gone", "DELETE FROM log"],
    [
      "two entries swapped",
      "UPDATE log SET seq = -4 WHERE seq = 4",
      "UPDATE log SET seq = 4 WHERE seq = 5",
      "UPDATE log SET seq = 5 WHERE seq = -4",
    ],
    [
      "an entry slipped in before the first",
      "INSERT INTO log (seq, hash, body) VALUES (-1, '', '{}')",
    ],
    ["quarantined data exchanged", "UPDATE held SET data = '{}' WHERE conflict_id = 'conflict-3'"],
  ]) {
    test(`verify finds ${what} by the owner of the file`, () => {
      const dataDir = written();
      assert.isTrue(verifyLater(dataDir).ok);
      asOwner(dataDir, ...statements);
      const { ok, fault } = verifyLater(dataDir);
      assert.isFalse(ok);
      assert.isString(fault);
    });
  }

  test("verify finds bytes of entries that were changed in the file itself", () => {
    const seed = printedSeed();
    const random = randomOf(seed);
    let found = 0;
    for (let run = 0; run < 20; run++) {
      const dataDir = written();
      const { log } = logFiles(dataDir);
      const before = textsOf(dataDir);
      const bytes = readFileSync(log);
      const places: number[] = [];
      for (let at = bytes.indexOf("outside#"); at >= 0; at = bytes.indexOf("outside#", at + 1))
        places.push(at);
      bytes[places[Math.floor(random() * places.length)]] ^= 1;
      writeFileSync(log, bytes);
      // Some of these are left over on pages that are free: no entry's.
      const changed = textsOf(dataDir) !== before;
      assert.equal(verifyLater(dataDir).ok, !changed, `seed ${seed}, run ${run}`);
      if (changed) found++;
    }
    assert.isAbove(found, 0);
  });

  test("a log that is shorter than its anchor says is not continued", () => {
    const dataDir = written();
    asOwner(dataDir, "DELETE FROM log WHERE seq > 12");
    assert.throws(() => new SqliteLog(dataDir), /had 15 entries, it has 12/);
  });

  test("a log that is longer than its anchor says was being written when the process ended", () => {
    const dataDir = written();
    const { anchor } = logFiles(dataDir);
    const before = readFileSync(anchor);
    const log = new SqliteLog(dataDir);
    log.append([conflict(11)]);
    log.close();
    writeFileSync(anchor, before);
    assert.isTrue(verifyLater(dataDir).ok);
    const again = new SqliteLog(dataDir);
    assert.equal(again.head().count, 16);
    again.close();
  });

  for (const at of [10, 110]) {
    test(`an anchor with a torn place at byte ${at} still says what the other place says`, () => {
      const dataDir = written();
      const { anchor } = logFiles(dataDir);
      const torn = readFileSync(anchor);
      torn.fill(0, at, at + 40);
      writeFileSync(anchor, torn);
      assert.isTrue(verifyLater(dataDir).ok);
      asOwner(dataDir, "DELETE FROM log WHERE seq > 5");
      assert.match(verifyLater(dataDir).fault ?? "", /cut off/);
    });
  }

  test("of two meshes on one folder the second is told, and the first goes on", () => {
    const dataDir = newFolder();
    const log = new SqliteLog(dataDir);
    assert.throws(() => new SqliteLog(dataDir), /another mesh keeps its log/);
    log.append([conflict(1)]);
    log.close();
    new SqliteLog(dataDir).close();
  });

  test("an append whose answer was lost is not made twice when it is tried again", () => {
    const log = new SqliteLog(newFolder());
    const group = [conflict(1), conflict(2)];
    log.append(group, 0);
    log.append(group, 0);
    assert.lengthOf(log.list({}), 2);
    log.append([conflict(3), conflict(4)], 2);
    assert.lengthOf(log.list({}), 4);
    log.close();
  });

  test("all of a group is written, or nothing", () => {
    const log = new SqliteLog(newFolder());
    const twice = [conflict(1, {}, "{}"), conflict(1, {}, "{}")];
    assert.throws(() => log.append(twice));
    assert.lengthOf(log.list({}), 0);
    log.append([conflict(1)]);
    assert.isTrue(log.verify().ok);
    log.close();
  });
});
