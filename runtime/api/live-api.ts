/** The mesh as a picture: types of `mesh.live`. Everything is read from shared memory when it is asked for. */
import type { Verb } from "../../actors/message.ts";
import type { ArrivalErrorCounts } from "../../coordination/kpis.ts";

/** What a cell shows of its agent, as a byte: see {@link Live.cells}. */
export type CellColumn = "impedance" | "state" | "class" | "operation";

/** Reads the mesh for pictures and gauges; nothing is computed while nobody asks. */
export interface Live {
  /**
   * Writes a byte for each agent, in the order of their indices:
   * `impedance` the score ÷ 4, 0 to 250, 254 for a vacant place, or 255 for who is not up; `state` the code of the
   * state, 0 to 7 (4 also for who is slow); `class` 0 to 5; `operation` the {@link OperationMark} of the newest
   * operation's agents, else 0.
   * RangeError when `into` is shorter than the mesh has agents.
   */
  cells(column: CellColumn, into: Uint8Array): void;
  /** Operations that are out, newest first, at most eight of them. */
  operations(): readonly LiveOperation[];
  /** The last 60 that have ended, oldest first. */
  endedOperations(): readonly EndedOperation[];
  /** Grows by one with each operation that ends. */
  readonly endedCount: number;
  /** Messages and bytes that wait in the mailboxes of each sector's agents. */
  queues(): readonly SectorQueue[];
  /** How many arrivals, since the start, were less than each of the rising `boundsMs` from T. */
  arrivalErrorsBelow(boundsMs: readonly number[]): ArrivalErrorCounts;
}

/** What waits in one sector. */
export interface SectorQueue {
  readonly messages: number;
  readonly bytes: number;
}

/** How the agents of an operation stand. */
export interface OperationCounts {
  readonly selected: number;
  /** Addressed, and not yet sent to. */
  readonly planned: number;
  /** TRANSIT: sent, and not heard of. */
  readonly sent: number;
  /** READY, those that have acted included. */
  readonly ready: number;
  readonly acted: number;
  readonly conflict: number;
  readonly failed: number;
  readonly skipped: number;
}

/** An operation that is out. Times are ms of the mesh clock. */
export interface LiveOperation {
  readonly id: string;
  readonly verb: Verb;
  /** `wave` confirms by tiers; `broadcast` goes to all at once. */
  readonly strategy: "wave" | "broadcast" | "scatter-gather";
  readonly createdMs: number;
  /** T; undefined when it was to be as soon as possible. */
  readonly arrivalMs: number | undefined;
  readonly hold: boolean;
  readonly sectors: { readonly expected: number; readonly confirmed: number };
  readonly clusters: { readonly expected: number; readonly reached: number };
  readonly agents: OperationCounts;
}

/** One that has ended. */
export interface EndedOperation extends LiveOperation {
  readonly endedMs: number;
  readonly end: "reported" | "timeout" | "gate-failed" | "aborted" | "mesh-stopped";
  /** Of one with a T. */
  readonly moments: OperationMoments | undefined;
}

/**
 * When agents were sent to, were READY and acted, less T: counts by bins of `binMs`, the first of which begins at
 * `fromMs`; the outermost two take what lies beyond.
 */
export interface OperationMoments {
  readonly fromMs: number;
  readonly binMs: number;
  readonly released: readonly number[];
  readonly ready: readonly number[];
  readonly acted: readonly number[];
  /** Quantiles of |READY − T| and |acting − T|, ms; NaN over none. */
  readonly readyError: MomentQuantiles;
  readonly actError: MomentQuantiles;
}

export interface MomentQuantiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}
