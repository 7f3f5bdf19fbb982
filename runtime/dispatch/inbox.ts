import { NOT_STARTED, QUARANTINED, STOPPED } from "../../coordination/agent-state.ts";
import { observeLatency } from "../../coordination/profile.ts";
import { EnclosedMessage } from "../../mailbox/enclosed-message.ts";
import {
  FRAME_CREATED_F64,
  FRAME_DATA,
  FRAME_LENGTH,
  FRAME_OPERATION_F64,
  FRAME_PAYLOAD,
  FRAME_RELEASE_F64,
  FRAME_SOURCE,
  FRAME_TARGET,
  FRAME_TYPE,
  FrameFlag,
  FrameKind,
  frameFlags,
  frameKind,
  framePriority,
} from "../../mailbox/frame.ts";
import type { InLane } from "../../mailbox/lanes.ts";
import { Count, SLOT_FRAME, SlotState } from "../../mailbox/layout.ts";
import { EMPTY } from "../../mailbox/mailboxes.ts";
import { hasRoom } from "../../mailbox/overflow.ts";
import { type FrameMemory, FULL } from "../../mailbox/ring.ts";
import type { ThreadView } from "../plan/memory.ts";
import { DeadLetterCode } from "./dead-letter-code.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { sendOn } from "./gateway.ts";
import { doubleAt } from "./header.ts";

/** Asks that were withdrawn before they came are waited for so long, ms. */
const ON_LANE_MS = 10_000;

/** Where messages come in: from lanes and from agents of the same thread, into custody and a mailbox. */
export class Inbox {
  readonly #dispatcher: Dispatcher;
  /** Asks from outside that nobody waits for, and that may still be on their lane. */
  readonly #withdrawn = new Set<number>();

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  /** Takes a message over from a lane. False leaves it there: custody is full. */
  accept(ring: FrameMemory, word: number, end: number, lane: InLane): boolean {
    const { view, ledger, operations, ports, nowMs } = this.#dispatcher;
    const { words } = ring;
    const target = words[word + FRAME_TARGET];
    const isOperation = frameKind(words[word + FRAME_TYPE]) === FrameKind.OPERATION;
    const slot = isOperation
      ? operations.takeIntoCustody(ring, word, end, lane)
      : this.#dispatcher.takeIntoCustody(words, word, target, lane.id, end, lane.urgent);
    if (slot === FULL) return false;
    view.custody.stamp(slot, SlotState.QUEUED, 0);
    ports.failpoint?.("frame-taken");
    ledger.counts[Count.ACCEPTED]++;
    ledger.counts[Count.IN_FLIGHT]++;
    this.#dispatcher.touch();
    if (isOperation) {
      operations.begin(slot);
    } else {
      observeLatency(
        view.registry,
        target,
        Math.max(0, nowMs - ring.doubles[(word >>> 1) + FRAME_CREATED_F64]),
      );
      this.deliver(slot);
    }
    return true;
  }

  /** Takes a message over whose sender is not trusted, and buries it. False leaves it there: custody is full. */
  refuse(ring: FrameMemory, word: number, end: number, lane: InLane): boolean {
    const { view, ledger, burials } = this.#dispatcher;
    const { words } = ring;
    const target = words[word + FRAME_TARGET];
    const slot = this.#dispatcher.takeIntoCustody(words, word, target, lane.id, end, lane.urgent);
    if (slot === FULL) return false;
    view.custody.stamp(slot, SlotState.QUEUED, 0);
    ledger.counts[Count.ACCEPTED]++;
    ledger.counts[Count.IN_FLIGHT]++;
    burials.bury(slot, DeadLetterCode.UNTRUSTED);
    return true;
  }

  /** Counts and delivers a message that an agent of this thread has just put into custody. */
  acceptLocal(slot: number): void {
    const { view, ledger } = this.#dispatcher;
    view.custody.stamp(slot, SlotState.QUEUED, ledger.cycle);
    ledger.counts[Count.ACCEPTED]++;
    ledger.counts[Count.IN_FLIGHT]++;
    this.#dispatcher.touch();
    this.deliver(slot);
  }

