// What is cut from its power and killed: each writes, and says what is safe.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { DurableSubject } from "./power-cut.ts";

function script(name: string): string {
  return fileURLToPath(new URL(`./${name}`, import.meta.url));
}

/** The last number of a log of numbers from 1 without a gap; a torn last line does not count. */
function lastOf(folder: string): number {
  let text: string;
  try {
    text = readFileSync(join(folder, "log"), "utf8");
  } catch {
    return 0;
  }
  let last = 0;
  for (const line of text.split("\n")) {
    if (!/^\d+ x{100}$/.test(line)) break;
    if (Number(line.split(" ")[0]) !== last + 1)
      throw new Error(`${line.slice(0, 20)} after ${last}`);
    last++;
  }
  return last;
}

/** Syncs before it acknowledges: nothing may be lost. */
export const safeLog: DurableSubject = {
  name: "append log that syncs (yardstick)",
  writer: (folder) => [script("append-log-run.mjs"), "safe", folder],
  check: lastOf,
};

/** Does not: the cut must be seen to lose, or it proves nothing. */
export const hastyLog: DurableSubject = {
  name: "append log that does not sync (control)",
  writer: (folder) => [script("append-log-run.mjs"), "hasty", folder],
  check: lastOf,
};

/** Nothing that these acknowledge may be lost. */
export const durableSubjects: readonly DurableSubject[] = [safeLog];
