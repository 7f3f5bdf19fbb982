import type { ActorContext } from "./context.ts";
import type { Conflict, Ready, Result } from "./result.ts";
import type { Signal } from "./signal.ts";

/** What `receive` may give back: a result, a promise of one, or nothing (which is READY without a value). */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler without a return statement returns void
export type Received<Answer> = Result<Answer> | void | Promise<Result<Answer> | void>;

/**
 * What an actor is: the user's code, apart from its state. One behavior object serves every agent of a
 * shard, so it must keep nothing of its own; what an agent remembers lives in `State`, and a restart is a
 * new state (OTP's callback module against its loop).
 */
export interface Behavior<State = unknown, Message = unknown, Answer = unknown> {
  /** What this agent can do; at most 64 distinct names in a mesh. Used for routing and checked before it. */
  readonly capabilities?: readonly string[];
  /**
   * What other agents may have this one do with a token only (`token` of a send), by name: capabilities that every
   * message needs, or a function that tells them of one message. Who brings no token that is his own, names them and
   * holds for this agent is answered CONFLICT, `CAPABILITY_MISMATCH`, and `receive` does not see the message. What
   * comes from outside the mesh needs none.
   */
  readonly guarded?: readonly string[] | ((message: Message) => readonly string[]);
  /**
   * Its state is on disk before anyone is told what a turn came to: asks of this agent are answered after that. Needs
   * `snapshot` and `restore`, and a mesh with a `dataDir`. Without it, states are on disk within the mesh's
   * `checkpointMs`.
   */
  readonly durable?: boolean;
  /** Makes a new state: at start, after a restart, after the death of the worker. */
  init(ctx: ActorContext<Message>): State | Promise<State>;
  /**
   * Handles one message; never called again before it has settled. Return {@link ready} or
   * {@link conflict}; throwing is a failure and goes to the supervisor.
   */
  receive(state: State, message: Message, ctx: ActorContext<Message>): Received<Answer>;
  /**
   * The moment itself: called at T for a message of an operation with a time, if `receive` was READY before
   * (READY-hold). `receive` prepares, `act` does; `message` is the same. A behavior without it has acted when
   * its result is let go.
   */
  act?(state: State, message: Message, ctx: ActorContext<Message>): Received<unknown>;
  /** Hears of the end of a watched actor or of a child's failure. Without it, signals are dropped. */
  signal?(state: State, signal: Signal, ctx: ActorContext<Message>): void | Promise<void>;
  /** Runs when the agent is stopped in good order; bounded by the supervisor's shutdown time. */
  stopped?(state: State, ctx: ActorContext<Message>): void | Promise<void>;
  /**
   * A value (msgpack-encodable) from which {@link restore} makes the same state. With it, the state
   * survives the death of the worker, and each message has its effect on it exactly once.
   */
  snapshot?(state: State): unknown;
  /** The inverse of {@link snapshot}; without it a snapshot is never taken. */
  restore?(snapshot: unknown, ctx: ActorContext<Message>): State;
  /**
   * What this agent would make of `message` if `context` were its context: one branch of two that a conflict of
   * contexts is reconciled by. Only looks: it changes neither the state nor its arguments, and sends nothing.
   */
  branch?(state: State, context: unknown, message: unknown): unknown;
  /**
   * The payload that this agent sent under this id (`envelope.messageId` at its receiver), sent again because what
   * arrived had another hash than was promised. Only looks; undefined when it has it no more.
   */
  resend?(state: State, messageId: string): unknown;
  /**
   * How much work this message is, above 0, in whatever unit: how long the agent takes for more and less of it is
   * learned, and sent ahead of T accordingly. Used where an operation says no `payloadWeight`; default 1 for all. Only
   * looks, and at nothing but the message: it is called on main as well.
   */
  weigh?(message: Message): number;
  /** Ids of messages, or addresses, from which this agent has `value`, one for each source of its own. Only looks. */
  provenance?(state: State, value: unknown): readonly string[];
  /**
   * What the agent has loaded and works from, and no turn changes (msgpack-encodable): instructions, a catalogue, the
   * digest of a model. Its hash is looked at with every heartbeat; an agent whose context is no longer what it was is
   * loaded again by {@link init}, and quarantined if that does not bring it back (spec 6.1).
   */
  context?(state: State): unknown;
  /**
   * Takes over the context of a healthy agent of the same module, where `init` does not bring it back: called by
   * `mesh.heal` after `init` and before the first turn. Returns the state to go on with, whose `context` is then the
   * same.
   */
  adoptContext?(state: State, context: unknown, ctx: ActorContext<Message>): State;
  /**
   * For agents that stand for something elsewhere: asked at each heartbeat how far away and how slow the
   * other side is. In-process agents need none: the runtime measures them. One that rejects, as one that does not
   * settle, is a heartbeat missed (TRANSIENT_NETWORK); one that throws is a failure of the agent.
   */
  probe?(state: State, ctx: ActorContext<Message>): Probe | undefined | Promise<Probe | undefined>;
}

/** What `behavior` says of the weight of `message`; 1 where it says nothing, or nothing that can be. */
export function weightOf(behavior: Pick<Behavior, "weigh"> | undefined, message: unknown): number {
  if (behavior?.weigh === undefined) return 1;
  try {
    const weight = behavior.weigh(message);
    return weight > 0 && weight <= MAX_WEIGHT ? weight : 1;
  } catch {
    // A message that it cannot make sense of; its turn will say so.
    return 1;
  }
}

/** As of `payloadWeight`. */
const MAX_WEIGHT = 1e6;

/** A measurement of something that is elsewhere (spec 4.1). */
export interface Probe {
  /** Round trip to the other side, ms. */
  readonly rttMs?: number;
  /** How long the other side worked, ms. */
  readonly processingMs?: number;
  /**
   * The other side's clock when it received the probe, ms of the epoch: from it the mesh learns how far that
   * clock is from its own, and tells T by it (`operation.localArrivalMs`).
   */
  readonly clockMs?: number;
}

/**
 * Declares an agent; the types of its state, messages and answers are inferred.
 *
 * @example
 * export default defineAgent({
 *   capabilities: ["count"],
 *   init: () => ({ seen: 0 }),
 *   receive(state, message: { add: number }) {
 *     state.seen += message.add;
 *     return ready(state.seen);
 *   },
 * });
 */
export function defineAgent<State, Message, Answer>(
  behavior: Behavior<State, Message, Answer>,
): Behavior<State, Message, Answer> {
  if (typeof behavior.init !== "function" || typeof behavior.receive !== "function") {
    throw new TypeError("defineAgent: a behavior needs both `init` and `receive` functions");
  }
  if ((behavior.snapshot === undefined) !== (behavior.restore === undefined)) {
    throw new TypeError(
      "defineAgent: `snapshot` and `restore` come as a pair; one of them is missing",
    );
  }
  if (behavior.adoptContext !== undefined && behavior.context === undefined)
    throw new TypeError(
      "defineAgent: `adoptContext` needs `context`, which tells what was adopted",
    );
  if (behavior.durable === true && behavior.snapshot === undefined) {
    throw new TypeError("defineAgent: `durable` needs `snapshot` and `restore`");
  }
  return behavior;
}

export type { Conflict, Ready, Result };
