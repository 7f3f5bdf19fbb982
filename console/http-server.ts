/**
 * The HTTP face of a mesh: the commands of the table, the live feed, health, metrics, MCP, and the dashboard. For
 * this machine and whoever has the token, unless somebody asks for more.
 *
 *   connection limit ─▶ Host, Origin ─▶ rate ─▶ route ─▶ token ─▶ body ─▶ command
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { TOKEN_PROTOCOL_PREFIX } from "../dashboard/wire.ts";
import type { Mesh } from "../runtime/api/mesh-api.ts";
import { systemClock } from "../runtime/machine/clock.ts";
import { argumentsSchema, type Command, type MeshCommand } from "./command/command.ts";
import { type ListenAddress, writeAddress } from "./command/listen-address.ts";
import { Assets } from "./http/assets.ts";
import { Feed, MAX_VIEWERS } from "./http/feed.ts";
import {
  errorDocument,
  HttpError,
  SAFE_HEADERS,
  sendError,
  sendJson,
  statusOf,
} from "./http/http-answer.ts";
import { MAX_TARGET_LENGTH } from "./http/http-arguments.ts";
import { HttpCommands } from "./http/http-commands.ts";
import { type GuardRules, isToken, refusalOf, tokenOf } from "./http/http-guard.ts";
import { openapiOf } from "./http/openapi.ts";
import { RequestBudget } from "./http/request-budget.ts";
import { McpHttp } from "./mcp/mcp-http.ts";
import { metricsOf } from "./reports/metrics.ts";
import { statusDocument } from "./reports/status.ts";
import { ConsoleError, sentenceOf } from "./terminal/exit.ts";
import { didYouMean } from "./terminal/nearest.ts";

/** Connections at once; one more is closed. */
const MAX_CONNECTIONS = 128;
/** Requests of one address: so many at once, and a second. */
const BURST = 400;
const PER_SECOND = 200;
/** Wrong tokens of one address. */
const WRONG_BURST = 20;
const WRONG_PER_SECOND = 1;
const CALLERS = 1_024;
/** Whoever has not sent the head of a request, or all of it, by then is closed, ms. */
const HEADERS_MS = 5_000;
const REQUEST_MS = 15_000;
const KEEP_ALIVE_MS = 5_000;
const MAX_HEADER_BYTES = 16_384;

/** What {@link HttpServer.open} needs. */
export interface HttpServerOptions {
  readonly address: ListenAddress;
  readonly token: string;
  readonly commands: readonly Command[];
  /** The mesh, once it is there: until then `/readyz` says no. */
  readonly mesh: Promise<Mesh>;
  readonly nowMs?: () => number;
}

