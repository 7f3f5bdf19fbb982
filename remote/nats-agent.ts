// Agents behind NATS: each message is a request at the agent's subject, asked again with the same id until there is an
// answer, and measured. Any process that speaks the subjects is the other side. A server or a process that is away is
// waited for: its agents have not failed.
import { type Behavior, defineAgent, type Probe } from "../actors/behavior.ts";
import type { ActorContext } from "../actors/context.ts";
import { InvalidOptionError, MeshError } from "../actors/errors.ts";
import type { Result } from "../actors/result.ts";
import type { AgentHost, NatsAgentOptions } from "../runtime/api/agent-api.ts";
import { type BackOff, backOffMs } from "./back-off.ts";
import { understand } from "./http-answer.ts";
import { KindOptions } from "./kind-options.ts";
import { messageBody } from "./message-body.ts";
import { messageKey } from "./message-key.ts";
import { NatsLine } from "./nats-line.ts";
import { requireNatsClient } from "./nats-transport.ts";
import { OneWayTimes } from "./one-way.ts";

const MEMBERS: readonly (keyof NatsAgentOptions)[] = [
  "url",
  "prefix",
  "presenceMs",
  "probe",
  "timeoutMs",
  "attempts",
  "backoffMs",
  "maxBackoffMs",
  "maxResponseBytes",
  "credentials",
  "user",
  "password",
  "token",
  "tls",
  "capabilities",
];

/** Times that a message without a deadline is asked for again that is accepted and not done. */
const MAX_POLLS = 1000;
/** A probe speaks for all agents of a thread for so long, ms. */
const PROBE_MS = 1000;
const HOUR_MS = 3_600_000;
const SERVER = /^(?:nats|tls|ws|wss):\/\/[^\s,]+$/;
const PREFIX = /^[\w-]+(?:\.[\w-]+)*$/;

/** What an attempt came to. */
type Heard =
  | { readonly kind: "result"; readonly result: Result }
  | { readonly kind: "refused" | "again" | "transit" | "away"; readonly why: string };

interface NatsSettings {
  readonly prefix: string;
  readonly presenceMs: number | undefined;
  readonly timeoutMs: number;
  readonly attempts: number;
  readonly backOff: BackOff;
}

/** The other side of a thread's agents. Of their messages it keeps nothing, so that any thread can go on with them. */
class NatsEndpoint {
  readonly #settings: NatsSettings;
  readonly #line: NatsLine;
  readonly #times = new OneWayTimes();
  #probed: { readonly atMs: number; readonly probe: Promise<Probe | undefined> } | undefined;

  constructor(settings: NatsSettings, line: NatsLine) {
    this.#settings = settings;
    this.#line = line;
  }

  /** Asks until there is an answer; rejects at the message's deadline, which its asker sees as TRANSIT. */
  async exchange(message: unknown, ctx: ActorContext): Promise<Result> {
    const { attempts, backOff } = this.#settings;
    const place = placeOf(ctx.address);
    const body = messageBody(messageKey(ctx), message, ctx);
    const isBound = Number.isFinite(ctx.envelope.deadlineMs);
    for (let attempt = 1, failed = 0, polls = 0; ; attempt++) {
      const heard = await this.#attempt(place, body, ctx);
      if (heard.kind === "result") return heard.result;
      if (heard.kind === "refused") throw new MeshError("MESH_REMOTE_REFUSED", heard.why);
      if (heard.kind === "again") failed++;
      if (heard.kind === "transit") polls++;
      if (!isBound && (failed >= attempts || polls >= MAX_POLLS)) {
        const sentence = `not done in ${failed + polls} attempts: ${heard.why}`;
        throw new MeshError("MESH_REMOTE_UNAVAILABLE", sentence);
      }
      ctx.waitsFor(heard.why);
      // A sleep that would go beyond the deadline ends there, and the turn with it: TRANSIT.
      await ctx.timers.sleep(backOffMs(backOff, attempt, ctx.random.next()));
    }
  }

  async #attempt(place: string, body: string, ctx: ActorContext): Promise<Heard> {
    const { prefix, presenceMs, timeoutMs } = this.#settings;
    if (presenceMs !== undefined && !this.#line.isHere(place, presenceMs))
      return { kind: "away", why: `nobody was heard of at ${prefix}.here for ${presenceMs} ms` };
    const subject = `${prefix}.ask.${place}`;
    const sentMs = ctx.clock.nowMs();
    const reply = await this.#line.request({ subject, body, timeoutMs, signal: ctx.signal });
    if (reply.kind === "silent") return { kind: "again", why: reply.why };
    if (reply.kind !== "reply") return reply;
    const understood = understand({ ...reply, retryAfter: undefined });
    switch (understood.kind) {
      case "result": {
        const { result, stamps } = understood;
        const times = this.#times.measure(0, sentMs, ctx.clock.nowMs(), stamps);
        ctx.measured(times.rttMs, times.processingMs);
        return { kind: "result", result };
      }
      case "refused":
        return { kind: "refused", why: `${subject}: ${understood.why}` };
      default:
        return { kind: understood.kind, why: `${subject}: status ${reply.status}` };
    }
  }

