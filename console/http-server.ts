/**
 * The HTTP face of a mesh: the commands of the table, the live feed, health, metrics, MCP, and the dashboard. For
 * this machine and whoever has the token, unless somebody asks for more.
 *
 *   connection limit ─▶ Host, Origin ─▶ rate ─▶ route ─▶ token ─▶ body ─▶ command
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import { type AddressInfo, isIP } from "node:net";
import type { Duplex } from "node:stream";
import type { Mesh } from "../runtime/api/mesh-api.ts";
import { systemClock } from "../runtime/machine/clock.ts";
import {
  argumentsSchema,
  type Command,
  type CommandWatch,
  type MeshCommand,
} from "./command/command.ts";
import { isLoopback, type ListenAddress, writeAddress } from "./command/listen-address.ts";
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
import { type GuardRules, refusalOf } from "./http/http-guard.ts";
import { isLoginPath, LoginRoutes } from "./http/login-routes.ts";
import { openapiOf } from "./http/openapi.ts";
import { RequestBudget } from "./http/request-budget.ts";
import { RENEWAL_LOOK_MS, TLS_VERSIONS, type TlsFiles } from "./http/tls-files.ts";
import {
  addressOf,
  BACKGROUND_HEADER,
  type Visitor,
  type VisitPlace,
  visitorOf,
} from "./http/visitor.ts";
import { McpHttp } from "./mcp/mcp-http.ts";
import { Gate } from "./operator/gate.ts";
import { type FaceName, RefusedError } from "./operator/role.ts";
import { gateMetrics, metricsOf } from "./reports/metrics.ts";
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
/** How often sessions that are over are looked for, ms. */
const SWEEP_MS = 2_000;

