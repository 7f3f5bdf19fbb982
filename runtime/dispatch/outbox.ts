import type { Priority, TellOptions } from "../../actors/context.ts";
import { UndeliverableError } from "../../actors/errors.ts";
import { DROPPED, REJECTED, type Receipt, WaitingReceipt } from "../../actors/receipt.ts";
import { addressOf } from "../../coordination/address.ts";
import { CIRCUIT_MARKS, isShut } from "../../coordination/routes.ts";
import { answerPriority, FRAME_BYTES, FrameFlag, FrameKind } from "../../mailbox/frame.ts";
import { CONTROL_RESUMED } from "../../mailbox/layout.ts";
import { hasRoom } from "../../mailbox/overflow.ts";
import { Admission } from "./admission.ts";
import type { AgentCell } from "./cell.ts";
import { DeadLetterCode } from "./dead-letter-code.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { FramePlacer } from "./frame-placer.ts";
import { emptyHeader, type Header, urgency } from "./header.ts";
import { MailboxRoom } from "./mailbox-room.ts";
import { SendBacklog, type WaitingSend } from "./send-backlog.ts";
import { isDurable, SendMarks } from "./send-marks.ts";
import { deadlineAfter, SEQUENCES_AN_EPOCH } from "./send-options.ts";
import { traceSend } from "./send-trace.ts";
import { StagedSends } from "./staged-sends.ts";
import { isPatient } from "./standstill.ts";
import type { TimerId, TimerTarget } from "./wheel.ts";

// Under names of this module: V8 reads the constants of others from memory each time.
const CIRCUITS = CIRCUIT_MARKS;

/** What became of one attempt to send. */
type Sent = "sent" | "full" | "no-room" | "dropped" | "rejected";

/** Sends that a handler makes between cycles before its readers see them. */
const SENDS_A_COMMIT = 64;

/** Messages that a thread lets wait; beyond these a send is rejected at once. */
const MAX_WAITING = 65_536;
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
/** Answers that a thread lets wait, bytes; beyond these an answer is replaced by a refusal. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
const NO_ROOM_TO_ANSWER = "its answer found no room: too many answers wait for the asker's thread";

/** A backlog of up to this many sends is tried again in each cycle. */
const RETRY_EACH_CYCLE = 64;

/**
 * Where messages go out: encoded once, straight into the target's lane or, on the same thread, into custody.
 * Nothing becomes visible before the cycle's commit. What finds no room waits here, in order and within
 * bounds, and the turn that sent it is not over before it went: that is the backpressure.
 */
