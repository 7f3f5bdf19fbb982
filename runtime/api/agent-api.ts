import type { Behavior } from "../../actors/behavior.ts";
import type { Clock, Log } from "../../actors/ports.ts";
import type { ImpedanceClass } from "../../coordination/impedance-class.ts";
import type { Topology } from "../../coordination/topology.ts";
import type { Mesh } from "./mesh-api.ts";

/** Where an agent comes from: the URL or path of a module, or a kind that is ready made, with its options. */
export type AgentSource = string | URL | AgentKind;

/** Agents that are ready made, by what they stand for, and the user's own module with options of its own. */
export type AgentKind =
  | { readonly a2a: A2aAgentOptions }
  | { readonly http: HttpAgentOptions }
  | { readonly human: HumanAgentOptions }
  | { readonly llm: LlmAgentOptions }
  | { readonly nats: NatsAgentOptions }
  | { readonly trace: { readonly traces?: string } }
  | IsolatedAgentOptions
  | { readonly module: string | URL; readonly options?: unknown };

/**
 * Agents whose code is not trusted: it runs in a process of its own (one for each thread and module) without shared
 * memory, environment or handles, and may read its module's folder only; files, processes and threads are refused to it
 * by Node's permission model. Its death is a failure of the agents whose turns it had (docs/semantics.md).
 */
export interface IsolatedAgentOptions {
  /** URL or path of the module; it is loaded in that process alone, so its `capabilities` stand here. */
  readonly module: string | URL;
  readonly isolation: "process";
  /** For `configure` and `createAgent` of the module; cloneable. */
  readonly options?: unknown;
  readonly capabilities?: readonly string[];
  /** As of a behavior. */
  readonly guarded?: readonly string[];
  /** Its heap, MiB, 16 to 65,536; 160 MiB more in all, or it is killed. Default 128. */
  readonly memoryMb?: number;
  /** One turn, ms, 10 to 3,600,000; beyond it the process is killed. Default 5,000. */
  readonly turnMs?: number;
  /** Folders and files that it may read as well. */
  readonly read?: readonly string[];
}

/** A source for each impedance class, and one for those that are not named. */
export type AgentsByClass = { readonly [Name in ImpedanceClass | "default"]?: AgentSource };

/** A secret: its text, or the environment variable that has it. */
export type Secret = string | { readonly env: string };

/**
 * Agents behind HTTP: webhooks, edge workers, serverless functions, devices. Each message is one POST of JSON; what
 * comes back is READY, CONFLICT or TRANSIT (docs/semantics.md, "Agents elsewhere").
 */
export interface HttpAgentOptions {
  /** Where to POST; `{address}`, `{sector}`, `{cluster}`, `{agent}` (numbers from 1) stand for the agent's own. */
  readonly url: string;
  /**
   * Signs each request as Standard Webhooks has it: HMAC-SHA256 with `whsec_…` (base64) or any text of 16 bytes and
   * more, Ed25519 with `whsk_…` (base64) or a private key as PEM. Default: not signed.
   */
  readonly secret?: Secret;
  /** Sent with each request. */
  readonly headers?: Readonly<Record<string, Secret>>;
  /** How long one attempt may take, ms, 1 to 3,600,000. Default 10,000. */
  readonly timeoutMs?: number;
  /**
   * Attempts with the same idempotency key before the agent has failed, 1 to 1,000, of a message without a deadline;
   * one with a deadline is tried until then, and is TRANSIT to its asker after it. Default 10.
   */
  readonly attempts?: number;
  /** Wait before the second attempt, ms; it doubles, with jitter, up to `maxBackoffMs`. Default 100 and 5,000. */
  readonly backoffMs?: number;
  readonly maxBackoffMs?: number;
  /** An answer longer than this is refused, bytes, 1 to 64 MiB. Default 64 KiB. */
  readonly maxResponseBytes?: number;
  /** Connections that each thread keeps to one origin, 1 to 10,000. Default 64. */
  readonly connections?: number;
  /** Asked with GET by heartbeats how far away the other side is, once a thread for all its agents. Default: none. */
  readonly probeUrl?: string;
  /** What these agents can do. Default `["http"]`. */
  readonly capabilities?: readonly string[];
}

/**
 * Agents behind a NATS server: any process, in any language, that answers requests at the subjects of docs/agents.md
 * ("Any language, over NATS"). Needs the package `@nats-io/transport-node`.
 */
