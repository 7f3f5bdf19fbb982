// Agents that are language models behind an OpenAI-compatible chat endpoint. Each message is one streamed completion,
// within budgets that all threads share: what it may cost is taken before the call, and what it did not cost is given
// back after it. When the endpoint says that there are too many calls, all threads wait.
import { type Behavior, defineAgent } from "../actors/behavior.ts";
import type { ActorContext } from "../actors/context.ts";
import { InvalidOptionError, MeshError } from "../actors/errors.ts";
import { conflict, type Result, ready } from "../actors/result.ts";
import type { Topology } from "../coordination/topology.ts";
import type { AgentHost, LlmAgentOptions, LlmAnswer } from "../runtime/api/agent-api.ts";
import { type BackOff, backOffMs, retryAfterMs } from "./back-off.ts";
import { amountOf, type ChatDefaults, type ChatRequest, chatRequest } from "./chat-request.ts";
import { type ChatStream, newChatStream, readChatStream } from "./chat-stream.ts";
import { HttpPool, type HttpStream, originOf } from "./http-pool.ts";
import { KindOptions } from "./kind-options.ts";
import { type Amount, BudgetTree, budgetBytes, type Limits, type Refusal } from "./llm-budget.ts";
import { PAUSE_BYTES, SharedPause } from "./shared-pause.ts";

const MEMBERS: readonly (keyof LlmAgentOptions)[] = [
  "url",
  "model",
  "apiKey",
  "headers",
  "system",
  "temperature",
  "maxTokens",
  "maxTokensField",
  "price",
  "budget",
  "promptCost",
  "timeoutMs",
  "attempts",
  "backoffMs",
  "maxBackoffMs",
  "maxResponseBytes",
  "connections",
  "capabilities",
];

const HOUR_MS = 3_600_000;
/** Billionths of a dollar in one, and what a dollar for a million tokens is for one. */
const NANO_USD = 1e9;
const NANO_USD_A_TOKEN = 1000;
/** Who waits for siblings to give back what they hold looks again after this time, ms, at least. */
const LOOK_MS = 20;
/** After a pause calls begin over a tenth of it, and at most over this time, ms. */
const MAX_SPREAD_MS = 1000;
/** Of a refusal so much is read. */
const MAX_WHY_BYTES = 2000;
const NOTHING: Amount = { nanoUsd: 0, tokens: 0 };
/** The message was understood, and is not one that can be answered. */
const CONFLICTS: ReadonlySet<number> = new Set([400, 413, 422]);
const PASSING: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);
/** Statuses with which an endpoint says that there are too many calls, of whomever. */
const CROWDED: ReadonlySet<number> = new Set([429, 503]);
/** Errors before anything was sent that could be billed. */
const UNSENT: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "UND_ERR_CONNECT_TIMEOUT",
]);

interface LlmSettings {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly chat: ChatDefaults;
  readonly timeoutMs: number;
  readonly attempts: number;
  readonly backOff: BackOff;
}

/** What a call came to, and what it has cost. */
type Called =
  | { readonly kind: "result"; readonly result: Result; readonly cost: Amount }
  | { readonly kind: "refused"; readonly why: string; readonly cost: Amount }
  | {
      readonly kind: "again";
      readonly why: string;
      readonly waitMs: number | undefined;
      readonly cost: Amount;
    };

/** The endpoint as one thread calls it. */
class ChatEndpoint {
  readonly #settings: LlmSettings;
  readonly #pool: HttpPool;
  readonly #budget: BudgetTree;
  readonly #pause: SharedPause;

  constructor(settings: LlmSettings, pool: HttpPool, budget: BudgetTree, pause: SharedPause) {
    this.#settings = settings;
    this.#pool = pool;
    this.#budget = budget;
    this.#pause = pause;
  }

  /** Has the message answered; CONFLICT when no budget is left for it or the endpoint cannot take it. */
  async complete(message: unknown, ctx: ActorContext): Promise<Result> {
    const { chat, attempts, backOff, url } = this.#settings;
    const request = chatRequest(message, chat);
    const most = amountOf(chat, request.mostPromptTokens, request.maxTokens);
    const isBound = Number.isFinite(ctx.envelope.deadlineMs);
    for (let attempt = 1; ; attempt++) {
      await this.#waitOut(ctx);
      const reserved = await this.#reserve(most, ctx);
      if (typeof reserved !== "number") return overBudget(reserved, most);
      let cost = most;
      let called: Called;
      try {
        called = await this.#call(request, most, ctx);
        cost = called.cost;
      } finally {
        // Also of a turn that has ended: it holds nothing more, and what may have been billed counts.
        this.#budget.settle(reserved, cost);
      }
      if (called.kind === "result") return called.result;
      if (called.kind === "refused")
        throw new MeshError("MESH_REMOTE_REFUSED", `${originOf(url)}: ${called.why}`);
      if (!isBound && attempt >= attempts) {
        const sentence = `${originOf(url)} has not answered in ${attempt} attempts: ${called.why}`;
        throw new MeshError("MESH_REMOTE_UNAVAILABLE", sentence);
      }
      ctx.waitsFor(`${originOf(url)}: ${called.why}`);
      await ctx.timers.sleep(called.waitMs ?? backOffMs(backOff, attempt, ctx.random.next()));
    }
  }

