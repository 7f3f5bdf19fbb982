/** From the rows of a log of conflicts, of whichever engine, to what they say. */
import type {
  ConflictRecord,
  InboxNote,
  LogEntry,
  OperationEntry,
  QuarantineNote,
  Resolution,
} from "../../coordination/conflict-entry.ts";
import { readValue } from "../../coordination/written-value.ts";
import { type Conflict, type ConflictHistory, type Held, historyOf } from "../api/conflict-log.ts";

/** A row by the names that `log-queries.ts` gives its columns. */
export type LogRow = Readonly<Record<string, unknown>>;

/** What the text of an entry says. */
export function entryOf(body: unknown): LogEntry {
  return readValue(String(body)) as LogEntry;
}

/** A row of `LogQueries.list`. */
export function conflictOf(row: LogRow): Conflict {
  const { record } = entryOf(row.body) as LogEntry & { record: ConflictRecord };
  if (row.last === null) return { record, state: "open" };
  const { resolution } = entryOf(row.last) as LogEntry & { resolution: Resolution };
  return { record, state: resolution.state, resolution };
}

/** The rows of `LogQueries.get`; undefined when they tell of no conflict. */
export function historyFrom(rows: readonly LogRow[]): ConflictHistory | undefined {
  let record: ConflictRecord | undefined;
  const resolutions: Resolution[] = [];
  const quarantine: QuarantineNote[] = [];
  for (const row of rows) {
    const entry = entryOf(row.body);
    if (entry.kind === "conflict") record = entry.record;
    else if (entry.kind === "resolution") resolutions.push(entry.resolution);
    else if (entry.kind === "quarantine") quarantine.push(entry.note);
  }
  return record && historyOf(record, resolutions, quarantine);
}

/** A row of `LogQueries.inbox`. */
export function noteOf(row: LogRow): InboxNote {
  return (entryOf(row.body) as LogEntry & { note: InboxNote }).note;
}

/** A row of `LogQueries.operations`. */
export function operationOf(row: LogRow): OperationEntry {
  return (entryOf(row.body) as LogEntry & { operation: OperationEntry }).operation;
}

/** A row of `LogQueries.held`. */
export function heldOf(row: LogRow): Omit<Held, "data"> {
  return { ...sizeOf(row), atMs: Number(row.at_ms) };
}

/** A row of `LogQueries.heldOfResolved`. */
export function sizeOf(row: LogRow): { readonly conflictId: string; readonly bytes: number } {
  return { conflictId: String(row.conflict_id), bytes: Number(row.bytes) };
}

/** What an entry is searched by, in the columns of an engine that cannot compute them. */
export interface EntryColumns {
  readonly kind: string;
  readonly conflict_id: string | null;
  readonly at_ms: number | null;
  readonly agent: string | null;
  readonly type: string | null;
  readonly priority: number | null;
  readonly item_id: string | null;
  readonly state: string | null;
  readonly act: string | null;
}

/** The columns, computed from the text, so that they say what it says. */
export function columnsOf(body: string): EntryColumns {
  const entry = entryOf(body);
  const none = {
    kind: entry.kind,
    conflict_id: null,
    at_ms: null,
    agent: null,
    type: null,
    priority: null,
    item_id: null,
    state: null,
    act: null,
  };
  switch (entry.kind) {
    case "conflict": {
      const { conflictId, atMs, agent, type, priority } = entry.record;
      return { ...none, conflict_id: conflictId, at_ms: atMs, agent, type, priority };
    }
    case "resolution": {
      const { conflictId, state } = entry.resolution;
      return { ...none, conflict_id: conflictId, state };
    }
    case "quarantine":
      return { ...none, conflict_id: entry.note.conflictId };
    case "inbox":
      return { ...none, item_id: entry.note.itemId, act: entry.note.act };
    case "operation":
    case "genesis":
    case "gap":
    case "checkpoint":
      return none;
    default:
      return entry satisfies never;
  }
}