  /** How far away the other side is, asked once for all; undefined while nobody answers, which is no failure. */
  probe(ctx: ActorContext): Promise<Probe | undefined> {
    const nowMs = ctx.clock.nowMs();
    if (this.#probed === undefined || nowMs - this.#probed.atMs > PROBE_MS)
      this.#probed = { atMs: nowMs, probe: this.#probe(ctx) };
    return this.#probed.probe;
  }

  async #probe({ clock }: ActorContext): Promise<Probe | undefined> {
    const { prefix, timeoutMs } = this.#settings;
    const sentMs = clock.nowMs();
    const { signal } = new AbortController();
    const asked = { subject: `${prefix}.probe`, body: "", timeoutMs, signal };
    const reply = await this.#line.request(asked);
    const heard =
      reply.kind === "reply" ? understand({ ...reply, retryAfter: undefined }) : undefined;
    if (heard?.kind !== "result") return undefined;
    const times = this.#times.measure(0, sentMs, clock.nowMs(), heard.stamps);
    return heard.stamps === undefined
      ? { rttMs: times.processingMs }
      : { ...times, clockMs: heard.stamps.receivedMs };
  }
}

/** Makes agents behind NATS; InvalidOptionError names the option, MESH_NO_NATS the package that is missing. */
export function createAgent(options: NatsAgentOptions, host: AgentHost): Behavior {
  const read = new KindOptions("agent.nats", options, MEMBERS);
  const { topology, clock } = host;
  const prefix = prefixOf(read);
  const presenceMs =
    read.raw("presenceMs") === undefined ? undefined : read.number("presenceMs", 0, 10, HOUR_MS);
  const settings: NatsSettings = {
    prefix,
    presenceMs,
    timeoutMs: read.number("timeoutMs", 10_000, 1, HOUR_MS),
    attempts: read.number("attempts", 10, 1, 1000),
    backOff: {
      firstMs: read.number("backoffMs", 100, 1, HOUR_MS),
      mostMs: read.number("maxBackoffMs", 5_000, 1, HOUR_MS),
    },
  };
  const tls = read.within("tls", ["ca", "cert", "key"]);
  const line = new NatsLine(
    {
      servers: serversOf(read),
      access: {
        credentials: read.text("credentials"),
        user: read.text("user"),
        password: read.secret("password"),
        token: read.secret("token"),
        tls: tls && { ca: tls.text("ca"), cert: tls.text("cert"), key: tls.text("key") },
      },
      maxResponseBytes: read.number("maxResponseBytes", 65_536, 1, 67_108_864),
      presence: presenceMs === undefined ? undefined : `${prefix}.here`,
      // Of agents, their clusters and sectors, and of the whole there are no more.
      places: 3 * topology.agents + 1,
    },
    clock,
  );
  const isProbed = isTrue(read, "probe");
  requireNatsClient("agent.nats", "@nats-io/transport-node");
  const endpoint = new NatsEndpoint(settings, line);
  return defineAgent<null, unknown, unknown>({
    capabilities: read.names("capabilities", ["nats"]),
    init: () => null,
    receive: (_state, message, ctx) => endpoint.exchange(message, ctx),
    ...(isProbed && { probe: (_state, ctx) => endpoint.probe(ctx) as Promise<Probe> }),
  }) as Behavior;
}

function serversOf(read: KindOptions): readonly string[] {
  const value = read.raw("url");
  const servers = typeof value === "string" ? value.split(",") : value;
  if (
    Array.isArray(servers) &&
    servers.length > 0 &&
    servers.every((server) => typeof server === "string" && SERVER.test(server))
  )
    return servers;
  const expected = "URLs of NATS servers: nats://host:4222, or tls://…";
  throw new InvalidOptionError("agent.nats.url", value, expected);
}

function prefixOf(read: KindOptions): string {
  const prefix = read.text("prefix") ?? "mesh.agents";
  if (prefix.length <= 200 && PREFIX.test(prefix)) return prefix;
  const expected =
    "names of letters, digits, - and _ with dots between them, at most 200 characters";
  throw new InvalidOptionError("agent.nats.prefix", prefix, expected);
}

function isTrue(read: KindOptions, name: string): boolean {
  const value = read.raw(name) ?? false;
  if (typeof value === "boolean") return value;
  throw new InvalidOptionError(`agent.nats.${name}`, value, "true or false");
}

/** `sector-1/cluster-2/agent-3` as the end of a subject: `1.2.3`. */
function placeOf(address: string): string {
  return (address.match(/\d+/g) ?? []).join(".");
}
