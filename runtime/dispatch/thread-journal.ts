import { MeshStoppedError } from "../../actors/errors.ts";
import type { Receipt } from "../../actors/receipt.ts";
import { WaitingReceipt } from "../../actors/receipt.ts";
import { ringDoorbell } from "../../mailbox/doorbell.ts";
import {
  FRAME_BYTES,
  FRAME_DATA,
  FRAME_OPERATION_F64,
  FRAME_SEQUENCE_F64,
  FRAME_TYPE,
  FrameFlag,
  frameFlags,
} from "../../mailbox/frame.ts";
import {
  ENTRY_BYTES,
  ENTRY_DATA,
  ENTRY_ITEM_BYTES,
  EntryKind,
  entryRoom,
  OPENED_DATA,
  originOf,
  SENT_BYTES,
  writeEntry,
} from "../../mailbox/journal-entry.ts";
import {
  JOURNAL_CONTROL_WORDS,
  JOURNAL_ERRNO,
  JOURNAL_STATE,
  JournalState,
  SLOT_AUX,
  SLOT_FRAME,
} from "../../mailbox/layout.ts";
import type { PayloadCodec } from "../../mailbox/payload.ts";
import { FULL, Ring, ringBytes } from "../../mailbox/ring.ts";
import type { JournalPlan } from "../plan/memory.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { type Header, writeHeader } from "./header.ts";
import { diskError } from "./journal-error.ts";
import type { TimerTarget } from "./wheel.ts";

/** Bytes of shared memory between the threads and the journal's writer. */
export function journalBytes(threads: number, capacityBytes: number): number {
  return JOURNAL_CONTROL_WORDS * 4 + threads * ringBytes(capacityBytes);
}

/** What the writer shares with all threads. */
export function journalControl(plan: JournalPlan): Int32Array {
  return new Int32Array(plan.memory, 0, JOURNAL_CONTROL_WORDS);
}

/** The ring of a thread; each side makes its own view. */
export function journalRing(plan: JournalPlan, thread: number): Ring {
  const offset = JOURNAL_CONTROL_WORDS * 4 + thread * ringBytes(plan.ringBytes);
  return new Ring(plan.memory, offset, plan.ringBytes);
}

/** Something that happens when what was handed over up to a place is on disk. */
interface Waiting {
  /** In the ring; said when its cycle is committed. */
  position: number;
  readonly then: () => void;
  /** Told when nothing can be written; without it the wait goes on until it can. */
  readonly fail: ((error: Error) => void) | undefined;
}

/** How soon what found no room is tried again, ms. */
const RETRY_MS = 1;
/** Messages of one DONE, outcomes of one OUTCOMES, at most. */
const ITEMS_AN_ENTRY = 1024;
/** Cells that a SENT may take, padding included. */
const SENT_CELLS = 2;

/**
 * The journal as one thread sees it. What a cycle does that must outlive the process (durable messages sent and
 * ended, states, outcomes) is put into the thread's ring and becomes true with the cycle's commit, like all else:
 * published after it, before the lanes, so that nobody can have acted on a message of which the journal has not
 * heard. The writer takes it from there; `onDisk` says when it has.
 */
export class ThreadJournal implements TimerTarget {
  /** What this thread's durable messages have in `operation`. */
  readonly origin: number;
  readonly #dispatcher: Dispatcher;
  readonly #ring: Ring;
  readonly #control: Int32Array;
  readonly #checkpointMs: number;
  readonly #isRestored: boolean;
  /** Cells of the longest state, twice: padding may take as much again. */
  readonly #spareCells: number;
  /** Messages handled in the open cycle: origin, sequence, … */
  #handled: number[] = [];
  /** Messages that ended otherwise, which may be told a cycle later. */
  #buried: number[] = [];
  /** Operation, agent, outcome, … of the open cycle. */
  #outcomes: number[] = [];
  /** Messages of open turns of which a SENT may follow in the open cycle. */
  #expected = 0;
  /** By agent: where its state stands in the open cycle. */
  readonly #states = new Map<number, number>();
  /** Agents whose state has changed since it was handed over. */
  readonly #changed = new Set<number>();
  /** A timer stands for them. */
  #isScheduled = false;
  /** Agents whose state is gone. */
  readonly #ended = new Set<number>();
  /** Agents whose turn waits for room, and turns whose end does. */
  readonly #held = new Set<number>();
  #ending: (() => void)[] = [];
  /** Of the open cycle. */
  #open: Waiting[] = [];
  #waiting: Waiting[] = [];
  /** Some began to wait since the last look. */
  #isFresh = false;
  #headSeen: number;
  #stateSeen = JournalState.RUNNING as number;

