// A NATS server of its own for a test, on a free port of this machine, with its data in a folder of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "./mesh.ts";

/** A port that nobody has at this moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

export class NatsServer {
  readonly port: number;
  readonly folder: string;
  #process: ChildProcess | undefined;

  constructor(port: number) {
    this.port = port;
    this.folder = mkdtempSync(join(tmpdir(), "mesh-nats-"));
  }

  static async start(): Promise<NatsServer> {
    const server = new NatsServer(await freePort());
    await server.start();
    return server;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const options = ["-js", "-sd", this.folder, "-a", "127.0.0.1", "-p", String(this.port)];
    const server = spawn("nats-server", options, { stdio: "ignore" });
    let failed: Error | undefined;
    server.on("error", (error) => {
      failed = new Error(`nats-server: ${error.message} (apt-get install nats-server)`);
    });
    this.#process = server;
    await until("the NATS server answers", async () => {
      if (failed !== undefined) throw failed;
      return await this.#answers();
    });
  }

  #answers(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.port, "127.0.0.1");
      socket.on("error", () => resolve(false));
      socket.on("data", () => {
        socket.destroy();
        resolve(true);
      });
    });
  }

  /** Ends it as a crash does; with `forget` its data is gone too. */
  async kill(forget = false): Promise<void> {
    const server = this.#process;
    this.#process = undefined;
    if (server === undefined) return;
    const ended = new Promise((resolve) => server.once("exit", resolve));
    server.kill("SIGKILL");
    await ended;
    if (forget) rmSync(join(this.folder, "jetstream"), { recursive: true, force: true });
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
