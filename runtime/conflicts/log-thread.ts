/**
 * The thread that owns the log of conflicts: it waits for disks and servers so that nobody else has to. See
 * `log-client.ts`.
 */
import { parentPort, workerData } from "node:worker_threads";
import { type ConflictLog, LOG_VERBS, promised } from "../api/conflict-log.ts";
import type { LogAnswer, LogError, LogRequest, LogTask } from "./log-client.ts";
import { PostgresLog } from "./postgres-log.ts";
import { SqliteLog } from "./sqlite-log.ts";

const port = parentPort;
if (port === null) throw new Error("log-thread.ts runs as a worker");
const { dataDir, store } = workerData as LogTask;

/** What an error is once it has crossed threads. */
function spoken(error: unknown): LogError {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return { code: typeof code === "string" ? code : "MESH_CONFLICT_LOG", sentence: String(message) };
}

function say(answer: LogAnswer): void {
  port?.postMessage(answer);
}

async function open(): Promise<ConflictLog> {
  if (store === undefined) return promised(new SqliteLog(String(dataDir)));
  return PostgresLog.open({ store, dataDir }, (trouble) =>
    say({ id: -1, ...(trouble && { error: spoken(trouble) }) }),
  );
}

function serve(log: ConflictLog): void {
  port?.on("message", async ({ id, verb, args }: LogRequest) => {
    try {
      if (!LOG_VERBS.includes(verb)) throw new Error(`unknown request ${verb}`);
      const act = log[verb] as (...args: readonly unknown[]) => Promise<unknown>;
      say({ id, value: await act.apply(log, [...args]) });
    } catch (error) {
      say({ id, error: spoken(error) });
    }
    if (verb === "close") port?.close();
  });
}

open().then(
  (log) => {
    serve(log);
    say({ id: 0, value: log instanceof PostgresLog ? log.node : undefined });
  },
  (error) => {
    say({ id: 0, error: spoken(error) });
    port.close();
  },
);
