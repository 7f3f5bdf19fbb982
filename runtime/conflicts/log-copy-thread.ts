/** The thread that copies the log of conflicts and looks through the copy. See `log-copier.ts`. */
import { closeSync, copyFileSync, existsSync, openSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { openSqlite } from "../machine/sqlite.ts";
import type { CopyAnswer, CopyTask } from "./log-copier.ts";
import { logFiles, SqliteLog } from "./sqlite-log.ts";

const { dataDir, into } = workerData as CopyTask;

function copy(): CopyAnswer {
  const from = logFiles(dataDir);
  const to = logFiles(into);
  // The anchor first: a log may be longer than its anchor says, never shorter.
  if (existsSync(from.anchor)) copyFileSync(from.anchor, to.anchor);
  // Not by SQLite, which would let everybody on this machine read it.
  closeSync(openSync(to.log, "wx", 0o600));
  const db = openSqlite(from.log, { readOnly: true });
  try {
    db.exec("PRAGMA busy_timeout = 5000");
    db.prepare("VACUUM INTO ?").run(to.log);
  } finally {
    db.close();
  }
  const copied = new SqliteLog(into, { toRead: true });
  try {
    const { ok, entries, fault } = copied.verify();
    return ok ? { entries } : { fault: String(fault) };
  } finally {
    copied.close();
  }
}

function spoken(): CopyAnswer {
  try {
    return copy();
  } catch (error) {
    return { fault: (error as Error).message };
  }
}

parentPort?.postMessage(spoken());
