/**
 * The wire: a fixed header of 64 bytes, little-endian, then the payload. Hot code writes these fields by
 * their names below straight into shared memory; nothing is ever built as an object on the way.
 *
 *   byte 0        4      5          6       8        12       16          24         32
 *        ├ length ┼ kind ┼ priority ┼ flags ┼ target ┼ source ┼ operation ┼ sequence ┤
 *          i32      u8     u8         u16     i32      i32      f64         f64
 *
 *   byte 32        40         48        56        60     64
 *        ├ created ┼ deadline ┼ release ┼ payload ┼ hash ┤
 *          f64       f64        f64       i32       i32
 *
 * `priority` holds the priority in bits 0–1 and, in an ANSWER or ACK, the trinary state + 1 in bits 2–3.
 * Times are ms of the mesh clock; a deadline of 0 means never. `payload` is the number of bytes behind the
 * header or, with flag REFERENCE, the place in the source thread's payload store. `release` carries an
 * inline number when flag NUMBER is set. HEARTBEAT and ACK use the words from 16 on for themselves.
 */

export const FRAME_BYTES = 64;

/** Word (Int32) offsets. */
export const FRAME_LENGTH = 0;
/** kind | priority << 8 | flags << 16 */
export const FRAME_TYPE = 1;
export const FRAME_TARGET = 2;
export const FRAME_SOURCE = 3;
export const FRAME_PAYLOAD = 14;
export const FRAME_HASH = 15;
/** Words of a payload begin here. */
export const FRAME_DATA = 16;
/** Length of a BATCH frame, bytes (`batch.ts`). */
export const BATCH_BYTES = 128;
/** In a HEARTBEATS frame: how many rows of how many words stand behind the header (`heartbeat.ts`). */
export const HEARTBEATS_COUNT = 4;
export const HEARTBEAT_ROW_WORDS = 4;

/** Float64 offsets. */
export const FRAME_OPERATION_F64 = 2;
export const FRAME_SEQUENCE_F64 = 3;
export const FRAME_CREATED_F64 = 4;
export const FRAME_DEADLINE_F64 = 5;
export const FRAME_RELEASE_F64 = 6;

export const FrameKind = {
  PADDING: 1,
  /** Opens what is published together: see `batch.ts`. */
  BATCH: 2,
  HEARTBEAT: 3,
  /** Rows of one cluster's agents: see `heartbeat.ts`. */
  HEARTBEATS: 4,
  TELL: 5,
  ASK: 6,
  /** Answers an ASK: `operation` is the ask's id, the trinary state is in `priority`. */
  ANSWER: 7,
  /** A message for all agents of a sector that its bitmap names, for its coordinator: `operation-frame.ts`. */
  OPERATION: 8,
  /** What became of a sector's part of an operation: fixed binary, see `operation-frame.ts`. */
  ACK: 9,
  /** FREEZE, THAW, CIRCUIT, DRAIN, SUPERVISE: `operation` is the verb. */
  CONTROL: 10,
  /** A signal (death watch) for an agent. */
  SIGNAL: 11,
  /** A message that will not be handled, on its way to main's dead letters. */
  DEAD_LETTER: 12,
  /** A failure and what the supervisor decided, on its way to main. */
  INCIDENT: 13,
  /** What one agent answers to an operation, on its way to main: `operation` is its id. */
  RESPONSE: 14,
  /** A turn that ended in CONFLICT, on its way to main: see `conflict-news.ts`. */
  CONFLICT: 15,
} as const;
export const MAX_FRAME_KIND = 15;

/** Flags, in the upper half of FRAME_TYPE. */
export const FrameFlag = {
  /** No payload: the message is undefined. */
  NOTHING: 1,
  /** The message is the number in `release`. */
  NUMBER: 2,
  /** The payload lies in the source thread's payload store. */
  REFERENCE: 4,
  /** Is not delivered again after the death of a thread that had it in custody. */
  VOLATILE: 8,
  /** The handler failed: the payload of this ANSWER is the reason. */
  FAILED: 16,
  /** The target could not take the message: the payload of this ANSWER is the reason. */
  REFUSED: 32,
  /** Delivered before, to a thread that died. */
  REDELIVERED: 64,
  /** An ASK for a sign of life: the runtime answers it in the agent's turn, and the handler sees nothing of it. */
  PROBE: 256,
  /** The last 25 bytes of the frame, behind the payload, name the span that it was sent in; not of an OPERATION. */
  TRACED: 512,
  /** Main is told when it is finished, however it ends: `operation` is the receipt. Not of an ASK. */
  RECEIPT: 1024,
  /** The journal has it, or is about to: `operation` is the origin that it has there (`journal-entry.ts`). */
  DURABLE: 128,
} as const;

