/** Remote agents of the A2A protocol: the one place that knows its client, which is an optional package. */
import { MeshError } from "../actors/errors.ts";
import { type HttpPool, originOf } from "./http-pool.ts";
import { untilAborted } from "./until-aborted.ts";

type Client = typeof import("@a2a-js/sdk/client");
type Card =
  Awaited<ReturnType<InstanceType<Client["ClientFactory"]>["createFromUrl"]>> extends {
    getAgentCard(): Promise<infer Known>;
  }
    ? Known
    : never;
type A2aClient = InstanceType<Client["Client"]>;
type Sent = Awaited<ReturnType<A2aClient["sendMessage"]>>;
type Task = Extract<Sent, { status: unknown }>;
type Part = Task["artifacts"][number]["parts"][number];

/** What a message to a remote agent has come to so far. */
export type A2aHeard =
  | { readonly kind: "done"; readonly value: unknown }
  | { readonly kind: "failed" | "rejected" | "canceled"; readonly why: string }
  /** It goes on: asked for again by `taskId`. `why` says what for people, where it waits for somebody. */
  | { readonly kind: "working"; readonly taskId: string; readonly why: string }
  /** The other side has trouble that may pass. */
  | { readonly kind: "again"; readonly why: string }
  /** It does not know the task any more: the message is sent again. */
  | { readonly kind: "forgotten"; readonly why: string }
  | { readonly kind: "refused"; readonly why: string };

/** What is sent once, or asked for again. */
export interface A2aRequest {
  readonly url: string;
  /** Names the message: the same each time. */
  readonly key: string;
  readonly message: unknown;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** The task that goes on; undefined where there is none yet. */
  readonly taskId: string | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

interface KnownCard {
  readonly card: Promise<Card>;
  /** Why it could not be fetched, where that may pass. */
  readonly trouble: { why?: string };
  readonly atMs: number;
}

/** How long a card is taken for true, ms. */
const CARD_MS = 300_000;
/** Cards that are kept at most, the oldest go first. */
const MAX_CARDS = 1000;
const MAX_WHY = 200;
const ROLE_USER = 1;
/** `TaskState` of the protocol. */
const [COMPLETED, FAILED, CANCELED, INPUT_REQUIRED, REJECTED, AUTH_REQUIRED] = [3, 4, 5, 6, 7, 8];
const PASSING: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);
/** Of JSON-RPC: what the other side did wrong itself. */
const INTERNAL = -32_603;

/** The remote agents of one module of agents on one thread. */
export class A2aPeers {
  readonly #pool: HttpPool;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #cards = new Map<string, KnownCard>();

  constructor(pool: HttpPool, headers: Readonly<Record<string, string>>) {
    this.#pool = pool;
    this.#headers = headers;
  }

  /** One request, and its card before where it is not known; rejects only when `signal` aborts. */
  async exchange(request: A2aRequest, nowMs: number): Promise<A2aHeard> {
    const { url, taskId, signal } = request;
    const trouble: { why?: string } = {};
    try {
      const client = await this.#clientOf(request, nowMs, trouble);
      if (taskId !== undefined)
        return heardOf(await client.getTask({ tenant: "", id: taskId, historyLength: 0 }));
      return heardOf(await client.sendMessage(messageOf(request)));
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof MeshError && error.code === "MESH_NO_A2A") throw error;
      if (trouble.why !== undefined)
        return { kind: "again", why: `${originOf(url)}: ${trouble.why}` };
      const { message, code } = error as { message?: string; code?: unknown };
      const why = `${originOf(url)}: ${String(message).slice(0, MAX_WHY)}`;
      if (taskId !== undefined && /^TaskNotFound/.test(String((error as Error).name)))
        return { kind: "forgotten", why };
      return { kind: code === INTERNAL ? "again" : "refused", why };
    }
  }

  async #clientOf(
    request: A2aRequest,
    nowMs: number,
    trouble: { why?: string },
  ): Promise<A2aClient> {
    const sdk = await loadClient();
    const fetchImpl = this.#fetchOf(request, trouble);
    const options = { fetchImpl, legacyCompat: { enabled: true } };
    const known = this.#cardOf(sdk, request, nowMs);
    let card: Card;
    try {
      card = await untilAborted(known.card, [request.signal]);
    } catch (error) {
      if (known.trouble.why !== undefined) trouble.why = known.trouble.why;
      throw error;
    }
    const factory = new sdk.ClientFactory({
      transports: [new sdk.JsonRpcTransportFactory(options), new sdk.RestTransportFactory(options)],
    });
    return factory.createFromAgentCard(card);
  }

  /** One fetch for all agents that have the same: it ends with none of their turns, and what fails is not kept. */
  #cardOf(sdk: Client, { url, ...request }: A2aRequest, nowMs: number): KnownCard {
    const old = this.#cards.get(url);
    if (old !== undefined && nowMs - old.atMs <= CARD_MS) return old;
    const trouble: { why?: string } = {};
    const { signal } = new AbortController();
    const fetchImpl = this.#fetchOf({ url, ...request, signal }, trouble);
    const options = { fetchImpl, legacyCompat: { enabled: true } };
    const card = new sdk.DefaultAgentCardResolver(options).resolve(url);
    const known = { card, trouble, atMs: nowMs };
    this.#cards.delete(url);
    if (this.#cards.size >= MAX_CARDS)
      this.#cards.delete(this.#cards.keys().next().value as string);
    this.#cards.set(url, known);
    card.catch(() => {
      if (this.#cards.get(url) === known) this.#cards.delete(url);
    });
    return known;
  }

  /** What the client fetches by: bounded in time and length, and noting in `trouble` what may pass. */
  #fetchOf({ timeoutMs, signal }: A2aRequest, trouble: { why?: string }): typeof fetch {
    return async (input, init = {}) => {
      const url = input instanceof Request ? input.url : String(input);
      const headers = { ...Object.fromEntries(new Headers(init.headers)), ...this.#headers };
      const method = init.method === "POST" ? "POST" : "GET";
      const body = typeof init.body === "string" ? { body: init.body } : {};
      const asked = { method, url, headers, timeoutMs, signal, ...body } as const;
      try {
        const reply = await this.#pool.send(asked);
        if (PASSING.has(reply.status)) trouble.why = `status ${reply.status}`;
        return new Response(reply.status === 204 ? null : reply.body, {
          status: reply.status,
          headers: { "content-type": "application/json" },
        });
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        if (code !== "UND_ERR_RES_EXCEEDED_MAX_SIZE") trouble.why = message || String(code);
        throw error;
      }
    };
  }
}

