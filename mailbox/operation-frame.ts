/**
 * The body of an OPERATION frame, from the orchestrator to one sector's coordinator, behind the header:
 *
 *   word 16      18         20       22      23     24     25     26       28        36
 *        ├ close ┼ ready by ┼ weight ┼ flags ┼ gate ┼ low  ┼ high ┼ root ──┼ digest ┼ map ─ … ┤
 *          f64     f64        f64      i32     i32    u32    u32    f64      8 × i32
 *
 * The header's `release` holds T, when agents should be READY, ms of the mesh clock; 0 when as soon as they
 * can. `close` is when the sector says how it stands for the last time, `ready by` the probability to plan
 * with, `weight` the payload's. `root` is the number of the first attempt: an agent that is still at work on
 * that one is not asked again. `low` and `high` are the capability bits that an agent needs, `digest` is the
 * SHA-256 of the payload, and `map` has a bit for each agent of the sector that is addressed. With flag CARRIED the
 * maps of progress follow it, in the order of an ACK's.
 */
export const OPERATION_CLOSE_F64 = 8;
export const OPERATION_READY_BY_F64 = 9;
export const OPERATION_WEIGHT_F64 = 10;
export const OPERATION_FLAGS = 22;
/** Place of its gate (`supervisors/wave-gate.ts`) or −1. */
export const OPERATION_GATE = 23;
export const OPERATION_REQUIRES_LOW = 24;
export const OPERATION_REQUIRES_HIGH = 25;
export const OPERATION_ROOT_F64 = 13;
export const OPERATION_DIGEST = 28;
export const DIGEST_WORDS = 8;
export const OPERATION_MAP = 36;

/** Bits of {@link OPERATION_FLAGS}. */
export const OperationFlag = {
  /** Agents READY before T hold their result and act at T. */
  HOLD: 1,
  /** Nothing is sent to agents before enough sectors have confirmed. */
  WAVE: 2,
  /** The report has a row for each agent. */
  ROWS: 4,
  /** What agents answer is wanted too. */
  ANSWERS: 8,
  /** A straggler may be helped out by an idle peer. */
  HEDGE: 16,
  /** Only looks: the turn's state is not saved. */
  LOOKS: 32,
  /** The journal has it: how it ended at an agent is written there, with the agent's state. */
  JOURNALED: 64,
  /** It was begun in another process: who is done, and how, follows the map of those addressed. */
  CARRIED: 128,
} as const;

/*
 * The body of an ACK: what a sector knows of its part of an operation. A part of many agents takes several,
 * each about the agents of some words of the maps. The last of a report has REPORT_LAST.
 *
 *   word 16      17      18          19     20         21      22        24      26
 *        ├ flags ┼ first ┼ map words ┼ rows ┼ clusters ┼ term ─┼ planned ┼ taken ┼ maps … ┼ rows of f32 … ┤
 *                                                                f64       f64
 *
 * `first` is the first map word it is about; `term` that of the coordinator who tells it; `planned` when the
 * sector's leads had their part, `taken` when the coordinator had it, ms of the mesh clock. Maps: done, conflict,
 * failed, skipped, acted. Rows stand in the order of the addressed agents of those words, with the columns `ROW_…`;
 * without a T a row is its READY error alone.
 */
export const REPORT_FLAGS = 16;
export const REPORT_FIRST = 17;
export const REPORT_MAP_WORDS = 18;
export const REPORT_ROWS = 19;
/** Clusters whose lead has handed the operation to at least one agent. */
export const REPORT_CLUSTERS = 20;
/** Of the sector's coordinator: what one of an earlier term says no longer counts. */
export const REPORT_TERM = 21;
export const REPORT_PLANNED_F64 = 11;
export const REPORT_TAKEN_F64 = 12;
export const REPORT_MAPS = 26;

/** Bits of {@link REPORT_FLAGS}. */
export const ReportFlag = {
  /** The last frame of this report. */
  LAST: 1,
  /** The sector's part is over, or its time is: no report will follow but one of latecomers. */
  FINAL: 2,
  /** Agents that ended after the final report. */
  LATE: 4,
} as const;

/** Columns of a row; NaN where there is nothing to say. Times are ms. */
export const ROW_FLOATS = 6;

/** Floats of a row of an operation with T, or without. */
export function rowFloats(timed: boolean): number {
  return timed ? ROW_FLOATS : 1;
}
/** How long before T it was to be sent; of a skipped agent how long before it would have had to be. */
export const ROW_LEAD = 0;
export const ROW_PROCESSING = 1;
/** Probability of READY by T when it was sent. */
export const ROW_CONFIDENCE = 2;
/** Actual less planned time of sending. */
export const ROW_RELEASE_ERROR = 3;
/** READY less T; without T, less the time of creation. */
export const ROW_READY_ERROR = 4;
/** Acting less T. */
export const ROW_ACT_ERROR = 5;
