import { closeSync, fsyncSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { MeshError } from "../../actors/errors.ts";
import type { ConflictRecord, EntryKind, InboxNote } from "../../coordination/conflict-entry.ts";
import {
  ChainCheck,
  type ChainHead,
  EMPTY_CHAIN,
  extendChain,
} from "../../coordination/log-chain.ts";
import {
  type Append,
  type Conflict,
  type ConflictFile,
  type ConflictFilter,
  type ConflictHistory,
  dataHash,
  entryText,
  type Held,
  type RecordedOperation,
  type Verification,
} from "../api/conflict-log.ts";
import { systemClock } from "../machine/clock.ts";
import {
  openSqlite,
  type SqliteDatabase,
  type SqliteStatement,
  type SqliteValue,
} from "../machine/sqlite.ts";
import { ChainAnchor, readAnchor } from "./chain-anchor.ts";
import { type LogDialect, LogQueries, type LogQuery, surplusOf } from "./log-queries.ts";
import { conflictOf, heldOf, historyFrom, noteOf, operationOf, sizeOf } from "./log-rows.ts";

/** Names of the files in the data folder. */
const LOG_FILE = "conflicts.sqlite";
const ANCHOR_FILE = "conflicts.head";
const LOCK_FILE = "conflicts.lock";

/** Entries read at a time when the whole chain is followed. */
const PAGE = 5000;

/**
 * `log` is append-only: the text of an entry is all there is, everything to search by is computed from it. `held` is
 * the quarantine, whose rows may go; the hash of what a row holds stands in the log.
 */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS log (
    seq INTEGER PRIMARY KEY,
    hash TEXT NOT NULL,
    body TEXT NOT NULL,
    kind TEXT AS (json_extract(body, '$.kind')),
    conflict_id TEXT AS (coalesce(
      json_extract(body, '$.record.conflictId'),
      json_extract(body, '$.resolution.conflictId'),
      json_extract(body, '$.note.conflictId'))),
    at_ms REAL AS (json_extract(body, '$.record.atMs')),
    agent TEXT AS (json_extract(body, '$.record.agent')),
    type TEXT AS (json_extract(body, '$.record.type')),
    priority INTEGER AS (json_extract(body, '$.record.priority')),
    item_id TEXT AS (json_extract(body, '$.note.itemId'))
  );
  CREATE INDEX IF NOT EXISTS log_conflict ON log (conflict_id, kind, seq) WHERE conflict_id IS NOT NULL;
  CREATE INDEX IF NOT EXISTS log_kind ON log (kind, seq);
  CREATE INDEX IF NOT EXISTS log_at ON log (at_ms) WHERE at_ms IS NOT NULL;
  CREATE INDEX IF NOT EXISTS log_agent ON log (agent, seq) WHERE agent IS NOT NULL;
  CREATE INDEX IF NOT EXISTS log_item ON log (item_id, seq) WHERE item_id IS NOT NULL;
  CREATE TRIGGER IF NOT EXISTS log_no_update BEFORE UPDATE ON log
    BEGIN SELECT RAISE(ABORT, 'the log of conflicts is append-only'); END;
  CREATE TRIGGER IF NOT EXISTS log_no_delete BEFORE DELETE ON log
    BEGIN SELECT RAISE(ABORT, 'the log of conflicts is append-only'); END;
  CREATE TRIGGER IF NOT EXISTS log_no_replace BEFORE INSERT ON log
    WHEN EXISTS (SELECT 1 FROM log WHERE seq = new.seq)
    BEGIN SELECT RAISE(ABORT, 'the log of conflicts is append-only'); END;
  CREATE TABLE IF NOT EXISTS held (
    conflict_id TEXT PRIMARY KEY,
    at_ms REAL NOT NULL,
    bytes INTEGER NOT NULL,
    data TEXT NOT NULL
  );
  CREATE INDEX IF NOT EXISTS held_at ON held (at_ms);
`;

const DIALECT: LogDialect = {
  log: "log",
  held: "held",
  order: "seq",
  node: undefined,
  state: (alias) => `json_extract(${alias}.body, '$.resolution.state')`,
  act: (alias) => `json_extract(${alias}.body, '$.note.act')`,
};
const QUERIES = new LogQueries(DIALECT);

type Row = Record<string, SqliteValue>;

/** Paths of the log's files in a data folder. */
export function logFiles(dataDir: string): { readonly log: string; readonly anchor: string } {
  return { log: join(dataDir, LOG_FILE), anchor: join(dataDir, ANCHOR_FILE) };
}

/**
 * The log of conflicts in an SQLite file: WAL, each append synced to disk before it returns, one writer at a time.
 * It works on the calling thread, which therefore is one of its own (`log-thread.ts`).
 */
export class SqliteLog implements ConflictFile {
  readonly #db: SqliteDatabase;
  readonly #lock: SqliteDatabase | undefined;
  readonly #anchor: ChainAnchor | undefined;
  readonly #anchorPath: string;
  readonly #statements = new Map<string, SqliteStatement>();
  #head: ChainHead = EMPTY_CHAIN;

  /**
   * Opens the log of a data folder, made when missing. MESH_DATA_IN_USE when another mesh writes it,
   * MESH_CONFLICTS_CUT when it is shorter than its anchor says. `toRead`: appends are refused, nothing is locked, and
   * a log that was cut can be looked at.
   */
  constructor(dataDir: string, options: { readonly toRead?: boolean } = {}) {
    const { toRead = false } = options;
    if (!toRead) mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    const { log, anchor } = logFiles(dataDir);
    this.#anchorPath = anchor;
    if (!toRead) this.#lock = takeLock(dataDir);
    try {
      // Not by SQLite, which would let everybody on this machine read it.
      if (!toRead) closeSync(openSync(log, "a", 0o600));
      this.#db = openSqlite(log);
      this.#configure(toRead);
      if (toRead) return;
      this.#head = this.#lastRow();
      this.#mustContain(readAnchor(anchor));
      this.#anchor = new ChainAnchor(anchor);
      syncFolder(dataDir);
    } catch (error) {
      this.#lock?.close();
      throw error;
    }
  }

  #configure(toRead: boolean): void {
    this.#db.exec("PRAGMA busy_timeout = 2000");
    if (toRead) {
      this.#db.exec("PRAGMA query_only = ON");
      return;
    }
    this.#db.prepare("PRAGMA journal_mode = WAL").get();
    this.#db.exec("PRAGMA synchronous = FULL");
    // Without it REPLACE deletes what it replaces behind the back of the trigger that refuses deletions.
    this.#db.exec("PRAGMA recursive_triggers = ON");
    this.#db.exec(SCHEMA);
  }

  #lastRow(): ChainHead {
    const row = this.#sql("SELECT seq, hash FROM log ORDER BY seq DESC LIMIT 1").get();
    return row === undefined ? EMPTY_CHAIN : { count: Number(row.seq), hash: String(row.hash) };
  }

  /** Continuing a log that was cut would hide that it was. */
  #mustContain(anchor: ChainHead): void {
    if (anchor.count === 0) return;
    const row = this.#sql("SELECT hash FROM log WHERE seq = ?").get(anchor.count);
    if (row?.hash === anchor.hash) return;
    throw new MeshError(
      "MESH_CONFLICTS_CUT",
      `${this.#anchorPath} says that the log of conflicts had ${anchor.count} entries, it has ` +
        `${row === undefined ? this.#head.count : "another one in the last place"}: it was cut, changed or put back. ` +
        "`conflicts verify` tells more; move its files away to begin a new one",
    );
  }

  append(entries: readonly Append[], after?: number): ChainHead {
    const texts = entries.map(entryText);
    if (after !== undefined && this.#hasAlready(after, texts)) return this.#head;
    let head = this.#head;
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      const add = this.#sql("INSERT INTO log (seq, hash, body) VALUES (?, ?, ?)");
      for (let i = 0; i < entries.length; i++) {
        const { entry, data } = entries[i];
        head = extendChain(head, texts[i]);
        add.run(head.count, head.hash, texts[i]);
        if (data !== undefined && entry.kind === "conflict") this.#hold(entry.record, data);
      }
      this.#db.exec("COMMIT");
    } catch (error) {
      this.#rollback();
      throw error;
    }
    this.#head = head;
    // Behind the commit: an anchor that says more than the log has would call an honest log cut.
    this.#anchor?.write(head);
    return head;
  }

  /** Whether these entries follow the first `after` ones: the call before succeeded, and its answer was lost. */
  #hasAlready(after: number, texts: readonly string[]): boolean {
    if (this.#head.count !== after + texts.length) return false;
    return this.#sql("SELECT body FROM log WHERE seq = ?").get(after + 1)?.body === texts[0];
  }

  #hold(record: ConflictRecord, data: string): void {
    this.#sql("INSERT INTO held (conflict_id, at_ms, bytes, data) VALUES (?, ?, ?, ?)").run(
      record.conflictId,
      record.atMs,
      Buffer.byteLength(data),
      data,
    );
  }

  #rollback(): void {
    try {
      this.#db.exec("ROLLBACK");
    } catch {
      // A full disk has already rolled it back.
    }
  }

  head(): ChainHead {
    return this.#head;
  }

  list(filter: ConflictFilter): readonly Conflict[] {
    return this.#all(QUERIES.list(filter)).map(conflictOf);
  }

  get(conflictId: string): ConflictHistory | undefined {
    return historyFrom(this.#all(QUERIES.get(conflictId)));
  }

  inbox(openOnly: boolean): readonly InboxNote[] {
    return this.#all(QUERIES.inbox(openOnly)).map(noteOf);
  }

  held(limit: number): readonly Omit<Held, "data">[] {
    return this.#all(QUERIES.held(limit)).map(heldOf);
  }

  heldOf(conflictId: string): Held | undefined {
    const [row] = this.#all(QUERIES.heldOf(conflictId));
    return row && { ...heldOf(row), data: String(row.data) };
  }

  drop(conflictIds: readonly string[]): void {
    for (const conflictId of conflictIds) {
      const { text, values } = QUERIES.drop(conflictId);
      this.#sql(text).run(...values);
    }
  }

  surplus(maxCount: number, maxBytes: number): readonly string[] {
    const [row] = this.#all(QUERIES.heldSums());
    const sums = { count: Number(row.count), bytes: Number(row.bytes) };
    if (sums.count <= maxCount && sums.bytes <= maxBytes) return [];
    const mayGo = this.#all(QUERIES.heldOfResolved()).map(sizeOf);
    return surplusOf(sums, mayGo, maxCount, maxBytes);
  }

  operations(limit: number): readonly RecordedOperation[] {
    return this.#all(QUERIES.operations(limit)).map(operationOf);
  }

  count(kind: EntryKind): number {
    return Number(this.#all(QUERIES.count(kind))[0].n);
  }

  verify(): Verification {
    const startMs = systemClock.nowMs();
    const check = new ChainCheck(readAnchor(this.#anchorPath));
    const page = this.#sql("SELECT seq, hash, body FROM log WHERE seq > ? ORDER BY seq LIMIT ?");
    for (let after = Number.MIN_SAFE_INTEGER; ; ) {
      const rows = page.all(after, PAGE);
      const whole = rows.every((row) =>
        check.add(Number(row.seq), String(row.body), String(row.hash)),
      );
      if (!whole || rows.length < PAGE) break;
      after = Number(rows[rows.length - 1].seq);
    }
    const fault = check.end() ?? this.#heldFault();
    const { head } = check;
    const elapsedMs = systemClock.nowMs() - startMs;
    const found = { entries: head.count, head, elapsedMs };
    return fault === undefined ? { ok: true, ...found } : { ok: false, fault, ...found };
  }

  /** Whether quarantined data is still what its conflict's record says. */
  #heldFault(): string | undefined {
    const page = this.#sql(
      `SELECT h.conflict_id, h.data, h.rowid AS row, json_extract(l.body, '$.record.dataHash') AS hash
       FROM held h LEFT JOIN log l ON l.conflict_id = h.conflict_id AND l.kind = 'conflict'
       WHERE h.rowid > ? ORDER BY h.rowid LIMIT 500`,
    );
    for (let after = 0; ; ) {
      const rows = page.all(after);
      for (const { conflict_id, data, hash } of rows) {
        if (dataHash(String(data)) !== hash)
          return `quarantined data of ${conflict_id}: not what was recorded`;
      }
      if (rows.length === 0) return undefined;
      after = Number(rows[rows.length - 1].row);
    }
  }

  close(): void {
    // By name: a connection whose statements are not collected yet is closed, and checkpoints, only when they are.
    if (this.#anchor !== undefined) this.#db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get();
    this.#db.close();
    this.#anchor?.close();
    this.#lock?.exec("ROLLBACK");
    this.#lock?.close();
  }

  #all({ text, values }: LogQuery): Row[] {
    return this.#sql(text).all(...values);
  }

  #sql(text: string): SqliteStatement {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = this.#db.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }
}

/** A lock of the operating system's, which the death of its holder gives back. */
function takeLock(dataDir: string): SqliteDatabase {
  const path = join(dataDir, LOCK_FILE);
  closeSync(openSync(path, "a", 0o600));
  const lock = openSqlite(path);
  try {
    lock.exec("PRAGMA busy_timeout = 0");
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    lock.close();
    throw new MeshError(
      "MESH_DATA_IN_USE",
      `dataDir: another mesh keeps its log of conflicts in ${dataDir}; give each mesh a folder of its own`,
      { cause: error },
    );
  }
}

/** Makes the names of new files last. */
function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
