/** What a tool may say at most: its reader has a context to keep, and pays for every word. */
import { formatNumber } from "../terminal/format.ts";

/** Characters of a result's text. */
export const MAX_TEXT = 32_768;
/** Characters of a result's data, written as JSON. */
export const MAX_DATA = 131_072;

const ASK_FOR_LESS = "ask for less, with a limit or an address";

/** Text that is cut at the end of a line, and says so. */
export function boundedText(text: string): string {
  if (text.length <= MAX_TEXT) return text;
  const lineEnd = text.lastIndexOf("\n", MAX_TEXT);
  const kept = text.slice(0, lineEnd > 0 ? lineEnd : MAX_TEXT);
  const left = formatNumber(text.length - kept.length);
  return `${kept}\n… ${left} more characters are left out: ${ASK_FOR_LESS}`;
}

/** Data that may have been cut. */
export interface Bounded {
  /** In the shape that it had, for rendering; undefined when nothing of it fits. */
  readonly shown: unknown;
  /** As an object with members; what has none is its member `data`. With `truncated` when it was cut. */
  readonly record: Record<string, unknown>;
  /** What has to be said of the cut; empty when there was none. */
  readonly note: string;
}

/** Cuts data that is too long: its longest list loses its end, or else all is left out. */
export function boundedData(data: unknown): Bounded {
  const record = isRecord(data) ? data : { data };
  const written = JSON.stringify(record).length;
  if (written <= MAX_DATA) return { shown: data, record, note: "" };
  const [list] = Object.entries(record)
    .flatMap(([name, member]) => (Array.isArray(member) ? [{ name, rows: member }] : []))
    .map((found) => ({ ...found, length: JSON.stringify(found.rows).length }))
    .sort((one, other) => other.length - one.length);
  // What stands beside the list has to fit too, and what says that it was cut.
  const room = list === undefined ? 0 : MAX_DATA - (written - list.length) - 200;
  if (room > 0) {
    const { name, rows } = list;
    const kept = fitting(rows, room);
    const cut = { ...record, [name]: kept };
    return {
      shown: isRecord(data) ? cut : kept,
      record: { ...cut, truncated: { member: name, kept: kept.length, of: rows.length } },
      note: `… ${formatNumber(kept.length)} of ${formatNumber(rows.length)} are shown: ${ASK_FOR_LESS}`,
    };
  }
  return {
    shown: undefined,
    record: { truncated: { characters: written, most: MAX_DATA } },
    note: `the answer has ${formatNumber(written)} characters, and is not shown: ${ASK_FOR_LESS}`,
  };
}

function fitting(rows: readonly unknown[], room: number): readonly unknown[] {
  let used = 2;
  for (const [index, row] of rows.entries()) {
    used += (JSON.stringify(row) ?? "null").length + 1;
    if (used > room) return rows.slice(0, index);
  }
  return rows;
}

function isRecord(data: unknown): data is Record<string, unknown> {
  return typeof data === "object" && data !== null && !Array.isArray(data);
}
