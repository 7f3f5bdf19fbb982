import type { Behavior } from "../../actors/behavior.ts";
import type {
  ActorContext,
  AskOptions,
  Envelope,
  Priority,
  TellOptions,
  Timer,
  Timers,
  TokenWish,
} from "../../actors/context.ts";
import { AskCycleError, deadlineError, MeshError, UnknownActorError } from "../../actors/errors.ts";
import type { Clock, Log, Random } from "../../actors/ports.ts";
import type { Receipt } from "../../actors/receipt.ts";
import type { ActorRef, Target } from "../../actors/ref.ts";
import type { Answer } from "../../actors/result.ts";
import { addressOf, indexOfAddress } from "../../coordination/address.ts";
import { type ImpedanceClass, impedanceClassName } from "../../coordination/impedance-class.ts";
import type { Topology } from "../../coordination/topology.ts";
import {
  FRAME_CREATED_F64,
  FRAME_DEADLINE_F64,
  FRAME_SEQUENCE_F64,
  FRAME_SOURCE,
  FRAME_TYPE,
  FrameFlag,
  FrameKind,
  frameFlags,
  frameKind,
  framePriority,
} from "../../mailbox/frame.ts";
import { SLOT_FRAME } from "../../mailbox/layout.ts";
import { seededRandom } from "../machine/clock.ts";
import { causationIdOf, messageIdOf } from "../plan/message-id.ts";
import { isEnclosing } from "./admittance.ts";
import { CellTimers } from "./cell-timers.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { checkAskOptions, deadlineAfter } from "./send-options.ts";
import type { TurnSends } from "./turn-sends.ts";

/** Default of `ask`'s timeout, ms. */
export const DEFAULT_ASK_MS = 5000;

/** What only some agents need, so that all others do without: made when first used. */
export interface CellExtras {
  timers?: CellTimers;
  controller?: AbortController | undefined;
  /** Ends the wait of `signal` for the message's deadline. */
  deadlineTimer?: number;
  stash?: number[];
  log?: Log;
  random?: Random;
  envelope?: Envelope | undefined;
  /** Stop when the current turn is over. */
  stopping?: boolean;
  measured?: { rttMs: number; processingMs: number } | undefined;
  waitsFor?: string | undefined;
  /** What the open turn has sent durably. */
  sends?: TurnSends | undefined;
  /** The version that the agent changes over to when the current turn is over. */
  nextBehavior?: Behavior;
}

const NO_DESK = "tokens are passed on by the keys of the mesh, which this thread cannot ask for";

/**
 * Clears what is of one turn alone. Not by `delete`, which makes a table of an object, and only what is there, for
 * it would have to grow: of each suspended turn the collector copies whatever its agent has.
 */
export function forgetTurn(extras: CellExtras): void {
  if (extras.deadlineTimer !== undefined) extras.deadlineTimer = 0;
  if (extras.controller !== undefined) extras.controller = undefined;
  if (extras.envelope !== undefined) extras.envelope = undefined;
  if (extras.measured !== undefined) extras.measured = undefined;
  if (extras.waitsFor !== undefined) extras.waitsFor = undefined;
}

/** Characters of what a turn says it waits for. */
const MAX_WAITS_FOR = 200;

/**
 * One incarnation of one agent on its thread: its state, and the {@link ActorContext} that its behavior
 * sees. A restart makes a new cell, so a stale continuation of the old incarnation is recognised and refused.
 */
export class AgentCell implements ActorContext {
  readonly self: ActorRef;
  readonly dispatcher: Dispatcher;
  behavior: Behavior;
  state: unknown = undefined;
  /** Slot of the message of the current turn; 0 between turns. */
  slot = 0;
  /** A turn is suspended: awaiting a promise, or its sends wait for room. */
  busy = false;
  alive = true;
  sendsWaiting = 0;
  /** Sends of its turn that wait and are in this heap alone. */
  sendsLoose = 0;
  /** Who spawned it; −1 for agents of the topology. */
  parent = -1;
  /** The turn of its parent in which it was spawned; NaN when none ran. */
  bornIn: number = Number.NaN;
  /** The behavior that it began with, whatever it has become. */
  readonly origin: Behavior;
  extras: CellExtras | undefined = undefined;

  constructor(dispatcher: Dispatcher, self: number, behavior: Behavior) {
    this.dispatcher = dispatcher;
    this.self = self;
    this.behavior = behavior;
    this.origin = behavior;
  }

  get more(): CellExtras {
    this.extras ??= {};
    return this.extras;
  }

  get address(): string {
    return addressOf(this.dispatcher.view.topology, this.self);
  }

  get impedanceClass(): ImpedanceClass {
    return impedanceClassName(this.dispatcher.view.registry.class[this.self]);
  }

  get clock(): Clock {
    return this.dispatcher.ports.clock;
  }

  get random(): Random {
    const { more, dispatcher, self } = this;
    // Its own, so that what an agent draws depends on no other's draws; another one for each incarnation.
    more.random ??= seededRandom(
      dispatcher.plan.seed +
        self * 0x9e3779b1 +
        dispatcher.view.registry.generation[self] * 0x85ebca6b,
    );
    return more.random;
  }