export interface NatsAgentOptions {
  /** URL of a server, or of several of one cluster: `nats://host:4222`, `tls://…`. */
  readonly url: string | readonly string[];
  /**
   * Begins all subjects; names of letters, digits, `-` and `_` with dots between them. Agent 3 of cluster 2 of sector
   * 1 is asked at `PREFIX.ask.1.2.3`. Default `mesh.agents`.
   */
  readonly prefix?: string;
  /**
   * An agent is asked only while its process was heard of within this time, ms, 10 to 3,600,000, at `PREFIX.here`, or
   * `PREFIX.here.1`, `….1.2`, `….1.2.3` for a part of the mesh. Default: asked in any case.
   */
  readonly presenceMs?: number;
  /** Heartbeats ask at `PREFIX.probe` how far away the other side is, once a thread for all agents. Default false. */
  readonly probe?: boolean;
  /** How long one attempt may take, ms, 1 to 3,600,000. Default 10,000. */
  readonly timeoutMs?: number;
  /** As of {@link HttpAgentOptions}; an absent server and an absent process count as no attempt. */
  readonly attempts?: number;
  readonly backoffMs?: number;
  readonly maxBackoffMs?: number;
  /** An answer longer than this is refused, bytes, 1 to 64 MiB. Default 64 KiB. */
  readonly maxResponseBytes?: number;
  /** Path of a `.creds` file, or name and password, or a token. */
  readonly credentials?: string;
  readonly user?: string;
  readonly password?: Secret;
  readonly token?: Secret;
  /** Paths of PEM files: the authority that signed the server's certificate, and one's own certificate and key. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  /** What these agents can do. Default `["nats"]`. */
  readonly capabilities?: readonly string[];
}

/**
 * Agents that are remote agents of the A2A protocol, version 1.0 or 0.3: the card is fetched, each message is sent, and
 * its task is followed to its end. Needs the package `@a2a-js/sdk`.
 */
export interface A2aAgentOptions {
  /** Below it is `/.well-known/agent-card.json`; `{address}` may stand in it, as of {@link HttpAgentOptions}. */
  readonly url: string;
  /** Sent with each request, such as `authorization`. */
  readonly headers?: Readonly<Record<string, Secret>>;
  /** How long one request may take, ms, 1 to 3,600,000. Default 30,000. */
  readonly timeoutMs?: number;
  /** As of {@link HttpAgentOptions}. */
  readonly attempts?: number;
  /** Wait before a request is made again or a task is asked for, ms; it doubles up to `maxBackoffMs`. */
  readonly backoffMs?: number;
  readonly maxBackoffMs?: number;
  /** An answer longer than this is refused, bytes, 1 to 64 MiB. Default 1 MiB. */
  readonly maxResponseBytes?: number;
  /** What these agents can do. Default `["a2a"]`. */
  readonly capabilities?: readonly string[];
}

/** Money and tokens that may be used; not limited where absent. */
export interface LlmLimit {
  /** US dollars. */
  readonly usd?: number;
  /** Of prompts and answers. */
  readonly tokens?: number;
}

/**
 * Agents that are language models behind an OpenAI-compatible chat endpoint. A message is the prompt: text, or
 * {@link LlmMessage}; the answer is {@link LlmAnswer}, streamed, counted and within its budgets.
 */
export interface LlmAgentOptions {
  /** Base of the API, such as `http://127.0.0.1:11434/v1`; `/chat/completions` is called. */
  readonly url: string;
  readonly model: string;
  /** Sent as a bearer token. */
  readonly apiKey?: Secret;
  readonly headers?: Readonly<Record<string, Secret>>;
  /** Put before each prompt. */
  readonly system?: string;
  readonly temperature?: number;
  /** Tokens of an answer at most, where the message says nothing else, 1 to 1,000,000. Default 512. */
  readonly maxTokens?: number;
  /** What the endpoint calls that bound. Default `max_tokens`. */
  readonly maxTokensField?: "max_tokens" | "max_completion_tokens";
  /** US dollars for a million tokens of prompt and of answer. Default 0. */
  readonly price?: { readonly input: number; readonly output: number };
  /** What all agents may use together, those of any one sector, those of any one cluster, in one run of the mesh. */
  readonly budget?: {
    readonly mesh?: LlmLimit;
    readonly sector?: LlmLimit;
    readonly cluster?: LlmLimit;
  };
  /** What a token of prompt takes of the time of one of the answer, 0 to 1. Default 0.05. */
  readonly promptCost?: number;
  /** How long a call may take, ms. Default 120,000. */
  readonly timeoutMs?: number;
  /** As of {@link HttpAgentOptions}. */
  readonly attempts?: number;
  readonly backoffMs?: number;
  readonly maxBackoffMs?: number;
  /** All of a stream, bytes. Default 4 MiB. */
  readonly maxResponseBytes?: number;
  /** Default 64. */
  readonly connections?: number;
  /** Default `["llm"]`. */
  readonly capabilities?: readonly string[];
}

