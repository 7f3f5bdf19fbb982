import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { MeshError } from "../../actors/errors.ts";
import type { EntryKind, InboxNote } from "../../coordination/conflict-entry.ts";
import {
  ChainCheck,
  type ChainHead,
  EMPTY_CHAIN,
  extendChain,
} from "../../coordination/log-chain.ts";
import {
  type Append,
  type Conflict,
  type ConflictFilter,
  type ConflictHistory,
  type ConflictLog,
  dataHash,
  entryText,
  type Held,
  type RecordedOperation,
  type Verification,
} from "../api/conflict-log.ts";
import { systemClock } from "../machine/clock.ts";
import type { PgClient, PgRow, PgValue } from "../machine/postgres.ts";
import { replaceFile } from "../machine/replaced-file.ts";
import type { StorePlan } from "../plan/store-plan.ts";
import { ChainAnchor, readAnchor } from "./chain-anchor.ts";
import { LogQueries, type LogQuery, surplusOf } from "./log-queries.ts";
import {
  columnsOf,
  conflictOf,
  type EntryColumns,
  entryOf,
  heldOf,
  historyFrom,
  noteOf,
  operationOf,
  sizeOf,
} from "./log-rows.ts";
import { type LinkListener, mustBeReadable, PostgresLink } from "./postgres-link.ts";
import { POSTGRES_DIALECT, SCHEMA_NAME } from "./postgres-schema.ts";

/** Entries read at a time when the chains are followed. */
const PAGE = 2_000;
/** How often an idle connection is asked whether it lives, and a lost one is made anew, ms. */
const BEAT_MS = 5_000;
/** Names of the files in the data folder: how long this node's chain is, and the name of the node. */
const ANCHOR_FILE = "conflicts-store.head";
const NODE_FILE = "conflicts-store.node";

const COLUMNS: readonly (keyof EntryColumns)[] = [
  "kind",
  "conflict_id",
  "at_ms",
  "agent",
  "type",
  "priority",
  "item_id",
  "state",
  "act",
];
const INSERT =
  `INSERT INTO ${SCHEMA_NAME}.log (node, seq, hash, body, ${COLUMNS.join(", ")}) ` +
  "SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], " +
  "$7::float8[], $8::text[], $9::text[], $10::int[], $11::text[], $12::text[], $13::text[])";
const INSERT_WITH_DATA =
  `WITH entries AS (${INSERT}) ` +
  `INSERT INTO ${SCHEMA_NAME}.held (conflict_id, node, at_ms, bytes, data) ` +
  "SELECT a, $1, b, c, d FROM unnest($14::text[], $15::float8[], $16::bigint[], $17::text[]) AS h (a, b, c, d)";

/** What a log in a store is opened with. */
export interface PostgresTask {
  readonly store: StorePlan;
  /** Where the anchor and the node's name are kept; without it neither is. */
  readonly dataDir: string | undefined;
}

/**
 * The log of conflicts in a PostgreSQL database that several nodes share. Each node has a chain of its own, so that no
 * append waits for another node and a node knows its end without asking; what is asked is answered of all of them, but
 * for quarantine and inbox, which are each node's own. An append is one statement, synced by the server before it
 * returns.
 */
export class PostgresLog implements ConflictLog {
  readonly node: string;
  readonly #link: PostgresLink;
  readonly #queries: LogQueries;
  readonly #anchorPath: string | undefined;
  readonly #anchor: ChainAnchor | undefined;
  readonly #shown: string;
  /** The last entry that this node was told is safe; undefined of one who only reads. */
  #known: ChainHead | undefined;
  /** How long the chain was when the connection was made, until an append has gone on from there. */
  #found: ChainHead | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #beat: NodeJS.Timeout | undefined;

  private constructor(
    { store, dataDir }: PostgresTask,
    node: string,
    toRead: boolean,
    listener?: LinkListener,
  ) {
    this.node = node;
    this.#shown = store.shown;
    this.#link = new PostgresLink(store, node, listener);
    this.#queries = new LogQueries(POSTGRES_DIALECT, node);
    this.#anchorPath = dataDir && join(dataDir, ANCHOR_FILE);
    if (toRead) return;
    this.#known = this.#anchorPath === undefined ? EMPTY_CHAIN : readAnchor(this.#anchorPath);
    this.#anchor = this.#anchorPath === undefined ? undefined : new ChainAnchor(this.#anchorPath);
  }

