import type { OperationEnvelope } from "../../actors/context.ts";
import type { ConflictDetail, Result } from "../../actors/result.ts";
import { isOver } from "../../coordination/agent-state.ts";
import {
  MARK_ACTED,
  MARK_CONFLICT,
  MARK_FAILED,
  MARK_PLANNED,
  MARK_READY,
  MARK_SENT,
  MARK_SKIPPED,
  markByte,
  type OperationMark,
} from "../../coordination/operation-mark.ts";
import { CIRCUIT_MARKS } from "../../coordination/routes.ts";
import { FRAME_LENGTH, FRAME_TARGET } from "../../mailbox/frame.ts";
import type { InLane } from "../../mailbox/lanes.ts";
import { Count, SLOT_AUX, SLOT_FRAME } from "../../mailbox/layout.ts";
import {
  OPERATION_FLAGS,
  OperationFlag,
  ReportFlag,
  ROW_ACT_ERROR,
  ROW_READY_ERROR,
} from "../../mailbox/operation-frame.ts";
import { type FrameMemory, FULL } from "../../mailbox/ring.ts";
import { progressWords, SectorProgress } from "../../supervisors/sector-coordinator.ts";
import { GateState } from "../../supervisors/wave-gate.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { operationEnvelope } from "./operation-envelope.ts";
import { operationBytes, Part } from "./part.ts";
import { SectorReports } from "./sector-reports.ts";
import { HashMismatchError } from "./shared-payloads.ts";
import { StandIns } from "./stand-ins.ts";
import type { TimerTarget } from "./wheel.ts";

/** In the journal: the agent was READY, and has yet to act. Other outcomes are trinary states. */
export const HELD = 2;

/** A release is scheduled under its slot times this, plus its agent's bit. */
const BITS = 2 ** 24;

/**
 * Operations at the sectors of this thread: what their coordinators do. The frame stays in custody, once,
 * until the last agent is done; agents are planned from their own rows, each gets a reference to it in its
 * mailbox at its own time, and the coordinator's bitmaps (`sector-coordinator.ts`) tell who is done.
 *
 *   frame ─▶ gate open? ─▶ plan ─▶ release ─▶ turn ─▶ READY ─▶ hold until T ─▶ act ─▶ report
 */
