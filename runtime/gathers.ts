import { MeshError, PayloadTooLargeError } from "../actors/errors.ts";
import { coordinatorOf } from "../coordination/topology.ts";
import {
  FRAME_BYTES,
  FRAME_DATA,
  FRAME_HASH,
  FRAME_OPERATION_F64,
  FRAME_PAYLOAD,
  FrameFlag,
  FrameKind,
} from "../mailbox/frame.ts";
import { Count, SLOT_AUX, SLOT_FRAME, SlotState } from "../mailbox/layout.ts";
import { FULL } from "../mailbox/ring.ts";
import { mapWords } from "../supervisors/sector-coordinator.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { writeHeader } from "./header.ts";
import type { BroadcastOptions, BroadcastResult } from "./mesh-api.ts";
import { operationBytes } from "./operations.ts";
import { checkSendOptions } from "./send-options.ts";

/** Sectors get a moment longer than the deadline to say what they know. */
const REPORT_GRACE_MS = 250;

/** Frames that found their lane full are tried again after this time. */
const RETRY_MS = 1;

/** One sector's part of an operation on its way. */
interface SectorFrame {
  readonly operation: number;
  readonly sector: number;
  readonly map: Int32Array;
  readonly payload: number;
  readonly priority: number;
  readonly createdMs: number;
  readonly deadlineMs: number;
}

interface Gather {
  readonly addressed: number;
  readonly startedMs: number;
  readonly payload: number;
  readonly resolve: (result: BroadcastResult) => void;
  waiting: number;
  ready: number;
  conflict: number;
  timer: number;
  stopListening: () => void;
}

/**
 * Operations from the orchestrator's side: the payload is encoded and hashed once and held in main's custody,
 * each sector gets one frame with a bitmap of its agents addressed, and answers with one report.
 */
