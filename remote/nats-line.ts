/** A thread's connection to NATS for agents that are elsewhere: begun when it is needed, and kept. */
import { setMaxListeners } from "node:events";
import type { Clock } from "../actors/ports.ts";
import { connectNats, type NatsAccess, type NatsConnection, wordsOf } from "./nats-transport.ts";
import { untilAborted } from "./until-aborted.ts";

/** What one request came to. */
export type NatsReply =
  | { readonly kind: "reply"; readonly status: number; readonly body: string }
  /** There is no server, or nobody listens: nothing that the agent could do about it. */
  | { readonly kind: "away"; readonly why: string }
  /** Somebody listens, and has not answered. */
  | { readonly kind: "silent"; readonly why: string }
  | { readonly kind: "refused"; readonly why: string };

/** One request. */
export interface NatsRequest {
  readonly subject: string;
  readonly body: string;
  readonly timeoutMs: number;
  /** Ends the wait; what it aborts with is what the request rejects with. */
  readonly signal: AbortSignal;
}

export interface NatsLineOptions {
  readonly servers: readonly string[];
  readonly access: NatsAccess;
  readonly maxResponseBytes: number;
  /** Whoever says at this subject, or below it, that it is there. */
  readonly presence: string | undefined;
  /** Places that are remembered at most. */
  readonly places: number;
}

/** Between two tries to reach the server, ms. */
const AGAIN_MS = 250;
/** Where services of NATS say that something went wrong, and what; numbers as those of HTTP. */
const ERROR_CODE = "Nats-Service-Error-Code";
const ERROR = "Nats-Service-Error";
const PLACE = /^[1-9]\d{0,6}(?:\.[1-9]\d{0,6}){0,2}$/;

export class NatsLine {
  readonly #options: NatsLineOptions;
  readonly #clock: Clock;
  #connection: NatsConnection | undefined;
  #connecting = false;
  #why = "no NATS server has answered yet";
  /** Aborted when the server is lost: what was asked of it will not be answered. */
  #up: AbortController | undefined;
  /** When each part of the mesh was heard of, by place: empty for all of it, `1`, `1.2`, `1.2.3`. */
  readonly #heardMs = new Map<string, number>();

  constructor(options: NatsLineOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  /** Whether the process of `place` (`1.2.3`) was heard of within `withinMs`. */
  isHere(place: string, withinMs: number): boolean {
    this.#begin();
    const [sector, cluster] = place.split(".");
    const sinceMs = this.#clock.nowMs() - withinMs;
    return ["", sector, `${sector}.${cluster}`, place].some(
      (part) => (this.#heardMs.get(part) ?? Number.NEGATIVE_INFINITY) >= sinceMs,
    );
  }

  /** Asks once; rejects only when `signal` aborts. */
  async request({ subject, body, timeoutMs, signal }: NatsRequest): Promise<NatsReply> {
    this.#begin();
    signal.throwIfAborted();
    const connection = this.#connection;
    const up = this.#up?.signal;
    if (connection === undefined || up === undefined) return { kind: "away", why: this.#why };
    const bytes = Buffer.from(body);
    const most = connection.info?.max_payload ?? 1024 * 1024;
    if (bytes.length > most) {
      const why = `the message has ${bytes.length} bytes, and the server takes ${most}`;
      return { kind: "refused", why };
    }
    try {
      const asked = connection.request(subject, bytes, { timeout: timeoutMs });
      return this.#understood(await untilAborted(asked, [signal, up]));
    } catch (error) {
      signal.throwIfAborted();
      if (up.aborted) return { kind: "away", why: this.#why };
      const { cause, name } = error as Error;
      if (name === "NoResponders" || (cause as Error | undefined)?.name === "NoResponders")
        return { kind: "away", why: `nobody listens at ${subject}` };
      if (name === "TimeoutError")
        return { kind: "silent", why: `no answer at ${subject} within ${timeoutMs} ms` };
      return { kind: "silent", why: wordsOf(error) };
    }
  }

  #understood(message: Awaited<ReturnType<NatsConnection["request"]>>): NatsReply {
    const { data, headers } = message;
    if (data.length > this.#options.maxResponseBytes) {
      const why = `an answer of ${data.length} bytes, more than ${this.#options.maxResponseBytes}`;
      return { kind: "refused", why };
    }
    const body = Buffer.from(data).toString();
    const status = Number(headers?.get(ERROR_CODE) || 200);
    return { kind: "reply", status, body: body || (headers?.get(ERROR) ?? "") };
  }

  #begin(): void {
    if (this.#connecting) return;
    this.#connecting = true;
    this.#connect().then(
      (connection) => this.#keep(connection),
      (error) => this.#lost(error),
    );
  }

  #connect(): Promise<NatsConnection> {
    const { servers, access } = this.#options;
    return connectNats("agent.nats", "@nats-io/transport-node", servers, access, {
      name: "mesh-30k agents",
      waitOnFirstConnect: true,
      reconnectTimeWait: AGAIN_MS,
    });
  }

  #keep(connection: NatsConnection): void {
    this.#connection = connection;
    this.#up = serverIsUp();
    const { presence } = this.#options;
    if (presence !== undefined) this.#listen(connection, presence);
    // The client keeps a connection until it is told to end it, or the server will not have it any more.
    connection.closed().then((error) => this.#lost(error ?? "closed"));
    this.#follow(connection).catch((error) => this.#down(wordsOf(error)));
  }

  async #follow(connection: NatsConnection): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type === "disconnect") this.#down("the NATS server does not answer");
      else if (type === "reconnect") this.#up = serverIsUp();
    }
  }

  #down(why: string): void {
    this.#why = why;
    this.#up?.abort();
    this.#up = undefined;
  }

  /** Begins anew, in a while: what would not have us now may have us then. */
  #lost(error: unknown): void {
    this.#connection = undefined;
    this.#down(wordsOf(error));
    setTimeout(() => {
      this.#connecting = false;
    }, AGAIN_MS).unref();
  }

  #listen(connection: NatsConnection, presence: string): void {
    const heard = (error: Error | null, subject: string): void => {
      if (error !== null) return;
      const place = subject.slice(presence.length + 1);
      if (place !== "" && !PLACE.test(place)) return;
      if (this.#heardMs.has(place) || this.#heardMs.size < this.#options.places)
        this.#heardMs.set(place, this.#clock.nowMs());
    };
    for (const subject of [presence, `${presence}.>`])
      connection.subscribe(subject, { callback: (error, { subject: at }) => heard(error, at) });
  }
}

function serverIsUp(): AbortController {
  const controller = new AbortController();
  // Each agent that waits for an answer listens: as many as the thread has.
  setMaxListeners(0, controller.signal);
  return controller;
}
