import type { Priority, TellOptions } from "../actors/context.ts";
import { AgentFailedError, PayloadTooLargeError, UndeliverableError } from "../actors/errors.ts";
import { ACCEPTED, DROPPED, REJECTED, type Receipt, WaitingReceipt } from "../actors/receipt.ts";
import type { Answer, ConflictDetail, Result } from "../actors/result.ts";
import { addressOf } from "../coordination/address.ts";
import {
  answerPriority,
  FRAME_BYTES,
  FRAME_DATA,
  FRAME_HASH,
  FRAME_OPERATION_F64,
  FRAME_PAYLOAD,
  FRAME_SOURCE,
  FRAME_TARGET,
  FRAME_TYPE,
  FrameFlag,
  FrameKind,
  frameFlags,
  frameKind,
  framePriority,
  frameTrinary,
} from "../mailbox/frame.ts";
import { CONTROL_RESUMED, Count, SLOT_FRAME } from "../mailbox/layout.ts";
import { hasRoom } from "../mailbox/overflow.ts";
import { FULL, type Ring } from "../mailbox/ring.ts";
import type { Tally } from "../supervisors/sector-coordinator.ts";
import type { AskEnd } from "./asks.ts";
import type { AgentCell } from "./cell.ts";
import { DeadLetterCode } from "./dead-letter-code.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { doubleAt, type Header, writeHeader } from "./inbox.ts";
import { SendBacklog } from "./send-backlog.ts";
import { checkSendOptions, deadlineAfter } from "./send-options.ts";
import type { TimerId, TimerTarget } from "./wheel.ts";

/** What became of one attempt to send. */
type Sent = "sent" | "full" | "no-room" | "dropped" | "rejected";

/** A backlog of up to this many sends is tried again in each cycle. */
const RETRY_EACH_CYCLE = 64;

const CARRIED = FrameFlag.NOTHING | FrameFlag.NUMBER;

/**
 * Where messages go out: encoded once, straight into the target's lane or, on the same thread, into custody.
 * Nothing becomes visible before the cycle's commit. What finds no room waits here, in order and within
 * bounds, and the turn that sent it is not over before it went: that is the backpressure.
 */
