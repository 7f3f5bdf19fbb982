// What is cut from its power and killed: each writes, and says what is safe.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SqliteLog } from "../runtime/conflicts/sqlite-log.ts";
import { readCut } from "../runtime/freeze/cut-file.ts";
import { journal } from "./durable-kills.ts";
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

function missingNumbers(folder: string, acked: readonly string[]): number {
  const last = lastOf(folder);
  return acked.filter((line) => Number(line) > last).length;
}

/** Syncs before it acknowledges: nothing may be lost. */
export const safeLog: DurableSubject = {
  name: "append log that syncs (yardstick)",
  writer: (folder) => [script("append-log-run.mjs"), "safe", folder],
  missing: missingNumbers,
};

/** Does not: the cut must be seen to lose, or it proves nothing. */
export const hastyLog: DurableSubject = {
  name: "append log that does not sync (control)",
  writer: (folder) => [script("append-log-run.mjs"), "hasty", folder],
  missing: missingNumbers,
};

/** Each conflict that is told as recorded is in the log, and its chain verifies. */
const conflictLog: DurableSubject = {
  name: "conflict log",
  writer: (folder) => [script("conflict-teller.mjs"), folder],
  missing: (folder, acked) => {
    const log = new SqliteLog(folder, { toRead: true });
    try {
      const verification = log.verify();
      if (!verification.ok) throw new Error(`the chain does not verify: ${verification.fault}`);
      const there = new Set(log.list({ limit: 1e9 }).map(({ record }) => record.conflictId));
      return acked.filter((id) => !there.has(id)).length;
    } finally {
      log.close();
    }
  },
};

/** One file, written anew by each freeze: the last that was told of or a later one, and whole. */
const freezeFile: DurableSubject = {
  name: "freeze file, written over and over",
  writer: (folder) => [script("freeze-run.mjs"), folder],
  missing: async (folder, acked) => {
    const { takenMs } = await readCut(join(folder, "cut.mesh"));
    return acked.filter((line) => Number(line) > takenMs).length;
  },
};

/** Nothing that these acknowledge may be lost. */
export const durableSubjects: readonly DurableSubject[] = [
  safeLog,
  conflictLog,
  freezeFile,
  journal,
];
