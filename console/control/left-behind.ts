/** What a mesh that no longer runs has left in its data folder: its conflicts can be read without it. */
import { existsSync } from "node:fs";
import { type ConflictLog, promised } from "../../runtime/api/conflict-log.ts";
import { logFiles, SqliteLog } from "../../runtime/conflicts/sqlite-log.ts";
import { ConsoleError, EXIT } from "../terminal/exit.ts";

/** Reads the log of conflicts of a data folder; nothing is changed there. */
export async function readLog<T>(
  dataDir: string,
  read: (log: ConflictLog) => Promise<T>,
): Promise<T> {
  const { log } = logFiles(dataDir);
  if (!existsSync(log)) {
    const sentence = `no mesh runs on ${dataDir}, and none has left a log of conflicts there`;
    throw new ConsoleError("CONSOLE_NO_LOG", sentence, EXIT.unavailable);
  }
  const file = new SqliteLog(dataDir, { toRead: true });
  try {
    return await read(promised(file));
  } finally {
    file.close();
  }
}
