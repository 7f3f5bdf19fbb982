import type { Clock, Log, Random } from "../../actors/ports.ts";
import { ringDoorbell } from "../../mailbox/doorbell.ts";
import {
  FRAME_LENGTH,
  FRAME_OPERATION_F64,
  FRAME_SOURCE,
  FRAME_TYPE,
  FrameKind,
  frameFault,
  frameKind,
  frameTrinary,
} from "../../mailbox/frame.ts";
import type { InLane } from "../../mailbox/lanes.ts";
import {
  CONTROL_CYCLES,
  CONTROL_EPOCH,
  CONTROL_LAMPORT_F64,
  CONTROL_SINCE_F64,
  Count,
  SLOT_FRAME,
  SlotState,
} from "../../mailbox/layout.ts";
import { Ledger } from "../../mailbox/ledger.ts";
import { Mailboxes } from "../../mailbox/mailboxes.ts";
import { PayloadCodec } from "../../mailbox/payload.ts";
import { type FrameMemory, type FrameReader, FULL, type Ring } from "../../mailbox/ring.ts";
import type { MeshPlan, ThreadView } from "../plan/memory.ts";
import type { GuardedReader } from "../trust/lane-guard.ts";
import { ThreadTrust } from "../trust/thread-trust.ts";
import type { Refusal, Session } from "../trust/trust-plan.ts";
import { Admittance } from "./admittance.ts";
import { Agents } from "./agents.ts";
import { Answers } from "./answers.ts";
import { Arrivals } from "./arrivals.ts";
import { Asks } from "./asks.ts";
import { Belongings } from "./belongings.ts";
import { Burials } from "./burials.ts";
import { ConflictNews } from "./conflict-news.ts";
import { Deputies } from "./deputies.ts";
import { acknowledge, type Gateway } from "./gateway.ts";
import { Heart } from "./heart.ts";
import { Inbox } from "./inbox.ts";
import { Operations } from "./operations.ts";
import { Outbox } from "./outbox.ts";
import { Roles } from "./roles.ts";
import { RunQueue } from "./run-queue.ts";
import { SharedPayloads } from "./shared-payloads.ts";
import { Spans } from "./spans.ts";
import { Standstill } from "./standstill.ts";
import { ThreadJournal } from "./thread-journal.ts";
import { OpenSends } from "./turn-sends.ts";
import { Turns } from "./turns.ts";
import { TimerWheel } from "./wheel.ts";

/** Frames taken from one lane before the agents get their turn. */
const DRAIN_LIMIT = 64;
/**
 * Timers fired in a cycle. Those who are predicted to be READY at one moment wake at one moment, thousands of them;
 * without a bound the releases of those who are quick, due just then, would wait until all have gone on.
 */
const TIMERS_A_CYCLE = 32;
/** Resolution of the wheel of releases. */
const RELEASE_TICKS_A_MS = 4;

/** Frames that only the main thread understands: reports, incidents, dead letters. */
export interface MainSink {
  onReport(ring: FrameMemory, word: number): void;
  onResponse(agent: number, operation: number, trinary: number, value: unknown): void;
  onIncidents(incidents: readonly unknown[]): void;
  onDeadLetter(words: Int32Array, doubles: Float64Array, word: number, message: unknown): void;
  onConflict(agent: number, news: unknown): void;
  /** An ask of main was not answered by its deadline. */
  onSilence?(agent: number): void;
}

/**
 * Places at which a thread may die and leave memory in a state of its own: a frame has just been taken into custody,
 * a handler has returned and nothing of its turn is committed, and the steps of a commit.
 */
export type Failpoint =
  | "frame-taken"
  | "turn-returned"
  | "commit-begun"
  | "commit-prepared"
  | "commit-done"
  | "commit-published";

/** What a thread needs from outside: time, chance, a log, and on main the sink. */
export interface ThreadPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly sink?: MainSink;
  /** What it signs with, where its mesh has trust. */
  readonly session?: Session;
  /** Asks main itself; absent on main, and where there is nobody to ask. */
  readonly call?: (request: unknown) => Promise<unknown>;
  /** Called at each failpoint; what it throws ends the cycle there and then. Nobody has one but the simulator. */
  readonly failpoint?: (point: Failpoint) => void;
}

/**
 * The duty cycle of a thread: take frames over from the lanes, fire due timers, give agents their turns,
 * and commit. It waits for nothing and knows no threads or event loop (that is `shard.ts`), so the
 * same cycle runs in a worker, on main and in one simulated thread.
 */
