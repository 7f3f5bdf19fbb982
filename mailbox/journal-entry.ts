/**
 * An entry of the journal. It has the same bytes in the ring of the thread that makes it and on disk; it is
 * little-endian and takes whole eights of bytes. Words 0 and 1 are those of a frame: the length and the kind.
 *
 *   ACCEPT   a durable message, whole: its frame (`frame.ts`), with its origin in `operation`
 *
 *   word 0        1      2       3       4
 *        ├ length ┼ kind ┼ agent ┼ bytes ┼ snapshot …                STATE
 *        ├ length ┼ kind ┼ agent ┼ 0 ────┤                           ENDED
 *        ├ length ┼ kind ┼ count ┼ 0 ────┼ (origin, sequence) … f64  DONE
 *        ├ length ┼ kind ┼ count ┼ 0 ────┼ (f64 operation, i32 agent, i32 outcome) …   OUTCOMES
 *        ├ length ┼ kind ┼ bytes ┼ 0 ────┼ f64 operation ┼ plan …    OPENED
 *        ├ length ┼ kind ┼ 0 ────┼ 0 ────┼ f64 operation ┤           CLOSED
 *        ├ length ┼ kind ┼ place ┼ 0 ────┼ f64 origin ┼ f64 sequence ┼ f64 digest ┤    SENT
 *        ├ length ┼ kind ┼ bytes ┼ 0 ────┼ JSON …                    SHAPES, RUN
 *
 * **Origin.** Which run of the mesh, and which thread of it, a message comes from: run · 256 + thread. With the
 * thread's own sequence number it names the message for ever.
 */
import { FRAME_BYTES, FRAME_LENGTH, FRAME_PAYLOAD, FRAME_TYPE } from "./frame.ts";

export const ENTRY_BYTES = 16;
/** Words of the entry's own data begin here. */
export const ENTRY_DATA = 4;
export const ENTRY_SUBJECT = 2;
export const ENTRY_DETAIL = 3;
/** Bytes of one message of a DONE, of one outcome of an OUTCOMES. */
export const ENTRY_ITEM_BYTES = 16;
/** Words of an OPENED's plan begin here. */
export const OPENED_DATA = 6;
/** Bytes of a SENT. */
export const SENT_BYTES: number = ENTRY_BYTES + 24;

/** Kinds are numbered apart from those of frames, but for the one that is a frame. */
export const EntryKind = {
  /** `FrameKind.TELL` */
  ACCEPT: 5,
  /** The newest snapshot of an agent. */
  STATE: 32,
  /** An agent has lost its state: restarted, stopped, quarantined. */
  ENDED: 33,
  /** Messages that are over: handled, expired or dead. */
  DONE: 34,
  /** How operations ended at agents. */
  OUTCOMES: 35,
  /** An operation that changes something has begun. */
  OPENED: 36,
  CLOSED: 37,
  /** The table of message shapes with which what follows is encoded (`shapes.ts`). */
  SHAPES: 38,
  /** What mesh wrote what follows. */
  RUN: 39,
  /** The mesh stopped in good order; nothing follows in this run. */
  STOPPED: 40,
  /** What an open turn of a durable message has sent, so that it is not sent again when the turn is repeated. */
  SENT: 41,
} as const;

/** Threads of a mesh, at most; see origin. */
const THREADS = 256;

/** The origin of the messages of `thread` in the run with this number. */
export function originOf(run: number, thread: number): number {
  return run * THREADS + thread;
}

/** Whose turn a SENT is of that was not of a message: of an operation, at an agent, its `act` or not. */
export interface OperationTurn {
  readonly operation: number;
  readonly agent: number;
  readonly acts: boolean;
}

/** Beyond all agents: what tells `act` from `receive`. */
const ACTS = 2 ** 32;

/** An operation's turn in the place of origin and sequence of a message; those are never negative. */
export function turnKeyOf({ operation, agent, acts }: OperationTurn): readonly [number, number] {
  return [-operation, agent + (acts ? ACTS : 0)];
}

/** The inverse of {@link turnKeyOf}; undefined for a message. */
export function operationTurnOf(origin: number, sequence: number): OperationTurn | undefined {
  if (origin >= 0) return undefined;
  return { operation: -origin, agent: sequence % ACTS, acts: sequence >= ACTS };
}

/** Words, doubles and bytes of the same memory, from which entries are read. */
export interface EntryMemory {
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  readonly bytes: Uint8Array;
}

/** Views of `buffer` from `offset` (a multiple of 8) on. */
export function entryMemory(buffer: ArrayBufferLike, offset = 0, length?: number): EntryMemory {
  const bytes = length ?? buffer.byteLength - offset;
  return {
    words: new Int32Array(buffer, offset, bytes >>> 2),
    doubles: new Float64Array(buffer, offset, bytes >>> 3),
    bytes: new Uint8Array(buffer, offset, bytes),
  };
}

/** Bytes that an entry of `length` takes. */
export function entryRoom(length: number): number {
  return (length + 7) & ~7;
}

/** Writes the four words that open an entry at `word`. */
export function writeEntry(
  words: Int32Array,
  word: number,
  length: number,
  kind: number,
  subject: number,
  detail: number,
): void {
  words[word + FRAME_LENGTH] = length;
  words[word + FRAME_TYPE] = kind;
  words[word + ENTRY_SUBJECT] = subject;
  words[word + ENTRY_DETAIL] = detail;
}

/** Says what is wrong with the entry at `word`, of which `room` bytes are there; or undefined. */
export function entryFault(words: Int32Array, word: number, room: number): string | undefined {
  if (room < ENTRY_BYTES) return `an entry of ${room} bytes`;
  const length = words[word + FRAME_LENGTH];
  if (length < ENTRY_BYTES || entryRoom(length) > room)
    return `an entry of ${length} bytes where there are ${room}`;
  const kind = words[word + FRAME_TYPE] & 0xff;
  const subject = words[word + ENTRY_SUBJECT];
  const needed = (bytes: number): string | undefined =>
    bytes <= length ? undefined : `an entry of kind ${kind} and ${length} bytes, not ${bytes}`;
  switch (kind) {
    case EntryKind.ACCEPT: {
      const payload = length < FRAME_BYTES ? 0 : words[word + FRAME_PAYLOAD];
      if (payload < 0) return `a payload of ${payload} bytes`;
      return needed(FRAME_BYTES + payload);
    }
    case EntryKind.STATE: {
      const bytes = words[word + ENTRY_DETAIL];
      if (subject < 0 || bytes < 0) return `a state of agent ${subject} of ${bytes} bytes`;
      return needed(ENTRY_BYTES + bytes);
    }
    case EntryKind.ENDED:
      return subject < 0 ? `the end of agent ${subject}` : undefined;
    case EntryKind.DONE:
    case EntryKind.OUTCOMES:
      if (subject < 0 || subject > length) return `${subject} items in ${length} bytes`;
      return needed(ENTRY_BYTES + subject * ENTRY_ITEM_BYTES);
    case EntryKind.OPENED:
      if (subject < 0) return `a plan of ${subject} bytes`;
      return needed(OPENED_DATA * 4 + subject);
    case EntryKind.CLOSED:
      return needed(OPENED_DATA * 4);
    case EntryKind.SENT:
      return subject < 0 ? `the message ${subject} of a turn` : needed(SENT_BYTES);
    case EntryKind.SHAPES:
    case EntryKind.RUN:
      if (subject < 0) return `a text of ${subject} bytes`;
      return needed(ENTRY_BYTES + subject);
    case EntryKind.STOPPED:
      return undefined;
    default:
      return `unknown kind ${kind}`;
  }
}
