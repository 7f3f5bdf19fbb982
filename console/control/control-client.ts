/** The other end of the control socket: a line to a mesh in another process. */
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import type { MeshLine, Size } from "../command/line.ts";
import { pidPath, socketPath } from "../command/socket-path.ts";
import type { Role } from "../operator/role.ts";
import { ConsoleError, NoMeshError, RemoteError } from "../terminal/exit.ts";
import { LineReader } from "../terminal/lines.ts";
import {
  type Hello,
  MAX_RESPONSE_BYTES,
  PROTOCOL,
  type Request,
  type Response,
} from "./protocol.ts";

/** A mesh greets at once, even while its shards hang; one that does not has stopped its main thread. */
const HELLO_MS = 5_000;

interface Pending {
  readonly onData: (data: unknown) => void;
  readonly onFailure: (error: unknown) => void;
  readonly onProgress?: (progress: string) => void;
}

/** A line over a unix socket. */
export class ControlClient implements MeshLine {
  readonly #socket: Socket;
  readonly #gone = new AbortController();
  readonly #pending = new Map<number, Pending>();
  #hello: Hello | undefined;
  #nextId = 1;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Connects to the mesh of a data folder; NoMeshError when none listens there. */
  static async connect(
    data: string,
    env: Readonly<Record<string, string | undefined>>,
  ): Promise<ControlClient> {
    const path = socketPath(data, env);
    const socket = connect(path);
    const client = new ControlClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", (error: NodeJS.ErrnoException) =>
        reject(unreachable(error, data, path)),
      );
    });
    await client.#greeting(data);
    return client;
  }

  /** Says by which face commands come, and gives up, for good, what goes beyond a role. */
  narrow(face: "socket" | "mcp", role?: Role): void {
    this.#send({ as: { face, ...(role !== undefined && { role }) } });
  }

  get size(): Size {
    return this.#greeted().size;
  }

  get pid(): number {
    return this.#greeted().pid;
  }

  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  call(
    command: string,
    args: Record<string, unknown>,
    signal?: AbortSignal,
    onProgress?: (progress: string) => void,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const id = this.#nextId++;
      const onAbort = (): void => {
        this.#pending.delete(id);
        this.#send({ cancel: id });
        reject(signal?.reason);
      };
      const settle = <T>(done: (outcome: T) => void): ((outcome: T) => void) => {
        return (outcome) => {
          this.#pending.delete(id);
          signal?.removeEventListener("abort", onAbort);
          done(outcome);
        };
      };
      this.#pending.set(id, {
        onData: settle(resolve),
        onFailure: settle(reject),
        ...(onProgress && { onProgress }),
      });
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#send({ id, command, arguments: args, ...(onProgress && { progress: true }) });
    });
  }

  watch(
    command: string,
    args: Record<string, unknown>,
    everyMs: number,
    onData: (data: unknown) => void,
    onFailure: (error: unknown) => void,
  ): () => void {
    const id = this.#nextId++;
    this.#pending.set(id, { onData, onFailure });
    this.#send({ id, command, arguments: args, everyMs });
    return () => {
      if (this.#pending.delete(id)) this.#send({ cancel: id });
    };
  }

  close(): void {
    this.#socket.end();
    // Whether the other end closes too is not worth waiting for.
    this.#socket.unref();
  }

  #greeted(): Hello {
    if (this.#hello === undefined) throw new ConsoleError("CONSOLE_SOCKET", "not connected yet");
    return this.#hello;
  }

  async #greeting(data: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(
          new ConsoleError(
            "CONSOLE_SILENT",
            `the mesh in ${data} (process ${writtenPid(data)}) holds its control socket but does not answer`,
          ),
        );
        this.#socket.destroy();
      }, HELLO_MS);
      const onGone = (): void => reject(this.#gone.signal.reason);
      const done = (): void => {
        clearTimeout(timer);
        this.#gone.signal.removeEventListener("abort", onGone);
      };
      this.#gone.signal.addEventListener("abort", onGone);
      this.#listen((problem) => {
        done();
        if (problem === undefined) resolve();
        else reject(problem);
      });
      this.#socket.once("close", done);
    });
  }

  #listen(onHello: (problem?: Error) => void): void {
    const tooLong = `the mesh sent a line longer than ${MAX_RESPONSE_BYTES} bytes`;
    const lines = new LineReader(
      MAX_RESPONSE_BYTES,
      (line) => this.#onResponse(JSON.parse(line) as Response, onHello),
      () => this.#lose(new ConsoleError("CONSOLE_SOCKET", tooLong)),
    );
    this.#socket.on("data", (chunk) => lines.push(chunk));
    this.#socket.on("error", () => this.#socket.destroy());
    this.#socket.on("close", () =>
      this.#lose(new NoMeshError("the mesh has closed the connection: it has stopped or died")),
    );
  }

  #onResponse(response: Response, onHello: (problem?: Error) => void): void {
    if ("hello" in response) {
      this.#hello = response.hello;
      const { protocol, version } = response.hello;
      const fits = protocol === PROTOCOL;
      const sentence =
        `the mesh is version ${version} and speaks another control protocol ` +
        `(${protocol}, expected ${PROTOCOL})`;
      onHello(fits ? undefined : new ConsoleError("CONSOLE_PROTOCOL", sentence));
    } else if ("error" in response) {
      const error = new RemoteError(response.error.code, response.error.message);
      const pending = response.id === null ? undefined : this.#pending.get(response.id);
      if (response.id !== null) this.#pending.delete(response.id);
      if (pending !== undefined) pending.onFailure(error);
      else if (response.id === null) this.#lose(error);
    } else if ("progress" in response) {
      this.#pending.get(response.id)?.onProgress?.(response.progress);
    } else {
      this.#pending.get(response.id)?.onData(response.data);
    }
  }

  #lose(reason: Error): void {
    if (this.#gone.signal.aborted) return;
    this.#gone.abort(reason);
    this.#socket.destroy();
    for (const pending of [...this.#pending.values()]) pending.onFailure(reason);
    this.#pending.clear();
  }

  #send(request: Request): void {
    if (this.#gone.signal.aborted) {
      const id = "id" in request ? request.id : undefined;
      const pending = id === undefined ? undefined : this.#pending.get(id);
      if (id !== undefined) this.#pending.delete(id);
      pending?.onFailure(this.#gone.signal.reason);
      return;
    }
    this.#socket.write(`${JSON.stringify(request)}\n`);
  }
}

function unreachable(error: NodeJS.ErrnoException, data: string, path: string): Error {
  const advice = "start one with `mesh-30k start`, or name its folder with --data";
  if (error.code === "ENOENT" || error.code === "ENOTDIR") {
    return new NoMeshError(`no mesh is running in ${data}: ${advice}`);
  }
  if (error.code === "ECONNREFUSED") {
    return new NoMeshError(`the mesh that ran in ${data} has died: ${advice}`);
  }
  return new ConsoleError("CONSOLE_SOCKET", `control socket ${path}: ${error.message}`);
}

/** The process that a silent mesh has written down, for the person who must look after it. */
function writtenPid(data: string): string {
  try {
    return readFileSync(pidPath(data), "utf8").trim();
  } catch {
    return "unknown";
  }
}
