import { MeshError } from "../../actors/errors.ts";
import { asResult, type Result, ready } from "../../actors/result.ts";
import type { Signal } from "../../actors/signal.ts";
import { observeOutcome, observeProcessing } from "../../coordination/profile.ts";
import { RouteMark } from "../../coordination/routes.ts";
import { EnclosedMessage } from "../../mailbox/enclosed-message.ts";
import {
  FRAME_DEADLINE_F64,
  FRAME_LENGTH,
  FRAME_SEQUENCE_F64,
  FRAME_TYPE,
  FrameFlag,
  FrameKind,
  frameFlags,
  frameKind,
  framePriority,
} from "../../mailbox/frame.ts";
import {
  CONTROL_CURRENT,
  CONTROL_CURRENT_SLOT,
  CONTROL_SINCE_F64,
  CONTROL_TURNS,
  Count,
  SLOT_FRAME,
} from "../../mailbox/layout.ts";
import { EMPTY } from "../../mailbox/mailboxes.ts";
import { type AgentCell, forgetTurn } from "./cell.ts";
import { DeadLetterCode } from "./dead-letter-code.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { isTraced } from "./spans.ts";
import { isThenable, Suspensions } from "./suspensions.ts";

/** Turns of one agent before the next one gets its own: what fairness costs and gives. */
const TURNS_AN_AGENT = 16;
/**
 * Turns, and ms, before the cycle commits and timers, lanes and the event loop are looked at again. Each commit
 * may wake another thread, which costs as much as a hundred short turns.
 */
const TURNS_A_CYCLE = 2048;
const CYCLE_MS = 2;
/** Of an ASK for a sign of life, as it stands in the word of a frame's type. */
const PROBE = FrameFlag.PROBE << 16;
const UNMEASURED = { rttMs: 0, processingMs: 0 };
/** The same while releases are to be made, which are to be punctual to well under a millisecond. */
const CYCLE_WITH_RELEASES_MS = 0.25;

const { FROZEN } = RouteMark;

