import { type Transferable, Worker } from "node:worker_threads";

/** Tests and `tsx` run the source, everyone else the build; a worker runs what its starter runs. */
const SOURCE = import.meta.url.endsWith(".ts");

/** URL of a file of this folder, named without its ending. */
export function moduleUrl(name: string): URL {
  return new URL(`./${name}.${SOURCE ? "ts" : "js"}`, import.meta.url);
}

/**
 * `process.execArgv` for a process or thread that loads such a file. `--import tsx` by itself leaves worker
 * threads without its loader on Node 20; registering it by hand does not.
 */
export function moduleExecArgv(): string[] {
  if (!SOURCE) return [];
  const loader = JSON.stringify(import.meta.resolve("tsx/esm/api"));
  return ["--import", `data:text/javascript,import { register } from ${loader}; register();`];
}

/** A worker thread of a bench; it ends with the block that holds it. */
export class Thread implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #failed: Promise<never>;

  constructor(name: string, data: unknown, transfer: readonly Transferable[] = []) {
    this.#worker = new Worker(moduleUrl(name), {
      workerData: data,
      transferList: [...transfer],
      ...(SOURCE ? { execArgv: moduleExecArgv() } : {}),
    });
    this.#failed = new Promise((_, reject) => {
      this.#worker.once("error", reject);
      this.#worker.once("exit", (code) => reject(new Error(`${name} ended with ${code}`)));
    });
    // Its end is an error only for those who wait for an answer.
    this.#failed.catch(() => {});
  }

  /** The next message of the worker; rejects when it ends first. */
  answer<T>(): Promise<T> {
    const message = new Promise<T>((resolve) => this.#worker.once("message", resolve));
    return Promise.race([message, this.#failed]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}

/** Milliseconds on the clock that all threads of this process share. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}