/** A message to a language model. */
export interface LlmMessage {
  /** This, or `messages`. */
  readonly prompt?: string;
  readonly messages?: readonly { readonly role: string; readonly content: string }[];
  readonly system?: string;
  readonly temperature?: number;
  readonly maxTokens?: number;
  /** How long the answer will probably be, tokens: the lead of an operation grows with it. Default `maxTokens`. */
  readonly expectedTokens?: number;
}

/** What a language model answers. */
export interface LlmAnswer {
  readonly text: string;
  /** Why it ended: `stop`, `length`, …; empty when the endpoint did not say. */
  readonly finish: string;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly usd: number;
  /** From the request to the first piece of the answer, and to its end, ms. */
  readonly firstTokenMs: number;
  readonly totalMs: number;
}

/**
 * Agents that are people: what they are asked lands in the inbox of the mesh (dashboard, REPL, HTTP, MCP), and the
 * answer comes when somebody has decided, also after a restart. A message is text, or {@link HumanQuestion}.
 */
export interface HumanAgentOptions {
  /** Time to decide where the message has none, ms. Default: the message's deadline, else for ever. */
  readonly withinMs?: number;
  /** `kind` of the items in the inbox. Default `ask`. */
  readonly kind?: string;
  /** Brings open items to mind this often, ms, 1,000 and more, besides once at three quarters of their time. */
  readonly remindEveryMs?: number;
  /** Where a POST goes when an item of this kind is opened, is brought to mind, is overdue or is decided. */
  readonly notify?: {
    readonly url: string;
    /** Signs it, as of {@link HttpAgentOptions}. */
    readonly secret?: Secret;
    readonly headers?: Readonly<Record<string, Secret>>;
  };
  /** Default `["human"]`. */
  readonly capabilities?: readonly string[];
}

/** A question to a person. */
export interface HumanQuestion {
  readonly text: string;
  /** Names it: who asks again with this id, also after a restart, gets the answer of the first time. */
  readonly id?: string;
  readonly about?: unknown;
  /** Time to decide, ms. */
  readonly withinMs?: number;
  /** Who is told the {@link HumanDecision} as well. */
  readonly replyTo?: string;
}

/** What a person has decided. */
export interface HumanDecision {
  readonly itemId: string;
  readonly approved: boolean;
  readonly by: string;
  /** What was said last; empty when nothing was. */
  readonly comment: string;
  /** ms since the epoch. */
  readonly decidedMs: number;
}

/** What a module may export. */
export interface AgentModule {
  readonly default?: Behavior;
  /** Called once on each thread with the options, before any agent is made. */
  readonly configure?: (options: unknown) => void | Promise<void>;
  /**
   * Makes the behavior from the options, instead of `default`: on each thread, and on main, which runs no agent but
   * has the options checked. Throws InvalidOptionError.
   */
  readonly createAgent?: (options: unknown, host: AgentHost) => Behavior;
  /** Bytes of memory that these agents share on all threads (main is thread 0), zero at the start. */
  readonly sharedBytes?: (options: unknown, topology: Topology, threads: number) => number;
  /** Main's side of these agents; called when the mesh runs. */
  readonly attend?: (mesh: Mesh, options: unknown, host: DeskHost) => AgentDesk;
}

/** What the maker of a behavior is given of its mesh. */
export interface AgentHost {
  /** Whose agents are made: 0 for main, which runs none. */
  readonly thread: number;
  readonly topology: Topology;
  readonly clock: Clock;
  /** What `sharedBytes` asked for; empty where it asked for nothing. */
  readonly shared: SharedArrayBuffer;
  /** Asks main's side ({@link AgentDesk}): at most once, answered when the mesh runs. */
  call(request: unknown): Promise<unknown>;
}

/** What main's side of agents is given. */
export interface DeskHost {
  /** As of {@link AgentHost}. */
  readonly shared: SharedArrayBuffer;
  readonly log: Log;
}

/** Main's side of the agents of one module. */
export interface AgentDesk {
  /** Answers an agent's `host.call`; both sides must be cloneable. */
  call?(request: unknown): Promise<unknown>;
  /** The mesh has stopped. */
  close?(): void | Promise<void>;
}
