/**
 * A line of a REPL as words. Quotes work as in a shell, and JSON may be typed as it is: a word that opens
 * a brace runs to the brace that closes it, blanks and quotes included.
 */
import { UsageError } from "../terminal/exit.ts";

/** The words of a line; UsageError when a quote or a brace is left open. */
export function wordsOf(line: string): string[] {
  const words: string[] = [];
  let at = 0;
  while (at < line.length) {
    if (/\s/.test(line[at])) {
      at++;
      continue;
    }
    // A comment, so that a script can be piped in.
    if (line[at] === "#") break;
    const word = "{[".includes(line[at]) ? jsonWord(line, at) : shellWord(line, at);
    words.push(word.text);
    at = word.end;
  }
  return words;
}

interface Word {
  readonly text: string;
  readonly end: number;
}

function jsonWord(line: string, start: number): Word {
  let depth = 0;
  let inString = false;
  for (let at = start; at < line.length; at++) {
    const letter = line[at];
    if (inString) {
      if (letter === "\\") at++;
      else if (letter === '"') inString = false;
    } else if (letter === '"') inString = true;
    else if ("{[".includes(letter)) depth++;
    else if ("}]".includes(letter) && --depth === 0) {
      return { text: line.slice(start, at + 1), end: at + 1 };
    }
  }
  throw new UsageError(`the JSON that opens at column ${start + 1} is never closed`);
}

function shellWord(line: string, start: number): Word {
  let text = "";
  let at = start;
  while (at < line.length && !/\s/.test(line[at])) {
    const letter = line[at];
    if (letter === '"' || letter === "'") {
      const quoted = quotedPart(line, at);
      text += quoted.text;
      at = quoted.end;
    } else {
      if (letter === "\\" && at + 1 < line.length) at++;
      text += line[at++];
    }
  }
  return { text, end: at };
}

function quotedPart(line: string, start: number): Word {
  const quote = line[start];
  let text = "";
  for (let at = start + 1; at < line.length; at++) {
    if (line[at] === quote) return { text, end: at + 1 };
    // Inside single quotes a backslash is a backslash, as in a shell.
    if (quote === '"' && line[at] === "\\" && at + 1 < line.length) at++;
    text += line[at];
  }
  throw new UsageError(`the quote that opens at column ${start + 1} is never closed`);
}
