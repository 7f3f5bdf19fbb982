import { Worker } from "node:worker_threads";
import { MeshError } from "../../actors/errors.ts";
import { type ConflictLog, LOG_VERBS } from "../api/conflict-log.ts";
import { sourceLoader } from "../machine/source-loader.ts";

/** What the log's thread is given. */
export interface LogTask {
  readonly dataDir: string;
}

/** A call of the log, on its way to its thread. */
export interface LogRequest {
  readonly id: number;
  readonly verb: keyof ConflictLog;
  readonly args: readonly unknown[];
}

/** What came of it; 0 is the opening. */
export interface LogAnswer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: { readonly code: string; readonly sentence: string };
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/**
 * Opens the log of conflicts of a data folder on a thread of its own, so that no disk ever holds the mesh up. Rejects
 * as `SqliteLog` does. When that thread dies, what it was asked rejects with MESH_CONFLICT_LOG, and what is asked
 * next begins another.
 */
export async function openLog(dataDir: string): Promise<ConflictLog> {
  let client = new LogClient(dataDir);
  await client.opened;
  const log: Record<string, unknown> = {};
  for (const verb of LOG_VERBS) {
    log[verb] = async (...args: unknown[]): Promise<unknown> => {
      if (client.isGone && verb !== "close") {
        client = new LogClient(dataDir);
        await client.opened;
      }
      return client.call(verb, args);
    };
  }
  return log as unknown as ConflictLog;
}

class LogClient {
  readonly opened: Promise<unknown>;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #gone: Error | undefined;

  constructor(dataDir: string) {
    const isSource = import.meta.url.endsWith(".ts");
    const url = new URL(isSource ? "./log-thread.ts" : "./log-thread.js", import.meta.url);
    const workerData: LogTask = { dataDir };
    this.#worker = new Worker(url, { workerData, execArgv: isSource ? sourceLoader() : [] });
    // What is waited for keeps the process, not the thread as such.
    this.#worker.unref();
    this.#worker.on("message", (answer: LogAnswer) => this.#onAnswer(answer));
    this.#worker.on("error", (error) => this.#onEnd(error));
    this.#worker.on("exit", () => this.#onEnd(new Error("its thread has ended")));
    this.opened = this.#answerTo(0);
  }

  get isGone(): boolean {
    return this.#gone !== undefined;
  }

  async call(verb: keyof ConflictLog, args: readonly unknown[]): Promise<unknown> {
    if (this.#gone !== undefined) {
      if (verb === "close") return undefined;
      throw this.#gone;
    }
    const id = ++this.#lastId;
    const answer = this.#answerTo(id);
    this.#worker.postMessage({ id, verb, args } satisfies LogRequest);
    return answer;
  }

  #answerTo(id: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.size === 0) this.#worker.ref();
      this.#waiting.set(id, { resolve, reject });
    });
  }

  #onAnswer({ id, value, error }: LogAnswer): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#worker.unref();
    if (error === undefined) waiting.resolve(value);
    else waiting.reject(new MeshError(error.code, error.sentence));
  }

  #onEnd(cause: unknown): void {
    this.#gone ??= new MeshError(
      "MESH_CONFLICT_LOG",
      `the log of conflicts cannot be reached: ${(cause as Error).message}`,
      { cause },
    );
    for (const { reject } of this.#waiting.values()) reject(this.#gone);
    this.#waiting.clear();
  }
}