  get log(): Log {
    const { more } = this;
    more.log ??= namedLog(this.dispatcher.ports.log, this.address);
    return more.log;
  }

  get timers(): Timers<unknown> {
    const { more } = this;
    more.timers ??= new CellTimers(this);
    return more.timers;
  }

  get envelope(): Envelope {
    const { more } = this;
    if (this.slot === 0)
      throw new MeshError("MESH_NO_MESSAGE", `${this.address} is handling no message`);
    more.envelope ??= readEnvelope(this.dispatcher, this.slot, this.self);
    return more.envelope;
  }

  get signal(): AbortSignal {
    const { more, dispatcher } = this;
    if (more.controller === undefined) {
      const controller = new AbortController();
      more.controller = controller;
      if (!this.alive) controller.abort(endedError(this));
      const { deadlineMs } = this;
      if (deadlineMs !== Number.POSITIVE_INFINITY) {
        const target = { onTimer: () => controller.abort(deadlineError()) };
        more.deadlineTimer = dispatcher.wheel.schedule(deadlineMs, target, 0);
      }
    }
    return more.controller.signal;
  }

  /** What tells the open turn from others of this agent; NaN, which is like nothing, between turns. */
  get turn(): number {
    if (this.slot === 0) return Number.NaN;
    const { doubles } = this.dispatcher.view.custody;
    const sequence = doubles[((this.slot + SLOT_FRAME) >>> 1) + FRAME_SEQUENCE_F64];
    // Of an operation an agent may have two turns: receive and act.
    const { operations } = this.dispatcher;
    const acts = operations.has(this.slot) && operations.isActing(this.slot, this.self);
    return acts ? -sequence : sequence;
  }

  /** Of the current message, ms of the mesh clock; Infinity when it has none. */
  get deadlineMs(): number {
    if (this.slot === 0) return Number.POSITIVE_INFINITY;
    const { doubles } = this.dispatcher.view.custody;
    return (
      doubles[((this.slot + SLOT_FRAME) >>> 1) + FRAME_DEADLINE_F64] || Number.POSITIVE_INFINITY
    );
  }

  tell<M>(target: Target<M>, message: M, options?: TellOptions): Receipt {
    this.#mustLive();
    this.dispatcher.readClock();
    const { admittance, outbox } = this.dispatcher;
    const index = resolve(this.dispatcher, target);
    const receipt = isEnclosing(options)
      ? admittance.tell(this.self, index, message, options, this)
      : outbox.tell(this.self, index, message, options, this);
    this.dispatcher.nudge();
    return receipt;
  }

