/** What a mesh that no longer runs has left in its data folder: its conflicts can be read without it. */
import { existsSync } from "node:fs";
import { type ConflictLog, promised } from "../../runtime/api/conflict-log.ts";
import { PostgresLog } from "../../runtime/conflicts/postgres-log.ts";
import { logFiles, SqliteLog } from "../../runtime/conflicts/sqlite-log.ts";
import { readStore, type StorePlan } from "../../runtime/plan/store-plan.ts";
import { ConsoleError, EXIT } from "../terminal/exit.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the log of conflicts of a data folder, or of the store that MESH_STORE names; nothing is changed there. */
export async function readLog<T>(
  dataDir: string,
  env: Environment,
  read: (log: ConflictLog) => Promise<T>,
): Promise<T> {
  const store = storeOf(env);
  if (store !== undefined) {
    const log = await PostgresLog.openToRead({ store, dataDir });
    try {
      return await read(log);
    } finally {
      await log.close();
    }
  }
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

function storeOf(env: Environment): StorePlan | undefined {
  const { MESH_STORE: url, MESH_STORE_NODE: node } = env;
  return url ? readStore({ url, ...(node && { node }) }, env) : undefined;
}