export class Gathers {
  readonly #dispatcher: Dispatcher;
  readonly #gathers = new Map<number, Gather>();
  /** Frames that wait for room in their lanes, oldest first. */
  #waiting: SectorFrame[] = [];
  #retryTimer = 0;
  #operation = 0;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  get size(): number {
    return this.#gathers.size;
  }

  /** Sends `message` to `agents` (indices) down the tree; resolves when every sector has reported. */
  scatter(
    message: unknown,
    agents: Iterable<number>,
    options: BroadcastOptions,
  ): Promise<BroadcastResult> {
    const { ports, wheel } = this.#dispatcher;
    options.signal?.throwIfAborted();
    checkSendOptions(options);
    const maps = this.#mapsOf(agents);
    if (maps.size === 0)
      throw new MeshError(
        "MESH_NOBODY",
        `select: expected at least one agent, ${options.select ?? "the mesh"} has none`,
      );
    const nowMs = ports.clock.nowMs();
    this.#dispatcher.nowMs = nowMs;
    const timeoutMs = options.timeoutMs ?? 5000;
    const operation = this.#dispatcher.epoch * 2 ** 40 + ++this.#operation;
    const payload = this.#hold(message, operation);
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#close(operation);
        reject(options.signal?.reason);
      };
      options.signal?.addEventListener("abort", abort, { once: true });
      let addressed = 0;
      for (const { count } of maps.values()) addressed += count;
      const deadline = { onTimer: () => this.#finish(operation) };
      this.#gathers.set(operation, {
        addressed,
        startedMs: nowMs,
        payload,
        resolve,
        waiting: maps.size,
        ready: 0,
        conflict: 0,
        timer: wheel.schedule(nowMs + timeoutMs + REPORT_GRACE_MS, deadline, 0),
        stopListening: () => options.signal?.removeEventListener("abort", abort),
      });
      for (const [sector, { map }] of maps) {
        const priority = options.priority ?? 1;
        const deadlineMs = nowMs + timeoutMs;
        this.#waiting.push({
          operation,
          sector,
          map,
          payload,
          priority,
          createdMs: nowMs,
          deadlineMs,
        });
      }
      this.#sendWaiting();
      this.#dispatcher.nudge();
    });
  }

  #mapsOf(agents: Iterable<number>): Map<number, { map: Int32Array; count: number }> {
    const { agentsPerSector } = this.#dispatcher.view.topology;
    const maps = new Map<number, { map: Int32Array; count: number }>();
    for (const agent of agents) {
      const sector = Math.floor(agent / agentsPerSector);
      let entry = maps.get(sector);
      if (entry === undefined) {
        entry = { map: new Int32Array(mapWords(agentsPerSector)), count: 0 };
        maps.set(sector, entry);
      }
      const bit = agent - sector * agentsPerSector;
      const mask = 1 << (bit & 31);
      if ((entry.map[bit >>> 5] & mask) !== 0) continue;
      entry.map[bit >>> 5] |= mask;
      entry.count++;
    }
    return maps;
  }

  /** Encodes the payload into main's custody, once for all. */
  #hold(message: unknown, operation: number): number {
    const { codec, view, plan } = this.#dispatcher;
    const { custody } = view;
    const length = codec.encode(message);
    if (length > plan.maxPayloadBytes) throw new PayloadTooLargeError(length, plan.maxPayloadBytes);
    const slot = custody.allocate(FRAME_BYTES + length, true);
    if (slot === FULL)
      throw new MeshError("MESH_CUSTODY_FULL", "too many operations hold their payloads at once");
    codec.copyTo(custody.words, custody.bytes, slot + SLOT_FRAME + FRAME_DATA, length);
    custody.describe(slot, view.topology.orchestrator, -1, 0);
    custody.words[slot + SLOT_AUX] = 1;
    custody.words[slot + SLOT_FRAME + FRAME_PAYLOAD] = length;
    custody.words[slot + SLOT_FRAME + FRAME_HASH] = hash32(codec.bytes, length) ^ operation;
    custody.stamp(slot, SlotState.PAYLOAD, 0);
    return slot;
  }

  /** Sends what waits, in order for each lane; what finds its lane full waits on, until its deadline. */
  #sendWaiting(): void {
    const { view, wheel, nowMs } = this.#dispatcher;
    const full = new Set<number>();
    const kept: SectorFrame[] = [];
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const frame of waiting) {
      if (!this.#gathers.has(frame.operation)) continue;
      if (frame.deadlineMs <= nowMs) {
        // Its agents are TRANSIT, as they would be if the sector did not answer.
        this.#reported(frame.operation, 0, 0);
        continue;
      }
      const thread = view.placement[coordinatorOf(view.topology, frame.sector)];
      if (!full.has(thread) && this.#send(frame, thread)) continue;
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

  /** False when there is no room. */
  #send(frame: SectorFrame, thread: number): boolean {
    const { view, outbox, ledger } = this.#dispatcher;
    const { topology, custody } = view;
    const bytes = operationBytes(topology.agentsPerSector);
    const lane = view.lanes.bulkTo[thread];
    const word = lane?.tryClaim(bytes) ?? FULL;
    if (lane === undefined || word === FULL) return false;
    writeHeader(lane.ring.words, lane.ring.doubles, word, bytes, {
      kind: FrameKind.OPERATION,
      priority: frame.priority,
      flags: FrameFlag.REFERENCE,
      target: coordinatorOf(topology, frame.sector),
      source: topology.orchestrator,
      operation: frame.operation,
      sequence: outbox.nextSequence(),
      createdMs: frame.createdMs,
      deadlineMs: frame.deadlineMs,
      release: 0,
      payload: frame.payload,
      hash: custody.words[frame.payload + SLOT_FRAME + FRAME_HASH],
    });
    lane.ring.words.set(frame.map, word + FRAME_DATA);
    ledger.counts[Count.SENT]++;
    outbox.dirty = true;
    return true;
  }

  /** An ACK frame: one sector's report. */
  onReport(doubles: Float64Array, word: number): void {
    const at = word >>> 1;
    this.#reported(doubles[at + FRAME_OPERATION_F64], doubles[at + 3], doubles[at + 4]);
  }

  #reported(operation: number, ready: number, conflict: number): void {
    const gather = this.#gathers.get(operation);
    if (gather === undefined) return;
    gather.ready += ready;
    gather.conflict += conflict;
    if (--gather.waiting === 0) this.#finish(operation);
  }

  #finish(operation: number): void {
    const gather = this.#close(operation);
    if (gather === undefined) return;
    const { addressed, ready, conflict, startedMs, resolve } = gather;
    const elapsedMs = this.#dispatcher.ports.clock.nowMs() - startedMs;
    resolve({ addressed, ready, conflict, transit: addressed - ready - conflict, elapsedMs });
  }

  #close(operation: number): Gather | undefined {
    const gather = this.#gathers.get(operation);
    if (gather === undefined) return undefined;
    this.#gathers.delete(operation);
    this.#dispatcher.wheel.cancel(gather.timer);
    gather.stopListening();
    this.#dispatcher.giveBack(gather.payload);
    return gather;
  }

  /** Ends all as they are: the mesh stops. */
  abandon(): void {
    for (const operation of [...this.#gathers.keys()]) this.#finish(operation);
  }
}

/** FNV-1a of the first `length` bytes. */
function hash32(bytes: Uint8Array, length: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < length; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
  return hash | 0;
}