  ask<M, A>(target: Target<M, A>, message: M, options?: AskOptions): Promise<Answer<A>> {
    const { dispatcher } = this;
    try {
      this.#mustLive();
      dispatcher.readClock();
      return openAsk(
        dispatcher,
        this.self,
        resolve(dispatcher, target),
        message,
        options,
        this,
      ) as Promise<Answer<A>>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  spawn<S, M, A>(behavior: Behavior<S, M, A>): ActorRef<M, A> {
    this.#mustLive();
    return this.dispatcher.agents.spawn(this, behavior as Behavior) as ActorRef<M, A>;
  }

  stop(child?: ActorRef): void {
    this.#mustLive();
    if (child === undefined || child === this.self) this.dispatcher.agents.stopSoon(this);
    else this.dispatcher.agents.stopChild(this, child);
  }

  watch(actor: ActorRef): void {
    this.dispatcher.agents.watch(this.self, resolve(this.dispatcher, actor));
  }

  unwatch(actor: ActorRef): void {
    this.dispatcher.agents.unwatch(this.self, resolve(this.dispatcher, actor));
  }

  stash(): void {
    this.dispatcher.turns.stash(this);
  }

  unstashAll(): void {
    this.dispatcher.turns.unstashAll(this);
  }

  become(behavior: Pick<Behavior<never, never, unknown>, "receive">): void {
    const receive = behavior.receive as Behavior["receive"];
    this.behavior = {
      ...this.behavior,
      receive: (state, message, ctx) => receive.call(behavior, state, message, ctx),
    };
  }

  waitsFor(what: string): void {
    if (this.slot !== 0) this.more.waitsFor = String(what).slice(0, MAX_WAITS_FOR);
  }

  async passOn(token: Uint8Array, wish: TokenWish): Promise<Uint8Array> {
    this.#mustLive();
    const { call } = this.dispatcher.ports;
    if (call === undefined) throw new MeshError("MESH_NO_DESK", NO_DESK);
    const request = { kind: "pass-on", holder: this.self, token, wish };
    return (await call(request)) as Uint8Array;
  }

  measured(rttMs: number, processingMs: number): void {
    this.more.measured = { rttMs, processingMs };
  }

  #mustLive(): void {
    if (!this.alive) throw endedError(this);
  }
}

function endedError(cell: AgentCell): MeshError {
  return new MeshError("MESH_INCARNATION_ENDED", `this incarnation of ${cell.address} has ended`);
}

/** Index of a ref or an address; UnknownActorError when the mesh has no such agent. */
export function resolve(dispatcher: Dispatcher, target: number | string): number {
  const { topology } = dispatcher.view;
  if (typeof target === "number") {
    if (
      Number.isInteger(target) &&
      target >= 0 &&
      target < topology.rows &&
      takesMessages(topology, target)
    )
      return target;
    throw new UnknownActorError(
      target,
      `a ref of an agent (0 to ${topology.agents - 1}) or of a spawned child`,
    );
  }
  const index = indexOfAddress(topology, target);
  if (index >= 0 && takesMessages(topology, index)) return index;
  const last = addressOf(topology, topology.agents - 1);
  throw new UnknownActorError(target, `sector-1/cluster-1/agent-1 to ${last}`);
}

/** Leads, coordinators and the orchestrator are the mesh's own: no user's message is for them. */
function takesMessages(topology: Topology, index: number): boolean {
  return index < topology.agents || index >= topology.spawnBase;
}

/**
 * Opens and sends an ask of an agent, or (without a cell) of the world outside. `onOpen` hears its number, by which the
 * agent's worker knows it.
 */
export function openAsk(
  dispatcher: Dispatcher,
  asker: number,
  target: number,
  message: unknown,
  options: AskOptions | undefined,
  cell: AgentCell | undefined,
  onOpen?: (ask: number) => void,
): Promise<Answer> {
  const { asks, outbox, view } = dispatcher;
  const signal = options?.signal;
  checkAskOptions(options);
  if (signal?.aborted) return Promise.reject(signal.reason);
  let sent = message;
  if (isEnclosing(options)) {
    const enclosed = dispatcher.admittance.enclose(asker, target, message, options, "ask");
    if ("type" in enclosed) return Promise.resolve({ state: -1, conflict: enclosed });
    sent = enclosed;
  }
  let edge = -1;
  if (cell !== undefined) {
    edge = view.waits.add(asker, target);
    const path = view.waits.findCycle(asker, target);
    if (path !== undefined) {
      view.waits.remove(asker, edge);
      return Promise.reject(
        new AskCycleError([...path, asker].map((index) => addressOf(view.topology, index))),
      );
    }
    view.registry.waitsOn[asker] = target;
  }
  const { nowMs } = dispatcher;
  const deadlineMs = deadlineAfter(nowMs, options?.timeoutMs ?? DEFAULT_ASK_MS);
  // With a time to live of its own the message may die before its asker gives up.
  const messageDeadlineMs = earlier(deadlineMs, deadlineAfter(nowMs, options?.ttlMs));
  return new Promise((resolveAnswer, rejectAnswer) => {
    const waiting = cell === undefined ? -1 : asker;
    const id = asks.open(waiting, edge, nowMs, deadlineMs, resolveAnswer, rejectAnswer, target);
    onOpen?.(id);
    if (signal !== undefined) asks.abortWith(id, signal);
    try {
      const priority = options?.priority ?? 1;
      outbox.ask(asker, target, sent, priority, id, messageDeadlineMs, cell, edge);
    } catch (error) {
      asks.reject(id, error);
    }
    dispatcher.nudge();
  });
}

/** The earlier of two deadlines, of which 0 is never. */
function earlier(a: number, b: number): number {
  if (a === 0) return b;
  return b === 0 ? a : Math.min(a, b);
}

function readEnvelope(dispatcher: Dispatcher, slot: number, self: number): Envelope {
  const { custody, topology } = dispatcher.view;
  const at = slot + SLOT_FRAME;
  const double = (field: number): number => custody.doubles[(at >>> 1) + field];
  const type = custody.words[at + FRAME_TYPE];
  const source = custody.words[at + FRAME_SOURCE];
  const envelope: Envelope = {
    sender: source < 0 || source === topology.orchestrator ? undefined : source,
    sequence: double(FRAME_SEQUENCE_F64),
    priority: framePriority(type) as Priority,
    createdMs: double(FRAME_CREATED_F64),
    deadlineMs: double(FRAME_DEADLINE_F64) || Number.POSITIVE_INFINITY,
    redelivered: (frameFlags(type) & FrameFlag.REDELIVERED) !== 0,
    messageId: messageIdOf(topology, source, double(FRAME_SEQUENCE_F64)),
    get causationId() {
      return causationIdOf(dispatcher.view, source, envelope.sequence);
    },
    lamport: dispatcher.lamport,
    get granted() {
      return dispatcher.admittance.granted(self, slot);
    },
  };
  if (frameKind(type) !== FrameKind.OPERATION) return envelope;
  const operation = dispatcher.operations.envelopeOf(slot, self);
  // Onto it, not into another: what is asked for seldom is not to be looked up for all.
  return Object.assign(envelope, { messageId: operation.id, operation });
}

function namedLog(log: Log, actor: string): Log {
  return {
    debug: (fields, sentence) => log.debug({ actor, ...fields }, sentence),
    info: (fields, sentence) => log.info({ actor, ...fields }, sentence),
    warn: (fields, sentence) => log.warn({ actor, ...fields }, sentence),
    error: (fields, sentence) => log.error({ actor, ...fields }, sentence),
  };
}

export type { Timer };