  /** Waits while somebody has been told that there are too many calls, and a little more: not all begin at once. */
  async #waitOut(ctx: ActorContext): Promise<void> {
    for (;;) {
      const waitMs = this.#pause.waitMs(ctx.clock.nowMs());
      if (waitMs === 0) return;
      ctx.waitsFor(`${originOf(this.#settings.url)}: too many calls`);
      await ctx.timers.sleep(waitMs + ctx.random.next() * Math.min(MAX_SPREAD_MS, waitMs / 10));
    }
  }

  /** The number of the call that may be made, or why none may: siblings that hold too much are waited for. */
  async #reserve(most: Amount, ctx: ActorContext): Promise<number | Refusal> {
    const untilMs = ctx.clock.nowMs() + this.#settings.timeoutMs;
    for (;;) {
      const reserved = this.#budget.reserve(ctx.self, most);
      if ("call" in reserved) return reserved.call;
      const { refusal } = reserved;
      if (refusal.final || ctx.clock.nowMs() >= untilMs) return refusal;
      ctx.waitsFor(`budget of ${refusal.node}: calls under way may use all that is left`);
      await ctx.timers.sleep(LOOK_MS * (1 + 4 * ctx.random.next()));
    }
  }

  async #call(request: ChatRequest, most: Amount, ctx: ActorContext): Promise<Called> {
    const { url, headers, timeoutMs } = this.#settings;
    const sentMs = ctx.clock.nowMs();
    const seen = newChatStream();
    try {
      return await this.#pool.stream(
        { method: "POST", url, headers, body: request.body, timeoutMs, signal: ctx.signal },
        async (answer) => {
          if (answer.status !== 200) return this.#turnedAway(answer, ctx);
          await readChatStream(answer.chunks, seen, () => ctx.clock.nowMs());
          this.#pause.clear();
          return this.#answered(request, seen, most, sentMs, ctx);
        },
      );
    } catch (error) {
      // Also when the turn has ended a moment after the call was given up.
      ctx.signal.throwIfAborted();
      const { message, code = "" } = error as NodeJS.ErrnoException;
      const cost = UNSENT.has(code) ? NOTHING : this.#costOf(seen, most);
      return { kind: "again", why: message || code, waitMs: undefined, cost };
    }
  }

  #answered(
    request: ChatRequest,
    seen: ChatStream,
    most: Amount,
    sentMs: number,
    ctx: ActorContext,
  ): Called {
    const totalMs = ctx.clock.nowMs() - sentMs;
    const cost = this.#costOf(seen, most);
    // Nobody can tell the way from the work: the endpoint has no clock that it shows.
    ctx.measured(0, totalMs);
    const answer: LlmAnswer = {
      text: seen.text,
      finish: seen.finish,
      promptTokens: seen.usage?.promptTokens ?? request.mostPromptTokens,
      completionTokens: seen.usage?.completionTokens ?? seen.pieces,
      usd: cost.nanoUsd / NANO_USD,
      firstTokenMs: seen.firstMs === 0 ? totalMs : seen.firstMs - sentMs,
      totalMs,
    };
    return { kind: "result", result: ready(answer), cost };
  }

  /** What was used, as the endpoint counts; all that was reserved where it did not say. */
  #costOf({ usage }: ChatStream, most: Amount): Amount {
    if (usage === undefined) return most;
    return amountOf(this.#settings.chat, usage.promptTokens, usage.completionTokens);
  }

  async #turnedAway(
    { status, retryAfter, chunks }: HttpStream,
    ctx: ActorContext,
  ): Promise<Called> {
    const said = await beginningOf(chunks);
    const why = `${status} ${said}`.trim();
    if (CONFLICTS.has(status)) {
      const result = conflict({ type: "DATA_CONTRADICTION", received: why });
      return { kind: "result", result, cost: NOTHING };
    }
    if (!PASSING.has(status)) return { kind: "refused", why, cost: NOTHING };
    const nowMs = ctx.clock.nowMs();
    const askedMs = retryAfterMs(retryAfter, nowMs);
    if (!CROWDED.has(status) || (status !== 429 && askedMs === undefined))
      return { kind: "again", why, waitMs: askedMs, cost: NOTHING };
    // For everybody, on all threads; the next attempt waits it out like theirs.
    const strikes = this.#pause.strike(nowMs);
    const pauseMs = askedMs ?? backOffMs(this.#settings.backOff, strikes, ctx.random.next());
    this.#pause.begin(nowMs + pauseMs);
    return { kind: "again", why, waitMs: 0, cost: NOTHING };
  }
}