/** What {@link HttpServer.open} needs. */
export interface HttpServerOptions {
  readonly address: ListenAddress;
  readonly token: string;
  readonly commands: readonly Command[];
  /** The mesh, once it is there: until then `/readyz` says no. */
  readonly mesh: Promise<Mesh>;
  /** What every command goes through; default: one that keeps all it knows in memory. */
  readonly gate?: Gate | undefined;
  /** Name under which browsers reach it: authenticators are enrolled for it. */
  readonly name?: string | undefined;
  /** TLS 1.3 is spoken with it, and nothing else. */
  readonly tls?: TlsFiles | undefined;
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
  readonly #gate: Gate;
  readonly #logins: LoginRoutes;
  readonly #requests = new RequestBudget({ burst: BURST, perSecond: PER_SECOND, callers: CALLERS });
  readonly #wrong = new RequestBudget({
    burst: WRONG_BURST,
    perSecond: WRONG_PER_SECOND,
    callers: CALLERS,
  });
  readonly #nowMs: () => number;
  #mesh: Mesh | undefined;
  #feed: Feed | undefined;
  #renewals: NodeJS.Timeout | undefined;
  /** Sessions end also when nobody asks. */
  readonly #sweeping: NodeJS.Timeout;

  private constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => systemClock.nowMs());
    const { commands, name, tls } = options;
    this.#rules = { host: options.address.host, name, isTls: tls !== undefined };
    this.#gate = options.gate ?? new Gate();
    const gate = this.#gate;
    const { sessions } = gate.logins;
    this.#sweeping = setInterval(() => sessions.sweep(gate.nowMs()), SWEEP_MS).unref();
    this.#commands = new HttpCommands(commands);
    this.#logins = new LoginRoutes(commands, (request) => this.#place(request));
    const watch = (from: string): CommandWatch => ({ gate, caller: gate.tokenCaller("mcp", from) });
    this.#mcp = new McpHttp({ commands, runner: this.#commands, nowMs: this.#nowMs, watch });
    const limits = {
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: MAX_HEADER_BYTES,
    };
    const onRequest = (request: IncomingMessage, response: ServerResponse): void =>
      void this.#onRequest(request, response);
    this.#server =
      tls === undefined
        ? createServer(limits, onRequest)
        : createTlsServer({ ...limits, cert: tls.cert, key: tls.key, ...TLS_VERSIONS }, onRequest);
    if (tls !== undefined) this.#renewals = this.#renew(tls);
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.on("upgrade", (request, socket, head) => this.#onUpgrade(request, socket, head));
    this.#server.on("clientError", (_, socket) => {
      if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n");
      else socket.destroy();
    });
    options.mesh.then(
      (mesh) => {
        this.#mesh = mesh;
        gate.signs = mesh.threats;
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
    made.#gate.loginOrigin = made.loginOrigin;
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
    return `${this.#options.tls === undefined ? "http" : "https"}://${writeAddress({ host: reached, port })}`;
  }

  /** Where people log in: by name, as authenticators know no addresses of digits; "" when it has none. */
  get loginOrigin(): string {
    return this.#place().party.origins[0] ?? "";
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
    clearInterval(this.#renewals);
    clearInterval(this.#sweeping);
    this.#gate.loginOrigin = undefined;
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
      if (isLoginPath(path)) await this.#logins.answer(path, request, response);
      else if (path === "/mcp") {
        this.#expectToken(this.#visitor(request, query, "mcp"));
        allow(request, ["GET", "POST", "DELETE"]);
        await this.#mcp.answer(request, response, this.#running());
      } else if (name === undefined) this.#answer(path, query, request, response);
      else {
        const { caller } = this.#visitor(request, query);
        const command = this.#commandNamed(name);
        parameters = Object.keys(command.parameters);
        allow(request, ["GET", "HEAD", "POST"]);
        const isWatch = request.headers[BACKGROUND_HEADER] !== undefined;
        const watch = { gate: this.#gate, caller, isWatch };
        await this.#commands.answer(command, request, response, query, this.#running(), watch);
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
        this.#visitor(request, query);
        this.#metrics(response);
        return;
      case "/v1/commands":
        this.#visitor(request, query);
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
      const error = new RefusedError("origin", refusal.code, refusal.message);
      const more = { from: addressOf(request), field: refusal.field };
      this.#gate.refuse(error, { what: "request", who: "nobody", face: "http", more });
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

  /** Who asks, with what they may; whoever has tried too many tokens waits. */
  #visitor(request: IncomingMessage, query: URLSearchParams, face: FaceName = "http"): Visitor {
    const nowMs = this.#nowMs();
    const caller = addressOf(request);
    if (!this.#wrong.has(caller, nowMs)) this.#spend(this.#wrong, request, "too many wrong tokens");
    try {
      return visitorOf(request, query, this.#place(request), face);
    } catch (error) {
      if (statusOf(error) === 401) this.#wrong.take(caller, nowMs);
      throw error;
    }
  }

  /** What is seen of a login: by which name and port this is reached. */
  #place(request?: IncomingMessage): VisitPlace {
    const { token, name, tls } = this.#options;
    const { host, port } = this.address;
    const own = isLoopback(host) ? "localhost" : isIP(host) === 0 ? host.toLowerCase() : "";
    const id = name ?? own;
    const isTls = tls !== undefined;
    const at = (scheme: string, standard: number): string =>
      `${scheme}://${id}${port === standard ? "" : `:${port}`}`;
    // Beyond this machine a proxy in front may speak TLS, at its own port.
    const proxied =
      isTls || isLoopback(host) || id === "localhost" ? [] : [`https://${id}`, at("https", 443)];
    const origins = id === "" ? [] : [...proxied, isTls ? at("https", 443) : at("http", 80)];
    const wasTls = isTls || request?.headers.origin?.startsWith("https:") === true;
    return { gate: this.#gate, token, party: { id, origins }, port, isTls: wasTls };
  }

  /** MCP clients have the token; a page has no use for it, and its cookie is not to be put to it. */
  #expectToken({ session }: Visitor): void {
    if (session === undefined) return;
    const sentence = "mcp: expected the token as a bearer, got a login";
    throw new HttpError(401, "CONSOLE_UNAUTHORIZED", sentence, "authorization");
  }

  /** Certificates are renewed while it runs: connections that are open keep theirs. */
  #renew(tls: TlsFiles): NodeJS.Timeout {
    return setInterval(() => {
      const next = tls.renewed();
      if (next !== undefined)
        (this.#server as TlsServer).setSecureContext({ ...next, ...TLS_VERSIONS });
    }, RENEWAL_LOOK_MS).unref();
  }

  #spend(budget: RequestBudget, request: IncomingMessage, why: string): void {
    const waitMs = budget.take(addressOf(request), this.#nowMs());
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
    const text = metricsOf(this.#running()) + gateMetrics(this.#gate);
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
      role: command.role,
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
      const { session } = this.#visitor(request, query, "dashboard");
      this.#running();
      const feed = this.#feed as Feed;
      if (feed.viewers >= MAX_VIEWERS) {
        const busy = `${MAX_VIEWERS} viewers look already, and no more are taken`;
        throw new HttpError(503, "CONSOLE_BUSY", busy, undefined, { "retry-after": "5" });
      }
      feed.accept(request, socket, head);
      if (session === undefined) return;
      // Whoever is logged out sees no more.
      const forget = this.#gate.logins.sessions.whenEnded(session, () => socket.destroy());
      socket.once("close", forget);
    } catch (error) {
      refuse(socket, error);
    }
  }
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