export class Dispatcher implements FrameReader, GuardedReader {
  readonly plan: MeshPlan;
  readonly view: ThreadView;
  readonly ports: ThreadPorts;
  readonly epoch: number;
  readonly codec: PayloadCodec;
  readonly wheel: TimerWheel;
  /** Timers of coordinated acts, which a quarter of a millisecond late would be late. */
  readonly releases: TimerWheel;
  readonly ledger: Ledger;
  readonly mailboxes: Mailboxes;
  readonly asks: Asks;
  readonly outbox: Outbox;
  readonly answers: Answers;
  readonly burials: Burials;
  readonly inbox: Inbox;
  readonly operations: Operations;
  readonly payloads: SharedPayloads;
  readonly arrivals: Arrivals;
  readonly agents: Agents;
  readonly belongings: Belongings;
  readonly sends: OpenSends;
  readonly turns: Turns;
  readonly heart: Heart;
  readonly roles: Roles;
  readonly deputies: Deputies;
  /** Undefined on a mesh without a data folder. */
  readonly journal: ThreadJournal | undefined;
  /** Undefined where nothing is signed. */
  readonly trust: ThreadTrust | undefined;
  readonly runQueue: RunQueue;
  readonly standstill: Standstill;
  readonly spans: Spans;
  readonly conflicts: ConflictNews;
  /** On main, where the mesh has other nodes: the way to them. */
  gateway: Gateway | undefined;
  readonly admittance: Admittance;
  /** This thread's Lamport clock: turns and sends advance it, and so does what others send. */
  lamport: number;
  /** The mesh clock as of the current turn or cycle, ms. */
  nowMs: number;
  /** True where time may have passed since {@link nowMs} was read. */
  clockStale = true;
  #inCycle = false;
  #lane!: InLane;
  #laneIndex = 0;
  /** Slots whose use ended in the open cycle; given back after its commit. */
  #done = new Int32Array(256);
  #doneCount = 0;
  #touched = false;

  constructor(plan: MeshPlan, view: ThreadView, ports: ThreadPorts) {
    this.plan = plan;
    this.view = view;
    this.ports = ports;
    this.codec = new PayloadCodec(view.shapes);
    this.epoch = view.control[CONTROL_EPOCH];
    this.nowMs = ports.clock.nowMs();
    this.wheel = new TimerWheel(this.nowMs);
    this.releases = new TimerWheel(this.nowMs, RELEASE_TICKS_A_MS);
    this.ledger = new Ledger(view.controlDoubles);
    this.mailboxes = new Mailboxes(
      view.topology.rows,
      view.registry.queueDepth,
      view.registry.queueBytes,
    );
    this.runQueue = new RunQueue(view.topology.rows);
    this.standstill = new Standstill(this);
    this.spans = new Spans(this);
    this.outbox = new Outbox(this);
    this.answers = new Answers(this);
    this.burials = new Burials(this);
    this.asks = new Asks(this.wheel, this.epoch, this.answers);
    this.inbox = new Inbox(this);
    this.operations = new Operations(this);
    this.payloads = new SharedPayloads(this);
    this.arrivals = new Arrivals(this);
    this.agents = new Agents(this);
    this.belongings = new Belongings(this);
    this.sends = new OpenSends(this);
    this.turns = new Turns(this);
    this.conflicts = new ConflictNews(this);
    this.admittance = new Admittance(this);
    this.lamport = view.controlDoubles[CONTROL_LAMPORT_F64];
    this.heart = new Heart(this);
    this.roles = new Roles(this);
    this.deputies = new Deputies(this);
    this.journal = plan.journal === undefined ? undefined : new ThreadJournal(this, plan.journal);
    const { thread, lanes, placement, topology } = view;
    const at = { thread, threads: plan.threads, rows: topology.rows, lanes, placement };
    this.trust = ThreadTrust.of(plan.trust, ports.session, at);
  }

  /** One duty cycle; false when there was nothing to do. */
  cycle(): boolean {
    this.#inCycle = true;
    try {
      return this.#cycle();
    } finally {
      this.#inCycle = false;
    }
  }

