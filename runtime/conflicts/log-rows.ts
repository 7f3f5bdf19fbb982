/** From the rows of a log of conflicts, of whichever engine, to what they say. */
import type {
  ConflictRecord,
  InboxNote,
  LogEntry,
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

/** A row of `LogQueries.held`. */
export function heldOf(row: LogRow): Omit<Held, "data"> {
  return { ...sizeOf(row), atMs: Number(row.at_ms) };
}

/** A row of `LogQueries.heldOfResolved`. */
export function sizeOf(row: LogRow): { readonly conflictId: string; readonly bytes: number } {
  return { conflictId: String(row.conflict_id), bytes: Number(row.bytes) };
}
