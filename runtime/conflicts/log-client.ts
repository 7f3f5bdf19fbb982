import { Worker } from "node:worker_threads";
import { MeshError } from "../../actors/errors.ts";
import { type ConflictLog, LOG_VERBS } from "../api/conflict-log.ts";
import { sourceLoader } from "../machine/source-loader.ts";
import type { StorePlan } from "../plan/store-plan.ts";

/** What the log's thread is given: a folder, or a store and the folder of what this node keeps of it. */
export interface LogTask {
  readonly dataDir: string | undefined;
  readonly store?: StorePlan | undefined;
}

/** A call of the log, on its way to its thread. */
export interface LogRequest {
  readonly id: number;
  readonly verb: keyof ConflictLog;
  readonly args: readonly unknown[];
}

/** An error that has crossed threads. */
export interface LogError {
  readonly code: string;
  readonly sentence: string;
}

/** What came of it; 0 is the opening, with the name of the node, −1 whether the store can be reached. */
export interface LogAnswer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: LogError;
}

/** What a log's thread tells unasked. */
export interface LogListener {
  /** The log is open, by this name where several share a store. */
  onNode(node: string): void;
  /** The store cannot be reached, or, without a sentence, can be again. */
  onLink(trouble: string | undefined): void;
}

const NOBODY: LogListener = { onNode: () => {}, onLink: () => {} };

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/**
 * Opens the log of conflicts of a data folder or a store on a thread of its own, so that no disk and no server ever
 * holds the mesh up. Rejects as `SqliteLog` and `PostgresLog.open` do. When that thread dies, what it was asked rejects
 * with MESH_CONFLICT_LOG, and what is asked next begins another.
 */
export async function openLog(task: LogTask, listener: LogListener = NOBODY): Promise<ConflictLog> {
  let client = new LogClient(task, listener);
  await client.opened;
  const log: Record<string, unknown> = {};
  for (const verb of LOG_VERBS) {
    log[verb] = async (...args: unknown[]): Promise<unknown> => {
      if (client.isGone && verb !== "close") {
        client = new LogClient(task, listener);
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

  readonly #listener: LogListener;

  constructor(workerData: LogTask, listener: LogListener) {
    this.#listener = listener;
    const isSource = import.meta.url.endsWith(".ts");
    const url = new URL(isSource ? "./log-thread.ts" : "./log-thread.js", import.meta.url);
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
    if (id < 0) {
      this.#listener.onLink(error?.sentence);
      return;
    }
    if (id === 0 && typeof value === "string") this.#listener.onNode(value);
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
