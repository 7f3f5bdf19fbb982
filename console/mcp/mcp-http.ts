/**
 * MCP clients over HTTP, at `/mcp` of the HTTP face, which has checked Host, Origin, rate and token of each request.
 *
 *     POST without a session   initialize   ──▶ a new session, its id in the header mcp-session-id
 *     POST, GET with its id    call, listen ──▶ that session; 404 when it has ended, and the client begins anew
 *     DELETE with its id       end
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Mesh } from "../../runtime/api/mesh-api.ts";
import type { Command, CommandWatch } from "../command/command.ts";
import { localLine, type MeshLine } from "../command/line.ts";
import { HttpError, SAFE_HEADERS } from "../http/http-answer.ts";
import type { HttpCommands } from "../http/http-commands.ts";
import { addressOf } from "../http/visitor.ts";
import { loadMcpSdk, type McpHttpEnd, type McpSdk } from "./mcp-sdk.ts";
import { McpSession } from "./mcp-session.ts";

/** Sessions at once; for one more, that which has been idle longest ends. */
export const MAX_MCP_SESSIONS = 32;
/** A session without a request under way or a stream open for so long ends, ms. */
export const MCP_IDLE_MS: number = 30 * 60_000;
/** How often that is looked at, besides at every request, ms. */
const SWEEP_MS = 60_000;

const SESSION_HEADER = "mcp-session-id";

/** What {@link McpHttp} needs. */
export interface McpHttpOptions {
  readonly commands: readonly Command[];
  /** Runs the commands, within the bounds of all that come over HTTP. */
  readonly runner: HttpCommands;
  /** Milliseconds, monotonic. */
  readonly nowMs: () => number;
  /**
   * Whoever has the token, from that address, at the moment of a call: what it opens may have changed since a session
   * began.
   */
  readonly watch?: (from: string) => CommandWatch;
}

interface Open {
  readonly end: McpHttpEnd;
  /** Answers that are being written, streams included. */
  underWay: number;
  lastMs: number;
  /** Address of whoever asked last: nothing keeps a session to the place where it began. */
  from: string;
}

/** The sessions of all MCP clients of a server. */
export class McpHttp {
  readonly #options: McpHttpOptions;
  /** Sessions that have begun. */
  readonly #open = new Set<Open>();
  #sdk: Promise<McpSdk> | undefined;
  #sweeping: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: McpHttpOptions) {
    this.#options = options;
  }

  /** Answers a request; HttpError when no session can take it, CONSOLE_NO_MCP without the library. */
  async answer(request: IncomingMessage, response: ServerResponse, mesh: Mesh): Promise<void> {
    this.#sdk ??= loadMcpSdk();
    const sdk = await this.#sdk;
    this.#sweep();
    const given = request.headers[SESSION_HEADER];
    const open = given === undefined ? await this.#begin(sdk, request, mesh) : this.#known(given);
    open.from = addressOf(request);
    open.underWay++;
    response.once("close", () => {
      open.underWay--;
      open.lastMs = this.#options.nowMs();
    });
    for (const [name, value] of Object.entries(SAFE_HEADERS)) response.setHeader(name, value);
    await open.end.answer(request, response);
    // To what did not begin as it should nobody could come back.
    if (!this.#open.has(open)) await open.end.close();
  }

  /** Ends all sessions, and what their clients have under way. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#sweeping);
    for (const { end } of this.#open) void end.close();
  }

  #known(id: string | string[]): Open {
    for (const open of this.#open) if (open.end.id === id) return open;
    const sentence = `${SESSION_HEADER}: no such session, or it has ended: begin another one`;
    throw new HttpError(404, "CONSOLE_NO_SESSION", sentence, SESSION_HEADER);
  }

  async #begin(sdk: McpSdk, request: IncomingMessage, mesh: Mesh): Promise<Open> {
    if (request.method !== "POST") {
      const sentence = `${SESSION_HEADER}: expected the id of a session, got none`;
      throw new HttpError(400, "CONSOLE_NO_SESSION", sentence, SESSION_HEADER);
    }
    this.#expectRoom();
    const { commands, nowMs } = this.#options;
    const session = new McpSession({
      line: this.#lineTo(mesh, () => open.from),
      commands,
      nowMs,
    });
    const end = await sdk.serveHttp(session, () => this.#keep(open));
    const open: Open = { end, underWay: 0, lastMs: nowMs(), from: addressOf(request) };
    return open;
  }

  /** Keeps a session that its client has initialized. */
  #keep(open: Open): void {
    if (this.#isClosed) throw new HttpError(503, "CONSOLE_STOPPING", "the mesh stops");
    const idlest = this.#expectRoom();
    if (idlest !== undefined) this.#end(idlest);
    this.#open.add(open);
    void open.end.closed.then(() => this.#open.delete(open));
    this.#sweeping ??= setInterval(() => this.#sweep(), SWEEP_MS).unref();
  }

  /** Whom one more session would put out; nobody while there is room. HttpError when all are at work. */
  #expectRoom(): Open | undefined {
    if (this.#open.size < MAX_MCP_SESSIONS) return undefined;
    let idlest: Open | undefined;
    for (const open of this.#open) {
      if (open.underWay > 0) continue;
      if (idlest === undefined || open.lastMs < idlest.lastMs) idlest = open;
    }
    if (idlest !== undefined) return idlest;
    const busy = `${MAX_MCP_SESSIONS} MCP clients are at work, and no more are taken`;
    throw new HttpError(503, "CONSOLE_BUSY", busy, undefined, { "retry-after": "5" });
  }

  #sweep(): void {
    const beforeMs = this.#options.nowMs() - MCP_IDLE_MS;
    for (const open of this.#open)
      if (open.underWay === 0 && open.lastMs <= beforeMs) this.#end(open);
  }

  #end(open: Open): void {
    this.#open.delete(open);
    void open.end.close();
  }

  #lineTo(mesh: Mesh, from: () => string): MeshLine {
    const { commands, runner, watch } = this.#options;
    const line = localLine(mesh, commands);
    const call: MeshLine["call"] = async (command, args, signal, onProgress) =>
      runner.run(mesh, command, args, signal, onProgress, watch?.(from()));
    return { ...line, call };
  }
}
