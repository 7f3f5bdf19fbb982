import { existsSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { MeshError } from "../../actors/errors.ts";
import { sourceLoader } from "../machine/source-loader.ts";
import { logFiles } from "./sqlite-log.ts";

/** What the copying thread is given. */
export interface CopyTask {
  readonly dataDir: string;
  readonly into: string;
}

/** What it says in the end. */
export type CopyAnswer = { readonly entries: number } | { readonly fault: string };

/**
 * Copies the log of conflicts of a data folder, with what its quarantine holds, into another folder while its mesh
 * may be writing it, and follows the whole chain of the copy. On a thread of its own, so that no disk holds the mesh
 * up. Resolves to the number of entries, or undefined when there is no log; MESH_CONFLICT_LOG when it cannot be copied
 * or is not what was recorded.
 */
export async function copyLog(dataDir: string, into: string): Promise<number | undefined> {
  if (!existsSync(logFiles(dataDir).log)) return undefined;
  const isSource = import.meta.url.endsWith(".ts");
  const url = new URL(isSource ? "./log-copy-thread.ts" : "./log-copy-thread.js", import.meta.url);
  const workerData: CopyTask = { dataDir, into };
  const worker = new Worker(url, { workerData, execArgv: isSource ? sourceLoader() : [] });
  const answer = await new Promise<CopyAnswer>((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => resolve({ fault: `its thread has ended with ${code}` }));
  });
  if ("entries" in answer) return answer.entries;
  throw new MeshError("MESH_CONFLICT_LOG", `the log of conflicts is not copied: ${answer.fault}`);
}