async function loadClient(): Promise<Client> {
  try {
    return await import("@a2a-js/sdk/client");
  } catch (cause) {
    throw noClient(cause);
  }
}

/** Throws MESH_NO_A2A where the client is not installed. */
export function requireA2aClient(): void {
  try {
    import.meta.resolve("@a2a-js/sdk/client");
  } catch (cause) {
    throw noClient(cause);
  }
}

function noClient(cause: unknown): MeshError {
  const sentence = "agent.a2a: expected its package, which is not there: npm install @a2a-js/sdk";
  return new MeshError("MESH_NO_A2A", sentence, { cause });
}

function messageOf({
  key,
  message,
  metadata,
}: A2aRequest): Parameters<A2aClient["sendMessage"]>[0] {
  const content =
    typeof message === "string"
      ? { $case: "text" as const, value: message }
      : { $case: "data" as const, value: message };
  const mediaType = typeof message === "string" ? "text/plain" : "application/json";
  return {
    tenant: "",
    message: {
      messageId: key,
      contextId: "",
      taskId: "",
      role: ROLE_USER,
      parts: [{ content, mediaType, filename: "", metadata: undefined }],
      metadata,
      extensions: [],
      referenceTaskIds: [],
    },
    configuration: {
      acceptedOutputModes: [],
      taskPushNotificationConfig: undefined,
      returnImmediately: true,
    },
    metadata: undefined,
  };
}

function heardOf(sent: Sent): A2aHeard {
  if (!("status" in sent)) return { kind: "done", value: valueIn(sent.parts) };
  const { id, status, artifacts } = sent;
  const said = textOf(status?.message?.parts ?? []);
  switch (status?.state) {
    case COMPLETED: {
      const parts = artifacts.flatMap((artifact) => artifact.parts);
      return { kind: "done", value: valueIn(parts.length > 0 ? parts : status.message?.parts) };
    }
    case FAILED:
      return { kind: "failed", why: said };
    case REJECTED:
      return { kind: "rejected", why: said };
    case CANCELED:
      return { kind: "canceled", why: said };
    case INPUT_REQUIRED:
      return { kind: "working", taskId: id, why: `needs input: ${said}` };
    case AUTH_REQUIRED:
      return { kind: "working", taskId: id, why: `needs somebody to log in: ${said}` };
    default:
      return { kind: "working", taskId: id, why: said || "works" };
  }
}

/** One part as it is, several as a list, none as undefined. */
function valueIn(parts: readonly Part[] = []): unknown {
  const values = parts.map(({ content, filename, mediaType }) => {
    if (content?.$case === "text" || content?.$case === "data") return content.value;
    if (content?.$case === "url") return { url: content.value, filename, mediaType };
    const base64 = content === undefined ? "" : Buffer.from(content.value).toString("base64");
    return { base64, filename, mediaType };
  });
  return values.length > 1 ? values : values[0];
}

function textOf(parts: readonly Part[]): string {
  const texts = parts.map(({ content }) =>
    content?.$case === "text" ? content.value : JSON.stringify(content?.value ?? ""),
  );
  return texts.join(" ").slice(0, MAX_WHY);
}