  /** Puts a message in custody into its agent's mailbox, or wherever the agent's state and bounds send it. */
  deliver(slot: number): void {
    const { view, mailboxes, runQueue, plan, burials, agents } = this.#dispatcher;
    const { words } = view.custody;
    const at = slot + SLOT_FRAME;
    const agent = words[at + FRAME_TARGET];
    const cell = agents.cellOf(agent);
    const bytes = words[at + FRAME_LENGTH];
    const priority = framePriority(words[at + FRAME_TYPE]);
    const { gateway } = this.#dispatcher;
    if (gateway !== undefined) {
      if (!gateway.take(slot)) burials.bury(slot, DeadLetterCode.UNKNOWN_ACTOR);
      return;
    }
    const state = view.registry.state[agent];
    if (this.#withdrawn.size > 0 && this.#withdrawn.delete(outsideAsk(view, slot))) {
      burials.bury(slot, DeadLetterCode.EXPIRED);
      return;
    }
    if (state === QUARANTINED) {
      burials.bury(slot, DeadLetterCode.QUARANTINED);
      return;
    }
    if (state === STOPPED) {
      burials.bury(slot, agents.stoppedCode);
      return;
    }
    // Also whose place is vacant: it never had an agent, or has none any more.
    // One of the topology that is about to start has a mailbox already.
    const isHere = view.placement[agent] === view.thread;
    const starts = isHere && state === NOT_STARTED && agent < view.topology.agents;
    if (cell === undefined && !starts) {
      // Or it lives elsewhere by now, where main knows the way to.
      if (isHere || !sendOn(this.#dispatcher, slot))
        burials.bury(slot, DeadLetterCode.UNKNOWN_ACTOR);
      return;
    }
    if (
      priority < 3 &&
      !hasRoom(plan.bounds, mailboxes.depth[agent], mailboxes.heldBytes[agent], bytes)
    ) {
      const policy = plan.bounds.overflow[priority];
      if (policy === "drop-newest") {
        burials.bury(slot, DeadLetterCode.MAILBOX_FULL);
        return;
      }
      if (policy === "drop-oldest") {
        const oldest = this.#oldestDroppable(agent, priority);
        if (oldest === EMPTY) {
          burials.bury(slot, DeadLetterCode.MAILBOX_FULL);
          return;
        }
        burials.bury(oldest, DeadLetterCode.DROPPED_OLDEST);
      }
      // "block" and "reject" are decided at the sender, which sees this mailbox's depth in the registry;
      // what was on its way then is taken, at most a lane of it.
    }
    // Before all that waits: its turn was open, and is to find the state that it had found.
    if (this.#dispatcher.sends.isOpen(agent, slot)) mailboxes.pushFront(agent, 3, slot, bytes);
    else mailboxes.push(agent, priority, slot, bytes);
    if (cell !== undefined && !cell.busy && cell.alive) runQueue.push(agent);
  }

  /**
   * Ends those asks of an agent's mailbox that nobody waits for any more; the others keep their order. Those that are
   * not there may still be on their lane, for orders overtake them: they end when they come.
   */
  withdraw(agent: number, asks: ReadonlySet<number>): void {
    const { mailboxes, view, burials, wheel, nowMs } = this.#dispatcher;
    const { words } = view.custody;
    const missing = new Set(asks);
    for (let priority = 0; priority < 4; priority++) {
      const kept: number[] = [];
      for (;;) {
        const slot = mailboxes.popOldest(agent, priority);
        if (slot === EMPTY) break;
        if (missing.delete(outsideAsk(view, slot))) burials.bury(slot, DeadLetterCode.EXPIRED);
        else kept.push(slot);
      }
      for (const slot of kept) {
        const at = slot + SLOT_FRAME;
        const isShared = frameKind(words[at + FRAME_TYPE]) === FrameKind.OPERATION;
        mailboxes.push(agent, priority, slot, isShared ? 0 : words[at + FRAME_LENGTH]);
      }
    }
    if (missing.size === 0) return;
    for (const ask of missing) this.#withdrawn.add(ask);
    const forget = (): void => {
      for (const ask of missing) this.#withdrawn.delete(ask);
    };
    wheel.schedule(nowMs + ON_LANE_MS, { onTimer: forget }, 0);
  }

  /** The oldest message of the lowest priority not above `priority`, never one that many agents share. */
  #oldestDroppable(agent: number, priority: number): number {
    const { mailboxes, view } = this.#dispatcher;
    for (let p = 0; p <= priority; p++) {
      const slot = mailboxes.popOldest(agent, p);
      if (slot === EMPTY) continue;
      if (frameKind(view.custody.words[slot + SLOT_FRAME + FRAME_TYPE]) !== FrameKind.OPERATION)
        return slot;
      mailboxes.pushFront(agent, p, slot, 0);
    }
    return EMPTY;
  }

  /** Decodes the message of a slot in this thread's custody. Throws when the bytes are no msgpack. */
  decodeSlot(slot: number): unknown {
    const { custody } = this.#dispatcher.view;
    return this.decodeAt(custody.words, custody.bytes, slot + SLOT_FRAME);
  }

  /** Decodes the message of the frame at `word`: what its sender said. */
  decodeAt(words: Int32Array, bytes: Uint8Array, word: number): unknown {
    return EnclosedMessage.contentOf(this.decodeWhole(words, bytes, word));
  }

  /** The same with what it requires and brings, an {@link EnclosedMessage}, where it does. */
  decodeWhole(words: Int32Array, bytes: Uint8Array, word: number): unknown {
    const flags = frameFlags(words[word + FRAME_TYPE]);
    if ((flags & FrameFlag.NOTHING) !== 0) return undefined;
    if ((flags & FrameFlag.NUMBER) !== 0) return doubleAt(words, word, FRAME_RELEASE_F64);
    if ((flags & FrameFlag.REFERENCE) !== 0)
      return this.#dispatcher.payloads.messageAt(words, word);
    return this.#dispatcher.codec.decode(
      words,
      bytes,
      word + FRAME_DATA,
      words[word + FRAME_PAYLOAD],
    );
  }
}

/** Number of an ask from outside; 0 when the slot has none. Those of agents are numbered by their own threads. */
export function outsideAsk({ custody, topology }: ThreadView, slot: number): number {
  const { words, doubles } = custody;
  const at = slot + SLOT_FRAME;
  if (frameKind(words[at + FRAME_TYPE]) !== FrameKind.ASK) return 0;
  if (words[at + FRAME_SOURCE] !== topology.orchestrator) return 0;
  return doubles[(at >>> 1) + FRAME_OPERATION_F64];
}
