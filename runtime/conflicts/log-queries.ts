/**
 * What a log of conflicts is asked, stated once for each engine that keeps one: the same words, with places for values
 * (`?`). What engines differ in is a dialect: names of tables, and where an entry's state and act stand.
 */
import { type ConflictFilter, DEFAULT_LIMIT } from "../api/conflict-log.ts";

/** What one engine calls things. */
export interface LogDialect {
  readonly log: string;
  readonly held: string;
  /** Column by which entries follow each other, those of all nodes in a shared store. */
  readonly order: string;
  /** Column of the node that wrote an entry; undefined where there is only one. */
  readonly node: string | undefined;
  /** State that the resolution in row `alias` gives. */
  state(alias: string): string;
  /** Act of the inbox note in row `alias`. */
  act(alias: string): string;
}

/** A query and its values, in the order of their places. */
export interface LogQuery {
  readonly text: string;
  readonly values: readonly (string | number)[];
}

/** The questions, in one dialect. `own` is the name of the node that asks; it is not used where there is only one. */
export class LogQueries {
  readonly #dialect: LogDialect;
  readonly #own: string;

  constructor(dialect: LogDialect, own = "") {
    this.#dialect = dialect;
    this.#own = own;
  }

  /** Conflicts with the last word on each, newest first: `body`, `node`, `last`. */
  list(filter: ConflictFilter): LogQuery {
    const { agent, type, priority, state, sinceMs, untilMs, own, limit = DEFAULT_LIMIT } = filter;
    const { log, order } = this.#dialect;
    const where: string[] = ["c.kind = 'conflict'"];
    const values: (string | number)[] = [];
    const must = (condition: string, value: string | number | undefined): void => {
      if (value === undefined) return;
      where.push(condition);
      values.push(value);
    };
    must("c.agent = ?", agent);
    must("c.type = ?", type);
    must("c.priority = ?", priority);
    must("c.at_ms >= ?", sinceMs);
    must("c.at_ms < ?", untilMs);
    must(`${this.#stateOf("c")} = ?`, state);
    const mine = this.#mine("c");
    if (own === true) must(mine.text, mine.values[0]);
    const text =
      `SELECT c.body AS body, ${this.#node("c")} AS node, ${this.#lastWord("c", "r.body")} AS last ` +
      `FROM ${log} c WHERE ${where.join(" AND ")} ORDER BY c.${order} DESC LIMIT ?`;
    return { text, values: [...values, limit] };
  }

  /** All that was said about a conflict, in order: `body`, `node`. */
  get(conflictId: string): LogQuery {
    const { log, order } = this.#dialect;
    const text =
      `SELECT c.body AS body, ${this.#node("c")} AS node FROM ${log} c ` +
      `WHERE c.conflict_id = ? ORDER BY c.${order}`;
    return { text, values: [conflictId] };
  }

  /** Notes on this node's questions, in order: `body`. */
  inbox(openOnly: boolean): LogQuery {
    const { log, order, act } = this.#dialect;
    const mine = this.#mine("c");
    const open = openOnly
      ? ` AND NOT EXISTS (SELECT 1 FROM ${log} d WHERE d.kind = 'inbox' AND d.item_id = c.item_id
           AND ${act("d")} IN ('approved', 'denied'))`
      : "";
    const text =
      `SELECT c.body AS body FROM ${log} c WHERE c.kind = 'inbox' AND ${mine.text}${open} ` +
      `ORDER BY c.${order}`;
    return { text, values: mine.values };
  }

  /** This node's quarantine without the data, newest first: `conflict_id`, `at_ms`, `bytes`. */
  held(limit: number): LogQuery {
    const mine = this.#mine("h");
    const text =
      `SELECT h.conflict_id, h.at_ms, h.bytes FROM ${this.#dialect.held} h WHERE ${mine.text} ` +
      "ORDER BY h.at_ms DESC, h.conflict_id DESC LIMIT ?";
    return { text, values: [...mine.values, limit] };
  }

  /** The same with the `data`, of one conflict. */
  heldOf(conflictId: string): LogQuery {
    const mine = this.#mine("h");
    const text =
      `SELECT h.conflict_id, h.at_ms, h.bytes, h.data FROM ${this.#dialect.held} h ` +
      `WHERE ${mine.text} AND h.conflict_id = ?`;
    return { text, values: [...mine.values, conflictId] };
  }

  drop(conflictId: string): LogQuery {
    const text = `DELETE FROM ${this.#dialect.held} WHERE conflict_id = ?`;
    return { text, values: [conflictId] };
  }

  /** How much this node holds: `count`, `bytes`. */
  heldSums(): LogQuery {
    const mine = this.#mine("h");
    const text =
      "SELECT count(*) AS count, coalesce(sum(h.bytes), 0) AS bytes " +
      `FROM ${this.#dialect.held} h WHERE ${mine.text}`;
    return { text, values: mine.values };
  }

  /** What this node holds of resolved conflicts, oldest first: `conflict_id`, `bytes`. */
  heldOfResolved(): LogQuery {
    const mine = this.#mine("h");
    const text =
      `SELECT h.conflict_id, h.bytes FROM ${this.#dialect.held} h ` +
      `WHERE ${mine.text} AND ${this.#stateOf("h")} = 'resolved' ORDER BY h.at_ms, h.conflict_id`;
    return { text, values: mine.values };
  }

  /** Operations of all nodes, newest first: `body`, `node`. */
  operations(limit: number): LogQuery {
    const { log, order } = this.#dialect;
    const text =
      `SELECT c.body AS body, ${this.#node("c")} AS node FROM ${log} c ` +
      `WHERE c.kind = 'operation' ORDER BY c.${order} DESC LIMIT ?`;
    return { text, values: [limit] };
  }

  /** Entries of a kind, of all nodes: `n`. */
  count(kind: string): LogQuery {
    return {
      text: `SELECT count(*) AS n FROM ${this.#dialect.log} WHERE kind = ?`,
      values: [kind],
    };
  }

  #stateOf(alias: string): string {
    return `coalesce(${this.#lastWord(alias, this.#dialect.state("r"))}, 'open')`;
  }

  #lastWord(alias: string, what: string): string {
    const { log, order } = this.#dialect;
    return `(SELECT ${what} FROM ${log} r WHERE r.conflict_id = ${alias}.conflict_id
      AND r.kind = 'resolution' ORDER BY r.${order} DESC LIMIT 1)`;
  }

  #node(alias: string): string {
    const { node } = this.#dialect;
    return node === undefined ? "NULL" : `${alias}.${node}`;
  }

  #mine(alias: string): LogQuery {
    const { node } = this.#dialect;
    if (node === undefined) return { text: "1 = 1", values: [] };
    return { text: `${alias}.${node} = ?`, values: [this.#own] };
  }
}

/** What is surplus in a quarantine: the ids that have to go so that it fits, of those that may. */
export function surplusOf(
  sums: { readonly count: number; readonly bytes: number },
  mayGo: readonly { readonly conflictId: string; readonly bytes: number }[],
  maxCount: number,
  maxBytes: number,
): readonly string[] {
  let { count, bytes } = sums;
  const surplus: string[] = [];
  for (const { conflictId, bytes: size } of mayGo) {
    if (count <= maxCount && bytes <= maxBytes) break;
    surplus.push(conflictId);
    count--;
    bytes -= size;
  }
  return surplus;
}
