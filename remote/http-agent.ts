// Agents behind HTTP: each message is one POST of JSON, signed, sent again with the same idempotency key until there is
// an answer, and measured. What is at the other end holds and acts by itself: it is told T by its own clock.
import { type Behavior, defineAgent, type Probe } from "../actors/behavior.ts";
import type { ActorContext } from "../actors/context.ts";
import { MeshError } from "../actors/errors.ts";
import type { Result } from "../actors/result.ts";
import type { AgentHost, HttpAgentOptions } from "../runtime/api/agent-api.ts";
import { type BackOff, backOffMs, retryAfterMs } from "./back-off.ts";
import { understand } from "./http-answer.ts";
import { HttpPool, type HttpReply, originOf } from "./http-pool.ts";
import { KindOptions } from "./kind-options.ts";
import { messageBody } from "./message-body.ts";
import { messageKey } from "./message-key.ts";
import { OneWayTimes } from "./one-way.ts";
import { createSigner, type Signer } from "./request-signature.ts";
import { addressed, isTemplate } from "./url-template.ts";

const MEMBERS: readonly (keyof HttpAgentOptions)[] = [
  "url",
  "secret",
  "headers",
  "timeoutMs",
  "attempts",
  "backoffMs",
  "maxBackoffMs",
  "maxResponseBytes",
  "connections",
  "probeUrl",
  "capabilities",
];

/** Times that a message without a deadline is asked for again that is accepted and not done. */
const MAX_POLLS = 1000;
/** A probe speaks for all agents of a thread for so long, ms. */
const PROBE_MS = 1000;
const HOUR_MS = 3_600_000;

/** What an attempt came to; `waitMs` is what the other side asks for. */
type Heard =
  | { readonly kind: "result"; readonly result: Result }
  | { readonly kind: "refused"; readonly why: string }
  | {
      readonly kind: "again" | "transit";
      readonly why: string;
      readonly waitMs: number | undefined;
    };

interface HttpSettings {
  readonly url: string;
  readonly sign: Signer | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly attempts: number;
  readonly backOff: BackOff;
  readonly probeUrl: string | undefined;
}

/** The other side of a thread's agents. Of their messages it keeps nothing, so that any thread can go on with them. */
class HttpEndpoint {
  readonly #settings: HttpSettings;
  readonly #pool: HttpPool;
  readonly #times = new OneWayTimes();
  /** Agents have each their own other side. */
  readonly #isOwn: boolean;
  #probed: { readonly atMs: number; readonly probe: Promise<Probe> } | undefined;

  constructor(settings: HttpSettings, pool: HttpPool) {
    this.#settings = settings;
    this.#pool = pool;
    this.#isOwn = isTemplate(settings.url);
  }

  /** Sends the current message until there is an answer; rejects at its deadline, which its asker sees as TRANSIT. */
  async exchange(message: unknown, ctx: ActorContext): Promise<Result> {
    const { attempts, backOff } = this.#settings;
    const url = addressed(this.#settings.url, ctx.address);
    const key = messageKey(ctx);
    const body = messageBody(key, message, ctx);
    const isBound = Number.isFinite(ctx.envelope.deadlineMs);
    for (let attempt = 1, failed = 0; ; attempt++) {
      const heard = await this.#attempt(url, key, body, ctx);
      if (heard.kind === "result") return heard.result;
      if (heard.kind === "refused")
        throw new MeshError("MESH_REMOTE_REFUSED", `${originOf(url)}: ${heard.why}`);
      if (heard.kind === "again") failed++;
      if (!isBound && (failed >= attempts || attempt >= MAX_POLLS)) {
        const sentence = `${originOf(url)} has not done it in ${attempt} attempts: ${heard.why}`;
        throw new MeshError("MESH_REMOTE_UNAVAILABLE", sentence);
      }
      ctx.waitsFor(`${originOf(url)}: ${heard.why}`);
      // A sleep that would go beyond the deadline ends there, and the turn with it: TRANSIT.
      await ctx.timers.sleep(heard.waitMs ?? backOffMs(backOff, attempt, ctx.random.next()));
    }
  }

  /** One attempt: what it came to, measured where it is a result. Rejects when the turn has ended. */
  async #attempt(url: string, key: string, body: string, ctx: ActorContext): Promise<Heard> {
    const sentMs = ctx.clock.nowMs();
    let reply: HttpReply;
    try {
      reply = await this.#post(url, key, body, sentMs, ctx);
    } catch (error) {
      // The turn has ended, which may have been a moment after the attempt was given up; or another attempt would
      // come to the same.
      ctx.signal.throwIfAborted();
      if (isTooLong(error)) throw error;
      const { message, code } = error as NodeJS.ErrnoException;
      return { kind: "again", why: message || String(code), waitMs: undefined };
    }
    const understood = understand(reply);
    if (understood.kind === "result") {
      const { result, stamps } = understood;
      const system = this.#isOwn ? ctx.self : 0;
      const times = this.#times.measure(system, sentMs, ctx.clock.nowMs(), stamps);
      ctx.measured(times.rttMs, times.processingMs);
      return { kind: "result", result };
    }
    if (understood.kind === "refused") return understood;
    const waitMs = retryAfterMs(reply.retryAfter, ctx.clock.nowMs());
    return { kind: understood.kind, why: `status ${reply.status}`, waitMs };
  }

