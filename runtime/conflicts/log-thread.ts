/** The thread that owns the log of conflicts: it waits for disks so that nobody else has to. See `log-client.ts`. */
import { parentPort, workerData } from "node:worker_threads";
import { LOG_VERBS } from "../api/conflict-log.ts";
import type { LogAnswer, LogRequest, LogTask } from "./log-client.ts";
import { SqliteLog } from "./sqlite-log.ts";

const port = parentPort;
if (port === null) throw new Error("log-thread.ts runs as a worker");
const { dataDir } = workerData as LogTask;

/** What an error is once it has crossed threads. */
function spoken(error: unknown): { readonly code: string; readonly sentence: string } {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return { code: typeof code === "string" ? code : "MESH_CONFLICT_LOG", sentence: String(message) };
}

function begin(): SqliteLog | undefined {
  try {
    const log = new SqliteLog(dataDir);
    port?.postMessage({ id: 0, value: undefined } satisfies LogAnswer);
    return log;
  } catch (error) {
    port?.postMessage({ id: 0, error: spoken(error) } satisfies LogAnswer);
    return undefined;
  }
}

const log = begin();
if (log === undefined) port.close();
else {
  port.on("message", ({ id, verb, args }: LogRequest) => {
    try {
      if (!LOG_VERBS.includes(verb)) throw new Error(`unknown request ${verb}`);
      const value = (log[verb] as (...args: readonly unknown[]) => unknown)(...args);
      port.postMessage({ id, value } satisfies LogAnswer);
    } catch (error) {
      port.postMessage({ id, error: spoken(error) } satisfies LogAnswer);
    }
    if (verb === "close") port.close();
  });
}
