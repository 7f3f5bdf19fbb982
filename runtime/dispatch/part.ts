import { coordinatorOf, sectorOf } from "../../coordination/topology.ts";
import {
  FRAME_BYTES,
  FRAME_CREATED_F64,
  FRAME_DEADLINE_F64,
  FRAME_OPERATION_F64,
  FRAME_RELEASE_F64,
  FRAME_TARGET,
  FRAME_TYPE,
  framePriority,
} from "../../mailbox/frame.ts";
import { SLOT_AUX, SLOT_FRAME } from "../../mailbox/layout.ts";
import {
  OPERATION_CLOSE_F64,
  OPERATION_FLAGS,
  OPERATION_GATE,
  OPERATION_MAP,
  OPERATION_READY_BY_F64,
  OPERATION_REQUIRES_HIGH,
  OPERATION_REQUIRES_LOW,
  OPERATION_ROOT_F64,
  OPERATION_WEIGHT_F64,
  OperationFlag,
  ROW_READY_ERROR,
  rowFloats,
} from "../../mailbox/operation-frame.ts";
import { mapWords, SectorProgress } from "../../supervisors/sector-coordinator.ts";
import type { ThreadView } from "../plan/memory.ts";

/** One sector's part of an operation while this thread works on it, read from its frame in custody. */
export class Part {
  readonly slot: number;
  readonly operation: number;
  /** Number of the first attempt. */
  readonly root: number;
  readonly sector: number;
  readonly coordinator: number;
  readonly firstAgent: number;
  readonly agents: number;
  readonly priority: number;
  readonly createdMs: number;
  /** T; 0 when as soon as they can. */
  readonly arrivalMs: number;
  readonly deadlineMs: number;
  /** When the sector reports for the last time; 0 when nothing bounds it. */
  readonly closeMs: number;
  readonly readyBy: number;
  readonly weight: number;
  readonly flags: number;
  readonly gate: number;
  readonly requiresLow: number;
  readonly requiresHigh: number;
  readonly progress: SectorProgress;
  /** Rows by agent (`operation-frame.ts`); undefined when nobody wants them. */
  readonly rows: Float32Array | undefined;
  /** Floats of a row. */
  readonly stride: number;
  /** Work outstanding at each agent when the message was sent to it. */
  readonly loads: Float32Array | undefined;
  /** Entries of this operation in mailboxes, running turns of it included. */
  standing = 0;
  /** Agents that are to be sent to at their time. */
  scheduled = 0;
  /** Agents whose outcome is still to come. */
  open = 0;
  /** Agents that are READY and have not acted. */
  holding = 0;
  /** What those that weigh the payload make of it. */
  readonly weights: Map<object, number> = new Map();
  /** A later attempt, which waits for those who are at work on this one. */
  heir: Part | undefined;
  /** Agents whose outcome comes from an earlier attempt. */
  readonly joined: Set<number> = new Set();
  /** Agents that try it on behalf of a straggler, with whom they stand in for. */
  readonly standIns: Map<number, number> = new Map();
  /** The final report has gone. */
  closed = false;
  /** Something has changed since the final report. */
  late = false;
  /** When this thread took it up, ms of the mesh clock. */
  takenMs = 0;
  /** When its leads had their part, ms of the mesh clock; 0 before. */
  plannedMs = 0;
  closeTimer = 0;
  arrivalTimer = 0;
  /** T has come, and who held has acted. */
  arrived = false;
  standInTimer = 0;
  readonly #words: Int32Array;

  /**
   * Over the frame in `slot` of the view's custody. Of another thread's custody only what was committed by
   * `committed` counts: a copy, without rows, which are in no custody.
   */
  constructor(view: Pick<ThreadView, "topology" | "custody">, slot: number, committed?: number) {
    const { topology, custody } = view;
    const { words, doubles } = custody;
    const at = slot + SLOT_FRAME;
    const double = (field: number): number => doubles[(at >>> 1) + field];
    this.#words = words;
    this.slot = slot;
    this.operation = double(FRAME_OPERATION_F64);
    this.root = double(OPERATION_ROOT_F64);
    this.sector = sectorOf(topology, words[at + FRAME_TARGET]);
    this.coordinator = coordinatorOf(topology, this.sector);
    this.agents = topology.agentsPerSector;
    this.firstAgent = this.sector * this.agents;
    this.priority = framePriority(words[at + FRAME_TYPE]);
    this.createdMs = double(FRAME_CREATED_F64);
    this.arrivalMs = double(FRAME_RELEASE_F64);
    this.deadlineMs = double(FRAME_DEADLINE_F64);
    this.closeMs = double(OPERATION_CLOSE_F64);
    this.readyBy = double(OPERATION_READY_BY_F64);
    this.weight = double(OPERATION_WEIGHT_F64);
    this.flags = words[at + OPERATION_FLAGS];
    this.gate = words[at + OPERATION_GATE];
    this.requiresLow = words[at + OPERATION_REQUIRES_LOW];
    this.requiresHigh = words[at + OPERATION_REQUIRES_HIGH];
    const progressAt = slot + words[slot + SLOT_AUX];
    const progress = new SectorProgress(words, doubles, progressAt, this.agents);
    this.progress = committed === undefined ? progress : progress.asOf(committed);
    this.stride = rowFloats(this.arrivalMs > 0);
    if (this.has(OperationFlag.ROWS) && committed === undefined) {
      this.rows = new Float32Array(this.agents * this.stride).fill(Number.NaN);
      if (this.arrivalMs > 0) this.loads = new Float32Array(this.agents);
    }
  }

  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }

  /** Whether agent `bit` of the sector is addressed. */
  addresses(bit: number): boolean {
    return (this.mapWord(bit >>> 5) & (1 << (bit & 31))) !== 0;
  }

  /** Word `index` of the map of agents addressed. */
  mapWord(index: number): number {
    return this.#words[this.slot + SLOT_FRAME + OPERATION_MAP + index];
  }

  /** Agents that are READY early wait for T before they act. */
  get holds(): boolean {
    return this.arrivalMs > 0 && this.has(OperationFlag.HOLD);
  }

  /** Nothing of it is to come: not in a mailbox, not in the wheel, not holding. */
  get over(): boolean {
    return this.standing === 0 && this.scheduled === 0 && this.holding === 0;
  }

  /** Sets a column of an agent's row, where there is one. */
  row(bit: number, column: number, value: number): void {
    const { rows, stride } = this;
    if (rows === undefined) return;
    if (stride > 1) rows[bit * stride + column] = value;
    else if (column === ROW_READY_ERROR) rows[bit] = value;
  }

  /** A column of an agent's row of an operation with T; NaN without. */
  at(bit: number, column: number): number {
    return this.rows === undefined || this.stride === 1
      ? Number.NaN
      : this.rows[bit * this.stride + column];
  }
}

/** Bytes of an OPERATION frame for sectors of `agents` agents. */
export function operationBytes(agents: number): number {
  return FRAME_BYTES + (OPERATION_MAP - FRAME_BYTES / 4 + mapWords(agents)) * 4;
}
