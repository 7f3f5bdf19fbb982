import { MeshError, PayloadTooLargeError } from "../../actors/errors.ts";
import { coordinatorOf } from "../../coordination/topology.ts";
import {
  FRAME_BYTES,
  FRAME_DATA,
  FRAME_HASH,
  FRAME_OPERATION_F64,
  FRAME_PAYLOAD,
  FRAME_SOURCE,
  FrameFlag,
  FrameKind,
} from "../../mailbox/frame.ts";
import { Count, SLOT_AUX, SLOT_FRAME, SlotState } from "../../mailbox/layout.ts";
import {
  OPERATION_CLOSE_F64,
  OPERATION_DIGEST,
  OPERATION_FLAGS,
  OPERATION_GATE,
  OPERATION_MAP,
  OPERATION_READY_BY_F64,
  OPERATION_REQUIRES_HIGH,
  OPERATION_REQUIRES_LOW,
  OPERATION_ROOT_F64,
  OPERATION_WEIGHT_F64,
  OperationFlag,
} from "../../mailbox/operation-frame.ts";
import { type FrameMemory, FULL } from "../../mailbox/ring.ts";
import { GateState } from "../../supervisors/wave-gate.ts";
import type { CutGather } from "../api/cut.ts";
import type { Dispatcher } from "../dispatch/dispatcher.ts";
import { Estate } from "../dispatch/estates.ts";
import { writeHeader } from "../dispatch/header.ts";
import { operationBytes } from "../dispatch/part.ts";
import { digestOf } from "../dispatch/shared-payloads.ts";
import { carriedGather } from "./carried-gather.ts";
import { Gather, type GatherEnd, type GatherPlan, SectorShare } from "./gather.ts";

/** Sectors get a moment longer than the deadline to say what they know. */
const REPORT_GRACE_MS = 250;

/** Frames that found their lane full are tried again after this time. */
const RETRY_MS = 1;

/** Who wants to know how an operation stands. */
export interface GatherListener {
  /** What the plan does not say, for whoever goes on with the operation in another process; without it nobody does. */
  readonly about?: GatherAbout;
  /** Some sector has reported. */
  onReport?(gather: Gather): void;
  onEnd(gather: Gather, end: GatherEnd): void;
  /** The frame of a report, and what an agent says, for whoever passes them on. */
  onFrame?(sector: number, ring: FrameMemory, word: number): void;
  onValue?(agent: number, trinary: number, value: unknown): void;
}

/** The way to sectors that are not on this node. */
export interface GatherRelay {
  /** Sends a sector its part; false when it is not known where the sector is. */
  send(gather: Gather, share: SectorShare): boolean;
  ended(gather: Gather, end: GatherEnd): void;
}

/** How an operation is judged. */
export type GatherAbout = Pick<CutGather, "kind" | "windowMs" | "thresholds">;

/** Who keeps an eye on all operations. */
export interface GatherWatcher {
  began(gather: Gather): void;
  /** Its gate is still to be read. */
  ended(gather: Gather, end: GatherEnd): void;
}

/** One sector's part of an operation on its way. */
interface SectorFrame {
  readonly gather: Gather;
  readonly share: SectorShare;
}

/**
 * Operations from the orchestrator's side: the payload is encoded and hashed once and held in main's custody,
 * each sector gets one frame with a bitmap of its agents addressed, and answers with reports.
 */
export class Gathers {
  readonly #dispatcher: Dispatcher;
  readonly #gathers = new Map<number, { gather: Gather; listener: GatherListener }>();
  /** Frames that wait for room in their lanes, oldest first. */
  #waiting: SectorFrame[] = [];
  #retryTimer = 0;
  #operation = 0;
  /** Undefined on a mesh of one node. */
  relay: GatherRelay | undefined;
  readonly #watchers: GatherWatcher[] = [];

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  /** Has all operations from now on told to `watcher`. */
  watch(watcher: GatherWatcher): void {
    this.#watchers.push(watcher);
  }