  /**
   * Opens the log of a node, makes its tables where they are missing, and takes the name of the node. MESH_STORE says
   * why it cannot be reached, MESH_DATA_IN_USE that another process has the name, MESH_CONFLICTS_CUT that the chain is
   * shorter than its anchor says.
   */
  static async open(task: PostgresTask, listener?: LinkListener): Promise<PostgresLog> {
    const node = task.store.node ?? keptName(task.dataDir);
    if (task.dataDir !== undefined) mkdirSync(task.dataDir, { recursive: true, mode: 0o700 });
    const log = new PostgresLog(task, node, false, listener);
    try {
      await log.#begin();
    } catch (error) {
      await log.close();
      throw error;
    }
    log.#beat = setInterval(() => log.#look(), BEAT_MS);
    log.#beat.unref();
    return log;
  }

  /** Opens it to be read only: appends are refused, and no name is taken. */
  static async openToRead(task: PostgresTask): Promise<PostgresLog> {
    const name = task.store.node ?? (task.dataDir && readName(task.dataDir)) ?? "";
    const log = new PostgresLog(task, name, true);
    try {
      await mustBeReadable(log.#link, task.store.shown);
    } catch (error) {
      await log.close();
      throw error;
    }
    return log;
  }

  append(entries: readonly Append[], after?: number): Promise<ChainHead> {
    return this.#inTurn(() => this.#append(entries, after));
  }

  async #append(entries: readonly Append[], after: number | undefined): Promise<ChainHead> {
    const known = this.#mustWrite();
    const texts = entries.map(entryText);
    const heads: ChainHead[] = [];
    let head = known;
    for (const text of texts) {
      head = extendChain(head, text);
      heads.push(head);
    }
    const client = await this.#writer();
    if (after !== undefined && known.count === after + texts.length) {
      // Asked of a thread that has died, made, and found by this one when it opened the log.
      if (await this.#hasAlready(client, after, texts)) return known;
    }
    const found = this.#found;
    if (found !== undefined && found.count > known.count) {
      // Made, and its answer was lost; anything else of more was written by somebody else under our name.
      if (after !== known.count || found.hash !== head.hash) throw this.#cut(known, found);
    } else {
      try {
        await client.query(...this.#insertion(entries, texts, heads));
      } catch (error) {
        throw this.#link.failed(error);
      }
    }
    this.#known = head;
    this.#found = undefined;
    // Behind the commit: an anchor that says more than the log has would call an honest log cut.
    this.#anchor?.write(head);
    return head;
  }

  async #hasAlready(client: PgClient, after: number, texts: readonly string[]): Promise<boolean> {
    const { rows } = await client
      .query(
        `SELECT body FROM ${SCHEMA_NAME}.log WHERE node = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
        [this.node, after, texts.length],
      )
      .catch((error) => {
        throw this.#link.failed(error);
      });
    return rows.length === texts.length && rows.every(({ body }, i) => body === texts[i]);
  }

  /** The connection that writes. One that is made anew looks how long the chain is. */
  async #writer(): Promise<PgClient> {
    const { writer } = this.#link;
    if (writer !== undefined) return writer;
    const client = await this.#link.connect();
    try {
      const known = this.#mustWrite();
      const { rows } = await client.query(
        `SELECT seq, hash FROM ${SCHEMA_NAME}.log WHERE node = $1 AND (seq = $2 OR seq =
           (SELECT max(seq) FROM ${SCHEMA_NAME}.log WHERE node = $1)) ORDER BY seq`,
        [this.node, known.count],
      );
      const [first, last = first] = rows.map(headOf);
      const isThere = first?.count === known.count && first.hash === known.hash;
      if (known.count > 0 && !isThere) throw this.#cut(known, last ?? EMPTY_CHAIN);
      this.#found = last ?? EMPTY_CHAIN;
      return client;
    } catch (error) {
      throw this.#link.drop(error);
    }
  }

  async #begin(): Promise<void> {
    await this.#writer();
    const found = this.#found ?? EMPTY_CHAIN;
    // Longer than the anchor says: it was being written when the process ended.
    this.#known = found;
    this.#found = undefined;
    if (found.count > 0) this.#anchor?.write(found);
  }

  #insertion(
    entries: readonly Append[],
    texts: readonly string[],
    heads: readonly ChainHead[],
  ): [string, readonly PgValue[]] {
    const columns = texts.map(columnsOf);
    const values: PgValue[] = [
      this.node,
      heads.map(({ count }) => count),
      heads.map(({ hash }) => hash),
      texts,
      ...COLUMNS.map((name) => columns.map((column) => column[name])),
    ];
    const held = entries.flatMap(({ entry, data }) =>
      data !== undefined && entry.kind === "conflict" ? [{ record: entry.record, data }] : [],
    );
    if (held.length === 0) return [INSERT, values];
    values.push(
      held.map(({ record }) => record.conflictId),
      held.map(({ record }) => record.atMs),
      held.map(({ data }) => Buffer.byteLength(data)),
      held.map(({ data }) => data),
    );
    return [INSERT_WITH_DATA, values];
  }

  async head(): Promise<ChainHead> {
    return this.#known ?? EMPTY_CHAIN;
  }

  async list(filter: ConflictFilter): Promise<readonly Conflict[]> {
    const rows = await this.#read(this.#queries.list(filter));
    return rows.map((row) => ({ ...conflictOf(row), ...this.#elsewhere(row) }));
  }

  async get(conflictId: string): Promise<ConflictHistory | undefined> {
    const rows = await this.#read(this.#queries.get(conflictId));
    const history = historyFrom(rows);
    if (history === undefined) return undefined;
    const first = rows.find(({ body }) => entryOf(body).kind === "conflict");
    return { ...history, ...(first && this.#elsewhere(first)) };
  }

  #elsewhere({ node }: PgRow): { readonly elsewhere?: string } {
    return node === this.node ? {} : { elsewhere: String(node) };
  }

  async inbox(openOnly: boolean): Promise<readonly InboxNote[]> {
    return (await this.#read(this.#queries.inbox(openOnly))).map(noteOf);
  }

  async held(limit: number): Promise<readonly Omit<Held, "data">[]> {
    return (await this.#read(this.#queries.held(limit))).map(heldOf);
  }

  async heldOf(conflictId: string): Promise<Held | undefined> {
    const [row] = await this.#read(this.#queries.heldOf(conflictId));
    return row && { ...heldOf(row), data: String(row.data) };
  }

  async drop(conflictIds: readonly string[]): Promise<void> {
    this.#mustWrite();
    const text = `DELETE FROM ${SCHEMA_NAME}.held WHERE conflict_id = ANY($1)`;
    await this.#link.read(text, [conflictIds]);
  }

  async surplus(maxCount: number, maxBytes: number): Promise<readonly string[]> {
    const [row] = await this.#read(this.#queries.heldSums());
    const sums = { count: Number(row.count), bytes: Number(row.bytes) };
    if (sums.count <= maxCount && sums.bytes <= maxBytes) return [];
    const mayGo = (await this.#read(this.#queries.heldOfResolved())).map(sizeOf);
    return surplusOf(sums, mayGo, maxCount, maxBytes);
  }

  async operations(limit: number): Promise<readonly RecordedOperation[]> {
    const rows = await this.#read(this.#queries.operations(limit));
    return rows.map((row) => ({ ...operationOf(row), ...this.#elsewhere(row) }));
  }

  async count(kind: EntryKind): Promise<number> {
    return Number((await this.#read(this.#queries.count(kind)))[0].n);
  }

  /** Follows the chains of all nodes; this node's own must reach its anchor. */
  async verify(): Promise<Verification> {
    const startMs = systemClock.nowMs();
    const anchor = this.#anchorPath === undefined ? EMPTY_CHAIN : readAnchor(this.#anchorPath);
    const chains = new Map([[this.node, new ChainCheck(anchor)]]);
    let fault = await this.#followChains(chains);
    if (fault === undefined) {
      const own = chains.get(this.node)?.end();
      if (own !== undefined) fault = `node ${this.node}: ${own}`;
    }
    fault ??= await this.#heldFault();
    let entries = 0;
    for (const { head } of chains.values()) entries += head.count;
    const head = chains.get(this.node)?.head ?? EMPTY_CHAIN;
    const elapsedMs = systemClock.nowMs() - startMs;
    const heads = [...chains]
      .filter(([, check]) => check.head.count > 0)
      .map(([node, check]) => ({ node, ...check.head }));
    const found = { entries, head, chains: heads, elapsedMs };
    return fault === undefined ? { ok: true, ...found } : { ok: false, fault, ...found };
  }

  async #followChains(chains: Map<string, ChainCheck>): Promise<string | undefined> {
    const page =
      `SELECT node, seq, hash, body, ${COLUMNS.join(", ")} FROM ${SCHEMA_NAME}.log ` +
      `WHERE (node, seq) > ($1, $2) ORDER BY node, seq LIMIT ${PAGE}`;
    for (let node = "", after = "-9223372036854775808"; ; ) {
      const rows = await this.#link.read(page, [node, after]);
      for (const row of rows) {
        node = String(row.node);
        after = String(row.seq);
        const check = chains.get(node) ?? new ChainCheck();
        chains.set(node, check);
        const body = String(row.body);
        if (!check.add(Number(row.seq), body, String(row.hash)))
          return `node ${node}: ${check.end()}`;
        const columns = columnsOf(body);
        const wrong = COLUMNS.find((name) => (row[name] ?? null) !== columns[name]);
        if (wrong !== undefined)
          return `node ${node}: entry ${after}: its column ${wrong} is not what its text says`;
      }
      if (rows.length < PAGE) return undefined;
    }
  }

  /** Whether quarantined data is still what its conflict's record says. */
  async #heldFault(): Promise<string | undefined> {
    const page =
      `SELECT h.conflict_id, h.data, l.body FROM ${SCHEMA_NAME}.held h ` +
      `LEFT JOIN ${SCHEMA_NAME}.log l ON l.conflict_id = h.conflict_id AND l.kind = 'conflict' ` +
      "WHERE h.conflict_id > $1 ORDER BY h.conflict_id LIMIT 500";
    for (let after = ""; ; ) {
      const rows = await this.#link.read(page, [after]);
      for (const { conflict_id, data, body } of rows) {
        after = String(conflict_id);
        const entry = typeof body === "string" ? entryOf(body) : undefined;
        const hash = entry?.kind === "conflict" ? entry.record.dataHash : undefined;
        if (dataHash(String(data)) !== hash)
          return `quarantined data of ${after}: not what was recorded`;
      }
      if (rows.length < 500) return undefined;
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#beat);
    await this.#turn;
    await this.#link.close();
    this.#anchor?.close();
  }

  #read({ text, values }: LogQuery): Promise<readonly PgRow[]> {
    // PostgreSQL's text has no such character, so nothing there can be equal to one that has.
    if (values.some((value) => typeof value === "string" && value.includes("\0")))
      return Promise.resolve([]);
    return this.#link.read(text, values);
  }

  /** One write at a time: each goes on where the one before has ended. */
  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(act);
    this.#turn = done.catch(() => {});
    return done;
  }

  /** Finds out that the store has gone, or come back, when nobody writes. Errors are told to the listener. */
  #look(): void {
    this.#inTurn(async () => {
      const { writer } = this.#link;
      if (writer === undefined) await this.#writer();
      else await writer.query("SELECT 1").catch((error) => this.#link.drop(error));
    }).catch(() => {});
  }

  #mustWrite(): ChainHead {
    if (this.#known !== undefined) return this.#known;
    throw new MeshError("MESH_STORE", `store ${this.#shown}: it was opened to be read only`);
  }

  #cut(known: ChainHead, found: ChainHead): MeshError {
    return new MeshError(
      "MESH_CONFLICTS_CUT",
      `store ${this.#shown}: expected the ${known.count} entries that node ${this.node} was told are safe, ` +
        `got ${found.count}${found.count < known.count ? "" : " of which some are another's"}: it was cut, changed ` +
        "or put back. `conflicts verify` tells more; give the node another name to begin a new chain",
    );
  }
}

function headOf({ seq, hash }: PgRow): ChainHead {
  return { count: Number(seq), hash: String(hash) };
}

function readName(dataDir: string): string | undefined {
  try {
    return readFileSync(join(dataDir, NODE_FILE), "utf8").trim() || undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** The name that the data folder has, made when it has none. */
function keptName(dataDir: string | undefined): string {
  const kept = dataDir && readName(dataDir);
  if (kept) return kept;
  const name = `node-${randomBytes(4).toString("hex")}`;
  if (dataDir === undefined) return name;
  replaceFile(join(dataDir, NODE_FILE), Buffer.from(`${name}\n`));
  return name;
}
