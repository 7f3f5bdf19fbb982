/** The live feed of this page: one WebSocket, opened again when it is lost, quiet while nobody looks. */
import {
  applyFrame,
  CELL_COLUMNS,
  type CellColumnName,
  FEED_PROTOCOL,
  type FeedMessage,
  type FeedRequest,
  FRAME_HEAD,
  sequenceOf,
  TOKEN_PROTOCOL_PREFIX,
} from "./wire.ts";

/** Waits before the next try, ms: doubled each time. */
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;

/** What the page does with what it hears. */
export interface FeedListener {
  message(message: FeedMessage): void;
  /** The cells of `column` have changed. */
  cells(column: CellColumnName, cells: Uint8Array): void;
  link(state: "live" | "lost"): void;
}

/** Keeps the feed open. */
export class Connection {
  readonly #token: string;
  readonly #listener: FeedListener;
  #socket: WebSocket | undefined;
  #column: CellColumnName;
  #cells = new Uint8Array(0);
  #sequence = 0;
  #waitMs = FIRST_WAIT_MS;

  constructor(token: string, column: CellColumnName, listener: FeedListener) {
    this.#token = token;
    this.#column = column;
    this.#listener = listener;
    document.addEventListener("visibilitychange", () => {
      this.#ask({ paused: document.hidden });
    });
    this.#open();
  }

  /** Has cells of another column sent. */
  show(column: CellColumnName): void {
    if (column === this.#column) return;
    this.#column = column;
    this.#ask({ column });
  }

  #open(): void {
    const url = new URL("/v1/feed", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    // Whoever is logged in has no token: the browser sends their cookie.
    const token = this.#token === "" ? [] : [TOKEN_PROTOCOL_PREFIX + this.#token];
    const protocols = [FEED_PROTOCOL, ...token];
    const socket = new WebSocket(url, protocols);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    socket.onopen = () => {
      this.#waitMs = FIRST_WAIT_MS;
      this.#ask({ column: this.#column, paused: document.hidden });
    };
    socket.onmessage = ({ data }) => {
      if (typeof data === "string") this.#onText(JSON.parse(data) as FeedMessage);
      else this.#onFrame(new Uint8Array(data as ArrayBuffer));
    };
    socket.onclose = () => {
      this.#listener.link("lost");
      setTimeout(() => this.#open(), this.#waitMs);
      this.#waitMs = Math.min(LONGEST_WAIT_MS, this.#waitMs * 2);
    };
  }

  #onText(message: FeedMessage): void {
    if (message.hello !== undefined) {
      this.#cells = new Uint8Array(message.hello.agents);
      this.#listener.link("live");
    }
    this.#listener.message(message);
  }

  #onFrame(frame: Uint8Array): void {
    const column = CELL_COLUMNS[frame[1]];
    // Of the column that was shown before: it was on its way.
    if (frame.length < FRAME_HEAD || column !== this.#column) return;
    if (!applyFrame(frame, this.#cells, this.#sequence)) {
      // A frame is missing: whoever asks for a column gets a whole one.
      this.#ask({ column });
      return;
    }
    this.#sequence = sequenceOf(frame);
    this.#listener.cells(column, this.#cells);
  }

  #ask(request: FeedRequest): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(request));
  }
}
