/** Tables for people: a header, columns that line up, no frame, so that they can be cut and grepped. */
import Table from "cli-table3";
import type { Paint } from "./paint.ts";
import { cutTo } from "./text-width.ts";

/** One column: its heading, and on which side its cells stand (numbers right). */
export interface Column {
  readonly heading: string;
  readonly align?: "left" | "right";
}

const NO_FRAME = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "  ",
} as const;

/** A table of rows, cut to the paper. Without rows it is the sentence `none`. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  none: string,
  paint: Paint,
): string {
  if (rows.length === 0) return none;
  const drawn = new Table({
    head: columns.map((column) => paint.bold(column.heading)),
    colAligns: columns.map((column) => column.align ?? "left"),
    chars: { ...NO_FRAME },
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0, compact: true },
  });
  drawn.push(...rows.map((row) => [...row]));
  return drawn
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .map((line) => (paint.width === undefined ? line : cutTo(line, paint.width)))
    .join("\n");
}

/** Names and values in two columns, one a line; values may have several lines. */
export function facts(pairs: readonly (readonly [string, string])[], paint: Paint): string {
  const width = Math.max(0, ...pairs.map(([name]) => name.length));
  return pairs
    .map(([name, value]) => {
      const [first, ...more] = value.split("\n");
      const lines = [`${paint.dim(name.padEnd(width))}  ${first}`];
      for (const line of more) lines.push(`${" ".repeat(width)}  ${line}`);
      return lines.join("\n");
    })
    .join("\n");
}