/** Gives agents their turns: one message at a time each, everything after it accounted for. */
export class Turns {
  readonly #dispatcher: Dispatcher;
  readonly #marks: Uint16Array;
  /** When the current turn began; the end of the one before, to read the clock once a turn. */
  #sinceMs = 0;
  readonly #suspensions = new Suspensions((cell, slot, value, error) =>
    this.#resume(cell, slot, value, error),
  );

  /** How the turns end that wait for room for what they have sent. */
  readonly #unsent = new WeakMap<AgentCell, () => void>();

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
    this.#marks = dispatcher.view.routes.marks;
  }

  /** True when the agent cannot take a turn now: suspended in one, frozen, restarting, or gone. */
  isBusy(agent: number): boolean {
    return !this.#isReady(this.#dispatcher.agents.cellOf(agent));
  }

  #isReady(cell: AgentCell | undefined): cell is AgentCell {
    return (
      cell !== undefined && !cell.busy && cell.alive && (this.#marks[cell.self] & FROZEN) === 0
    );
  }

  /** Serves those who have messages, oldest claim first, within the cycle's budget; returns the turns. */
  run(): number {
    const { runQueue, releases } = this.#dispatcher;
    const startMs = this.#dispatcher.nowMs;
    const budgetMs = releases.size > 0 ? CYCLE_WITH_RELEASES_MS : CYCLE_MS;
    this.#sinceMs = startMs;
    let turns = 0;
    while (runQueue.length > 0 && turns < TURNS_A_CYCLE) {
      turns += this.#serve(runQueue.shift());
      if (this.#dispatcher.nowMs - startMs > budgetMs) break;
    }
    return turns;
  }

  #serve(agent: number): number {
    const { agents, mailboxes, runQueue } = this.#dispatcher;
    for (let turns = 0; turns < TURNS_AN_AGENT; turns++) {
      const cell = agents.cellOf(agent);
      if (!this.#isReady(cell)) return turns;
      const slot = mailboxes.pop(agent);
      if (slot === EMPTY) return turns;
      if (this.#isHeld(cell, slot)) return turns;
      this.#turn(cell, slot);
    }
    if (mailboxes.depth[agent] > 0) runQueue.push(agent);
    return TURNS_AN_AGENT;
  }

  /** Puts a message back whose turn the journal would have no room for. */
  #isHeld(cell: AgentCell, slot: number): boolean {
    const { journal, mailboxes, view } = this.#dispatcher;
    if (journal === undefined || !this.#isPromised(cell, slot) || journal.hasRoom) return false;
    const { words } = view.custody;
    const at = slot + SLOT_FRAME;
    const type = words[at + FRAME_TYPE];
    // Of an operation the mailbox holds no bytes.
    const bytes = frameKind(type) === FrameKind.OPERATION ? 0 : words[at + FRAME_LENGTH];
    mailboxes.pushFront(cell.self, framePriority(type), slot, bytes);
    journal.hold(cell.self);
    return true;
  }

  /** Whether what the turn does is promised to outlive the process. */
  #isPromised(cell: AgentCell, slot: number): boolean {
    const type = this.#dispatcher.view.custody.words[slot + SLOT_FRAME + FRAME_TYPE];
    return (
      (frameFlags(type) & FrameFlag.DURABLE) !== 0 ||
      cell.behavior.durable === true ||
      (frameKind(type) === FrameKind.OPERATION && this.#dispatcher.operations.isJournaled(slot))
    );
  }

  #turn(cell: AgentCell, slot: number): void {
    const { view, inbox, operations, burials, spans, nowMs } = this.#dispatcher;
    const { words, doubles } = view.custody;
    const at = slot + SLOT_FRAME;
    const kind = frameKind(words[at + FRAME_TYPE]);
    const deadlineMs = doubles[(at >>> 1) + FRAME_DEADLINE_F64];
    if (deadlineMs !== 0 && deadlineMs <= nowMs) {
      if (kind === FrameKind.OPERATION) operations.skip(slot, cell.self);
      else burials.bury(slot, DeadLetterCode.EXPIRED);
      return;
    }
    let message: unknown;
    try {
      message = inbox.decodeWhole(words, view.custody.bytes, at);
    } catch (error) {
      if (kind === FrameKind.OPERATION) operations.refuse(slot, cell.self, error);
      else burials.bury(slot, DeadLetterCode.UNDECODABLE);
      return;
    }
    const { control } = view;
    view.controlDoubles[CONTROL_SINCE_F64] = nowMs;
    control[CONTROL_CURRENT_SLOT] = slot;
    control[CONTROL_CURRENT] = cell.self + 1;
    control[CONTROL_TURNS]++;
    cell.slot = slot;
    this.#dispatcher.clockStale = true;
    let result: unknown;
    try {
      const type = words[at + FRAME_TYPE];
      result = isTraced(type)
        ? spans.turn(cell, slot, () => this.#handle(cell, slot, type, message))
        : this.#handle(cell, slot, type, message);
    } catch (error) {
      control[CONTROL_CURRENT] = 0;
      this.#measure(cell);
      if (cell.alive) this.fail(cell, error);
      return;
    }
    this.#dispatcher.ports.failpoint?.("turn-returned");
    control[CONTROL_CURRENT] = 0;
    // The turn itself may have ended the incarnation (a child's escalation): its message was spent then.
    if (!cell.alive) {
      if (isThenable(result)) result.then(undefined, ignore);
      return;
    }
    if (isThenable(result)) this.#suspend(cell, result);
    else if (cell.sendsWaiting > 0 && !this.#stage(cell)) {
      this.#hold(cell);
      this.#whenSent(cell, result);
    } else {
      // What an agent sends itself holds nobody up, and is not to be lost either.
      if (cell.sendsLoose > 0) this.#stage(cell);
      this.#measure(cell);
      this.#complete(cell, result);
      if (cell.sendsWaiting > 0) this.#holdUntilSent(cell);
    }
  }

  /** Gives the message to the hook of the behavior that it is for. */
  #handle(cell: AgentCell, slot: number, type: number, message: unknown): unknown {
    const { behavior, state } = cell;
    const kind = frameKind(type);
    if (kind === FrameKind.SIGNAL) return this.#signal(cell, message as Signal);
    if ((type & PROBE) !== 0) return this.#answerProbe(cell);
    if (kind === FrameKind.OPERATION && this.#dispatcher.operations.isActing(slot, cell.self))
      return behavior.act?.(state, message, cell);
    // A field that is nearly always absent, and a look at a prototype: what guards and tokens cost who has none.
    if (behavior.guarded === undefined && !(message instanceof EnclosedMessage))
      return behavior.receive(state, message, cell);
    const refusal = this.#dispatcher.admittance.refusal(cell, slot, message);
    return refusal ?? behavior.receive(state, EnclosedMessage.contentOf(message), cell);
  }

  /**
   * Puts those sends of the turn that wait for room into custody, so that it can end with them there: what it has sent
   * and that it is done become true together. False when that cannot be; then it ends with the last of them.
   */
  #stage(cell: AgentCell): boolean {
    return cell.sendsLoose === 0 || this.#dispatcher.outbox.stage(cell);
  }

  /** A turn has ended of which some sends wait in custody: its agent takes no other before they have gone. */
  #holdUntilSent(cell: AgentCell): void {
    if (cell.sendsWaiting === 0 || !cell.alive) return;
    this.#hold(cell);
    this.#unsent.set(cell, () => {
      if (!cell.alive) return;
      this.#dispatcher.view.registry.currentSinceMs[cell.self] = 0;
      cell.busy = false;
      this.wake(cell.self);
    });
  }

  /** Clock reading at the end of a turn; the next one begins with it. */
  #measure(cell: AgentCell): void {
    const { ports, view } = this.#dispatcher;
    const nowMs = ports.clock.nowMs();
    if (cell.extras?.measured === undefined) {
      observeProcessing(view.registry, cell.self, nowMs - this.#sinceMs);
    }
    this.#sinceMs = nowMs;
    this.#dispatcher.nowMs = nowMs;
    this.#dispatcher.clockStale = false;
  }

  /** A sign of life: that it got its turn, and that what it stands for, if it does for something, answers. */
  #answerProbe(cell: AgentCell): unknown {
    // No measure of how long its work takes.
    cell.more.measured ??= UNMEASURED;
    const probe = cell.behavior.probe?.(cell.state, cell);
    return isThenable(probe) ? probe.then(nothing) : undefined;
  }

  #signal(cell: AgentCell, signal: Signal): unknown {
    if (signal.type === "terminated")
      this.#dispatcher.agents.watches.heard(cell.self, signal.actor);
    return cell.behavior.signal?.(cell.state, signal, cell);
  }

  /** The turn goes on when the promise settles. */
  #suspend(cell: AgentCell, promise: PromiseLike<unknown>): void {
    this.#hold(cell);
    this.#suspensions.begin(cell, cell.slot, promise);
  }

  /** The agent takes no other turn until this one goes on. */
  #hold(cell: AgentCell): void {
    const { view, ports } = this.#dispatcher;
    const { registry } = view;
    const nowMs = ports.clock.nowMs();
    this.#sinceMs = nowMs;
    this.#dispatcher.nowMs = nowMs;
    this.#dispatcher.clockStale = false;
    cell.busy = true;
    registry.currentSinceMs[cell.self] = nowMs;
    if (cell.slot !== 0) registry.currentMessage[cell.self] = this.#sequenceOf(cell.slot);
  }

  #resume(cell: AgentCell, slot: number, value: unknown, error: unknown): void {
    // The incarnation may have ended meanwhile: its message was dealt with then.
    if (!cell.alive || cell.slot !== slot || !cell.busy) return;
    const { view, ports, arrivals, standstill } = this.#dispatcher;
    if (standstill.stands) {
      standstill.whenGoing(() => this.#resume(cell, slot, value, error));
      return;
    }
    this.#dispatcher.nowMs = ports.clock.nowMs();
    if (error === undefined && cell.sendsWaiting > 0 && !this.#stage(cell)) {
      this.#whenSent(cell, value);
      return;
    }
    const { journal } = this.#dispatcher;
    if (journal !== undefined && this.#isPromised(cell, slot) && !journal.hasRoom) {
      journal.whenRoom(() => this.#resume(cell, slot, value, error));
      return;
    }
    const { registry } = view;
    if (cell.extras?.measured === undefined) {
      const processingMs = this.#dispatcher.nowMs - registry.currentSinceMs[cell.self];
      observeProcessing(registry, cell.self, processingMs);
    }
    if (error === undefined) arrivals.answered(cell.self, slot, registry.currentSinceMs[cell.self]);
    registry.currentSinceMs[cell.self] = 0;
    cell.busy = false;
    if (error === undefined) this.#complete(cell, value);
    else this.fail(cell, error);
    this.#holdUntilSent(cell);
    this.wake(cell.self);
    this.#dispatcher.nudge();
  }

  /** Puts an agent that has messages in line, if it can take a turn. */
  wake(agent: number): void {
    const { mailboxes, runQueue } = this.#dispatcher;
    if (mailboxes.depth[agent] > 0 && !this.isBusy(agent)) runQueue.push(agent);
  }

  /** The turn has nothing left to do but to send what waits for room. */
  #whenSent(cell: AgentCell, value: unknown): void {
    const { slot } = cell;
    this.#unsent.set(cell, () => this.#resume(cell, slot, value, undefined));
  }

  /**
   * The last of a cell's waiting sends has found room. Its turn ends in the same cycle, not in a later one: a death in
   * between would have the message delivered, and its sends made, again.
   */
  onSendsDone(cell: AgentCell): void {
    const end = this.#unsent.get(cell);
    this.#unsent.delete(cell);
    end?.();
  }

  #complete(cell: AgentCell, returned: unknown): void {
    const { view, answers, operations, ledger, agents } = this.#dispatcher;
    const slot = cell.slot;
    const kind = frameKind(view.custody.words[slot + SLOT_FRAME + FRAME_TYPE]);
    const { extras } = cell;
    if (extras?.stash?.[extras.stash.length - 1] === slot) {
      this.#endTurn(cell);
      if (extras.stopping === true) agents.failures.ended(cell);
      return;
    }
    let result: Result;
    try {
      result = kind === FrameKind.SIGNAL ? ready() : asResult(returned);
      if (kind === FrameKind.ASK) answers.answer(slot, result, cell.behavior.durable === true);
      else if (kind === FrameKind.OPERATION) operations.respond(slot, cell.self, result);
      if (cell.behavior.snapshot !== undefined && !this.#onlyLooks(kind, slot))
        agents.checkpoint(cell, this.#isPromised(cell, slot));
    } catch (error) {
      this.fail(cell, error);
      return;
    }
    const { registry } = view;
    observeOutcome(registry, cell.self, true);
    if (result.state === -1) {
      ledger.counts[Count.CONFLICTS]++;
      this.#dispatcher.conflicts.note(cell.self, slot, result.conflict);
    }
    if (kind === FrameKind.OPERATION) {
      operations.note(slot, cell.self, result.state);
    } else {
      ledger.counts[Count.HANDLED]++;
      this.#dispatcher.finish(slot, true);
    }
    if (extras?.measured !== undefined && extras.measured !== UNMEASURED) {
      this.#dispatcher.arrivals.ownWord.turned(cell.self, extras.measured);
    }
    this.#endTurn(cell);
    if (extras?.stopping === true) agents.failures.ended(cell);
  }

  #onlyLooks(kind: number, slot: number): boolean {
    return kind === FrameKind.OPERATION && this.#dispatcher.operations.onlyLooks(slot);
  }

  /** The handler of the current turn threw: its message is spent, the supervisor decides on the agent. */
  fail(cell: AgentCell, error: unknown): void {
    const { view, agents } = this.#dispatcher;
    const slot = cell.slot;
    const deadlineMs = view.custody.doubles[((slot + SLOT_FRAME) >>> 1) + FRAME_DEADLINE_F64];
    if (deadlineMs !== 0 && deadlineMs <= this.#dispatcher.nowMs && isDeadline(error)) {
      this.#expireRunning(cell);
      return;
    }
    this.spend(cell, String((error as Error)?.message ?? error));
    // An `init` that this brings about and that does not return is this message's doing.
    const { control } = view;
    control[CONTROL_CURRENT_SLOT] = slot;
    control[CONTROL_CURRENT] = cell.self + 1;
    agents.fail(cell, error);
    control[CONTROL_CURRENT] = 0;
  }

  /** The handler gave up because its message's deadline passed: no failure of the agent. */
  #expireRunning(cell: AgentCell): void {
    const { view, operations, burials } = this.#dispatcher;
    const slot = cell.slot;
    unstashRunning(cell);
    this.#endTurn(cell);
    if (frameKind(view.custody.words[slot + SLOT_FRAME + FRAME_TYPE]) === FrameKind.OPERATION) {
      operations.skip(slot, cell.self);
    } else {
      burials.bury(slot, DeadLetterCode.EXPIRED);
    }
  }

  /** Ends the message of a turn that will not complete, telling whoever asked why. */
  spend(cell: AgentCell, reason: string): void {
    const { view, answers, operations, ledger } = this.#dispatcher;
    const slot = cell.slot;
    if (slot === 0) return;
    unstashRunning(cell);
    const kind = frameKind(view.custody.words[slot + SLOT_FRAME + FRAME_TYPE]);
    observeOutcome(view.registry, cell.self, false);
    if (kind === FrameKind.ASK) answers.refuse(slot, FrameFlag.FAILED, reason.slice(0, 1000));
    if (kind === FrameKind.OPERATION) {
      operations.note(slot, cell.self, 0);
    } else {
      ledger.counts[Count.HANDLED]++;
      this.#dispatcher.finish(slot, false);
    }
    this.#endTurn(cell);
  }

  #endTurn(cell: AgentCell): void {
    this.#dispatcher.sends.end(cell);
    cell.slot = 0;
    const { extras } = cell;
    if (extras === undefined) return;
    if (extras.deadlineTimer) this.#dispatcher.wheel.cancel(extras.deadlineTimer);
    forgetTurn(extras);
    if (extras.nextBehavior !== undefined) this.#dispatcher.agents.swap.late(cell);
  }

  /** Puts the message of the current turn aside. */
  stash(cell: AgentCell): void {
    const { plan, view } = this.#dispatcher;
    const { more } = cell;
    if (cell.slot === 0)
      throw new MeshError("MESH_NO_MESSAGE", `${cell.address} is handling no message to stash`);
    if (
      frameKind(view.custody.words[cell.slot + SLOT_FRAME + FRAME_TYPE]) === FrameKind.OPERATION
    ) {
      throw new MeshError("MESH_STASH", "a message for many agents cannot be stashed");
    }
    more.stash ??= [];
    if (more.stash.length >= plan.bounds.maxMessages) {
      throw new MeshError(
        "MESH_STASH_FULL",
        `${cell.address} has stashed ${more.stash.length} messages, its mailbox bound`,
      );
    }
    if (more.stash[more.stash.length - 1] !== cell.slot) more.stash.push(cell.slot);
  }

  /** Puts stashed messages back in front of the mailbox, oldest first. */
  unstashAll(cell: AgentCell): void {
    const stash = cell.extras?.stash;
    if (stash === undefined) return;
    const { mailboxes, view, runQueue } = this.#dispatcher;
    // The message of the running turn, if it was stashed in this very turn, stays aside.
    const running = stash[stash.length - 1] === cell.slot ? stash.pop() : undefined;
    for (let slot = stash.pop(); slot !== undefined; slot = stash.pop()) {
      const { words } = view.custody;
      const at = slot + SLOT_FRAME;
      mailboxes.pushFront(
        cell.self,
        framePriority(words[at + FRAME_TYPE]),
        slot,
        words[at + FRAME_LENGTH],
      );
    }
    if (running !== undefined) stash.push(running);
    if (mailboxes.depth[cell.self] > 0) runQueue.push(cell.self);
  }

  #sequenceOf(slot: number): number {
    return (
      this.#dispatcher.view.custody.doubles[((slot + SLOT_FRAME) >>> 1) + FRAME_SEQUENCE_F64] %
      2 ** 32
    );
  }
}

/** What a turn stashed and then failed at is spent all the same: it began. */
function unstashRunning(cell: AgentCell): void {
  const stash = cell.extras?.stash;
  if (stash?.[stash.length - 1] === cell.slot) stash.pop();
}

function ignore(): void {}

function nothing(): undefined {
  return undefined;
}

function isDeadline(error: unknown): boolean {
  return error instanceof MeshError && error.code === "MESH_DEADLINE";
}
