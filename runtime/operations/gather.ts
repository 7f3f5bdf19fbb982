import type { ConflictDetail } from "../../actors/result.ts";
import { FRAME_CREATED_F64 } from "../../mailbox/frame.ts";
import {
  REPORT_CLUSTERS,
  REPORT_FIRST,
  REPORT_FLAGS,
  REPORT_MAP_WORDS,
  REPORT_MAPS,
  REPORT_PLANNED_F64,
  REPORT_ROWS,
  REPORT_TAKEN_F64,
  REPORT_TERM,
  ReportFlag,
  rowFloats,
} from "../../mailbox/operation-frame.ts";
import type { FrameMemory } from "../../mailbox/ring.ts";
import {
  mapWords,
  PROGRESS_MAPS,
  ProgressMap,
  popCount,
} from "../../supervisors/sector-coordinator.ts";
import type { Part } from "../dispatch/part.ts";
import type { OperationFacts } from "../dispatch/shared-payloads.ts";

/** Details of conflicts that an operation keeps; all are counted. */
const MAX_CONFLICTS = 10_000;

/** All numbers of an operation, as its frames carry them. Times are ms of the mesh clock. */
export interface GatherPlan {
  readonly payload: unknown;
  readonly facts: OperationFacts;
  /** Number of the first attempt, of an operation that is tried again. */
  readonly root: number | undefined;
  readonly createdMs: number;
  /** 0 when as soon as they can. */
  readonly arrivalMs: number;
  readonly closeMs: number;
  readonly deadlineMs: number;
  readonly readyBy: number;
  readonly priority: number;
  /** `OperationFlag`s. */
  readonly flags: number;
  /** Sectors that must confirm before anything goes out; 0 for none. */
  readonly threshold: number;
  readonly requiresLow: number;
  readonly requiresHigh: number;
}

/** One sector's share of an operation, as its coordinator has last told it. */
export class SectorShare {
  readonly sector: number;
  /** A bit for each agent addressed. */
  readonly map: Int32Array;
  /** How many these are. */
  selected = 0;
  /** Done, conflict, failed, skipped, acted: one after the other. */
  readonly maps: Int32Array;
  /** `ROW_…` of the agents addressed, in their order. */
  rows: Float32Array | undefined;
  clusters = 0;
  /** When its leads had their part, ms of the mesh clock; 0 while that is not known. */
  plannedMs = 0;
  /** When its coordinator had it; 0 while that is not known. */
  takenMs = 0;
  /** When its final report was sent, and when main had it; 0 before. */
  reportedMs = 0;
  arrivedMs = 0;
  final = false;
  /** Its frame is on the sector's lane. */
  sent = false;
  /** The sector was at it in another process: its maps go with its frame. */
  carried = false;
  /** The highest term of a coordinator that has reported. */
  #term = 0;
  /** Rows received so far. */
  #received = 0;

  constructor(sector: number, agents: number) {
    this.sector = sector;
    this.map = new Int32Array(mapWords(agents));
    this.maps = new Int32Array(PROGRESS_MAPS * this.map.length);
  }

  /** Addresses all agents of the sector. */
  addAll(agents: number): void {
    this.map.fill(-1);
    if ((agents & 31) !== 0) this.map[this.map.length - 1] = (1 << (agents & 31)) - 1;
    this.selected = agents;
  }

  /** Addresses agent `bit` of the sector; harmless when it is already. */
  add(bit: number): void {
    const mask = 1 << (bit & 31);
    if ((this.map[bit >>> 5] & mask) !== 0) return;
    this.map[bit >>> 5] |= mask;
    this.selected++;
  }

  /** Takes over whom a share of another process addresses, and how far they are. */
  adopt(map: readonly number[], maps: readonly number[]): void {
    this.map.set(map.slice(0, this.map.length));
    this.maps.set(maps.slice(0, this.maps.length));
    this.selected = 0;
    for (const word of this.map) this.selected += popCount(word);
  }

  /** From now on another coordinator is at it, which is told how far this one got. */
  beginElsewhere(): void {
    this.carried = true;
    this.sent = false;
    this.#term = 0;
    this.rows = undefined;
    this.#received = 0;
  }

  has(map: number, bit: number): boolean {
    return (this.maps[map * this.map.length + (bit >>> 5)] & (1 << (bit & 31))) !== 0;
  }

  count(map: number): number {
    let bits = 0;
    const from = map * this.map.length;
    for (let i = from; i < from + this.map.length; i++) bits += popCount(this.maps[i]);
    return bits;
  }

  /** Takes over what its part in custody says, of a sector that has not told its last. */
  standIn(part: Part): void {
    for (let map = 0; map < PROGRESS_MAPS; map++) {
      for (let i = 0; i < this.map.length; i++)
        this.maps[map * this.map.length + i] = part.progress.word(map, i);
    }
  }