  /** When the oldest that is out began, ms of the mesh clock; Infinity when none is. */
  get oldestMs(): number {
    let oldestMs = Infinity;
    for (const { gather } of this.#gathers.values())
      oldestMs = Math.min(oldestMs, gather.plan.createdMs);
    return oldestMs;
  }

  get size(): number {
    return this.#gathers.size;
  }

  /** The number of the next operation, unique in the mesh. */
  nextOperation(): number {
    return this.#dispatcher.epoch * 2 ** 40 + ++this.#operation;
  }

  /** Agents (indices, each once) by sector. */
  sharesOf(agents: Int32Array): Map<number, SectorShare> {
    const { agentsPerSector, sectors, agents: all } = this.#dispatcher.view.topology;
    const shares = new Map<number, SectorShare>();
    if (agents.length === all) {
      for (let sector = 0; sector < sectors; sector++) {
        const share = new SectorShare(sector, agentsPerSector);
        share.addAll(agentsPerSector);
        shares.set(sector, share);
      }
      return shares;
    }
    for (const agent of agents) {
      const sector = Math.floor(agent / agentsPerSector);
      let share = shares.get(sector);
      if (share === undefined) {
        share = new SectorShare(sector, agentsPerSector);
        shares.set(sector, share);
      }
      share.add(agent - sector * agentsPerSector);
    }
    return shares;
  }

  /**
   * Sends an operation down the tree under the number `operation`; the listener hears of each report and,
   * once, of the end. Throws PayloadTooLargeError, and when too many are out at once.
   */
  scatter(
    operation: number,
    plan: GatherPlan,
    shares: ReadonlyMap<number, SectorShare>,
    listener: GatherListener,
  ): Gather {
    const { wheel, view } = this.#dispatcher;
    const held = this.#hold([plan.payload, plan.facts], operation);
    const gate = view.gates.take(operation, plan.threshold);
    if (gate < 0) {
      this.#dispatcher.giveBack(held.slot);
      throw new MeshError("MESH_TOO_MANY_OPERATIONS", "too many operations are out at once");
    }
    const wantsValues = (plan.flags & OperationFlag.ANSWERS) !== 0;
    const gather = new Gather(operation, plan, shares, held, gate, wantsValues);
    this.#gathers.set(operation, { gather, listener });
    const deadline = { onTimer: () => this.end(gather, "timeout") };
    const endMs = Math.max(plan.closeMs, plan.deadlineMs) + REPORT_GRACE_MS;
    gather.timer = wheel.schedule(endMs, deadline, 0);
    for (const share of shares.values()) if (!share.final) this.#waiting.push({ gather, share });
    for (const watcher of this.#watchers) watcher.began(gather);
    this.#sendWaiting();
    this.#dispatcher.nudge();
    // Of a carried one all may have reported before; whoever listens is not yet ready to hear of it.
    if (gather.finals > 0 && gather.complete)
      wheel.schedule(this.#dispatcher.nowMs, { onTimer: () => this.#reportedAll(gather) }, 0);
    return gather;
  }

  /** The operation of this number while it is out. */
  gatherOf(operation: number): Gather | undefined {
    return this.#gathers.get(operation)?.gather;
  }

  /** What is out and may still go to agents, for a cut. */
  carried(): CutGather[] {
    const { view } = this.#dispatcher;
    const { words, bytes } = view.custody;
    return [...this.#gathers.values()].flatMap(({ gather, listener: { about } }) => {
      const state = view.gates.state(gather.gate, gather.operation);
      const isAlive = state === GateState.OPEN || state === GateState.WAITING;
      if (about === undefined || !isAlive) return [];
      const at = gather.payload + SLOT_FRAME;
      const from = (at + FRAME_DATA) * 4;
      const payload = bytes.slice(from, from + words[at + FRAME_PAYLOAD]);
      return [carriedGather(gather, about, state === GateState.OPEN, payload)];
    });
  }

  /** Encodes the payload into main's custody, once for all, with its hash. */
  #hold(message: unknown, operation: number): { slot: number; digest: Int32Array } {
    const { codec, view, plan } = this.#dispatcher;
    const { custody } = view;
    const length = codec.encode(message);
    if (length > plan.maxPayloadBytes) throw new PayloadTooLargeError(length, plan.maxPayloadBytes);
    const slot = custody.allocate(FRAME_BYTES + length, true);
    if (slot === FULL)
      throw new MeshError("MESH_CUSTODY_FULL", "too many operations hold their payloads at once");
    const digest = digestOf(codec.bytes.subarray(0, length));
    codec.copyTo(custody.words, custody.bytes, slot + SLOT_FRAME + FRAME_DATA, length);
    custody.describe(slot, view.topology.orchestrator, -1, 0);
    custody.words[slot + SLOT_AUX] = 1;
    custody.words[slot + SLOT_FRAME + FRAME_PAYLOAD] = length;
    // Of this use of the slot, not of the bytes alone: a later operation may hold the same.
    custody.words[slot + SLOT_FRAME + FRAME_HASH] = digest[0] ^ operation;
    custody.stamp(slot, SlotState.PAYLOAD, 0);
    return { slot, digest };
  }

  /** Sends what waits, in order for each lane; what finds its lane full waits on, until its deadline. */
  #sendWaiting(): void {
    const { view, wheel, nowMs } = this.#dispatcher;
    const full = new Set<number>();
    const kept: SectorFrame[] = [];
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const frame of waiting) {
      const { gather, share } = frame;
      if (!this.#gathers.has(gather.operation)) continue;
      // Its agents are TRANSIT, as they would be if the sector did not answer.
      if (gather.plan.deadlineMs <= nowMs) continue;
      const thread = view.placement[coordinatorOf(view.topology, share.sector)];
      if (thread === 0) {
        if (this.relay?.send(gather, share) !== true) kept.push(frame);
        continue;
      }
      if (!full.has(thread) && this.#send(gather, share, thread)) continue;
      full.add(thread);
      kept.push(frame);
    }
    this.#waiting = kept;
    if (kept.length === 0 || this.#retryTimer !== 0) return;
    const retry = (): void => {
      this.#retryTimer = 0;
      this.#sendWaiting();
    };
    this.#retryTimer = wheel.schedule(nowMs + RETRY_MS, { onTimer: retry }, 0);
  }

  /** Sends a sector its part once more, where it is by now, with what has been told of it so far. */
  sendAgain(gather: Gather, share: SectorShare): void {
    if (!this.#gathers.has(gather.operation) || share.final) return;
    share.beginElsewhere();
    this.#waiting.push({ gather, share });
    this.#sendWaiting();
    this.#dispatcher.nudge();
  }

  /** False when there is no room. */
  #send(gather: Gather, share: SectorShare, thread: number): boolean {
    const { view, outbox, ledger } = this.#dispatcher;
    const { topology, custody } = view;
    const { plan } = gather;
    const plain = operationBytes(topology.agentsPerSector);
    const bytes = share.carried ? plain + share.maps.byteLength : plain;
    const lanes = plan.priority === 3 ? view.lanes.urgentTo : view.lanes.bulkTo;
    const lane = lanes[thread];
    const word = lane?.tryClaim(bytes) ?? FULL;
    if (lane === undefined || word === FULL) return false;
    const { words, doubles } = lane.ring;
    writeHeader(words, doubles, word, bytes, {
      kind: FrameKind.OPERATION,
      priority: plan.priority,
      flags: FrameFlag.REFERENCE | (plan.facts.context === undefined ? 0 : FrameFlag.TRACED),
      target: coordinatorOf(topology, share.sector),
      source: topology.orchestrator,
      operation: gather.operation,
      sequence: outbox.nextSequence(),
      createdMs: plan.createdMs,
      deadlineMs: plan.deadlineMs,
      release: plan.arrivalMs,
      payload: gather.payload,
      hash: custody.words[gather.payload + SLOT_FRAME + FRAME_HASH],
    });
    const at = word >>> 1;
    doubles[at + OPERATION_CLOSE_F64] = plan.closeMs;
    doubles[at + OPERATION_READY_BY_F64] = plan.readyBy;
    doubles[at + OPERATION_WEIGHT_F64] = plan.facts.payloadWeight;
    doubles[at + OPERATION_ROOT_F64] = plan.root ?? gather.operation;
    words[word + OPERATION_FLAGS] = plan.flags | (share.carried ? OperationFlag.CARRIED : 0);
    words[word + OPERATION_GATE] = gather.gate;
    words[word + OPERATION_REQUIRES_LOW] = plan.requiresLow;
    words[word + OPERATION_REQUIRES_HIGH] = plan.requiresHigh;
    words.set(gather.digest, word + OPERATION_DIGEST);
    words.set(share.map, word + OPERATION_MAP);
    if (share.carried) words.set(share.maps, word + (plain >>> 2));
    share.sent = true;
    ledger.counts[Count.SENT]++;
    outbox.dirty = true;
    return true;
  }

  /** An ACK frame: what one sector knows of its part. */
  onReport(ring: FrameMemory, word: number): void {
    const entry = this.#gathers.get(ring.doubles[(word >>> 1) + FRAME_OPERATION_F64]);
    if (entry === undefined) return;
    const { view } = this.#dispatcher;
    const { topology } = view;
    const sector = ring.words[word + FRAME_SOURCE] - coordinatorOf(topology, 0);
    const { gather, listener } = entry;
    listener.onFrame?.(sector, ring, word);
    if (!gather.report(sector, ring, word, this.#dispatcher.thisMoment())) return;
    listener.onReport?.(gather);
    if (gather.complete) this.#reportedAll(gather);
  }

  #reportedAll(gather: Gather): void {
    const { gates } = this.#dispatcher.view;
    const failed = gates.state(gather.gate, gather.operation) === GateState.FAILED;
    this.end(gather, failed ? "gate-failed" : "reported");
  }

  /** A RESPONSE frame: what one agent says. */
  onResponse(agent: number, operation: number, trinary: number, value: unknown): void {
    const entry = this.#gathers.get(operation);
    entry?.listener.onValue?.(agent, trinary, value);
    entry?.gather.respond(agent, trinary, value);
  }

  /** Gives up waiting for sectors to confirm; false when enough have. */
  failGate(gather: Gather): boolean {
    const { gates, lanes } = this.#dispatcher.view;
    if (!this.#gathers.has(gather.operation) || !gates.fail(gather.gate)) return false;
    lanes.wakeAll();
    return true;
  }

  /** When enough sectors had confirmed, ms of the mesh clock, and how many have. */
  gateOf(gather: Gather): { readonly openedMs: number; readonly confirmed: number } {
    const { gates } = this.#dispatcher.view;
    return { openedMs: gates.openedMs(gather.gate), confirmed: gates.confirmed(gather.gate) };
  }

  /** Ends an operation as it stands; what has not gone out to agents stays. Harmless when it has ended. */
  end(gather: Gather, end: GatherEnd): void {
    const entry = this.#gathers.get(gather.operation);
    if (entry === undefined) return;
    this.#gathers.delete(gather.operation);
    const { wheel, view } = this.#dispatcher;
    wheel.cancel(gather.timer);
    if (end !== "reported") {
      view.gates.cancel(gather.gate);
      view.lanes.wakeAll();
    }
    if (end === "timeout") this.#standIn(gather);
    for (const watcher of this.#watchers) watcher.ended(gather, end);
    this.relay?.ended(gather, end);
    entry.listener.onEnd(gather, end);
    view.gates.release(gather.gate);
    this.#dispatcher.giveBack(gather.payload);
  }

  /** The orchestrator speaks for sectors that nobody else has spoken for: their thread hangs, or all are away. */
  #standIn(gather: Gather): void {
    const { view, plan } = this.#dispatcher;
    const silent = new Set<number>();
    for (const share of gather.shares.values())
      if (!share.final) silent.add(view.placement[coordinatorOf(view.topology, share.sector)]);
    for (const thread of silent) {
      for (const part of new Estate(plan, view.topology, thread).parts())
        if (part.operation === gather.operation) gather.standIn(part);
    }
  }

  /** Ends all as they are: the mesh stops. */
  abandon(): void {
    for (const { gather } of [...this.#gathers.values()]) this.end(gather, "mesh-stopped");
  }
}
