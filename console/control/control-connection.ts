/** One console at the control socket: what it asked, and what it has been told. */
import type { Socket } from "node:net";
import type { Mesh } from "../../runtime/api/mesh-api.ts";
import type { Command } from "../command/command.ts";
import { repeat, runOnMesh } from "../command/line.ts";
import type { Gate } from "../operator/gate.ts";
import { type Caller, includes, ownerOf, RefusedError } from "../operator/role.ts";
import { codeOf, sentenceOf } from "../terminal/exit.ts";
import { LineReader } from "../terminal/lines.ts";
import {
  type AsRequest,
  type CallRequest,
  type Hello,
  MAX_REQUEST_BYTES,
  PROTOCOL,
  type Response,
  readRequest,
} from "./protocol.ts";

/** Requests of one console that may be under way at once. */
const MAX_UNDER_WAY = 64;
/** Answers that may wait for a console that does not read them. */
const MAX_UNREAD_BYTES = 64 * 1_048_576;
/** Time that a console has to read what it was still told. */
const LAST_WORDS_MS = 500;

/** Serves one socket until it closes. */
export class ControlConnection {
  readonly #socket: Socket;
  readonly #commands: readonly Command[];
  readonly #mesh: Promise<Mesh>;
  readonly #gate: Gate | undefined;
  #caller: Caller;
  /** How to end what is under way, by request id. */
  readonly #underWay = new Map<number, () => void>();

  constructor(socket: Socket, commands: readonly Command[], mesh: Promise<Mesh>, gate?: Gate) {
    this.#socket = socket;
    this.#commands = commands;
    this.#mesh = mesh;
    this.#gate = gate;
    this.#caller = ownerOf("socket", gate?.options.socketRole);
    const lines = new LineReader(
      MAX_REQUEST_BYTES,
      (line) => this.#onLine(line),
      () => this.#refuse(`a request is longer than ${MAX_REQUEST_BYTES} bytes`),
    );
    socket.on("data", (chunk) => lines.push(chunk));
    // A console that vanishes is no failure of the mesh.
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      lines.close();
      this.#endAll();
    });
  }

  /** Says who answers here. */
  hello(who: Omit<Hello, "protocol">): void {
    this.#send({ hello: { protocol: PROTOCOL, ...who } });
  }

  /** Ends everything under way and closes the socket. */
  close(): void {
    this.#endAll();
    this.#socket.end();
    // Someone who never reads must not keep a stopping mesh waiting.
    setTimeout(() => this.#socket.destroy(), LAST_WORDS_MS).unref();
  }

  #onLine(line: string): void {
    const request = readRequest(line);
    if (typeof request === "string") this.#fail(null, "CONSOLE_REQUEST", request);
    else if ("cancel" in request) this.#end(request.cancel);
    else if ("as" in request) this.#become(request);
    else this.#take(request);
  }

  #become({ as: { face, role = this.#caller.role } }: AsRequest): void {
    if (includes(this.#caller.role, role)) {
      this.#caller = ownerOf(face, role);
      return;
    }
    const { who, role: has } = this.#caller;
    const sentence = `as: expected at most the role ${has}, which ${who} has here, got ${role}`;
    const error = new RefusedError("role", "CONSOLE_FORBIDDEN", sentence);
    this.#gate?.refuse(error, { what: "as", who, role: has, face });
    this.#fail(null, error.code, error.message);
  }

  #take(request: CallRequest): void {
    const { id } = request;
    if (this.#underWay.has(id)) {
      this.#fail(id, "CONSOLE_REQUEST", `a request with the id ${id} is already under way`);
    } else if (this.#underWay.size >= MAX_UNDER_WAY) {
      this.#fail(
        id,
        "CONSOLE_BUSY",
        `${MAX_UNDER_WAY} requests are under way, and no more are taken`,
      );
    } else if (request.everyMs === undefined) void this.#call(request);
    else this.#watch(request, request.everyMs);
  }

  async #call(request: CallRequest): Promise<void> {
    const { id } = request;
    const abort = new AbortController();
    this.#underWay.set(id, () => abort.abort(new Error("cancelled")));
    try {
      // A slow reader misses progress instead of piling it up; after the answer there is none.
      const tell = (progress: string): void => {
        if (this.#underWay.has(id) && !this.#socket.writableNeedDrain) this.#send({ id, progress });
      };
      const data = await this.#run(request, abort.signal, request.progress ? tell : undefined);
      this.#send({ id, data });
    } catch (error) {
      this.#fail(id, codeOf(error), sentenceOf(error));
    } finally {
      this.#underWay.delete(id);
    }
  }

  #watch(request: CallRequest, everyMs: number): void {
    const { id } = request;
    const abort = new AbortController();
    const stop = repeat(
      () => this.#run(request, abort.signal),
      everyMs,
      (data) => {
        // A slow reader misses pictures instead of piling them up.
        if (!this.#socket.writableNeedDrain) this.#send({ id, data, more: true });
      },
      (error) => {
        this.#underWay.delete(id);
        this.#fail(id, codeOf(error), sentenceOf(error));
      },
    );
    this.#underWay.set(id, () => {
      stop();
      abort.abort(new Error("cancelled"));
    });
  }

  async #run(
    { command, arguments: args, everyMs }: CallRequest,
    signal: AbortSignal,
    tell?: (progress: string) => void,
  ): Promise<unknown> {
    const mesh = await this.#mesh;
    const gate = this.#gate;
    const watch = gate && { gate, caller: this.#caller, isWatch: everyMs !== undefined };
    return runOnMesh(this.#commands, mesh, command, args, signal, tell, watch);
  }

  #end(id: number): void {
    const end = this.#underWay.get(id);
    this.#underWay.delete(id);
    end?.();
  }

  #endAll(): void {
    for (const id of [...this.#underWay.keys()]) this.#end(id);
  }

  #fail(id: number | null, code: string, message: string): void {
    this.#send({ id, error: { code, message } });
  }

  #refuse(why: string): void {
    this.#fail(null, "CONSOLE_REQUEST", why);
    this.#socket.end();
  }

  #send(response: Response): void {
    if (!this.#socket.writable) return;
    // `data: undefined` would vanish from the line, and with it the answer.
    const line = JSON.stringify(response, (_, value) => (value === undefined ? null : value));
    this.#socket.write(`${line}\n`);
    if (this.#socket.writableLength > MAX_UNREAD_BYTES) this.#socket.destroy();
  }
}
