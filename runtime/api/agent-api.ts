import type { Behavior } from "../../actors/behavior.ts";
import type { Clock } from "../../actors/ports.ts";
import type { ImpedanceClass } from "../../coordination/impedance-class.ts";
import type { Topology } from "../../coordination/topology.ts";
import type { Mesh } from "./mesh-api.ts";

/** Where an agent comes from: the URL or path of a module, or a kind that is ready made, with its options. */
export type AgentSource = string | URL | AgentKind;

/** Agents that are ready made, by what they stand for, and the user's own module with options of its own. */
export type AgentKind =
  | { readonly http: HttpAgentOptions }
  | { readonly trace: { readonly traces?: string } }
  | { readonly module: string | URL; readonly options?: unknown };

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
  /** Bytes of memory that these agents share on all threads, zero at the start. */
  readonly sharedBytes?: (options: unknown, topology: Topology) => number;
  /** Main's side of these agents; called when the mesh runs. */
  readonly attend?: (mesh: Mesh, options: unknown, shared: SharedArrayBuffer) => AgentDesk;
}

/** What the maker of a behavior is given of its mesh. */
export interface AgentHost {
  readonly topology: Topology;
  readonly clock: Clock;
  /** What `sharedBytes` asked for; empty where it asked for nothing. */
  readonly shared: SharedArrayBuffer;
  /** Asks main's side ({@link AgentDesk}): at most once, answered when the mesh runs. */
  call(request: unknown): Promise<unknown>;
}

/** Main's side of the agents of one module. */
export interface AgentDesk {
  /** Answers an agent's `host.call`; both sides must be cloneable. */
  call?(request: unknown): Promise<unknown>;
  /** The mesh has stopped. */
  close?(): void | Promise<void>;
}
