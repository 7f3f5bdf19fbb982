/** The live feed: WebSockets whose viewers are shown what {@link FeedSource} reads. */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocket, WebSocketServer } from "ws";
import {
  CELL_COLUMNS,
  type CellColumnName,
  FEED_PROTOCOL,
  type FeedMessage,
  type FeedRequest,
} from "../../dashboard/wire.ts";
import type { Mesh } from "../../runtime/api/mesh-api.ts";
import { packageVersion } from "../terminal/version.ts";
import { FeedSource, type FeedViewer } from "./feed-source.ts";

/** Viewers at once. */
export const MAX_VIEWERS = 32;
/** A request of a page is a few words. */
const MAX_REQUEST_BYTES = 1_024;
/** What may wait for a viewer who reads slowly; beyond it frames are missed. */
const MAX_UNREAD_BYTES = 1_048_576;
/** Whoever does not answer for two of these has gone. */
const PING_MS = 15_000;
/** Codes of RFC 6455 and its registry. */
const GOING_AWAY = 1001;
const POLICY = 1008;

/** Serves viewers. */
export class Feed {
  readonly #server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_REQUEST_BYTES,
    // Frames of cells change little, and what changes does not repeat.
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(FEED_PROTOCOL) ? FEED_PROTOCOL : false),
  });
  readonly #source: FeedSource;
  readonly #mesh: Mesh;
  readonly #nowMs: () => number;

  constructor(mesh: Mesh, nowMs: () => number) {
    this.#mesh = mesh;
    this.#nowMs = nowMs;
    this.#source = new FeedSource(mesh, nowMs);
  }

  /** How many look. */
  get viewers(): number {
    return this.#server.clients.size;
  }

  /** Whether anything is read for viewers. */
  get isLive(): boolean {
    return this.#source.isLive;
  }

  /** Makes a viewer of a request to upgrade, which has been checked. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      new Viewer(webSocket, this.#source, this.#hello());
    });
  }

  /** Says goodbye to all. */
  close(): void {
    for (const client of this.#server.clients) client.close(GOING_AWAY, "the mesh stops");
    this.#server.close();
    setTimeout(() => {
      for (const client of this.#server.clients) client.terminate();
    }, 500).unref();
  }

  #hello(): FeedMessage {
    const { sectors, clustersPerSector, agentsPerCluster, agents } = this.#mesh.topology;
    const version = packageVersion();
    const nowMs = this.#nowMs();
    return {
      hello: { sectors, clustersPerSector, agentsPerCluster, agents, version, nowMs },
    };
  }
}

/** What a viewer needs of its WebSocket. */
export type FeedSocket = Pick<
  WebSocket,
  "bufferedAmount" | "readyState" | "send" | "ping" | "close" | "terminate" | "on"
>;

/** One page that looks. */
export class Viewer implements FeedViewer {
  readonly #socket: FeedSocket;
  readonly #source: FeedSource;
  readonly #pings: NodeJS.Timeout;
  #column: CellColumnName = "impedance";
  /** Looks away, or is not there yet. */
  #paused = true;
  /** Has the frame that the next delta follows from. */
  #inStep = false;
  #answered = true;

  constructor(socket: FeedSocket, source: FeedSource, hello: FeedMessage) {
    this.#socket = socket;
    this.#source = source;
    this.#pings = setInterval(() => this.#ping(), PING_MS).unref();
    socket.on("message", (data, isBinary) => this.#onMessage(String(data), isBinary));
    socket.on("pong", () => {
      this.#answered = true;
    });
    // A viewer that vanishes is no failure of the mesh.
    socket.on("error", () => socket.terminate());
    socket.on("close", () => {
      clearInterval(this.#pings);
      source.delete(this);
    });
    this.message(hello);
    this.#look();
  }

  get column(): CellColumnName | undefined {
    return this.#paused ? undefined : this.#column;
  }

  frame(column: CellColumnName, delta: Uint8Array, whole: () => Uint8Array): void {
    if (column !== this.#column) return;
    if (this.#isBehind) {
      this.#inStep = false;
      return;
    }
    this.#socket.send(this.#inStep ? delta : whole());
    this.#inStep = true;
  }

  message(message: FeedMessage): void {
    // What is said once must not be missed: a viewer who cannot keep up even with words begins anew.
    if (this.#isBehind) this.#socket.terminate();
    else this.#socket.send(JSON.stringify(message));
  }

  get #isBehind(): boolean {
    return this.#socket.bufferedAmount > MAX_UNREAD_BYTES;
  }

  #look(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#inStep = false;
    this.#source.add(this);
  }

  #onMessage(text: string, isBinary: boolean): void {
    const request = isBinary ? undefined : readRequest(text);
    if (request === undefined) {
      this.#socket.close(POLICY, 'expected {"column": "impedance"} or {"paused": true}');
      return;
    }
    if (request.column !== undefined) {
      this.#column = request.column;
      this.#inStep = false;
    }
    if (request.paused === true && !this.#paused) {
      this.#paused = true;
      this.#source.delete(this);
    } else if (request.paused === false) this.#look();
  }

  #ping(): void {
    if (!this.#answered) {
      this.#socket.terminate();
      return;
    }
    this.#answered = false;
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.ping();
  }
}

function readRequest(text: string): FeedRequest | undefined {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof document !== "object" || document === null || Array.isArray(document))
    return undefined;
  const { column, paused, ...surplus } = document as Record<string, unknown>;
  if (Object.keys(surplus).length > 0) return undefined;
  if (column !== undefined && !CELL_COLUMNS.includes(column as CellColumnName)) return undefined;
  if (paused !== undefined && typeof paused !== "boolean") return undefined;
  return document as FeedRequest;
}
