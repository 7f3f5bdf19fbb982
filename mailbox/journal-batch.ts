/**
 * What the journal writes at once, and what its files begin with. A batch is whole or it never was: its sum is
 * over all of it.
 *
 *   byte 0       4        8     12      16         24        32
 *        ├ magic ┼ length ┼ sum ┼ count ┼ sequence ┼ ordinal ┼ entries (`journal-entry.ts`) …
 *          u32     u32      u32   u32     f64        f64
 *
 * `length` is that of the entries; `sequence` counts batches and `ordinal` entries since the journal was made.
 *
 *   byte 0       4         8     12   16    24       32         40         48     64
 *        ├ magic ┼ version ┼ sum ┼ 0 ─┼ run ┼ number ┼ sequence ┼ previous ┼ 0 … ┤   a segment's header
 *          u32     u32       u32        f64   f64      f64        f64
 *
 * `sequence` is that of its first batch. `previous` is how many bytes of the segment before count: what stands
 * behind them was written again, here, and -1 says that there is none before.
 */
import { crc32 } from "node:zlib";
import { FRAME_LENGTH } from "./frame.ts";
import { type EntryMemory, entryFault, entryMemory, entryRoom } from "./journal-entry.ts";

export const JOURNAL_BATCH_BYTES = 32;
export const SEGMENT_BYTES = 64;
const BATCH_MAGIC = 0x424a334d;
const SEGMENT_MAGIC = 0x534a334d;
const VERSION = 1;

const MAGIC = 0;
const LENGTH = 1;
const SUM = 2;
const COUNT = 3;
const SEQUENCE_F64 = 2;
const ORDINAL_F64 = 3;
const RUN_F64 = 2;
const NUMBER_F64 = 3;
const FIRST_SEQUENCE_F64 = 4;
const PREVIOUS_F64 = 5;

/** What a segment's header says. */
export interface SegmentHeader {
  readonly run: number;
  readonly number: number;
  readonly sequence: number;
  readonly previousBytes: number;
}

/** What a batch's header says, and where it is. */
export interface JournalBatch {
  readonly offset: number;
  /** Of the whole batch, header included. */
  readonly bytes: number;
  readonly count: number;
  readonly sequence: number;
  readonly ordinal: number;
}

/** Why no batch could be read. */
export interface BatchFault {
  readonly fault: string;
  /** It may be the end of what was being written when everything stopped: its sum is not that of a whole batch. */
  readonly torn: boolean;
}

/** Completes a batch whose entries, `length` bytes of them, stand behind its header at byte 0. */
export function sealBatch(
  memory: EntryMemory,
  length: number,
  count: number,
  sequence: number,
  ordinal: number,
): void {
  const { words, doubles } = memory;
  words[MAGIC] = BATCH_MAGIC;
  words[LENGTH] = length;
  words[COUNT] = count;
  doubles[SEQUENCE_F64] = sequence;
  doubles[ORDINAL_F64] = ordinal;
  words[SUM] = sumOf(memory.bytes, 0, JOURNAL_BATCH_BYTES + length);
}

/** A segment's header. */
export function segmentHeader(header: SegmentHeader): Uint8Array {
  const { words, doubles, bytes } = entryMemory(new ArrayBuffer(SEGMENT_BYTES));
  words[MAGIC] = SEGMENT_MAGIC;
  words[LENGTH] = VERSION;
  doubles[RUN_F64] = header.run;
  doubles[NUMBER_F64] = header.number;
  doubles[FIRST_SEQUENCE_F64] = header.sequence;
  doubles[PREVIOUS_F64] = header.previousBytes;
  words[SUM] = sumOf(bytes, 0, SEGMENT_BYTES);
  return bytes;
}