export class Operations implements TimerTarget {
  readonly #dispatcher: Dispatcher;
  readonly #reports: SectorReports;
  readonly #standIns: StandIns;
  readonly #parts = new Map<number, Part>();
  /** Parts whose gate has not opened yet. */
  #waiting: Part[] = [];
  #last: Part | undefined;
  readonly #onRelease: TimerTarget = { onTimer: (data) => this.#due(data) };
  readonly #onArrival: TimerTarget = { onTimer: (slot) => this.#arrive(slot) };

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
    this.#reports = new SectorReports(dispatcher);
    this.#standIns = new StandIns(dispatcher, this);
  }

  /** Operations that are not finished at some agent of this thread. */
  get size(): number {
    return this.#parts.size;
  }

  /** Copies the frame into custody with room for the progress behind it; FULL when there is none. */
  takeIntoCustody(ring: FrameMemory, word: number, end: number, lane: InLane): number {
    const { custody, topology } = this.#dispatcher.view;
    const length = operationBytes(topology.agentsPerSector);
    const aligned = (length + 7) & ~7;
    const slot = custody.allocate(aligned + progressWords(topology.agentsPerSector) * 4, true);
    if (slot === FULL) return FULL;
    const count = (length + 3) >>> 2;
    for (let i = 0; i < count; i++) custody.words[slot + SLOT_FRAME + i] = ring.words[word + i];
    custody.describe(slot, ring.words[word + FRAME_TARGET], lane.id, end);
    custody.words[slot + SLOT_AUX] = SLOT_FRAME + (aligned >>> 2);
    custody.words[slot + SLOT_FRAME + FRAME_LENGTH] = length;
    const progress = this.#progressOf(slot);
    progress.clear();
    if ((ring.words[word + OPERATION_FLAGS] & OperationFlag.CARRIED) !== 0)
      progress.adopt(ring.words, word + (length >>> 2));
    return slot;
  }

  /** Takes the sector's part up: confirms it, and starts it as soon as its gate is open. */
  begin(slot: number): void {
    const { view, wheel } = this.#dispatcher;
    const part = new Part(view, slot);
    part.takenMs = this.#dispatcher.thisMoment();
    this.#parts.set(slot, part);
    const endMs = part.closeMs || part.deadlineMs;
    if (endMs !== 0) part.closeTimer = wheel.schedule(endMs, this, slot);
    if (part.gate >= 0 && part.has(OperationFlag.WAVE)) {
      if (view.gates.confirm(part.gate, part.operation, part.sector, this.#dispatcher.nowMs))
        view.lanes.wakeAll();
      if (this.#gateOf(part) === GateState.WAITING) {
        this.#waiting.push(part);
        return;
      }
    }
    this.#start(part);
  }

  /** Starts parts whose gate has opened, closes those whose gate will not; returns how many. */
  passGates(): number {
    if (!this.hasNewsFromGates) return 0;
    const waiting = this.#waiting;
    this.#waiting = waiting.filter((part) => this.#gateOf(part) === GateState.WAITING);
    const passed = waiting.filter((part) => !this.#waiting.includes(part));
    for (const part of passed) if (this.#parts.has(part.slot)) this.#start(part);
    return passed.length;
  }

  get hasNewsFromGates(): boolean {
    for (const part of this.#waiting) if (this.#gateOf(part) !== GateState.WAITING) return true;
    return false;
  }

  #gateOf(part: Part): number {
    return part.gate < 0
      ? GateState.OPEN
      : this.#dispatcher.view.gates.state(part.gate, part.operation);
  }

  #start(part: Part): void {
    if (this.#gateOf(part) === GateState.OPEN) {
      for (let bit = 0; bit < part.agents; bit++) if (part.addresses(bit)) this.#take(part, bit);
      const { releases } = this.#dispatcher;
      if (part.arrivalMs > 0)
        part.arrivalTimer = releases.schedule(part.arrivalMs, this.#onArrival, part.slot);
    } else {
      part.open = 0;
    }
    part.plannedMs = this.#dispatcher.thisMoment();
    this.#settle(part);
  }

  /** Plans one agent's copy, or sends it at once where nothing is to be planned. */
  #take(part: Part, bit: number): void {
    const { view, arrivals, heart, ledger, nowMs, releases } = this.#dispatcher;
    const agent = part.firstAgent + bit;
    const { progress } = part;
    // What a dead thread had done, and committed, is not done again.
    if (progress.isDone(bit)) {
      if (part.holds && progress.isHolding(bit)) part.holding++;
      return;
    }
    if (progress.isSkipped(bit)) return;
    const state = view.registry.state[agent];
    // Who has ended answers nothing: TRANSIT, and not waited for.
    if (isOver(state)) return;
    part.open++;
    if (!this.isCapable(part, agent)) {
      part.standing++;
      this.#conflict(part, agent, {
        type: "CAPABILITY_MISMATCH",
        expected: "all capabilities that the operation requires",
      });
      return;
    }
    if (this.#join(part, bit)) return;
    if (part.arrivalMs === 0) {
      this.#release(part, bit);
      return;
    }
    if (!arrivals.knows(agent)) heart.probe(agent);
    const sendAtMs = arrivals.plan(part, bit);
    if (sendAtMs === Number.POSITIVE_INFINITY) {
      part.open--;
      progress.noteSkipped(bit, ledger.cycle);
      this.#mark(part, bit, MARK_SKIPPED);
    } else if (sendAtMs <= nowMs) {
      this.#release(part, bit);
    } else {
      part.scheduled++;
      this.#mark(part, bit, MARK_PLANNED);
      releases.schedule(sendAtMs, this.#onRelease, part.slot * BITS + bit);
    }
  }

  /** Waits for an agent that is at work on an earlier attempt, instead of asking it twice. */
  #join(part: Part, bit: number): boolean {
    if (part.root === part.operation) return false;
    const cell = this.#dispatcher.agents.cellOf(part.firstAgent + bit);
    const earlier = cell?.busy === true ? this.#parts.get(cell.slot) : undefined;
    if (earlier === undefined || earlier === part || earlier.root !== part.root) return false;
    earlier.heir = part;
    part.joined.add(bit);
    part.standing++;
    return true;
  }

  /** The recipient's own look at what the orchestrator has looked at before: behaviors change. */
  isCapable(part: Part, agent: number): boolean {
    const { capabilitiesLow, capabilitiesHigh } = this.#dispatcher.view.registry;
    return (
      (part.requiresLow & ~capabilitiesLow[agent]) === 0 &&
      (part.requiresHigh & ~capabilitiesHigh[agent]) === 0
    );
  }

  #due(data: number): void {
    const slot = Math.floor(data / BITS);
    const part = this.#partOf(slot);
    part.scheduled--;
    const bit = data - slot * BITS;
    const { registry, routes } = this.#dispatcher.view;
    const state = registry.state[part.firstAgent + bit];
    // Its circuit has opened since it was planned: nothing new goes there.
    if ((routes.marks[part.firstAgent + bit] & CIRCUIT_MARKS) !== 0 && part.priority < 3) {
      part.open--;
      part.progress.noteSkipped(bit, this.#dispatcher.ledger.cycle);
      this.#settle(part);
      return;
    }
    if (isOver(state) || this.#gateOf(part) !== GateState.OPEN) {
      part.open--;
      this.#settle(part);
      return;
    }
    this.#release(part, bit);
  }

  #release(part: Part, bit: number): void {
    this.#dispatcher.arrivals.released(part, bit, this.#dispatcher.nowMs);
    this.#mark(part, bit, MARK_SENT);
    this.enqueue(part, part.firstAgent + bit, part.priority);
  }

  /** Puts the operation into an agent's mailbox. */
  enqueue(part: Part, agent: number, priority: number): void {
    const { mailboxes, runQueue, turns } = this.#dispatcher;
    mailboxes.push(agent, priority, part.slot, 0);
    part.standing++;
    if (!turns.isBusy(agent)) runQueue.push(agent);
  }

  /** The part in `slot`; undefined when it is over. */
  partIn(slot: number): Part | undefined {
    return this.#parts.get(slot);
  }

  /** True when the slot holds an operation of which this thread has a part. */
  has(slot: number): boolean {
    return this.#parts.has(slot);
  }

  /** Whether the agent's turn of the operation is its act: it was READY before. */
  isActing(slot: number, agent: number): boolean {
    const part = this.#partOf(slot);
    return this.#isHolding(part, agent - part.firstAgent);
  }

  /** What the agent is told of the operation that its turn is of. */
  envelopeOf(slot: number, agent: number): OperationEnvelope {
    const part = this.#partOf(slot);
    return operationEnvelope(this.#dispatcher, part, agent, this.isActing(slot, agent));
  }

  /** Whether its turns only look, so that the agent's state need not be saved. */
  onlyLooks(slot: number): boolean {
    return this.#partOf(slot).has(OperationFlag.LOOKS);
  }

  /** Whether what becomes of it is promised to outlive the process. */
  isJournaled(slot: number): boolean {
    return this.#partOf(slot).has(OperationFlag.JOURNALED);
  }

  /** Tells main what the agent says, where somebody wants to know. Throws when it cannot be encoded. */
  respond(slot: number, agent: number, result: Result): void {
    const part = this.#partOf(slot);
    const { outbox } = this.#dispatcher;
    if (result.state === -1) outbox.respond(agent, part.operation, -1, result.conflict);
    else if (part.has(OperationFlag.ANSWERS) && !this.isActing(slot, agent))
      outbox.respond(agent, part.operation, 1, result.value);
  }

  /** An agent's turn of the operation in `slot` has ended: +1, −1, or 0 when its handler threw. */
  note(slot: number, agent: number, trinary: number): void {
    const part = this.#partOf(slot);
    const bit = agent - part.firstAgent;
    const { nowMs, arrivals } = this.#dispatcher;
    part.standing--;
    if (part.standIns.has(bit)) {
      this.#stoodIn(part, bit, trinary);
      return;
    }
    if (part.progress.isDone(bit) && !this.#isHolding(part, bit)) {
      // A stand-in was faster.
      this.#settle(part);
      return;
    }
    if (part.closed) part.late = true;
    if (this.#isHolding(part, bit)) {
      part.holding--;
      if (trinary === 1) {
        this.#acted(part, bit);
      } else {
        this.#outcome(part, bit, trinary);
        this.#journal(part, bit, trinary);
      }
    } else {
      this.#outcome(part, bit, trinary);
      part.open--;
      if (trinary !== 0) arrivals.arrived(part, bit, nowMs);
      this.#journal(part, bit, trinary === 1 && part.holds ? HELD : trinary);
      if (trinary === 1 && part.holds) this.#hold(part, bit);
    }
    this.#settle(part);
    if (part.heir?.joined.delete(bit) === true) this.note(part.heir.slot, agent, trinary);
  }

  #outcome(part: Part, bit: number, trinary: number): void {
    part.progress.note(bit, trinary, this.#dispatcher.ledger.cycle);
    const settled = trinary === 1 ? MARK_READY : trinary === 0 ? MARK_FAILED : MARK_CONFLICT;
    this.#mark(part, bit, settled);
  }

  /** For who looks on: a byte of shared memory, which nothing is decided by. */
  #mark(part: Part, bit: number, mark: OperationMark): void {
    this.#dispatcher.view.registry.mark[part.firstAgent + bit] = markByte(part.operation, mark);
  }

  #isHolding(part: Part, bit: number): boolean {
    return part.holding > 0 && part.progress.isHolding(bit);
  }

  /** A stand-in's turn has ended. */
  #stoodIn(part: Part, peer: number, trinary: number): void {
    const bit = part.standIns.get(peer) as number;
    part.standIns.delete(peer);
    const { nowMs } = this.#dispatcher;
    if (trinary === 1 && !part.progress.isDone(bit)) {
      if (part.closed) part.late = true;
      this.#outcome(part, bit, 1);
      part.row(bit, ROW_READY_ERROR, nowMs - part.arrivalMs);
      part.open--;
      // What was done for it is done: the straggler itself has nothing to act on.
      if (part.holds) this.#acted(part, bit);
    }
    this.#settle(part);
  }

  /** The message could not be given to the agent: what it carries is not what was sent, or is gone. */
  refuse(slot: number, agent: number, error: unknown): void {
    if (!(error instanceof HashMismatchError)) {
      this.note(slot, agent, 0);
      return;
    }
    const { expected, received } = error;
    this.#conflict(this.#partOf(slot), agent, { type: "HASH_MISMATCH", expected, received });
  }

  #conflict(part: Part, agent: number, conflict: ConflictDetail): void {
    this.#dispatcher.ledger.counts[Count.CONFLICTS]++;
    this.#dispatcher.conflicts.note(agent, part.slot, conflict);
    this.respond(part.slot, agent, { state: -1, conflict });
    this.note(part.slot, agent, -1);
  }

  #hold(part: Part, bit: number): void {
    part.holding++;
    // Not by the clock: T may have come without its timer, which lets all act who hold by then.
    if (part.arrived) this.#act(part, bit);
  }

  /** T has come for an agent that is READY. */
  #act(part: Part, bit: number): void {
    const agent = part.firstAgent + bit;
    if (this.#dispatcher.agents.cellOf(agent)?.behavior.act !== undefined) {
      this.enqueue(part, agent, 3);
      return;
    }
    part.holding--;
    this.#acted(part, bit);
  }

  #journal(part: Part, bit: number, outcome: number): void {
    if (part.has(OperationFlag.JOURNALED))
      this.#dispatcher.journal?.outcome(part.root, part.firstAgent + bit, outcome);
  }

  #acted(part: Part, bit: number): void {
    const { ledger, nowMs } = this.#dispatcher;
    this.#journal(part, bit, 1);
    part.progress.noteActed(bit, ledger.cycle);
    this.#mark(part, bit, MARK_ACTED);
    part.row(bit, ROW_ACT_ERROR, nowMs - part.arrivalMs);
    this.#dispatcher.touch();
  }

  /** T: who holds acts, and main hears how the sector stands. */
  #arrive(slot: number): void {
    const part = this.#partOf(slot);
    part.arrivalTimer = 0;
    part.arrived = true;
    if (part.holds && this.#gateOf(part) === GateState.OPEN) {
      for (let bit = 0; bit < part.agents && part.holding > 0; bit++) {
        if (part.addresses(bit) && part.progress.isHolding(bit)) this.#act(part, bit);
      }
    } else {
      part.holding = 0;
    }
    if (part.has(OperationFlag.HEDGE)) this.#standIns.begin(part);
    this.#settle(part);
    if (!part.closed) this.#reports.send(part, 0);
  }

  /** The operation left an agent's mailbox without a turn, or its turn gave up: expired, or the agent is gone. */
  skip(slot: number, agent: number): void {
    const part = this.#partOf(slot);
    const bit = agent - part.firstAgent;
    part.standing--;
    if (part.standIns.delete(bit) || (part.progress.isDone(bit) && !this.#isHolding(part, bit))) {
      this.#settle(part);
      return;
    }
    if (this.#isHolding(part, bit)) {
      part.holding--;
    } else {
      part.open--;
      this.#dispatcher.arrivals.gaveUp(part, bit, this.#dispatcher.nowMs);
    }
    this.#settle(part);
    const { heir } = part;
    if (heir?.joined.delete(bit) !== true) return;
    heir.standing--;
    this.#release(heir, bit);
  }

  /** The operation's end: the sector says what it knows, and what is still open is TRANSIT. */
  onTimer(slot: number): void {
    const part = this.#parts.get(slot);
    if (part === undefined) return;
    part.closeTimer = 0;
    if (!part.closed) this.#close(part);
  }

  #partOf(slot: number): Part {
    if (this.#last?.slot === slot) return this.#last;
    this.#last = this.#parts.get(slot) as Part;
    return this.#last;
  }

  #settle(part: Part): void {
    if (part.closed) {
      if (part.over) this.#end(part);
    } else if (part.open === 0 && part.holding === 0) {
      this.#close(part);
    }
  }

  #close(part: Part): void {
    part.closed = true;
    const { wheel, arrivals } = this.#dispatcher;
    arrivals.closed(part);
    if (part.closeTimer !== 0) wheel.cancel(part.closeTimer);
    part.closeTimer = 0;
    this.#reports.send(part, ReportFlag.FINAL);
    if (part.over) this.#end(part);
  }

  #end(part: Part): void {
    if (!this.#parts.delete(part.slot)) return;
    this.#standIns.end(part);
    this.#dispatcher.sends.forgetOperation(part.root);
    this.#last = undefined;
    const { ledger, payloads, releases } = this.#dispatcher;
    if (part.arrivalTimer !== 0) releases.cancel(part.arrivalTimer);
    if (part.late) this.#reports.send(part, ReportFlag.FINAL | ReportFlag.LATE);
    ledger.counts[Count.HANDLED]++;
    this.#dispatcher.finish(part.slot, true);
    if (this.#parts.size === 0) payloads.forget();
  }

  #progressOf(slot: number): SectorProgress {
    const { custody, topology } = this.#dispatcher.view;
    const at = slot + custody.words[slot + SLOT_AUX];
    return new SectorProgress(custody.words, custody.doubles, at, topology.agentsPerSector);
  }

  /** For a successor: the agent died of it too often and is counted as failed. */
  exclude(slot: number, agent: number): void {
    const { topology } = this.#dispatcher.view;
    this.#progressOf(slot).note(agent % topology.agentsPerSector, 0, this.#dispatcher.ledger.cycle);
  }

  /** For a successor: what an uncommitted cycle noted did not happen. */
  recover(slot: number, committedCycle: number): void {
    this.#progressOf(slot).recover(committedCycle);
  }
}