/** Source of a frame that comes from outside the mesh. */
export const NOBODY = -1;

/** Packs the second word of a header. */
export function frameType(kind: number, priority: number, flags: number): number {
  return kind | (priority << 8) | (flags << 16);
}

export function frameKind(type: number): number {
  return type & 0xff;
}

export function framePriority(type: number): number {
  return (type >>> 8) & 3;
}

/** 1, 0 or −1 of an ANSWER or ACK. */
export function frameTrinary(type: number): number {
  return ((type >>> 10) & 3) - 1;
}

/** The priority byte of an ANSWER or ACK. */
export function answerPriority(priority: number, trinary: number): number {
  return priority | ((trinary + 1) << 2);
}

export function frameFlags(type: number): number {
  return type >>> 16;
}

/**
 * Says what is wrong with a header, or undefined. `rows` bounds the indices of actors. The ring has already
 * made sure that the length lies within what was published.
 */
export function frameFault(words: Int32Array, at: number, rows: number): string | undefined {
  const length = words[at + FRAME_LENGTH];
  const type = words[at + FRAME_TYPE];
  const kind = type & 0xff;
  if (kind < FrameKind.PADDING || kind > MAX_FRAME_KIND) return `unknown kind ${kind}`;
  if (length < FRAME_BYTES) return `length ${length} is less than a header`;
  if (kind === FrameKind.BATCH) {
    return length === BATCH_BYTES
      ? undefined
      : `header of a batch of ${length} bytes, not ${BATCH_BYTES}`;
  }
  const target = words[at + FRAME_TARGET];
  if (target < 0 || target >= rows) return `target ${target} is outside 0..${rows - 1}`;
  const source = words[at + FRAME_SOURCE];
  if (source < NOBODY || source >= rows) return `source ${source} is outside -1..${rows - 1}`;
  if (kind === FrameKind.HEARTBEAT || kind === FrameKind.HEARTBEATS) {
    const count = kind === FrameKind.HEARTBEAT ? 1 : words[at + HEARTBEATS_COUNT];
    return heartbeatFault(kind, source, count, length, rows);
  }
  if (saysOutcome(kind) && ((type >>> 10) & 3) === 3) {
    return "a trinary state of 2";
  }
  const flags = type >>> 16;
  if (
    carriesPayload(kind) &&
    (flags & (FrameFlag.NOTHING | FrameFlag.NUMBER | FrameFlag.REFERENCE)) === 0
  ) {
    const payload = words[at + FRAME_PAYLOAD];
    if (payload < 0 || payload > length - FRAME_BYTES) {
      return `payload of ${payload} bytes in a frame of ${length}`;
    }
  }
  return undefined;
}

function heartbeatFault(
  kind: number,
  first: number,
  count: number,
  length: number,
  rows: number,
): string | undefined {
  if (first < 0 || count < 0 || count > rows - first) {
    return `heartbeats of ${count} agents from ${first} on, outside 0..${rows - 1}`;
  }
  if (kind === FrameKind.HEARTBEATS && count * HEARTBEAT_ROW_WORDS * 4 > length - FRAME_BYTES) {
    return `${count} rows of heartbeats in a frame of ${length}`;
  }
  return undefined;
}

function saysOutcome(kind: number): boolean {
  return kind === FrameKind.ANSWER || kind === FrameKind.ACK || kind === FrameKind.RESPONSE;
}

function carriesPayload(kind: number): boolean {
  return kind >= FrameKind.TELL && kind !== FrameKind.ACK && kind !== FrameKind.CONTROL;
}