  constructor(dispatcher: Dispatcher, plan: JournalPlan) {
    const { view } = dispatcher;
    this.#dispatcher = dispatcher;
    this.#ring = journalRing(plan, view.thread);
    this.#control = journalControl(plan);
    this.origin = originOf(plan.run, view.thread);
    this.#checkpointMs = plan.checkpointMs;
    this.#isRestored = plan.restored;
    this.#spareCells = 2 * cellsOf(ENTRY_BYTES + dispatcher.plan.maxPayloadBytes);
    this.#headSeen = this.#ring.head;
  }

  /** Why nothing durable can be promised now; undefined when it can. */
  get fault(): Error | undefined {
    if (Atomics.load(this.#control, JOURNAL_STATE) !== JournalState.FAILING) return undefined;
    return diskError(Atomics.load(this.#control, JOURNAL_ERRNO));
  }

  /** Finishes the publication of a dead predecessor, before its lanes are: see `succession.ts`. */
  recover(committedCycle: number): void {
    this.#ring.recoverProducer(committedCycle);
  }

  /** True when a turn that changes something can have its end written, whatever its state will be. */
  get hasRoom(): boolean {
    return this.#freeCells() >= this.#spareCells;
  }

  /** Lets an agent have its turn when there is room. */
  hold(agent: number): void {
    this.#held.add(agent);
    this.#ring.wantRoom();
  }

  /** Calls `then` when there is room for the end of a turn. */
  whenRoom(then: () => void): void {
    this.#ending.push(then);
    this.#ring.wantRoom();
  }

  /** Writes down the prepared message; false when there is no room, and then nothing was written. */
  accept(header: Header, codec: PayloadCodec, length: number): boolean {
    const bytes = FRAME_BYTES + length;
    if (this.#freeCells() < this.#spareCells + 2 * cellsOf(bytes) + SENT_CELLS) return false;
    const word = this.#ring.tryClaim(bytes);
    if (word === FULL) return false;
    const { words, doubles, bytes: memory } = this.#ring;
    writeHeader(words, doubles, word, bytes, header);
    if (length > 0) codec.copyTo(words, memory, word + FRAME_DATA, length);
    return true;
  }

  /** True when all these messages would be accepted, one after the other: lengths of their payloads, bytes. */
  hasRoomFor(lengths: readonly number[]): boolean {
    let cells = this.#spareCells;
    for (const length of lengths) cells += 2 * cellsOf(FRAME_BYTES + length) + SENT_CELLS;
    return this.#freeCells() >= cells;
  }

  /** A message of a turn was accepted, which may have to be noted as such: see `turn-sends.ts`. */
  expectSent(): void {
    this.#expected++;
  }

  /** Notes what the turn known by `key` (origin, sequence) has sent, and is not over. */
  sent(key: readonly [number, number], place: number, digest: number): void {
    const word = this.#ring.tryClaim(SENT_BYTES);
    if (word === FULL) throw new Error(`no room in the journal's ring: free=${this.#freeCells()}`);
    const { words, doubles } = this.#ring;
    writeEntry(words, word, SENT_BYTES, EntryKind.SENT, place, 0);
    doubles.set([...key, digest], (word + ENTRY_DATA) >>> 1);
  }

  /** A message that was accepted with the end of its turn will not be delivered. */
  unsent({ operation, sequence }: Header): void {
    this.#buried.push(operation, sequence);
    this.#dispatcher.touch();
  }

  /** Takes the message back that was accepted last: it could not be sent. */
  unaccept(): void {
    this.#ring.abort();
  }

  /** The receipt of the message that was accepted last, or the given one, which settles with the disk. */
  receipt(receipt: WaitingReceipt = new WaitingReceipt()): Receipt {
    this.onDisk(
      () => receipt.settle("accepted"),
      (error) => receipt.fail(error),
    );
    return receipt;
  }

  /** Calls `then` when all that this thread has handed over by the end of the open cycle is on disk. */
  onDisk(then: () => void, fail?: (error: Error) => void): void {
    this.#open.push({ position: 0, then, fail });
    this.#dispatcher.touch();
  }

  /** A message in custody has ended; `handled` says that a turn did it. */
  finished(slot: number, handled: boolean): void {
    this.#dispatcher.sends.forget(slot);
    const { words, doubles } = this.#dispatcher.view.custody;
    const at = slot + SLOT_FRAME;
    if ((frameFlags(words[at + FRAME_TYPE]) & FrameFlag.DURABLE) === 0) return;
    const list = handled ? this.#handled : this.#buried;
    list.push(doubles[(at >>> 1) + FRAME_OPERATION_F64], doubles[(at >>> 1) + FRAME_SEQUENCE_F64]);
  }

  /** How a journaled operation ended at an agent. */
  outcome(operation: number, agent: number, outcome: number): void {
    this.#outcomes.push(operation, agent, outcome);
  }

  /** An agent's state has been saved in `slot`; `now` says that what made it is promised. */
  saved(agent: number, slot: number, now: boolean): void {
    if (agent >= this.#dispatcher.view.topology.agents) return;
    if (now && this.#state(agent, slot)) return;
    this.#changed.add(agent);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    const { wheel, nowMs } = this.#dispatcher;
    wheel.schedule(nowMs + this.#checkpointMs, this, 0);
  }

  /** An agent's state is no more. */
  ended(agent: number): void {
    if (agent >= this.#dispatcher.view.topology.agents) return;
    this.#changed.delete(agent);
    this.#ended.add(agent);
    this.#dispatcher.touch();
  }

  /** Writes an operation down; false when there is no room. */
  opened(operation: number, plan: Uint8Array): boolean {
    const length = OPENED_DATA * 4 + plan.length;
    if (this.#freeCells() < this.#spareCells + 2 * cellsOf(length)) return false;
    const word = this.#ring.tryClaim(length);
    if (word === FULL) return false;
    const { words, doubles, bytes } = this.#ring;
    writeEntry(words, word, length, EntryKind.OPENED, plan.length, 0);
    doubles[(word + ENTRY_DATA) >>> 1] = operation;
    bytes.set(plan, (word + OPENED_DATA) * 4);
    this.#dispatcher.touch();
    return true;
  }

  closed(operation: number): boolean {
    const word = this.#ring.tryClaim(OPENED_DATA * 4);
    if (word === FULL) return false;
    const { words, doubles } = this.#ring;
    writeEntry(words, word, OPENED_DATA * 4, EntryKind.CLOSED, 0, 0);
    doubles[(word + ENTRY_DATA) >>> 1] = operation;
    this.#dispatcher.touch();
    return true;
  }

  /** Before the commit: what the cycle ended is put behind what it made. */
  prepare(cycle: number): void {
    this.#expected = 0;
    this.#writeItems(EntryKind.DONE, this.#handled, 2, false);
    this.#writeItems(EntryKind.OUTCOMES, this.#outcomes, 3, false);
    this.#writeItems(EntryKind.DONE, this.#buried, 2, true);
    for (const agent of this.#ended) {
      if (this.#freeCells() < this.#spareCells) break;
      const word = this.#ring.tryClaim(ENTRY_BYTES);
      if (word === FULL) break;
      writeEntry(this.#ring.words, word, ENTRY_BYTES, EntryKind.ENDED, agent, 0);
      this.#ended.delete(agent);
    }
    if (this.#ring.dirty) this.#ring.prepare(cycle);
  }

  /** After the commit, before the lanes. */
  publish(): void {
    if (this.#states.size > 0) this.#states.clear();
    if (this.#open.length > 0) {
      const position = this.#ring.claimed;
      for (const each of this.#open) {
        each.position = position;
        this.#waiting.push(each);
      }
      this.#open = [];
      this.#isFresh = true;
      this.#ring.wantRoom();
    }
    if (!this.#ring.dirty) return;
    this.#ring.publish();
    ringDoorbell(this.#control);
  }

  /** Looks how far the disk has come; true when something waited for that. */
  poll(): boolean {
    const state = Atomics.load(this.#control, JOURNAL_STATE);
    const { head } = this.#ring;
    if (head === this.#headSeen && state === this.#stateSeen && !this.#isFresh) return false;
    this.#isFresh = false;
    this.#headSeen = head;
    this.#stateSeen = state;
    const { fault } = this;
    let settled = 0;
    const kept: Waiting[] = [];
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const each of waiting) {
      if (((each.position - head) | 0) <= 0) each.then();
      else if (fault !== undefined && each.fail !== undefined) each.fail(fault);
      else {
        kept.push(each);
        continue;
      }
      settled++;
    }
    this.#waiting = kept.concat(this.#waiting);
    settled += this.#letGo();
    if (this.isWaiting) this.#ring.wantRoom();
    return settled > 0;
  }

  /** Who waits for room is given turns again when there is some; how many. */
  #letGo(): number {
    const count = this.#held.size + this.#ending.length;
    if (count === 0 || !this.hasRoom) return 0;
    for (const agent of this.#held) this.#dispatcher.runQueue.push(agent);
    this.#held.clear();
    const ending = this.#ending;
    this.#ending = [];
    for (const then of ending) then();
    return count;
  }

  /** Somebody waits for the disk. */
  get isWaiting(): boolean {
    return (
      this.#waiting.length > 0 ||
      this.#open.length > 0 ||
      this.#held.size > 0 ||
      this.#ending.length > 0
    );
  }

  /** True when {@link poll} would find something. */
  get hasNews(): boolean {
    return (
      this.isWaiting &&
      (this.#isFresh ||
        this.#ring.head !== this.#headSeen ||
        Atomics.load(this.#control, JOURNAL_STATE) !== this.#stateSeen)
    );
  }

  /** States of a predecessor have changed for all we know; but what came out of the journal is there. */
  adopt(agents: Iterable<number>): void {
    if (this.#isRestored && this.#dispatcher.ledger.committed === 0) return;
    for (const agent of agents) this.saved(agent, 0, false);
  }

  /** Hands changed states over, as long as there is room; the rest follows. */
  onTimer(): void {
    const { wheel, nowMs } = this.#dispatcher;
    this.#isScheduled = !this.#flush();
    if (this.#isScheduled) wheel.schedule(nowMs + RETRY_MS, this, 0);
  }

  /**
   * At the end of a mesh: hands over all changed states, and waits for what somebody still waits for. What the disk
   * does not take by then is lost.
   */
  async flushAll(): Promise<void> {
    while ((!this.#flush() || this.isWaiting) && this.fault === undefined) {
      this.#dispatcher.commit();
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      this.poll();
    }
    this.#dispatcher.commit();
  }

  /** The writer has ended: what is not on disk will not be. */
  abandon(): void {
    this.poll();
    for (const { fail } of this.#waiting.concat(this.#open)) fail?.(new MeshStoppedError());
    this.#waiting = [];
    this.#open = [];
  }

  /** False when there was no room for some. */
  #flush(): boolean {
    const { checkpoints } = this.#dispatcher.agents;
    for (const agent of this.#changed) {
      // Half of the ring is for what somebody waits for.
      if (this.#freeCells() < this.#spareCells * 2) return false;
      const slot = checkpoints.slotOf(agent);
      if (slot !== undefined && !this.#state(agent, slot)) return false;
      this.#changed.delete(agent);
    }
    return true;
  }

  #state(agent: number, slot: number): boolean {
    const { custody } = this.#dispatcher.view;
    const bytes = custody.words[slot + SLOT_AUX];
    const length = ENTRY_BYTES + bytes;
    const ring = this.#ring;
    let word = this.#states.get(agent) ?? FULL;
    // In place, when the cycle has one already: of several only the last counts.
    if (word === FULL || cellsOf(ring.words[word]) !== cellsOf(length)) {
      word = ring.tryClaim(length);
      if (word === FULL) return false;
      this.#states.set(agent, word);
    }
    writeEntry(ring.words, word, length, EntryKind.STATE, agent, bytes);
    const from = (slot + SLOT_FRAME + FRAME_DATA) * 4;
    ring.bytes.set(custody.bytes.subarray(from, from + bytes), (word + ENTRY_DATA) * 4);
    this.#changed.delete(agent);
    this.#ended.delete(agent);
    this.#dispatcher.touch();
    return true;
  }

  /** Cells that are free when what the open cycle still has to write is written. */
  #freeCells(): number {
    const items = this.#handled.length / 2 + this.#outcomes.length / 3;
    const ends = cellsOf(items * ENTRY_ITEM_BYTES) * 2 + 4;
    return this.#ring.freeCells - ends - this.#expected * SENT_CELLS;
  }

  /** Writes a list of items; what may wait does so when there is no room. */
  #writeItems(kind: number, list: number[], stride: number, mayWait: boolean): void {
    if (list.length === 0) return;
    const { words, doubles } = this.#ring;
    let next = 0;
    while (next < list.length) {
      const count = Math.min(ITEMS_AN_ENTRY, (list.length - next) / stride);
      const length = ENTRY_BYTES + count * ENTRY_ITEM_BYTES;
      if (mayWait && this.#freeCells() < this.#spareCells + 2 * cellsOf(length)) break;
      let word = this.#ring.tryClaim(length);
      if (word === FULL) {
        if (mayWait) break;
        throw new Error(
          `no room in the journal's ring: items=${count} free=${this.#ring.freeCells}`,
        );
      }
      writeEntry(words, word, length, kind, count, 0);
      word += ENTRY_DATA;
      for (let i = 0; i < count; i++, word += 4, next += stride) {
        doubles[word >>> 1] = list[next];
        if (stride === 2) {
          doubles[(word >>> 1) + 1] = list[next + 1];
        } else {
          words[word + 2] = list[next + 1];
          words[word + 3] = list[next + 2];
        }
      }
    }
    list.splice(0, next);
  }
}

function cellsOf(length: number): number {
  return (entryRoom(length) + 63) >>> 6;
}