  #cycle(): boolean {
    const { view } = this;
    this.nowMs = this.ports.clock.nowMs();
    this.clockStale = false;
    view.control[CONTROL_CYCLES]++;
    view.controlDoubles[CONTROL_SINCE_F64] = this.nowMs;
    if (this.standstill.obey()) return this.standstill.cycle();
    let work = 0;
    // What awaiting handlers sent between the cycles goes first: the reader can begin while this thread drains.
    if (this.outbox.dirty) {
      this.commit();
      work++;
    }
    work += this.drainLanes();
    work += this.operations.passGates();
    work += this.releases.advance(this.nowMs);
    work += this.wheel.advance(this.nowMs, TIMERS_A_CYCLE);
    work += this.outbox.retry();
    if (this.journal?.poll() === true) work++;
    work += this.turns.run();
    const { failures } = this.agents;
    if (failures.hasNews && this.runQueue.length === 0 && view.lanes.empty) failures.report();
    if (this.#touched || this.outbox.dirty) {
      this.commit();
      work++;
    }
    return work > 0;
  }

  /** Goes on with an incoming lane (its place in the list) where a predecessor got to. */
  resumeLane(index: number, accepted: number): void {
    this.#lane = this.view.lanes.incoming[index];
    this.#laneIndex = index;
    this.trust?.resume(index, accepted, this.nowMs, this);
    this.#lane.ring.recoverConsumer(accepted);
  }

  /** Takes over what is on the lanes, within bounds; returns how many frames. */
  drainLanes(): number {
    const { lanes, threadDoubles } = this.view;
    const { incoming } = lanes;
    let drained = 0;
    for (let i = 0; i < incoming.length; i++) {
      this.#lane = incoming[i];
      this.#laneIndex = i;
      const taken = incoming[i].ring.drain(this, DRAIN_LIMIT);
      this.trust?.guards[i]?.settle();
      if (taken > 0) {
        lanes.tellOfRoom(incoming[i]);
        const theirs = threadDoubles[incoming[i].id >>> 1][CONTROL_LAMPORT_F64];
        if (theirs > this.lamport) this.lamport = theirs;
      }
      drained += taken;
    }
    return drained;
  }

  /** True when a cycle would find something to do. Called between lying down and sleeping. */
  get busy(): boolean {
    if (this.standstill.busy) return true;
    if (this.standstill.stands) return false;
    return (
      this.#touched ||
      this.outbox.dirty ||
      this.runQueue.length > 0 ||
      !this.view.lanes.empty ||
      this.operations.hasNewsFromGates ||
      this.journal?.hasNews === true
    );
  }

  /** Makes all that happened since the last commit true at once, and visible to others. See `custody.ts`. */
  commit(): void {
    const { ledger, view, journal, ports } = this;
    ports.failpoint?.("commit-begun");
    this.sends.write();
    ledger.counts[Count.NEXT_RANK] = view.custody.nextRank;
    view.controlDoubles[CONTROL_LAMPORT_F64] = this.lamport;
    ledger.prepare();
    view.lanes.prepare(ledger.cycle);
    journal?.prepare(ledger.cycle);
    ports.failpoint?.("commit-prepared");
    ledger.commit();
    ports.failpoint?.("commit-done");
    journal?.publish();
    view.lanes.publish();
    ports.failpoint?.("commit-published");
    this.outbox.dirty = false;
    this.#touched = false;
    for (let i = 0; i < this.#doneCount; i++) view.custody.free(this.#done[i]);
    this.#doneCount = 0;
  }

  /** Says that something happened that the cycle must commit. */
  touch(): void {
    this.#touched = true;
  }

  /**
   * Commits between cycles. For a handler that goes on after an `await` and sends much: its readers need not
   * wait until it pauses. Within a cycle, where turns end as a whole, it does nothing.
   */
  commitBetweenCycles(): void {
    if (!this.#inCycle) this.commit();
  }

  /** Makes sure that a cycle follows soon, from code that runs outside of one. */
  nudge(): void {
    ringDoorbell(this.view.control);
  }

  /**
   * Brings {@link nowMs} up to date for what is sent outside of a cycle or in the middle of a turn, where it
   * may be old; between turns and just after a cycle it is not, and reading the clock costs 50 ns.
   */
  readClock(): void {
    if (this.clockStale) this.nowMs = this.ports.clock.nowMs();
  }

  /** The time of this moment, which is that of the cycle from now on: for records that are held against each other. */
  thisMoment(): number {
    this.nowMs = this.ports.clock.nowMs();
    return this.nowMs;
  }

  /** Ends the use of a message slot, as of the open cycle; `handled` says that a turn did. */
  finish(slot: number, handled: boolean): void {
    this.journal?.finished(slot, handled);
    acknowledge(this, slot);
    this.view.custody.stamp(slot, SlotState.DONE, this.ledger.cycle);
    this.ledger.counts[Count.IN_FLIGHT]--;
    this.giveBack(slot);
  }

  /** Gives a slot back after the commit; its stamp stays until then. */
  giveBack(slot: number): void {
    if (this.#doneCount === this.#done.length) {
      const larger = new Int32Array(this.#done.length * 2);
      larger.set(this.#done);
      this.#done = larger;
    }
    this.#done[this.#doneCount++] = slot;
    this.#touched = true;
  }

  onFrame(ring: Ring, word: number, end: number): boolean {
    const guard = this.trust?.guards[this.#laneIndex];
    if (guard !== undefined) return guard.onFrame(word, end, this.nowMs, this);
    if ((ring.words[word + FRAME_TYPE] & 0xff) === FrameKind.BATCH) {
      if (!this.#lane.onBatch(word)) this.onGap();
      return true;
    }
    return this.onVerified(ring, word, end);
  }

  /** Takes a frame that nobody has to verify any more. */
  onVerified(ring: FrameMemory, word: number, end: number): boolean {
    const { words } = ring;
    const kind = frameKind(words[word + FRAME_TYPE]);
    const fault = frameFault(words, word, this.view.topology.rows);
    if (fault !== undefined) {
      this.onCorrupt(this.#lane.ring, fault);
      return true;
    }
    switch (kind) {
      case FrameKind.TELL:
      case FrameKind.ASK:
      case FrameKind.SIGNAL:
      case FrameKind.OPERATION:
        return this.inbox.accept(ring, word, end, this.#lane);
      case FrameKind.ANSWER:
        this.answers.onAnswer(ring, word);
        return true;
      case FrameKind.CONTROL:
        if (this.gateway !== undefined) return this.inbox.accept(ring, word, end, this.#lane);
        this.agents.onControl(ring, word);
        return true;
      case FrameKind.HEARTBEAT:
        this.heart.onHeartbeat(ring, word);
        return true;
      case FrameKind.HEARTBEATS:
        this.heart.onHeartbeats(ring, word);
        return true;
      case FrameKind.ACK:
        this.ports.sink?.onReport(ring, word);
        return true;
      case FrameKind.RESPONSE:
        this.#onResponse(ring, word);
        return true;
      case FrameKind.INCIDENT:
        this.#onIncidents(ring, word);
        return true;
      case FrameKind.CONFLICT:
        this.#onConflict(ring, word);
        return true;
      case FrameKind.DEAD_LETTER:
        this.#onDeadLetter(ring, word);
        return true;
      default:
        this.onCorrupt(this.#lane.ring, `kind ${kind} has no reader`);
        return true;
    }
  }

  #onIncidents(ring: FrameMemory, word: number): void {
    const incidents = this.inbox.decodeAt(ring.words, ring.bytes, word) as readonly unknown[];
    this.ports.sink?.onIncidents(incidents);
  }

  #onResponse(ring: FrameMemory, word: number): void {
    const operation = ring.doubles[(word >>> 1) + FRAME_OPERATION_F64];
    const trinary = frameTrinary(ring.words[word + FRAME_TYPE]);
    const value = this.inbox.decodeAt(ring.words, ring.bytes, word);
    this.ports.sink?.onResponse(ring.words[word + FRAME_SOURCE], operation, trinary, value);
  }

  #onConflict(ring: FrameMemory, word: number): void {
    const news = this.inbox.decodeAt(ring.words, ring.bytes, word);
    this.ports.sink?.onConflict(ring.words[word + FRAME_SOURCE], news);
  }

  #onDeadLetter(ring: FrameMemory, word: number): void {
    let message: unknown;
    try {
      message = this.inbox.decodeAt(ring.words, ring.bytes, word);
    } catch {
      // A dead letter may be dead because it cannot be decoded.
      message = undefined;
    }
    this.ports.sink?.onDeadLetter(ring.words, ring.doubles, word, message);
  }

  onGap(): void {
    this.onCorrupt(this.#lane.ring, "a batch before this one is missing");
  }

  onUntrusted(memory: FrameMemory, word: number, end: number): boolean {
    const fault = frameFault(memory.words, word, this.view.topology.rows);
    if (fault === undefined) return this.inbox.refuse(memory, word, end, this.#lane);
    this.onCorrupt(this.#lane.ring, fault);
    return true;
  }

  /** Frames were not let in: the lane's guard has counted why. */
  onRefused(refusal: Refusal, frames: number): void {
    this.onCorrupt(this.#lane.ring, `${refusal} (${frames} frames)`);
  }

  onCorrupt(ring: Ring, sentence: string): void {
    this.ledger.counts[Count.CORRUPT]++;
    this.touch();
    const from = this.#lane.id >>> 1;
    this.ports.log.error(
      { lane: this.#lane.id, from, accepted: ring.accepted },
      `frame from thread ${from} refused: ${sentence}`,
    );
  }

  /** Copies a frame into a new custody slot; FULL when there is no room. */
  takeIntoCustody(
    source: Int32Array,
    word: number,
    target: number,
    lane: number,
    end: number,
    urgent: boolean,
  ): number {
    const length = source[word + FRAME_LENGTH];
    const { custody } = this.view;
    const slot = custody.allocate(length, urgent);
    if (slot === FULL) return FULL;
    const { words } = custody;
    const to = slot + SLOT_FRAME;
    for (let i = 0; i << 2 < length; i++) words[to + i] = source[word + i];
    custody.describe(slot, target, lane, end);
    return slot;
  }
}
