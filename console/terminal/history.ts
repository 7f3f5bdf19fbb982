/** The lines typed in a REPL, kept for the next one. */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

/** Lines kept. */
export const HISTORY_LINES = 1_000;

/** A file of lines, oldest first; several REPLs may append to it. A file that cannot be had is no history. */
export class History {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** The lines, newest first, each once: what node:readline wants. */
  load(): string[] {
    try {
      const lines = readFileSync(this.#path, "utf8").split("\n").filter(Boolean);
      const newestFirst = [...new Set(lines.reverse())].slice(0, HISTORY_LINES);
      // Rewritten once it has grown to twice what is kept, so that it has a bound.
      if (lines.length > 2 * HISTORY_LINES) this.#rewrite(newestFirst);
      return newestFirst;
    } catch {
      return [];
    }
  }

  add(line: string): void {
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      appendFileSync(this.#path, `${line}\n`, { mode: 0o600 });
    } catch {
      // A read-only home must not disturb a session.
    }
  }

  #rewrite(newestFirst: readonly string[]): void {
    writeFileSync(this.#path, `${[...newestFirst].reverse().join("\n")}\n`, { mode: 0o600 });
  }
}

/** Where the history lies: in the XDG state folder. */
export function historyPath(env: Readonly<Record<string, string | undefined>>): string {
  const state = env.XDG_STATE_HOME || join(env.HOME || homedir(), ".local", "state");
  return join(state, "mesh-30k", "repl-history");
}