export class Outbox implements AskEnd, TimerTarget {
  /** Something was claimed on a lane that the cycle must publish. */
  dirty = false;
  readonly #dispatcher: Dispatcher;
  readonly #backlog: SendBacklog;
  readonly #header: Header = {
    kind: 0,
    priority: 0,
    flags: 0,
    target: 0,
    source: 0,
    operation: 0,
    sequence: 0,
    createdMs: 0,
    deadlineMs: 0,
    release: 0,
    payload: 0,
    hash: 0,
  };
  /** Unique on this thread over all its incarnations. */
  #sequence: number;
  /** Dead letters, by reason, that could not be sent to main for want of room. */
  readonly #unlisted = new Map<number, number>();
  #retryTimer: TimerId = 0;
  /** Edge in the wait graph of the ask being sent. */
  #askEdge = -1;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
    this.#sequence = dispatcher.epoch * 2 ** 36;
    this.#backlog = new SendBacklog();
  }

  /** See {@link ActorContext.tell}. `cell` is the sender when it is an agent of this thread. */
  tell(
    source: number,
    target: number,
    message: unknown,
    options: TellOptions | undefined,
    cell: AgentCell | undefined,
  ): Receipt {
    checkSendOptions(options);
    const deadlineMs = deadlineAfter(this.#dispatcher.nowMs, options?.ttlMs);
    return this.#dispatch(
      FrameKind.TELL,
      source,
      target,
      message,
      options?.priority ?? 1,
      0,
      deadlineMs,
      cell,
    );
  }

  /** Sends an ask whose id is open in the table. */
  ask(
    source: number,
    target: number,
    message: unknown,
    priority: Priority,
    id: number,
    deadlineMs: number,
    cell: AgentCell | undefined,
    edge: number,
  ): void {
    this.#askEdge = edge;
    const receipt = this.#dispatch(
      FrameKind.ASK,
      source,
      target,
      message,
      priority,
      id,
      deadlineMs,
      cell,
    );
    if (receipt === DROPPED || receipt === REJECTED) {
      const address = addressOf(this.#dispatcher.view.topology, target);
      this.#dispatcher.asks.reject(id, new UndeliverableError(address, "its mailbox is full"));
    }
  }

  /** Tells an actor of a death (see {@link Signal}). */
  signal(source: number, target: number, signal: unknown): void {
    this.#dispatch(FrameKind.SIGNAL, source, target, signal, 3, 0, 0, undefined);
  }

  #dispatch(
    kind: number,
    source: number,
    target: number,
    message: unknown,
    priority: Priority,
    operation: number,
    deadlineMs: number,
    cell: AgentCell | undefined,
  ): Receipt {
    const length = this.#prepare(kind, source, target, message, priority, operation, deadlineMs);
    const sent = this.#backlog.holdsBack(this.#header) ? "no-room" : this.#offer(length);
    switch (sent) {
      case "sent":
        return ACCEPTED;
      case "dropped":
        this.#buryUnsent(length);
        return DROPPED;
      case "rejected":
        return REJECTED;
      default:
        return this.#wait(length, cell);
    }
  }

  /** Fills the header and the codec's scratch; returns the payload's length. */
  #prepare(
    kind: number,
    source: number,
    target: number,
    message: unknown,
    priority: number,
    operation: number,
    deadlineMs: number,
  ): number {
    const header = this.#header;
    header.kind = kind;
    header.priority = priority;
    header.target = target;
    header.source = source;
    header.operation = operation;
    header.sequence = ++this.#sequence;
    header.createdMs = this.#dispatcher.nowMs;
    header.deadlineMs = deadlineMs;
    header.hash = kind === FrameKind.ASK ? this.#askEdge + 1 : 0;
    return this.#encode(message);
  }

  #encode(message: unknown): number {
    const header = this.#header;
    header.release = 0;
    header.payload = 0;
    if (message === undefined) {
      header.flags = FrameFlag.NOTHING;
      return 0;
    }
    if (typeof message === "number") {
      header.flags = FrameFlag.NUMBER;
      header.release = message;
      return 0;
    }
    const length = this.#dispatcher.codec.encode(message);
    const { maxPayloadBytes } = this.#dispatcher.plan;
    if (length > maxPayloadBytes) throw new PayloadTooLargeError(length, maxPayloadBytes);
    header.flags = 0;
    header.payload = length;
    return length;
  }

  /** Tries to place the prepared message: bounds of the target's mailbox first, then room on the way. */
  #offer(length: number): Sent {
    const { plan, view } = this.#dispatcher;
    const header = this.#header;
    if (header.kind !== FrameKind.SIGNAL && header.priority < 3) {
      const { queueDepth, queueBytes } = view.registry;
      if (
        !hasRoom(
          plan.bounds,
          queueDepth[header.target],
          queueBytes[header.target],
          FRAME_BYTES + length,
        )
      ) {
        const policy = plan.bounds.overflow[header.priority];
        if (policy === "reject") return "rejected";
        if (policy === "drop-newest") return "dropped";
        if (policy === "block") return "no-room";
      }
    }
    return this.#place(length) ? "sent" : "full";
  }

  /** Writes the prepared frame where it will be read. False when there is no room. */
  #place(length: number): boolean {
    const { view, codec, ledger } = this.#dispatcher;
    const header = this.#header;
    const thread = view.placement[header.target];
    if (thread === view.thread) {
      const slot = view.custody.allocate(FRAME_BYTES + length, header.priority === 3);
      if (slot === FULL) return false;
      const { words, doubles, bytes } = view.custody;
      writeHeader(words, doubles, slot + SLOT_FRAME, FRAME_BYTES + length, header);
      if (length > 0) codec.copyTo(words, bytes, slot + SLOT_FRAME + FRAME_DATA, length);
      view.custody.describe(slot, header.target, -1, 0);
      ledger.counts[Count.SENT]++;
      this.#dispatcher.inbox.acceptLocal(slot);
      return true;
    }
    const lane = ((header.priority & 3) === 3 ? view.lanes.urgentTo : view.lanes.bulkTo)[thread];
    if (lane === undefined) return false;
    const word = lane.tryClaim(FRAME_BYTES + length);
    if (word === FULL) {
      lane.ring.wantRoom();
      return false;
    }
    const { words, doubles, bytes } = lane.ring;
    writeHeader(words, doubles, word, FRAME_BYTES + length, header);
    if (length > 0) codec.copyTo(words, bytes, word + FRAME_DATA, length);
    if (isMessage(header.kind)) ledger.counts[Count.SENT]++;
    this.dirty = true;
    return true;
  }

  /** Places what has no mailbox bound to respect (answers, incidents, control), or lets it wait. */
  #post(length: number): void {
    if (this.#place(length)) return;
    this.#backlog.add(this.#header, this.#dispatcher.codec.bytes, length, undefined, undefined);
    this.#retrySoon();
  }

  #wait(length: number, cell: AgentCell | undefined): Receipt {
    const receipt = new WaitingReceipt();
    // The turn of an agent that fills its own mailbox must end for that to become emptier: nothing holds it.
    const held = cell?.self === this.#header.target ? undefined : cell;
    if (!this.#backlog.add(this.#header, this.#dispatcher.codec.bytes, length, receipt, held))
      return REJECTED;
    if (held !== undefined) held.sendsWaiting++;
    this.#retrySoon();
    return receipt;
  }

  /** Mailboxes do not tell when they have room again, so what waits is tried again every ms at least. */
  #retrySoon(): void {
    if (this.#retryTimer !== 0) return;
    this.#retryTimer = this.#dispatcher.wheel.schedule(this.#dispatcher.nowMs + 1, this, 0);
  }

  onTimer(): void {
    this.#retryTimer = 0;
    this.#retry();
    if (this.#backlog.length > 0) this.#retrySoon();
  }

  /** Tries again what waits, as part of a cycle; a long backlog only by the timer. Returns how many went. */
  retry(): number {
    const waiting = this.#backlog.length;
    if (waiting === 0 || waiting > RETRY_EACH_CYCLE) return 0;
    this.#retry();
    return waiting - this.#backlog.length;
  }

  #retry(): void {
    const { codec, view, turns, nowMs } = this.#dispatcher;
    this.#backlog.retry((entry) => {
      Object.assign(this.#header, entry.header);
      if (entry.header.deadlineMs !== 0 && entry.header.deadlineMs <= nowMs) {
        this.#buryUnsent(entry.length, DeadLetterCode.EXPIRED);
        entry.receipt?.settle("dropped");
      } else {
        codec.adopt(entry.bytes, entry.length);
        const state = isMessage(entry.header.kind)
          ? this.#offer(entry.length)
          : this.#place(entry.length)
            ? "sent"
            : "full";
        if (state === "full" || state === "no-room") return false;
        if (state === "dropped") this.#buryUnsent(entry.length);
        entry.receipt?.settle(state === "sent" ? "accepted" : state);
      }
      if (entry.cell !== undefined && --entry.cell.sendsWaiting === 0)
        turns.onSendsDone(entry.cell);
      view.control[CONTROL_RESUMED] = (entry.cell?.self ?? -1) + 1;
      return true;
    });
  }

  /** Answers the ASK in `slot`. A value that cannot be encoded makes the turn a failure: throws. */
  answer(slot: number, result: Result): void {
    if (result.state === 1) this.#answer(slot, 1, 0, result.value);
    else this.#answer(slot, -1, 0, result.conflict);
  }

  /** Answers the ASK in `slot` with why it was not handled. */
  refuse(slot: number, flag: number, reason: string): void {
    this.#answer(slot, 0, flag, reason);
  }

  #answer(slot: number, trinary: number, flag: number, value: unknown): void {
    const { view, asks } = this.#dispatcher;
    const { words, doubles } = view.custody;
    const at = slot + SLOT_FRAME;
    const asker = words[at + FRAME_SOURCE];
    if (asker < 0) return;
    const id = doubles[(at >>> 1) + FRAME_OPERATION_F64];
    const agent = words[at + FRAME_TARGET];
    // The wait is over from this moment: a search must not find it while the answer travels.
    if (asker !== view.topology.orchestrator)
      view.waits.settle(asker, agent, words[at + FRAME_HASH] - 1);
    if (view.placement[asker] === view.thread) {
      if (flag !== 0) asks.reject(id, this.#refusal(agent, flag, value));
      else this.#settle(id, trinary, this.copyOf(value));
      return;
    }
    const length = this.#prepare(FrameKind.ANSWER, agent, asker, value, 0, id, 0);
    this.#header.flags |= flag;
    const urgent = framePriority(words[at + FRAME_TYPE]) === 3 ? 3 : 0;
    this.#header.priority = answerPriority(urgent, trinary);
    this.#post(length);
  }

  /**
   * The value as another thread would get it, for what stays on this one: no two agents ever share a mutable
   * object. Throws what sending it would throw.
   */
  copyOf(value: unknown): unknown {
    if (
      value === undefined ||
      value === null ||
      typeof value === "number" ||
      typeof value === "boolean"
    )
      return value;
    const { codec, plan } = this.#dispatcher;
    const length = codec.encode(value);
    if (length > plan.maxPayloadBytes) throw new PayloadTooLargeError(length, plan.maxPayloadBytes);
    return typeof value === "object" ? codec.decodeOwn(length) : value;
  }

  /** An ANSWER frame has arrived. */
  onAnswer(ring: Ring, word: number): void {
    const type = ring.words[word + FRAME_TYPE];
    const id = ring.doubles[(word >>> 1) + FRAME_OPERATION_F64];
    const flags = frameFlags(type);
    const { asks, inbox } = this.#dispatcher;
    let value: unknown;
    try {
      value = inbox.decodeAt(ring.words, ring.bytes, word);
    } catch (error) {
      asks.reject(id, error);
      return;
    }
    if ((flags & (FrameFlag.FAILED | FrameFlag.REFUSED)) !== 0) {
      asks.reject(id, this.#refusal(ring.words[word + FRAME_SOURCE], flags, value));
    } else {
      this.#settle(id, frameTrinary(type), value);
    }
  }

  #settle(id: number, trinary: number, value: unknown): void {
    const { asks, view } = this.#dispatcher;
    view.control[CONTROL_RESUMED] = asks.askerOf(id) + 1;
    const answer: Answer =
      trinary === -1 ? { state: -1, conflict: value as ConflictDetail } : { state: 1, value };
    asks.resolve(id, answer);
  }

  #refusal(agent: number, flag: number, reason: unknown): Error {
    const address = addressOf(this.#dispatcher.view.topology, agent);
    return (flag & FrameFlag.FAILED) !== 0
      ? new AgentFailedError(address, String(reason))
      : new UndeliverableError(address, String(reason));
  }

  onAskEnd(asker: number, edge: number): void {
    if (edge >= 0) this.#dispatcher.view.waits.remove(asker, edge);
    if (asker >= 0) this.#dispatcher.view.registry.waitsOn[asker] = -1;
  }

  /** Ends a message in custody that will not be handled: a dead letter, and a refusal to whoever asked. */
  bury(slot: number, code: number): void {
    const { view, ledger } = this.#dispatcher;
    const { words, doubles, bytes } = view.custody;
    const at = slot + SLOT_FRAME;
    if (frameKind(words[at + FRAME_TYPE]) === FrameKind.ASK && code !== DeadLetterCode.EXPIRED) {
      this.refuse(slot, FrameFlag.REFUSED, REFUSALS[code] ?? "it was refused");
    }
    ledger.counts[code === DeadLetterCode.EXPIRED ? Count.EXPIRED : Count.DEAD_LETTERED]++;
    this.#sendDeadLetter(words, doubles, bytes, at, code);
    this.#dispatcher.finish(slot);
  }

  /** Ends the prepared message, which never got into custody. */
  #buryUnsent(length: number, code: number = DeadLetterCode.MAILBOX_FULL): void {
    const { ledger, codec } = this.#dispatcher;
    const words = new Int32Array(((FRAME_BYTES + length + 11) >>> 2) & ~1);
    const doubles = new Float64Array(words.buffer);
    const bytes = new Uint8Array(words.buffer);
    writeHeader(words, doubles, 0, FRAME_BYTES + length, this.#header);
    if (length > 0) codec.copyTo(words, bytes, FRAME_DATA, length);
    // It was never accepted by another thread: this one accepts and buries it, so that the sums hold.
    ledger.counts[Count.SENT]++;
    ledger.counts[Count.ACCEPTED]++;
    ledger.counts[code === DeadLetterCode.EXPIRED ? Count.EXPIRED : Count.DEAD_LETTERED]++;
    this.#sendDeadLetter(words, doubles, bytes, 0, code);
    this.#dispatcher.touch();
  }

  /** Sends a copy of a frame to main's dead letters; without room there only its count goes, later. */
  #sendDeadLetter(
    words: Int32Array,
    doubles: Float64Array,
    bytes: Uint8Array,
    at: number,
    code: number,
  ): void {
    const { view, inbox, ports } = this.#dispatcher;
    const flags = frameFlags(words[at + FRAME_TYPE]);
    const carried = (flags & (CARRIED | FrameFlag.REFERENCE)) !== 0 ? 0 : words[at + FRAME_PAYLOAD];
    const sequence = doubles[(at >>> 1) + 3];
    const header: Header = {
      kind: FrameKind.DEAD_LETTER,
      priority: framePriority(words[at + FRAME_TYPE]),
      flags: (flags & FrameFlag.REFERENCE) !== 0 ? FrameFlag.NOTHING : flags,
      target: words[at + FRAME_TARGET],
      source: words[at + FRAME_SOURCE],
      operation: code + (this.#unlisted.get(code) ?? 0) * 16,
      sequence,
      createdMs: doubles[(at >>> 1) + 4],
      deadlineMs: this.#dispatcher.nowMs,
      release: doubleAt(words, at, 6),
      payload: carried,
      hash: 0,
    };
    const lane = view.lanes.bulkTo[0];
    if (lane === undefined) {
      const frame = new Int32Array(32);
      writeHeader(frame, new Float64Array(frame.buffer), 0, FRAME_BYTES, header);
      let message: unknown;
      try {
        message = inbox.decodeAt(words, bytes, at);
      } catch {
        message = undefined;
      }
      ports.sink?.onDeadLetter(frame, new Float64Array(frame.buffer), 0, message);
      return;
    }
    const word = lane.tryClaim(FRAME_BYTES + carried);
    if (word === FULL) {
      this.#unlisted.set(code, (this.#unlisted.get(code) ?? 0) + 1);
      return;
    }
    this.#unlisted.delete(code);
    writeHeader(lane.ring.words, lane.ring.doubles, word, FRAME_BYTES + carried, header);
    if (carried > 0) {
      const from = (at + FRAME_DATA) * 4;
      lane.ring.bytes.set(bytes.subarray(from, from + carried), (word + FRAME_DATA) * 4);
    }
    this.dirty = true;
  }

  /** Tells main of a failure and its consequence. Waits in the backlog when there is no room. */
  incident(value: unknown): void {
    const { view, ports } = this.#dispatcher;
    if (view.thread === 0) {
      ports.sink?.onIncident(value);
      return;
    }
    const main = view.topology.orchestrator;
    this.#post(this.#prepare(FrameKind.INCIDENT, main, main, value, 0, 0, 0));
  }

  /** Asks the thread of `target` to do something to it: see `Agents.onControl`. */
  control(target: number, id: number, request: unknown): void {
    const { orchestrator } = this.#dispatcher.view.topology;
    this.#post(this.#prepare(FrameKind.CONTROL, orchestrator, target, request, 3, id, 0));
  }

  /** Answers such a request. */
  replyControl(target: number, asker: number, id: number, value: unknown): void {
    const priority = answerPriority(3, 1);
    this.#post(this.#prepare(FrameKind.ANSWER, target, asker, value, priority, id, 0));
  }

  /** Reports what became of one sector's part of an operation: an ACK, with the counts in its number fields. */
  report(coordinator: number, operation: number, tally: Tally): void {
    const header = this.#header;
    this.#prepare(
      FrameKind.ACK,
      coordinator,
      this.#dispatcher.view.topology.orchestrator,
      undefined,
      3,
      operation,
      0,
    );
    header.sequence = tally.ready;
    header.createdMs = tally.conflict;
    header.deadlineMs = tally.failed;
    header.release = tally.open;
    this.#post(0);
  }

  /** Sends that wait for room. */
  get waiting(): number {
    return this.#backlog.length;
  }

  /** Gives up what still waits for room: the mesh stops. */
  abandon(): void {
    this.#backlog.retry(({ receipt }) => {
      receipt?.settle("rejected");
      return true;
    });
  }

  /** The next number of this thread's messages. */
  nextSequence(): number {
    return ++this.#sequence;
  }
}

function isMessage(kind: number): boolean {
  return kind === FrameKind.TELL || kind === FrameKind.ASK || kind === FrameKind.SIGNAL;
}

/** Why an ask came back, by dead-letter code. */
const REFUSALS: Readonly<Record<number, string>> = {
  [DeadLetterCode.MAILBOX_FULL]: "its mailbox is full",
  [DeadLetterCode.DROPPED_OLDEST]: "it made room in its mailbox for newer messages",
  [DeadLetterCode.STOPPED]: "it has stopped",
  [DeadLetterCode.QUARANTINED]: "it is in quarantine",
  [DeadLetterCode.POISON]: "the message killed its worker too often",
  [DeadLetterCode.MESH_STOPPING]: "the mesh is stopping",
  [DeadLetterCode.UNKNOWN_ACTOR]: "there is no such actor",
  [DeadLetterCode.UNDECODABLE]: "the message could not be decoded",
};