  #post(
    url: string,
    key: string,
    body: string,
    nowMs: number,
    ctx: ActorContext,
  ): Promise<HttpReply> {
    const { sign, headers, timeoutMs } = this.#settings;
    const timestampS = Math.floor(nowMs / 1000);
    return this.#pool.send({
      method: "POST",
      url,
      timeoutMs,
      body,
      signal: ctx.signal,
      headers: {
        "content-type": "application/json",
        ...headers,
        "idempotency-key": key,
        "webhook-id": key,
        "webhook-timestamp": String(timestampS),
        ...(sign !== undefined && { "webhook-signature": sign(key, timestampS, body) }),
      },
    });
  }

  /** How far away the other side is: asked once for all agents of the thread that have the same. */
  probe(url: string, ctx: ActorContext): Promise<Probe> {
    if (this.#isOwn || isTemplate(url)) return this.#probe(url, ctx);
    const nowMs = ctx.clock.nowMs();
    if (this.#probed === undefined || nowMs - this.#probed.atMs > PROBE_MS)
      this.#probed = { atMs: nowMs, probe: this.#probe(url, ctx) };
    return this.#probed.probe;
  }

  async #probe(url: string, ctx: ActorContext): Promise<Probe> {
    const { headers, timeoutMs } = this.#settings;
    const sentMs = ctx.clock.nowMs();
    const asked = { url: addressed(url, ctx.address), headers, timeoutMs };
    const reply = await this.#pool.send({ method: "GET", ...asked });
    const understood = understand(reply);
    if (understood.kind !== "result")
      throw new MeshError("MESH_REMOTE_UNAVAILABLE", `probe: status ${reply.status}`);
    const { stamps } = understood;
    const system = this.#isOwn ? ctx.self : 0;
    const times = this.#times.measure(system, sentMs, ctx.clock.nowMs(), stamps);
    return stamps === undefined
      ? { rttMs: times.processingMs }
      : { ...times, clockMs: stamps.receivedMs };
  }
}

/** Makes agents behind HTTP; InvalidOptionError names the option. */
export function createAgent(options: HttpAgentOptions, _host: AgentHost): Behavior {
  const read = new KindOptions("agent.http", options, MEMBERS);
  const url = read.required("url");
  const secret = read.secret("secret");
  const settings: HttpSettings = {
    url,
    sign: secret === undefined ? undefined : createSigner("agent.http.secret", secret),
    headers: read.headers("headers"),
    timeoutMs: read.number("timeoutMs", 10_000, 1, HOUR_MS),
    attempts: read.number("attempts", 10, 1, 1000),
    backOff: {
      firstMs: read.number("backoffMs", 100, 1, HOUR_MS),
      mostMs: read.number("maxBackoffMs", 5_000, 1, HOUR_MS),
    },
    probeUrl: read.url("probeUrl"),
  };
  const pool = new HttpPool({
    connections: read.number("connections", 64, 1, 10_000),
    maxResponseBytes: read.number("maxResponseBytes", 65_536, 1, 67_108_864),
  });
  const endpoint = new HttpEndpoint(settings, pool);
  const { probeUrl } = settings;
  return defineAgent<null, unknown, unknown>({
    capabilities: read.names("capabilities", ["http"]),
    init: () => null,
    receive: (_state, message, ctx) => endpoint.exchange(message, ctx),
    ...(probeUrl !== undefined && { probe: (_state, ctx) => endpoint.probe(probeUrl, ctx) }),
  }) as Behavior;
}

function isTooLong(error: unknown): boolean {
  return (error as { code?: string }).code === "UND_ERR_RES_EXCEEDED_MAX_SIZE";
}
