// A node in a process of its own, that a test talks to and can end as a crash does.
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";

interface Reply {
  readonly id?: number;
  readonly ready?: boolean;
  readonly value?: unknown;
  readonly error?: string;
}

export class NodeProcess {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  readonly ready: Promise<void>;
  readonly exited: Promise<number | null>;
  #id = 0;

  /** `more` are options of the mesh that are not those of `node-process.mjs`. */
  constructor(name: string, join: string, more: object = {}) {
    const path = fileURLToPath(new URL("./node-process.mjs", import.meta.url));
    this.#process = fork(path, [name, join, JSON.stringify(more)], {
      serialization: "advanced",
      silent: true,
    });
    let said = "";
    this.#process.stderr?.on("data", (bytes) => {
      said = `${said}${bytes}`.slice(-2_000);
    });
    this.exited = new Promise((resolve) => this.#process.once("exit", resolve));
    this.ready = new Promise((resolve, reject) => {
      this.#process.on("message", (reply: Reply) => {
        if (reply.ready === true) resolve();
        else if (reply.id !== undefined) this.#waiting.get(reply.id)?.(reply);
      });
      this.exited.then((code) => reject(new Error(`node ${name} ended with ${code}: ${said}`)));
    });
    this.ready.catch(() => {});
  }

  do<T>(deed: string, ...words: unknown[]): Promise<T> {
    const id = ++this.#id;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ value, error }) => {
        this.#waiting.delete(id);
        if (error === undefined) resolve(value as T);
        else reject(new Error(error));
      });
      this.#process.send({ id, deed, words });
    });
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.exited;
  }
}