export class Outbox implements TimerTarget {
  /** Something was claimed on a lane that the cycle must publish. */
  dirty = false;
  readonly #dispatcher: Dispatcher;
  readonly #backlog: SendBacklog;
  /**
   * Answers, reports, incidents and requests that wait. Nobody waits for these with a receipt, so they are
   * never refused; each is the consequence of something that is bounded itself: an open ask, an operation's
   * sector, a restart. They must not wait behind messages: a full mailbox may wait for the very answer.
   */
  readonly #posts: SendBacklog;
  readonly #room: MailboxRoom;
  readonly #admission: Admission;
  readonly #marks: SendMarks;
  readonly #frames: FramePlacer;
  readonly #staged: StagedSends;
  readonly #header: Header = emptyHeader();
  /** Unique on this thread over all its incarnations. */
  #sequence: number;
  #retryTimer: TimerId = 0;
  /** Agents whose sends have all found room in the current retry. */
  readonly #allSent: AgentCell[] = [];
  #held = false;
  /** Sends since the last commit between cycles. */
  #unseen = 0;
  /** Edge in the wait graph of the ask being sent. */
  #askEdge = -1;
  /** Flags of the message being sent, besides those of its payload. */
  #flags = 0;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
    this.#sequence = dispatcher.epoch * SEQUENCES_AN_EPOCH;
    const { placement, registry } = dispatcher.view;
    this.#admission = new Admission(dispatcher);
    this.#marks = new SendMarks(dispatcher);
    this.#frames = new FramePlacer(dispatcher);
    this.#staged = new StagedSends(dispatcher);
    this.#room = new MailboxRoom(dispatcher.plan.bounds, registry);
    this.#backlog = new SendBacklog({
      maxMessages: MAX_WAITING,
      maxBytes: MAX_WAITING_BYTES,
      queueOf: ({ target, priority }) => target * 2 + urgency(priority),
    });
    this.#posts = new SendBacklog({
      maxMessages: Number.POSITIVE_INFINITY,
      maxBytes: MAX_ANSWER_BYTES,
      queueOf: ({ target, priority }) => placement[target] * 2 + urgency(priority),
    });
  }

  /** See {@link ActorContext.tell}. `cell` is the sender when it is an agent of this thread. */
  tell(
    source: number,
    target: number,
    message: unknown,
    options: TellOptions | undefined,
    cell: AgentCell | undefined,
  ): Receipt {
    const deadlineMs = deadlineAfter(this.#dispatcher.nowMs, options?.ttlMs);
    this.#marks.mark(options);
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
    if (receipt === DROPPED || receipt === REJECTED) this.#refuseAsk(id, target);
  }

  /** Asks an agent for a sign of life, by way of its mailbox; the answer comes to the ask `id` of this thread. */
  probe(target: number, id: number, deadlineMs: number): void {
    const { orchestrator } = this.#dispatcher.view.topology;
    this.#flags = FrameFlag.PROBE;
    try {
      this.ask(orchestrator, target, undefined, 3, id, deadlineMs, undefined, -1);
    } finally {
      this.#flags = 0;
    }
  }

  #refuseAsk(id: number, target: number): void {
    const { view, asks } = this.#dispatcher;
    const shut = (view.routes.marks[target] & CIRCUITS) !== 0;
    const why = shut
      ? "its circuit is open"
      : "its mailbox is full, or there is a flood of messages";
    asks.reject(id, new UndeliverableError(addressOf(view.topology, target), why));
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
    if (!this.#admission.takes(source, target, priority, this.#backlog.fill)) return REJECTED;
    const { spans, view } = this.#dispatcher;
    const bare = this.#prepare(kind, source, target, message, priority, operation, deadlineMs);
    const receipt = this.#marks.unsendable(this.#header, bare, cell);
    if (receipt !== undefined) return receipt;
    const length = spans.enclose(this.#header, bare, cell);
    // A byte that is nearly always 0: what an open circuit costs while none is.
    const { routes, topology } = view;
    if (
      (routes.marks[target] & CIRCUITS) !== 0 &&
      priority < 3 &&
      isShut(routes, topology, source, target)
    ) {
      this.#dispatcher.burials.buryUnsent(this.#header, length, DeadLetterCode.CIRCUIT_OPEN);
      return DROPPED;
    }
    traceSend(this.#dispatcher, this.#header, cell?.slot ?? 0);
    const waits = this.#held || this.#backlog.holdsBack(this.#header);
    const sent = waits ? "no-room" : this.#offer(length);
    switch (sent) {
      case "sent": {
        // Before a commit: the note of what was sent must be true with it.
        const sentReceipt = this.#marks.receipt(this.#header);
        if (++this.#unseen % SENDS_A_COMMIT === 0) this.#dispatcher.commitBetweenCycles();
        return sentReceipt;
      }
      case "dropped":
        this.#dispatcher.burials.buryUnsent(this.#header, length, DeadLetterCode.MAILBOX_FULL);
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
    const mark = this.#marks.take();
    const length = this.#frames.encode(header, message);
    header.flags |= this.#flags;
    if (mark !== 0) this.#marks.stamp(header, mark);
    return length;
  }

  /** Tries to place the prepared message: bounds of the target's mailbox first, then room on the way. */
  #offer(length: number, isStaged = false): Sent {
    const { plan } = this.#dispatcher;
    const header = this.#header;
    if (header.kind !== FrameKind.SIGNAL && header.priority < 3) {
      if (!this.#hasRoom(header.target, FRAME_BYTES + length)) {
        const policy = plan.bounds.overflow[header.priority];
        if (policy === "reject") return "rejected";
        if (policy === "drop-newest") return "dropped";
        if (policy === "block") return "no-room";
      }
    }
    return this.#place(length, isStaged) ? "sent" : "full";
  }

  #hasRoom(target: number, bytes: number): boolean {
    const { plan, view, ledger } = this.#dispatcher;
    if (view.placement[target] !== view.thread) return this.#room.has(target, bytes, ledger.cycle);
    const { queueDepth, queueBytes } = view.registry;
    return hasRoom(plan.bounds, queueDepth[target], queueBytes[target], bytes);
  }

  /** Writes the prepared frame where it will be read; what was staged the journal has. False when there is no room. */
  #place(length: number, isStaged = false): boolean {
    if (isStaged || !isDurable(this.#header)) return this.#frames.place(this.#header, length);
    return this.#marks.place(this.#header, length, () => this.#frames.place(this.#header, length));
  }

  /** Places what has no mailbox bound to respect (answers, incidents, control), or lets it wait. */
  #post(length: number): void {
    if (!this.#tryPost(length)) this.#postLater(length);
  }

  #tryPost(length: number): boolean {
    return !this.#posts.holdsBack(this.#header) && this.#place(length);
  }

  #postLater(length: number): void {
    this.#posts.add(this.#header, this.#dispatcher.codec.bytes, length, undefined, undefined);
    this.#retrySoon();
  }

  #wait(length: number, cell: AgentCell | undefined): Receipt {
    const receipt = new WaitingReceipt();
    // The turn of an agent that fills its own mailbox must end for that to become emptier: nothing holds it.
    const held = cell?.self === this.#header.target ? undefined : cell;
    if (this.#backlog.isFull(length)) return REJECTED;
    const { bytes } = this.#dispatcher.codec;
    this.#marks.waits(this.#backlog.add(this.#header, bytes, length, receipt, held, cell));
    if (held !== undefined) held.sendsWaiting++;
    if (cell !== undefined) cell.sendsLoose++;
    this.#retrySoon();
    return receipt;
  }

  /** Mailboxes do not tell when they have room again, so what waits is tried again every ms at least. */
  #retrySoon(): void {
    if (this.#retryTimer !== 0 || this.#held) return;
    this.#retryTimer = this.#dispatcher.wheel.schedule(this.#dispatcher.nowMs + 1, this, 0);
  }

  onTimer(): void {
    this.#retryTimer = 0;
    this.#retry();
    if (this.waiting > 0) this.#retrySoon();
  }

  /** Tries again what waits, as part of a cycle; a long backlog only by the timer. Returns how many went. */
  retry(): number {
    const { waiting } = this;
    if (waiting === 0 || (waiting > RETRY_EACH_CYCLE && !this.#held)) return 0;
    this.#retry();
    return waiting - this.waiting;
  }

  #retry(): void {
    this.#posts.retry((entry) => {
      this.#takeUp(entry);
      return this.#place(entry.length);
    });
    if (this.#held) return;
    const { view, turns, burials, nowMs } = this.#dispatcher;
    this.#backlog.retry((entry) => {
      this.#takeUp(entry);
      if (this.#marks.refuse(entry)) {
        // It was never sent, and its sender knows.
      } else if (entry.header.deadlineMs !== 0 && entry.header.deadlineMs <= nowMs) {
        burials.buryUnsent(this.#header, entry.length, DeadLetterCode.EXPIRED);
        this.#marks.settle(entry, "dropped");
      } else {
        const state = this.#offer(entry.length, entry.slot !== 0);
        if (state === "full" || state === "no-room") return false;
        if (state === "dropped")
          burials.buryUnsent(this.#header, entry.length, DeadLetterCode.MAILBOX_FULL);
        this.#marks.settle(entry, state);
        if (state !== "sent" && entry.header.kind === FrameKind.ASK)
          this.#refuseAsk(entry.header.operation, entry.header.target);
      }
      this.#staged.release(entry);
      if (entry.cell !== undefined && --entry.cell.sendsWaiting === 0)
        this.#allSent.push(entry.cell);
      view.control[CONTROL_RESUMED] = (entry.cell?.self ?? -1) + 1;
      return true;
    });
    // Not within the loop: the end of a turn may send too.
    for (const cell of this.#allSent.splice(0)) turns.onSendsDone(cell);
  }

  /** Makes a waiting send the prepared one again. */
  #takeUp(entry: WaitingSend): void {
    Object.assign(this.#header, entry.header);
    this.#dispatcher.codec.adopt(entry.bytes, entry.length);
  }

  /**
   * Sends the answer to an ask of another thread; `priority` has the trinary state, `flag` why there is none, `beganMs`
   * when the turn began where the asker wants to know, else 0.
   */
  sendAnswer(
    agent: number,
    asker: number,
    id: number,
    value: unknown,
    priority: number,
    flag: number,
    beganMs = 0,
  ): void {
    const length = this.#prepare(FrameKind.ANSWER, agent, asker, value, priority, id, beganMs);
    this.#header.flags |= flag;
    if (this.#tryPost(length)) return;
    if (!this.#posts.isFull(length)) {
      this.#postLater(length);
      return;
    }
    // The asker hears of it at once: better than memory without a bound, or an answer that never comes.
    const none = answerPriority(priority & 3, 0);
    const refusal = this.#prepare(FrameKind.ANSWER, agent, asker, NO_ROOM_TO_ANSWER, none, id, 0);
    this.#header.flags |= FrameFlag.REFUSED;
    this.#postLater(refusal);
  }

  /** Tells main of failures and their consequences. Waits in the backlog when there is no room. */
  incidents(incidents: readonly unknown[]): void {
    const main = this.#dispatcher.view.topology.orchestrator;
    this.#post(this.#prepare(FrameKind.INCIDENT, main, main, incidents, 0, 0, 0));
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

  /** Tells main what an agent answers to an operation. Throws when it cannot be encoded, or is too long. */
  respond(agent: number, operation: number, trinary: number, value: unknown): void {
    const main = this.#dispatcher.view.topology.orchestrator;
    const priority = answerPriority(1, trinary);
    const length = this.#prepare(FrameKind.RESPONSE, agent, main, value, priority, operation, 0);
    if (this.#tryPost(length)) return;
    // As with answers: memory has a bound, and the outcome itself is told by the sector's report.
    if (!this.#posts.isFull(length)) this.#postLater(length);
  }

  /**
   * Tells main of a turn that ended in CONFLICT. False when it could not be told for want of memory; throws when it
   * cannot be encoded, or is too long.
   */
  conflict(agent: number, news: unknown): boolean {
    const main = this.#dispatcher.view.topology.orchestrator;
    const length = this.#prepare(FrameKind.CONFLICT, agent, main, news, 1, 0, 0);
    if (this.#tryPost(length)) return true;
    // A flood of conflicts leaves three quarters of the room to answers.
    if (this.#posts.isFull(length + 0.75 * MAX_ANSWER_BYTES)) return false;
    this.#postLater(length);
    return true;
  }

  /** Tells main something that is words already, behind all that this thread has told it before. */
  postWords(
    kind: number,
    source: number,
    operation: number,
    words: Int32Array,
    length: number,
  ): void {
    const { codec, view } = this.#dispatcher;
    this.#prepare(kind, source, view.topology.orchestrator, undefined, 1, operation, 0);
    this.#header.flags = 0;
    this.#header.payload = length * 4;
    if (
      !this.#posts.holdsBack(this.#header) &&
      this.#frames.placeWords(this.#header, words, length)
    )
      return;
    codec.adopt(new Uint8Array(words.buffer, words.byteOffset, length * 4), length * 4);
    this.#postLater(length * 4);
  }

  /** From now on messages wait here, within bounds, whether or not there is room: the mesh is frozen. */
  hold(): void {
    this.#held = true;
  }

  /** Lets them go again, in order, with deadlines that are `stoodMs` later. */
  letGo(stoodMs: number): void {
    this.#held = false;
    const outside = this.#dispatcher.view.topology.orchestrator;
    for (const { header } of this.#backlog.entries) {
      if (header.deadlineMs !== 0 && isPatient(header.kind, header.source, outside))
        header.deadlineMs += stoodMs;
    }
    if (this.waiting > 0) this.#retrySoon();
  }

  /** Sends that wait for room. */
  get waiting(): number {
    return this.#backlog.length + this.#posts.length;
  }

  /** Gives up the messages that still wait for room: the mesh stops, and they are dead letters. */
  abandon(): void {
    const { burials } = this.#dispatcher;
    this.#backlog.retry((entry) => {
      this.#takeUp(entry);
      burials.buryUnsent(this.#header, entry.length, DeadLetterCode.MESH_STOPPING);
      entry.receipt?.settle("dropped");
      this.#staged.release(entry);
      return true;
    });
  }

  /** Keeps what a turn that ends has sent and what waits in custody; false when it cannot. See {@link StagedSends}. */
  stage(cell: AgentCell): boolean {
    return this.#staged.stage(this.#backlog.entries, cell);
  }

  /** For a successor: what turns had sent that had ended, and what waited for room. */
  adopt(slots: readonly number[]): void {
    for (const slot of slots) {
      const { header, bytes } = this.#staged.read(slot);
      this.#backlog.add(header, bytes, bytes.length, undefined, undefined, undefined, slot);
    }
    if (slots.length > 0) this.#retrySoon();
  }

  /** The next number of this thread's messages. */
  nextSequence(): number {
    return ++this.#sequence;
  }
}