/** A server that listens. */
export class HttpServer {
  readonly #server: Server;
  readonly #options: HttpServerOptions;
  readonly #rules: GuardRules;
  readonly #assets = new Assets();
  readonly #commands: HttpCommands;
  readonly #mcp: McpHttp;
  readonly #requests = new RequestBudget({ burst: BURST, perSecond: PER_SECOND, callers: CALLERS });
  readonly #wrong = new RequestBudget({
    burst: WRONG_BURST,
    perSecond: WRONG_PER_SECOND,
    callers: CALLERS,
  });
  readonly #nowMs: () => number;
  #mesh: Mesh | undefined;
  #feed: Feed | undefined;

  private constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => systemClock.nowMs());
    this.#rules = { host: options.address.host, token: options.token };
    const { commands } = options;
    this.#commands = new HttpCommands(commands);
    this.#mcp = new McpHttp({ commands, runner: this.#commands, nowMs: this.#nowMs });
    this.#server = createServer(
      {
        headersTimeout: HEADERS_MS,
        requestTimeout: REQUEST_MS,
        keepAliveTimeout: KEEP_ALIVE_MS,
        connectionsCheckingInterval: 1_000,
        maxHeaderSize: MAX_HEADER_BYTES,
      },
      (request, response) => void this.#onRequest(request, response),
    );
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.on("upgrade", (request, socket, head) => this.#onUpgrade(request, socket, head));
    this.#server.on("clientError", (_, socket) => {
      if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n");
      else socket.destroy();
    });
    options.mesh.then(
      (mesh) => {
        this.#mesh = mesh;
        this.#feed = new Feed(mesh, this.#nowMs);
      },
      // Whoever boots the mesh says why it failed.
      () => {},
    );
  }

  /** Listens; ConsoleError CONSOLE_PORT_TAKEN when somebody else does. */
  static async open(options: HttpServerOptions): Promise<HttpServer> {
    const made = new HttpServer(options);
    const { host, port } = options.address;
    await new Promise<void>((resolve, reject) => {
      made.#server.once("error", (error: NodeJS.ErrnoException) => {
        const taken = error.code === "EADDRINUSE";
        const where = writeAddress(options.address);
        reject(
          new ConsoleError(
            taken ? "CONSOLE_PORT_TAKEN" : "CONSOLE_LISTEN",
            taken
              ? `http: ${where} is taken: name another with --http, or turn it off with --no-http`
              : `http: cannot listen on ${where}: ${sentenceOf(error)}`,
          ),
        );
      });
      made.#server.listen(port, host, () => resolve());
    });
    return made;
  }

  /** Where it listens, the port that was taken included. */
  get address(): ListenAddress {
    const { port } = this.#server.address() as AddressInfo;
    return { host: this.#options.address.host, port };
  }

  /** `http://127.0.0.1:7300`. */
  get origin(): string {
    const { host, port } = this.address;
    // Of "all addresses" a browser of this machine reaches one.
    const reached = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
    return `http://${writeAddress({ host: reached, port })}`;
  }

  /** Opens the dashboard: has the token in it. */
  get url(): string {
    return `${this.origin}/?token=${encodeURIComponent(this.#options.token)}`;
  }

  /** Whether somebody looks, so that the mesh is read for them. */
  get isWatched(): boolean {
    return this.#feed?.isLive ?? false;
  }

  /** Calls off what is under way, and closes every connection. */
  async close(): Promise<void> {
    this.#commands.close();
    this.#mcp.close();
    this.#feed?.close();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    // Answers that are being written get a moment; then the rest is cut.
    const late = setTimeout(() => this.#server.closeAllConnections(), 500);
    this.#server.closeIdleConnections();
    await closed;
    clearTimeout(late);
  }

  async #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let parameters: readonly string[] = [];
    try {
      const { path, query } = this.#admit(request);
      const name = /^\/v1\/commands\/([^/]+)$/.exec(path)?.[1];
      if (path === "/mcp") {
        this.#authorize(request, query);
        allow(request, ["GET", "POST", "DELETE"]);
        await this.#mcp.answer(request, response, this.#running());
      } else if (name === undefined) this.#answer(path, query, request, response);
      else {
        this.#authorize(request, query);
        const command = this.#commandNamed(name);
        parameters = Object.keys(command.parameters);
        allow(request, ["GET", "HEAD", "POST"]);
        await this.#commands.answer(command, request, response, query, this.#running());
      }
    } catch (error) {
      if (response.headersSent) response.destroy();
      else sendError(response, error, parameters);
    }
  }

  #answer(
    path: string,
    query: URLSearchParams,
    request: IncomingMessage,
    response: ServerResponse,
  ): void {
    allow(request, ["GET", "HEAD"]);
    if (this.#assets.has(path)) {
      this.#assets.send(path, request, response);
      return;
    }
    switch (path) {
      case "/healthz":
        sendJson(response, 200, { healthy: true });
        return;
      case "/readyz":
        this.#ready(response);
        return;
      case "/openapi.json":
        sendJson(response, 200, openapiOf(this.#commands.routed));
        return;
      case "/metrics":
        this.#authorize(request, query);
        this.#metrics(response);
        return;
      case "/v1/commands":
        this.#authorize(request, query);
        sendJson(response, 200, this.#table());
        return;
      case "/v1/feed":
        throw new HttpError(426, "CONSOLE_UPGRADE", "expected a WebSocket", "upgrade", {
          upgrade: "websocket",
        });
      case "/":
        throw new HttpError(
          404,
          "CONSOLE_NO_PAGE",
          "the dashboard is not built: run `npm run build`",
        );
      default:
        throw new HttpError(404, "CONSOLE_NOT_FOUND", `nothing is served at ${path.slice(0, 100)}`);
    }
  }

  /** What is checked of everybody. */
  #admit(request: IncomingMessage): { path: string; query: URLSearchParams } {
    const refusal = refusalOf(request.headers, this.#rules);
    if (refusal !== undefined) {
      throw new HttpError(refusal.status, refusal.code, refusal.message, refusal.field);
    }
    this.#spend(this.#requests, request, "too many requests");
    const target = request.url ?? "/";
    if (target.length > MAX_TARGET_LENGTH) {
      const most = `url: expected at most ${MAX_TARGET_LENGTH} characters`;
      throw new HttpError(414, "CONSOLE_URL", most, "url");
    }
    if (!target.startsWith("/") || !URL.canParse(target, this.origin)) {
      throw new HttpError(400, "CONSOLE_URL", "url: expected a path", "url");
    }
    const { pathname, searchParams } = new URL(target, this.origin);
    return { path: pathname, query: searchParams };
  }

  #authorize(request: IncomingMessage, query: URLSearchParams, offered?: string): void {
    const given = tokenOf(request.headers, query) ?? offered;
    const nowMs = this.#nowMs();
    const caller = callerOf(request);
    if (!this.#wrong.has(caller, nowMs)) this.#spend(this.#wrong, request, "too many wrong tokens");
    if (isToken(given, this.#rules.token)) return;
    this.#wrong.take(caller, nowMs);
    const what = given === undefined ? "none" : "another";
    throw new HttpError(
      401,
      "CONSOLE_UNAUTHORIZED",
      `authorization: expected the token of the printed URL, got ${what}`,
      "authorization",
      { "www-authenticate": 'Bearer realm="mesh-30k"' },
    );
  }

  #spend(budget: RequestBudget, request: IncomingMessage, why: string): void {
    const waitMs = budget.take(callerOf(request), this.#nowMs());
    if (waitMs === 0) return;
    const seconds = Math.ceil(waitMs / 1_000);
    throw new HttpError(429, "CONSOLE_RATE", `${why}: try again in ${seconds}s`, undefined, {
      "retry-after": String(seconds),
    });
  }

  #commandNamed(name: string): MeshCommand {
    const { routed } = this.#commands;
    const found = routed.find((command) => command.name === name);
    if (found !== undefined) return found;
    const names = routed.map((command) => command.name);
    const hint = didYouMean(name, names);
    throw new HttpError(
      404,
      "CONSOLE_UNKNOWN_COMMAND",
      `unknown command ${JSON.stringify(name.slice(0, 100))}${hint}`,
      "command",
    );
  }

  #running(): Mesh {
    if (this.#mesh !== undefined) return this.#mesh;
    throw new HttpError(503, "CONSOLE_STARTING", "the mesh is starting", undefined, {
      "retry-after": "1",
    });
  }

  #ready(response: ServerResponse): void {
    const status = this.#mesh && statusDocument(this.#mesh.status());
    const state = status?.state ?? "starting";
    const ready = state === "running";
    sendJson(response, ready ? 200 : 503, { ready, state, ...(status && { mode: status.mode }) });
  }

  #metrics(response: ServerResponse): void {
    const text = metricsOf(this.#running());
    response.writeHead(200, {
      ...SAFE_HEADERS,
      "content-type": "text/plain; version=0.0.4; charset=utf-8",
      "content-length": Buffer.byteLength(text),
      "cache-control": "no-store",
    });
    response.end(text);
  }

  #table(): unknown {
    return this.#commands.routed.map((command) => ({
      name: command.name,
      help: command.help,
      changes: command.changes,
      arguments: argumentsSchema(command),
      examples: command.examples,
    }));
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Whoever vanishes before the handshake is done must not end the process.
    socket.on("error", () => socket.destroy());
    try {
      const { path, query } = this.#admit(request);
      if (path !== "/v1/feed") {
        throw new HttpError(404, "CONSOLE_NOT_FOUND", `no WebSocket at ${path.slice(0, 100)}`);
      }
      this.#authorize(request, query, tokenInProtocols(request));
      this.#running();
      const feed = this.#feed as Feed;
      if (feed.viewers >= MAX_VIEWERS) {
        const busy = `${MAX_VIEWERS} viewers look already, and no more are taken`;
        throw new HttpError(503, "CONSOLE_BUSY", busy, undefined, { "retry-after": "5" });
      }
      feed.accept(request, socket, head);
    } catch (error) {
      refuse(socket, error);
    }
  }
}

function callerOf(request: IncomingMessage): string {
  return request.socket.remoteAddress ?? "";
}

function allow({ method = "" }: IncomingMessage, methods: readonly string[]): void {
  if (methods.includes(method)) return;
  const allowed = methods.join(", ");
  throw new HttpError(
    405,
    "CONSOLE_METHOD",
    `method: expected ${allowed}, got ${method}`,
    "method",
    { allow: allowed },
  );
}

/** Scripts of a page cannot set headers of a WebSocket, only its subprotocols. */
function tokenInProtocols(request: IncomingMessage): string | undefined {
  const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",");
  const found = offered.map((word) => word.trim()).find((w) => w.startsWith(TOKEN_PROTOCOL_PREFIX));
  return found?.slice(TOKEN_PROTOCOL_PREFIX.length);
}

/** Answers a request to upgrade in plain HTTP. */
function refuse(socket: Duplex, error: unknown): void {
  const status = statusOf(error);
  const body = `${JSON.stringify(errorDocument(error))}\n`;
  const lines = [
    `HTTP/1.1 ${status} Refused`,
    "connection: close",
    "content-type: application/json; charset=utf-8",
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${lines.join("\r\n")}\r\n\r\n${body}`);
}
