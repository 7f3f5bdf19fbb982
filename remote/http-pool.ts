/** Connections to other systems: kept alive, bounded, each request with a deadline and its answer with a bound. */
import { Agent, type Dispatcher, request } from "undici";
import { MeshError } from "../actors/errors.ts";

/** Bounds of a pool. */
export interface PoolBounds {
  /** Connections to one origin. */
  readonly connections: number;
  /** Body of an answer, bytes. */
  readonly maxResponseBytes: number;
}

/** One request. */
export interface HttpRequest {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** From now to the end of the answer, ms. */
  readonly timeoutMs: number;
  /** Ends the request; what it aborts with is what the request rejects with. */
  readonly signal?: AbortSignal;
}

/** An answer, of any status. */
export interface HttpReply {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: string;
}

/** An answer that is read as it comes. */
export interface HttpStream {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** How long a connection is kept that nobody uses, ms. */
const KEEP_ALIVE_MS = 30_000;

/** The connections of one module of agents on one thread. */
export class HttpPool {
  readonly #bounds: PoolBounds;
  #agent: Agent | undefined;

  constructor(bounds: PoolBounds) {
    this.#bounds = bounds;
  }

  /** Sends and reads the whole answer. Rejects when there is none in time, or when it is too long. */
  async send(wanted: HttpRequest): Promise<HttpReply> {
    const deadline = new RequestDeadline(wanted);
    try {
      const { statusCode, headers, body } = await this.#request(wanted, deadline.signal);
      return { status: statusCode, retryAfter: oneOf(headers), body: await body.text() };
    } catch (error) {
      throw deadline.reasonOf(error);
    } finally {
      deadline.clear();
    }
  }

  /** Sends, and hands the answer to `read` piece by piece as it comes. */
  async stream<T>(wanted: HttpRequest, read: (answer: HttpStream) => Promise<T>): Promise<T> {
    const deadline = new RequestDeadline(wanted);
    try {
      const { statusCode, headers, body } = await this.#request(wanted, deadline.signal);
      try {
        return await read({ status: statusCode, retryAfter: oneOf(headers), chunks: body });
      } finally {
        // Whoever has read enough leaves no connection behind that still sends.
        body.destroy();
      }
    } catch (error) {
      throw deadline.reasonOf(error);
    } finally {
      deadline.clear();
    }
  }

  async close(): Promise<void> {
    await this.#agent?.destroy();
    this.#agent = undefined;
  }

  #request(
    { method, url, headers, body }: HttpRequest,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    // Made when it is first needed: main checks options and never calls.
    this.#agent ??= new Agent({
      connections: this.#bounds.connections,
      maxResponseSize: this.#bounds.maxResponseBytes,
      keepAliveTimeout: KEEP_ALIVE_MS,
      // One deadline for all of a request; the pool's own timers tick by the second.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    return request(url, { method, headers, body: body ?? null, signal, dispatcher: this.#agent });
  }
}

/** Ends a request at its deadline, or when its turn ends before. */
class RequestDeadline {
  readonly #controller = new AbortController();
  readonly #turn: AbortSignal | undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #onTurnEnded = (): void => this.#controller.abort(this.#turn?.reason);

  constructor({ timeoutMs, signal, url }: HttpRequest) {
    this.#turn = signal;
    this.#timer = setTimeout(() => {
      const sentence = `${originOf(url)} has not answered within ${timeoutMs} ms`;
      this.#controller.abort(new MeshError("MESH_REMOTE_TIMEOUT", sentence));
    }, timeoutMs);
    if (signal?.aborted) this.#onTurnEnded();
    else signal?.addEventListener("abort", this.#onTurnEnded, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Why the request ended: what it was aborted with, else what went wrong. */
  reasonOf(error: unknown): unknown {
    return this.#controller.signal.aborted ? this.#controller.signal.reason : error;
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#turn?.removeEventListener("abort", this.#onTurnEnded);
  }
}

/** Of a URL what may be said aloud: paths and queries may hold secrets. */
export function originOf(url: string): string {
  return new URL(url).origin;
}

function oneOf(headers: Dispatcher.ResponseData["headers"]): string | undefined {
  const value = headers["retry-after"];
  return Array.isArray(value) ? value[0] : value;
}
