import type { ImpedanceClass } from "../coordination/impedance-class.ts";
import type { Behavior } from "./behavior.ts";
import type { MeshMessage, Verb } from "./message.ts";
import type { Clock, Log, Random } from "./ports.ts";
import type { Receipt } from "./receipt.ts";
import type { ActorRef, Target } from "./ref.ts";
import type { Answer } from "./result.ts";

/** 0 background, 1 normal, 2 high, 3 critical (spec 2.4). Critical travels on the urgent lane. */
export type Priority = 0 | 1 | 2 | 3;

export interface SendOptions {
  /** Default 1. */
  readonly priority?: Priority;
  /** The message is dropped (a dead letter) if its turn has not begun after this time, ms. Default: never. */
  readonly ttlMs?: number;
  /**
   * What whoever handles it has to be able to do. Looked at before the message is sent and again before its turn: who
   * lacks one of these answers CONFLICT, `CAPABILITY_MISMATCH`.
   */
  readonly requiresCapabilities?: readonly string[];
  /**
   * What the sender may have agents do that guard it (`guarded` of their behavior): of `mesh.trust.grant`, or passed
   * on.
   */
  readonly token?: Uint8Array;
}

export interface TellOptions extends SendOptions {
  /**
   * The message outlives the process: the receipt is `accepted` only when it is on disk, and what was accepted is
   * handled after a crash too. Only of a mesh with a `dataDir` (`MESH_NO_JOURNAL`).
   */
  readonly durable?: boolean;
  /** At most once: the message is not delivered again when a worker dies that had it. Not together with `durable`. */
  readonly volatile?: boolean;
}

export interface AskOptions extends SendOptions {
  /** The answer is TRANSIT when none came within this time, ms. Default 5,000. No work starts after it. */
  readonly timeoutMs?: number;
  /** Rejects the ask with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** What a token is to be for. */
export interface TokenWish {
  /** Who is to hold it: nobody else can use it. */
  readonly to: Target;
  /** What may be asked with it. Passed on: as much as was held, or less. */
  readonly capabilities: readonly string[];
  /** Whom: an agent, a cluster, a sector, or `all`. Default: `all`; passed on, those that it was held for. */
  readonly audience?: string;
  /** How long, ms, up to 15 minutes. Default 5 minutes; passed on, not longer than it was held for. */
  readonly ttlMs?: number;
}

/** Handle of a timer; `cancel` twice is harmless. */
export interface Timer {
  cancel(): void;
}

/** Timers of one agent; they end with its incarnation. */
export interface Timers<Message> {
  /** Tells the agent itself `message` after `delayMs` (≥ 0). */
  once(delayMs: number, message: Message): Timer;
  /** Tells the agent itself `message` every `periodMs` (≥ 1). */
  every(periodMs: number, message: Message): Timer;
  /** Resolves after `delayMs`; rejects at the message's deadline, and when the incarnation ends. */
  sleep(delayMs: number): Promise<void>;
}

/** What is known of the message of the current turn. */
export interface Envelope {
  /** Who sent it; undefined when it came from outside the mesh. */
  readonly sender: ActorRef | undefined;
  /** The sender's own count of messages: with `sender`, the identity of the message. */
  readonly sequence: number;
  readonly priority: Priority;
  /** When it was created, ms of the mesh clock. */
  readonly createdMs: number;
  /** When it expires, ms of the mesh clock; Infinity when never. */
  readonly deadlineMs: number;
  /** True when the message was delivered before to a worker that died: the effect may have happened. */
  readonly redelivered: boolean;
  /** Names the message in conflicts and traces: sender and sequence, or the operation's id. */
  readonly messageId: string;
  /** Id of the message whose turn sent this one; undefined when none did, or it is forgotten. */
  readonly causationId: string | undefined;
  /** Lamport stamp as of now: greater than that of every message that led to this turn. */
  readonly lamport: number;
  /**
   * What the sender may have this agent do, by the token that came with the message: names of capabilities. Empty
   * without a token; of a message from outside the mesh, which needs none, everything that this agent guards.
   */
  readonly granted: readonly string[];
  /** The operation that the message is of; absent of all other messages. */
  readonly operation?: OperationEnvelope;
}

/** What an agent is told of an operation of many, besides its payload. */
export interface OperationEnvelope {
  /** The same at all agents, and at a second attempt. */
  readonly id: string;
  readonly verb: Verb;
  /** T, when agents should be READY, ms of the mesh clock; undefined when as soon as they can. */
  readonly arrivalMs: number | undefined;
  /**
   * T by the clock of the system that the agent stands for, as far as its probes have told; by the mesh's where
   * they have not. For adapters whose other side holds and acts by itself.
   */
  readonly localArrivalMs: number | undefined;
  /** True in `act`, false in `receive`. */
  readonly acting: boolean;
  /** The whole message; of the plan it has this agent's part only. Made when it is asked for. */
  message(): MeshMessage;
}

/**
 * An agent's view of the mesh. The same interface is given by the threads of `runtime/` and by the
 * simulator, so a behavior cannot tell one from the other. Valid for the life of the incarnation.
 */
export interface ActorContext<Message = unknown> {
  readonly self: ActorRef<Message>;
  /** `sector-7/cluster-4/agent-12` */
  readonly address: string;
  /** The class of spec 2.2 that this agent belongs to. */
  readonly impedanceClass: ImpedanceClass;
  /** The message of the current turn. */
  readonly envelope: Envelope;
  /** Aborts at the message's deadline, and when the agent is stopped or killed. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly timers: Timers<Message>;
  /** The agent's state, for timers and callbacks that outlive a turn. */
  readonly state: unknown;

  /**
   * Sends without waiting for an answer. Await the receipt for backpressure. Throws PayloadTooLargeError
   * and UnknownActorError.
   */
  tell<M>(target: Target<M>, message: M, options?: TellOptions): Receipt;
  /**
   * Sends and waits for the answer. Resolves READY, CONFLICT or (deadline) TRANSIT; rejects when the
   * handler failed, on an ask cycle (AskCycleError names its path), and when `options.signal` aborts.
   */
  ask<M, A>(target: Target<M, A>, message: M, options?: AskOptions): Promise<Answer<A>>;
  /** Makes a child on the same shard, supervised by this actor. */
  spawn<S, M, A>(behavior: Behavior<S, M, A>): ActorRef<M, A>;
  /** Stops this actor after the current turn, or one of its children. */
  stop(child?: ActorRef): void;
  /** Death watch: `signal` is called once with `terminated` when the actor ends. */
  watch(actor: ActorRef): void;
  unwatch(actor: ActorRef): void;
  /** Puts the current message aside; bounded by the mailbox limit. */
  stash(): void;
  /** Puts all stashed messages back in front of the mailbox, in their order. */
  unstashAll(): void;
  /** Handles the next messages with another behavior over the same state, until a restart. */
  become(behavior: Pick<Behavior<never, never, unknown>, "receive">): void;
  /**
   * Says for people what the current turn waits for ("GPU memory"): `why` and `inspect` show it until the turn ends, or
   * says something else. At most 200 characters are kept.
   */
  waitsFor(what: string): void;
  /**
   * Passes a part of a token that this agent holds on to another one; who gets more than was held will be refused.
   * Rejects with MESH_TOKEN when this agent does not hold it, and with MESH_KEYS where the mesh has no keys.
   */
  passOn(token: Uint8Array, grant: TokenWish): Promise<Uint8Array>;
  /** Reports what was measured of the other side during this turn, instead of the runtime's own figures. */
  measured(rttMs: number, processingMs: number): void;
}
