import { QUARANTINED, STOPPED } from "../coordination/agent-state.ts";
import { coordinatorOf, sectorOf } from "../coordination/topology.ts";
import {
  FRAME_BYTES,
  FRAME_DATA,
  FRAME_DEADLINE_F64,
  FRAME_LENGTH,
  FRAME_OPERATION_F64,
  FRAME_TARGET,
  FRAME_TYPE,
  framePriority,
} from "../mailbox/frame.ts";
import type { InLane } from "../mailbox/lanes.ts";
import { Count, SLOT_AUX, SLOT_FRAME } from "../mailbox/layout.ts";
import { FULL, type Ring } from "../mailbox/ring.ts";
import { mapWords, progressWords, SectorProgress } from "../supervisors/sector-coordinator.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { TimerId, TimerTarget } from "./wheel.ts";

/** A sector's part of an operation while this thread works on it. */
interface Part {
  readonly slot: number;
  readonly operation: number;
  readonly coordinator: number;
  readonly firstAgent: number;
  readonly addressed: number;
  readonly progress: SectorProgress;
  /** Mailboxes in which the operation stands, or whose turn of it runs. */
  standing: number;
  open: number;
  reported: boolean;
  timer: TimerId;
}

/**
 * Messages for many agents of a sector. The frame stays in custody, once, until the last agent is done; each
 * agent's mailbox holds a reference to it, and the coordinator's bitmaps (`sector-coordinator.ts`) who is.
 *
 *   OPERATION: target = coordinator · payload REFERENCE · behind the header a bitmap of the agents addressed
 */
export class Operations implements TimerTarget {
  readonly #dispatcher: Dispatcher;
  readonly #parts = new Map<number, Part>();
  #last: Part | undefined;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  /** Operations that are not finished at some agent of this thread. */
  get size(): number {
    return this.#parts.size;
  }

  /** Copies the frame into custody with room for the progress behind it; FULL when there is none. */
  takeIntoCustody(ring: Ring, word: number, end: number, lane: InLane): number {
    const { view } = this.#dispatcher;
    const { custody, topology } = view;
    const length = ring.words[word + FRAME_LENGTH];
    const aligned = (length + 7) & ~7;
    const slot = custody.allocate(aligned + progressWords(topology.agentsPerSector) * 4, true);
    if (slot === FULL) return FULL;
    const count = (length + 3) >>> 2;
    for (let i = 0; i < count; i++) custody.words[slot + SLOT_FRAME + i] = ring.words[word + i];
    custody.describe(slot, ring.words[word + FRAME_TARGET], lane.id, end);
    custody.words[slot + SLOT_AUX] = SLOT_FRAME + (aligned >>> 2);
    this.#progressOf(slot).clear();
    return slot;
  }

  /** Puts the operation into the mailboxes of the addressed agents that are not done. */
  begin(slot: number): void {
    const { view, mailboxes, runQueue, turns, wheel } = this.#dispatcher;
    const { words, doubles } = view.custody;
    const { topology } = view;
    const at = slot + SLOT_FRAME;
    const coordinator = words[at + FRAME_TARGET];
    const sector = sectorOf(topology, coordinator);
    const firstAgent = sector * topology.agentsPerSector;
    const priority = framePriority(words[at + FRAME_TYPE]);
    const progress = this.#progressOf(slot);
    const { state } = view.registry;
    const part: Part = {
      slot,
      operation: doubles[(at >>> 1) + FRAME_OPERATION_F64],
      coordinator: coordinatorOf(topology, sector),
      firstAgent,
      addressed: this.#addressed(at),
      progress,
      standing: 0,
      open: 0,
      reported: false,
      timer: 0,
    };
    this.#parts.set(slot, part);
    for (let bit = 0; bit < topology.agentsPerSector; bit++) {
      if ((words[at + FRAME_DATA + (bit >>> 5)] & (1 << (bit & 31))) === 0) continue;
      if (progress.isDone(bit)) continue;
      const agent = firstAgent + bit;
      // Who has ended answers nothing: TRANSIT, and not waited for.
      if (state[agent] === QUARANTINED || state[agent] === STOPPED) continue;
      mailboxes.push(agent, priority, slot, 0);
      part.standing++;
      part.open++;
      if (!turns.isBusy(agent)) runQueue.push(agent);
    }
    const deadlineMs = doubles[(at >>> 1) + FRAME_DEADLINE_F64];
    if (part.open === 0) this.#report(part);
    else if (deadlineMs !== 0) part.timer = wheel.schedule(deadlineMs, this, slot);
  }

  #addressed(at: number): number {
    const { view } = this.#dispatcher;
    const { agentsPerSector } = view.topology;
    let addressed = 0;
    for (let bit = 0; bit < agentsPerSector; bit++) {
      if ((view.custody.words[at + FRAME_DATA + (bit >>> 5)] & (1 << (bit & 31))) !== 0)
        addressed++;
    }
    return addressed;
  }

  /** True when the slot holds an operation of which this thread has a part. */
  has(slot: number): boolean {
    return this.#parts.has(slot);
  }

  /** An agent's turn of the operation in `slot` has ended: +1, −1, or 0 when its handler threw. */
  note(slot: number, agent: number, trinary: number): void {
    const part = this.#partOf(slot);
    part.progress.note(agent - part.firstAgent, trinary, this.#dispatcher.ledger.cycle);
    part.open--;
    part.standing--;
    if (part.open === 0 && !part.reported) this.#report(part);
    if (part.standing === 0) this.#end(part);
  }

  /** The operation left an agent's mailbox without a turn: expired, or the agent is gone. */
  skip(slot: number): void {
    const part = this.#partOf(slot);
    part.standing--;
    if (part.standing === 0) {
      if (!part.reported) this.#report(part);
      this.#end(part);
    }
  }

  /** The operation's deadline: the sector says what it knows, and what is still open is TRANSIT. */
  onTimer(slot: number): void {
    const part = this.#parts.get(slot);
    if (part === undefined) return;
    part.timer = 0;
    if (!part.reported) this.#report(part);
  }

  #partOf(slot: number): Part {
    if (this.#last?.slot === slot) return this.#last;
    this.#last = this.#parts.get(slot) as Part;
    return this.#last;
  }

  #report(part: Part): void {
    part.reported = true;
    if (part.timer !== 0) this.#dispatcher.wheel.cancel(part.timer);
    this.#dispatcher.outbox.report(
      part.coordinator,
      part.operation,
      part.progress.tally(part.addressed),
    );
    if (part.standing === 0) this.#end(part);
  }

  #end(part: Part): void {
    if (!this.#parts.delete(part.slot)) return;
    this.#last = undefined;
    const { ledger, inbox } = this.#dispatcher;
    ledger.counts[Count.HANDLED]++;
    this.#dispatcher.finish(part.slot);
    inbox.forgetShared();
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

/** Bytes of an OPERATION frame for sectors of `agents` agents. */
export function operationBytes(agents: number): number {
  return FRAME_BYTES + mapWords(agents) * 4;
}