  /** Takes a frame of a report of an operation, with T or without, in; not of a coordinator that was replaced since. */
  read({ words, doubles }: FrameMemory, word: number, timed: boolean, nowMs: number): void {
    if (words[word + REPORT_TERM] < this.#term) return;
    this.#term = words[word + REPORT_TERM];
    const first = words[word + REPORT_FIRST];
    const count = words[word + REPORT_MAP_WORDS];
    if (first < 0 || count < 0 || first + count > this.map.length) return;
    for (let map = 0; map < PROGRESS_MAPS; map++) {
      const from = word + REPORT_MAPS + map * count;
      const to = map * this.map.length + first;
      for (let i = 0; i < count; i++) this.maps[to + i] = words[from + i];
    }
    this.clusters = words[word + REPORT_CLUSTERS];
    const rows = words[word + REPORT_ROWS];
    if (rows > 0) {
      const from = word + REPORT_MAPS + PROGRESS_MAPS * count;
      this.#readRows(words, from, first, rows, rowFloats(timed));
    }
    this.plannedMs = doubles[(word >>> 1) + REPORT_PLANNED_F64];
    this.takenMs = doubles[(word >>> 1) + REPORT_TAKEN_F64];
    const flags = words[word + REPORT_FLAGS];
    if ((flags & ReportFlag.LAST) === 0 || (flags & ReportFlag.FINAL) === 0) return;
    this.final = true;
    this.reportedMs = doubles[(word >>> 1) + FRAME_CREATED_F64];
    this.arrivedMs = nowMs;
  }

  #readRows(
    words: Int32Array,
    from: number,
    firstWord: number,
    rows: number,
    stride: number,
  ): void {
    if (firstWord === 0) this.#received = 0;
    if (this.#received + rows > this.selected) return;
    this.rows ??= new Float32Array(this.selected * stride);
    const source = new Float32Array(words.buffer, words.byteOffset + from * 4, rows * stride);
    this.rows.set(source, this.#received * stride);
    this.#received += rows;
  }

  /** Bits of the agents addressed, in their order. */
  bits(): Iterable<number> {
    return bitsOf(this.map);
  }
}

/** The places of the bits that are set, lowest first. */
export function* bitsOf(map: Int32Array): Iterable<number> {
  for (let word = 0; word < map.length; word++) {
    for (let left = map[word]; left !== 0; left &= left - 1)
      yield word * 32 + 31 - Math.clz32(left & -left);
  }
}

/** Counts over all agents selected. */
export interface GatherCounts {
  ready: number;
  conflict: number;
  failed: number;
  skipped: number;
  acted: number;
}

/** Why a gather has ended. */
export type GatherEnd = "reported" | "timeout" | "gate-failed" | "aborted" | "mesh-stopped";

/** An operation from the orchestrator's side while it is out: what its sectors have told of it. */
export class Gather {
  readonly operation: number;
  readonly plan: GatherPlan;
  readonly shares: ReadonlyMap<number, SectorShare>;
  readonly selected: number;
  readonly digest: Int32Array;
  /** Slot of the payload in main's custody. */
  readonly payload: number;
  readonly gate: number;
  readonly counts: GatherCounts = { ready: 0, conflict: 0, failed: 0, skipped: 0, acted: 0 };
  readonly conflicts: { readonly agent: number; readonly detail: ConflictDetail }[] = [];
  readonly values: Map<number, unknown> | undefined;
  /** Sectors whose final report is in. */
  finals = 0;
  timer = 0;

  constructor(
    operation: number,
    plan: GatherPlan,
    shares: ReadonlyMap<number, SectorShare>,
    held: { readonly slot: number; readonly digest: Int32Array },
    gate: number,
    wantsValues: boolean,
  ) {
    this.operation = operation;
    this.plan = plan;
    this.shares = shares;
    this.payload = held.slot;
    this.digest = held.digest;
    this.gate = gate;
    this.values = wantsValues ? new Map() : undefined;
    let selected = 0;
    for (const share of shares.values()) {
      selected += share.selected;
      this.#count(share, 1);
      if (share.final) this.finals++;
    }
    this.selected = selected;
  }

  /** All sectors have told their last. */
  get complete(): boolean {
    return this.finals === this.shares.size;
  }

  /** Agents that it was sent to. */
  get addressed(): number {
    return this.selected - this.counts.skipped;
  }

  /** Takes a frame of a sector's report in, at `nowMs`; false when the sector has no part in it. */
  report(sector: number, ring: FrameMemory, word: number, nowMs: number): boolean {
    const share = this.shares.get(sector);
    if (share === undefined) return false;
    const { final } = share;
    this.#count(share, -1);
    share.read(ring, word, this.plan.arrivalMs > 0, nowMs);
    this.#count(share, 1);
    if (share.final && !final) this.finals++;
    return true;
  }

  /** Counts what stands in custody of a sector that has not told its last, and will not in time. */
  standIn(part: Part): void {
    const share = this.shares.get(part.sector);
    if (share === undefined || share.final) return;
    this.#count(share, -1);
    share.standIn(part);
    this.#count(share, 1);
  }

  #count(share: SectorShare, sign: number): void {
    const { counts } = this;
    const conflict = share.count(ProgressMap.CONFLICT);
    const failed = share.count(ProgressMap.FAILED);
    counts.conflict += sign * conflict;
    counts.failed += sign * failed;
    counts.ready += sign * (share.count(ProgressMap.DONE) - conflict - failed);
    counts.skipped += sign * share.count(ProgressMap.SKIPPED);
    counts.acted += sign * share.count(ProgressMap.ACTED);
  }

  /** What one agent answered. */
  respond(agent: number, trinary: number, value: unknown): void {
    if (trinary === 1) this.values?.set(agent, value);
    else if (this.conflicts.length < MAX_CONFLICTS)
      this.conflicts.push({ agent, detail: value as ConflictDetail });
  }
}
