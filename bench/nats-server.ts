import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const START_MS = 10_000;
const LOOK_MS = 20;

/** The program: `NATS_SERVER`, or the one on the PATH or where Debian puts it; an error that says how to get it. */
export function natsProgram(): string {
  for (const name of [process.env.NATS_SERVER, "nats-server", "/usr/sbin/nats-server"])
    if (name && spawnSync(name, ["--version"]).status === 0) return name;
  throw new Error("no nats-server: apt-get install nats-server, or set NATS_SERVER");
}

/** A port of this machine that nobody has at this moment. */
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

/** Whether somebody speaks first at that port of this machine, as a NATS server does. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", () => resolve(false));
    socket.once("data", () => {
      socket.destroy();
      resolve(true);
    });
  });
}

/** A NATS server with JetStream on a free port of this machine, with its data in a folder of its own. */
export class NatsServer implements AsyncDisposable {
  readonly url: string;
  readonly folder: string;
  readonly port: number;
  #process: ChildProcess | undefined;

  private constructor(port: number) {
    this.port = port;
    this.url = `nats://127.0.0.1:${port}`;
    this.folder = mkdtempSync(join(tmpdir(), "mesh-nats-"));
  }

  /** One that answers; an error says how to get the program where it is missing. */
  static async start(): Promise<NatsServer> {
    const server = new NatsServer(await freePort());
    await server.start();
    return server;
  }

  /** Starts it again where it was. */
  async start(): Promise<void> {
    const options = ["-js", "-sd", this.folder, "-a", "127.0.0.1", "-p", String(this.port)];
    this.#process = spawn(natsProgram(), options, { stdio: "ignore" });
    const endMs = performance.now() + START_MS;
    while (!(await answers(this.port))) {
      if (performance.now() > endMs)
        throw new Error(`nats-server did not answer within ${START_MS} ms`);
      await pause(LOOK_MS);
    }
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

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
