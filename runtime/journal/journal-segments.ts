import { MeshError } from "../../actors/errors.ts";
import {
  type JournalBatch,
  nextBatch,
  readBatch,
  readSegmentHeader,
  SEGMENT_BYTES,
  type SegmentHeader,
  visitEntries,
} from "../../mailbox/journal-batch.ts";
import { type EntryMemory, entryMemory } from "../../mailbox/journal-entry.ts";
import type { JournalFiles } from "./journal-files.ts";

const NAME = /^segment-(\d{12})\.journal$/;

/** Name of the segment with this number. */
export function segmentName(number: number): string {
  return `segment-${String(number).padStart(12, "0")}.journal`;
}

/** Numbers of the segments among these names, the oldest first. */
export function segmentNumbers(names: readonly string[]): number[] {
  return names
    .map((name) => NAME.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
}

/** The journal on disk is not what was written: said with the file and the place, and never worked around. */
export class JournalCorruptError extends MeshError {
  readonly file: string;
  /** Byte in the file. */
  readonly offset: number;

  constructor(file: string, offset: number, fault: string) {
    super(
      "MESH_JOURNAL_CORRUPT",
      `journal: ${file} is damaged at byte ${offset}: ${fault}; nothing was changed. ` +
        "Restore the file, or start afresh and set the journal aside",
    );
    this.file = file;
    this.offset = offset;
  }
}

/** One segment as it was read: which of its bytes count. */
export interface ReadSegment {
  readonly number: number;
  readonly header: SegmentHeader;
  /** Up to here it is whole. */
  readonly bytes: number;
  /** Bytes behind that: of a batch that was never finished. */
  readonly tornBytes: number;
}

/** Sees each entry of a journal in its order. */
export type EntryVisitor = (memory: EntryMemory, word: number, ordinal: number) => void;

/** What is known of a journal when all of its segments have been read. */
export interface ReadJournal {
  readonly segments: readonly ReadSegment[];
  /** Of the next batch and entry. */
  readonly sequence: number;
  readonly ordinal: number;
  /** A last segment that was made and never begun; to be removed. */
  readonly stillborn: string | undefined;
}

/**
 * Reads a journal from its oldest segment to its end. A batch that is cut off at the very end was never
 * promised to anybody and is left out; anything else that is wrong throws {@link JournalCorruptError}.
 */
export function readJournal(files: JournalFiles, visit: EntryVisitor): ReadJournal {
  const numbers = segmentNumbers(files.list());
  const stillborn = findStillborn(files, numbers);
  const segments: ReadSegment[] = [];
  let next: Due = { sequence: 1, ordinal: undefined };
  let memory = numbers.length === 0 ? undefined : readMemory(files, segmentName(numbers[0]));
  for (const [place, number] of numbers.entries()) {
    const name = segmentName(number);
    const current = memory as EntryMemory;
    const header = headerOf(current, name);
    if (place === 0) next = { sequence: header.sequence, ordinal: undefined };
    const fault = faultOfHeader(header, number, numbers[place - 1], next.sequence);
    if (fault !== undefined) throw new JournalCorruptError(name, 0, fault);
    let end: number | undefined;
    const successor = numbers[place + 1];
    if (successor !== undefined) {
      memory = readMemory(files, segmentName(successor));
      end = headerOf(memory, segmentName(successor)).previousBytes;
    }
    const read = readSegment(current, name, next, end, visit);
    const tornBytes = current.bytes.length - read.bytes;
    segments.push({ number, header, bytes: read.bytes, tornBytes });
    next = read.next;
  }
  return { segments, sequence: next.sequence, ordinal: next.ordinal ?? 1, stillborn };
}

/** What must come next; the first segment that is left may begin with any entry. */
interface Due {
  readonly sequence: number;
  readonly ordinal: number | undefined;
}

function faultOfHeader(
  header: SegmentHeader,
  number: number,
  before: number | undefined,
  sequence: number,
): string | undefined {
  if (header.number !== number) return `its header says that it is segment ${header.number}`;
  if (before !== undefined && number !== before + 1)
    return `segment ${number - 1} before it is missing`;
  if (header.sequence !== sequence)
    return `it begins with batch ${header.sequence}, not ${sequence}`;
  return undefined;
}

/** Its header is all that is ever written to a segment before it counts: without a whole one it is nothing yet. */
function findStillborn(files: JournalFiles, numbers: number[]): string | undefined {
  const last = numbers.at(-1);
  if (last === undefined) return undefined;
  const name = segmentName(last);
  const memory = readMemory(files, name);
  if (memory.bytes.length > SEGMENT_BYTES || typeof readSegmentHeader(memory) !== "string")
    return undefined;
  numbers.pop();
  return name;
}

function headerOf(memory: EntryMemory, name: string): SegmentHeader {
  const header = readSegmentHeader(memory);
  if (typeof header === "string") throw new JournalCorruptError(name, 0, header);
  return header;
}

/** Reads one segment up to `end`, or to where its last batch is torn. */
function readSegment(
  memory: EntryMemory,
  name: string,
  first: Due,
  end: number | undefined,
  visit: EntryVisitor,
): { bytes: number; next: Due } {
  const size = memory.bytes.length;
  const stop = end ?? size;
  if (stop > size)
    throw new JournalCorruptError(name, size, `it ends here, and ${stop} bytes of it count`);
  let { sequence, ordinal } = first;
  let offset = SEGMENT_BYTES;
  while (offset < stop) {
    const batch = readBatch(memory, offset, stop);
    if ("fault" in batch) {
      if (batch.torn && end === undefined && nextBatch(memory, offset + 1, size) < 0) break;
      throw new JournalCorruptError(name, offset, batch.fault);
    }
    const fault = faultOfOrder(batch, sequence, ordinal);
    if (fault !== undefined) throw new JournalCorruptError(name, offset, fault);
    visitEntries(memory, batch, (word, place) => visit(memory, word, place));
    offset += batch.bytes;
    sequence = batch.sequence + 1;
    ordinal = batch.ordinal + batch.count;
  }
  return { bytes: offset, next: { sequence, ordinal } };
}

function faultOfOrder(
  batch: JournalBatch,
  sequence: number,
  ordinal: number | undefined,
): string | undefined {
  if (batch.sequence !== sequence) return `batch ${batch.sequence} where ${sequence} is due`;
  if (ordinal !== undefined && batch.ordinal !== ordinal)
    return `entry ${batch.ordinal} where ${ordinal} is due`;
  return undefined;
}

/** The file as memory of entries; what does not fill eight bytes at its end is no entry, but still counts as bytes. */
export function readMemory(files: JournalFiles, name: string): EntryMemory {
  const bytes = files.read(name);
  const { words, doubles } = entryMemory(bytes.buffer, 0, bytes.length & ~7);
  return { words, doubles, bytes };
}