/** Memory for the pause and the budgets of all threads. */
export function sharedBytes(_options: unknown, topology: Topology, threads: number): number {
  return PAUSE_BYTES + budgetBytes(topology, threads);
}

/** Makes agents of a language model; InvalidOptionError names the option. */
export function createAgent(options: LlmAgentOptions, host: AgentHost): Behavior {
  const read = new KindOptions("agent.llm", options, MEMBERS);
  const settings = readSettings(read);
  const pool = new HttpPool({
    connections: read.number("connections", 64, 1, 10_000),
    maxResponseBytes: read.number("maxResponseBytes", 4_194_304, 1, 67_108_864),
  });
  const { topology, thread, shared } = host;
  const budget = new BudgetTree(shared, PAUSE_BYTES, topology, readLimits(read), thread);
  const endpoint = new ChatEndpoint(settings, pool, budget, new SharedPause(shared, 0));
  return defineAgent<null, unknown, unknown>({
    capabilities: read.names("capabilities", ["llm"]),
    init: () => null,
    receive: (_state, message, ctx) => endpoint.complete(message, ctx),
    weigh: (message) => chatRequest(message, settings.chat).weight,
  }) as Behavior;
}

function readSettings(read: KindOptions): LlmSettings {
  const url = read.url("url");
  const model = read.text("model");
  if (url === undefined) throw new InvalidOptionError("agent.llm.url", url, "the base of an API");
  if (model === undefined) throw new InvalidOptionError("agent.llm.model", model, "a model");
  const price = read.within("price", ["input", "output"]);
  const dollars = (name: string): number =>
    (price?.number(name, 0, 0, 1e6, true) ?? 0) * NANO_USD_A_TOKEN;
  const key = read.secret("apiKey");
  const field = read.text("maxTokensField") ?? "max_tokens";
  if (field !== "max_tokens" && field !== "max_completion_tokens")
    throw new InvalidOptionError(
      "agent.llm.maxTokensField",
      field,
      "max_tokens or max_completion_tokens",
    );
  return {
    url: `${url.replace(/\/+$/, "")}/chat/completions`,
    headers: {
      "content-type": "application/json",
      accept: "text/event-stream",
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
      ...read.headers("headers"),
    },
    chat: {
      model,
      system: read.text("system"),
      temperature:
        read.raw("temperature") === undefined
          ? undefined
          : read.number("temperature", 1, 0, 10, true),
      maxTokens: read.number("maxTokens", 512, 1, 1_000_000),
      maxTokensField: field,
      inputNanoUsd: dollars("input"),
      outputNanoUsd: dollars("output"),
      promptCost: read.number("promptCost", 0.05, 0, 1, true),
    },
    timeoutMs: read.number("timeoutMs", 120_000, 1, HOUR_MS),
    attempts: read.number("attempts", 10, 1, 1000),
    backOff: {
      firstMs: read.number("backoffMs", 500, 1, HOUR_MS),
      mostMs: read.number("maxBackoffMs", 30_000, 1, HOUR_MS),
    },
  };
}

function readLimits(read: KindOptions): Limits {
  const budget = read.within("budget", ["mesh", "sector", "cluster"]);
  const limitOf = (tier: string): Limits["mesh"] => {
    const limit = budget?.within(tier, ["usd", "tokens"]);
    if (limit === undefined) return undefined;
    const has = (name: string): boolean => limit.raw(name) !== undefined;
    return {
      nanoUsd: has("usd") ? limit.number("usd", 0, 0, 1e9, true) * NANO_USD : undefined,
      tokens: has("tokens") ? limit.number("tokens", 0, 0, 1e15) : undefined,
    };
  };
  return { mesh: limitOf("mesh"), sector: limitOf("sector"), cluster: limitOf("cluster") };
}

/** The message contradicts what there is to spend: recorded, and put before whoever decides on conflicts. */
function overBudget({ node, left }: Refusal, most: Amount): Result {
  const told = ({ nanoUsd, tokens }: Amount): string =>
    [
      ...(Number.isFinite(nanoUsd) ? [`${nanoUsd / NANO_USD} USD`] : []),
      ...(Number.isFinite(tokens) ? [`${tokens} tokens`] : []),
    ].join(" and ");
  return conflict({
    type: "DATA_CONTRADICTION",
    expected: `within the budget of ${node}: ${told(left)} left`,
    received: `a call of up to ${told(most)}`,
  });
}

async function beginningOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    pieces.push(chunk);
    bytes += chunk.length;
    if (bytes >= MAX_WHY_BYTES) break;
  }
  return Buffer.concat(pieces).toString("utf8", 0, MAX_WHY_BYTES);
}
