import {
  FRAME_CREATED_F64,
  FRAME_DEADLINE_F64,
  FRAME_HASH,
  FRAME_LENGTH,
  FRAME_OPERATION_F64,
  FRAME_PAYLOAD,
  FRAME_RELEASE_F64,
  FRAME_SEQUENCE_F64,
  FRAME_SOURCE,
  FRAME_TARGET,
  FRAME_TYPE,
  FrameKind,
} from "../../mailbox/frame.ts";

/** Header fields of a new frame. */
export interface Header {
  kind: number;
  priority: number;
  flags: number;
  target: number;
  source: number;
  operation: number;
  sequence: number;
  createdMs: number;
  deadlineMs: number;
  release: number;
  payload: number;
  /** OPERATION: of the payload. ASK: the asker's edge in the wait graph + 1. */
  hash: number;
}

/** Urgent frames (priority 3) travel on a lane of their own, and wait in a queue of their own. */
export function urgency(priority: number): number {
  return (priority & 3) === 3 ? 1 : 0;
}

/** Whether frames of this kind are counted as messages. */
export function isMessage(kind: number): boolean {
  return kind === FrameKind.TELL || kind === FrameKind.ASK || kind === FrameKind.SIGNAL;
}

/** Writes a header at `word`; `length` includes the payload. */
export function writeHeader(
  words: Int32Array,
  doubles: Float64Array,
  word: number,
  length: number,
  header: Header,
): void {
  words[word + FRAME_LENGTH] = length;
  words[word + FRAME_TYPE] = header.kind | (header.priority << 8) | (header.flags << 16);
  words[word + FRAME_TARGET] = header.target;
  words[word + FRAME_SOURCE] = header.source;
  const at = word >>> 1;
  doubles[at + FRAME_OPERATION_F64] = header.operation;
  doubles[at + FRAME_SEQUENCE_F64] = header.sequence;
  doubles[at + FRAME_CREATED_F64] = header.createdMs;
  doubles[at + FRAME_DEADLINE_F64] = header.deadlineMs;
  doubles[at + FRAME_RELEASE_F64] = header.release;
  words[word + FRAME_PAYLOAD] = header.payload;
  words[word + FRAME_HASH] = header.hash;
}

const scratch = new Float64Array(1);
const scratchWords = new Int32Array(scratch.buffer);

/** A Float64 field of a frame, read through its words. */
export function doubleAt(words: Int32Array, word: number, field: number): number {
  scratchWords[0] = words[word + field * 2];
  scratchWords[1] = words[word + field * 2 + 1];
  return scratch[0];
}

/** A header to be filled in again and again. */
export function emptyHeader(): Header {
  return {
    kind: 0,
    priority: 0,
    flags: 0,
    target: 0,
    source: 0,
    operation: 0,
    sequence: 0,
    createdMs: 0,
    deadlineMs: 0,
    release: 0,
    payload: 0,
    hash: 0,
  };
}