/** Reads the header of a segment, or says what is wrong with it. */
export function readSegmentHeader({ words, doubles, bytes }: EntryMemory): SegmentHeader | string {
  if (bytes.length < SEGMENT_BYTES) return `${bytes.length} bytes, less than a header`;
  if (words[MAGIC] !== SEGMENT_MAGIC) return "it does not begin as a segment of a journal";
  if (words[SUM] !== sumOf(bytes, 0, SEGMENT_BYTES)) return "the sum of its header is wrong";
  if (words[LENGTH] !== VERSION) return `version ${words[LENGTH]}, this one reads ${VERSION}`;
  return {
    run: doubles[RUN_F64],
    number: doubles[NUMBER_F64],
    sequence: doubles[FIRST_SEQUENCE_F64],
    previousBytes: doubles[PREVIOUS_F64],
  };
}

/** Reads the header of the batch at byte `offset` (a multiple of 8), whose entries must be whole; or what is wrong. */
export function readBatch(
  memory: EntryMemory,
  offset: number,
  end: number,
): JournalBatch | BatchFault {
  const { words, doubles, bytes } = memory;
  const room = end - offset;
  if (room < JOURNAL_BATCH_BYTES) return torn(`${room} bytes, less than the header of a batch`);
  const word = offset >>> 2;
  if (words[word + MAGIC] !== BATCH_MAGIC) return torn("no batch begins here");
  const length = words[word + LENGTH];
  if (length < 0 || length % 8 !== 0 || length > room - JOURNAL_BATCH_BYTES)
    return torn(`a batch of ${length} bytes where there are ${room - JOURNAL_BATCH_BYTES}`);
  if (words[word + SUM] !== sumOf(bytes, offset, JOURNAL_BATCH_BYTES + length))
    return torn("the sum of the batch is wrong");
  const count = words[word + COUNT];
  const fault = entriesFault(words, offset + JOURNAL_BATCH_BYTES, length, count);
  if (fault !== undefined) return { fault, torn: false };
  const at = offset >>> 3;
  return {
    offset,
    bytes: JOURNAL_BATCH_BYTES + length,
    count,
    sequence: doubles[at + SEQUENCE_F64],
    ordinal: doubles[at + ORDINAL_F64],
  };
}

function torn(fault: string): BatchFault {
  return { fault, torn: true };
}

function entriesFault(
  words: Int32Array,
  first: number,
  length: number,
  count: number,
): string | undefined {
  let offset = first;
  let seen = 0;
  while (offset < first + length) {
    const fault = entryFault(words, offset >>> 2, first + length - offset);
    if (fault !== undefined) return fault;
    offset += entryRoom(words[(offset >>> 2) + FRAME_LENGTH]);
    seen++;
  }
  return seen === count ? undefined : `${seen} entries, not ${count}`;
}

/** Calls `visit` with the first word of each entry of a batch that {@link readBatch} has found whole. */
export function visitEntries(
  { words }: EntryMemory,
  batch: JournalBatch,
  visit: (word: number, ordinal: number) => void,
): void {
  let offset = batch.offset + JOURNAL_BATCH_BYTES;
  const end = batch.offset + batch.bytes;
  for (let ordinal = batch.ordinal; offset < end; ordinal++) {
    const word = offset >>> 2;
    visit(word, ordinal);
    offset += entryRoom(words[word + FRAME_LENGTH]);
  }
}

/**
 * Where, from byte `offset` on, another whole batch begins: -1 when none does. A batch is written only when the
 * one before is on disk, so behind a torn one there is none.
 */
export function nextBatch(memory: EntryMemory, offset: number, end: number): number {
  const { words } = memory;
  for (let at = (offset + 7) & ~7; at + JOURNAL_BATCH_BYTES <= end; at += 8) {
    if (words[at >>> 2] === BATCH_MAGIC && !("fault" in readBatch(memory, at, end))) return at;
  }
  return -1;
}

/** CRC-32 of a header with its sum left out, and of what follows it; as a signed word. */
function sumOf(bytes: Uint8Array, offset: number, length: number): number {
  const before = crc32(bytes.subarray(offset, offset + SUM * 4));
  return crc32(bytes.subarray(offset + SUM * 4 + 4, offset + length), before) | 0;
}
