/** How wide text stands on a terminal, where colours take no room. */
import { stripVTControlCharacters } from "node:util";

/** Columns of a line. Addresses, numbers and the signs we draw with are one column each. */
export function visibleLength(line: string): number {
  return stripVTControlCharacters(line).length;
}

/** The line with blanks up to `width`. */
export function padTo(line: string, width: number): string {
  return line + " ".repeat(Math.max(0, width - visibleLength(line)));
}

/** The line, cut to `width` columns. Colours are lost from a line that has to be cut. */
export function cutTo(line: string, width: number): string {
  if (visibleLength(line) <= width) return line;
  return `${stripVTControlCharacters(line).slice(0, Math.max(0, width - 1))}…`;
}

/**
 * Text of others (a message, a state, an error) made safe for a terminal: an agent must not be able to
 * move the operator's cursor, so control characters are shown and not obeyed.
 */
export function tame(written: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return written.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (letter) => {
    return `\\x${letter.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}
