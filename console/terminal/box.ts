/** The frame around what an operator glances at (spec 7.1). */
import type { Paint } from "./paint.ts";
import { padTo, visibleLength } from "./text-width.ts";

/** Columns inside the frame, unless a line needs more: the specification's box. */
const INNER_WIDTH = 40;

/** A box with a title, a rule and lines; it widens for a long line and never cuts one. */
export function box(title: string, lines: readonly string[], paint: Paint): string {
  const width = Math.max(INNER_WIDTH, ...[title, ...lines].map((line) => visibleLength(line) + 2));
  const rule = "─".repeat(width);
  const row = (line: string): string => `│${padTo(` ${line} `, width)}│`;
  return [`┌${rule}┐`, row(paint.bold(title)), `├${rule}┤`, ...lines.map(row), `└${rule}┘`].join(
    "\n",
  );
}
