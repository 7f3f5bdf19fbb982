import { FRAME_LENGTH, FRAME_TYPE } from "../../mailbox/frame.ts";
import { readBatch, SEGMENT_BYTES, visitEntries } from "../../mailbox/journal-batch.ts";
import { ENTRY_DATA, EntryKind, type EntryMemory } from "../../mailbox/journal-entry.ts";
import type { JournalDraft } from "./journal-draft.ts";
import type { JournalFiles } from "./journal-files.ts";
import type { LiveEntries } from "./journal-live.ts";
import { JournalCorruptError, readMemory, segmentName } from "./journal-segments.ts";

/** Bytes written again at once, so that what is new does not wait for long. */
const CHUNK_BYTES = 512 * 1024;

/**
 * The oldest segment on its way out: what of it still counts is written again, behind everything, a part with each
 * batch. Nothing before it is left, so what only ends something (done messages, closed operations) is not.
 */
export class SegmentCleaning {
  readonly number: number;
  /** That the segment has. */
  readonly bytes: number;
  /** Bytes that had to be written again. */
  rewritten = 0;
  readonly #memory: EntryMemory;
  readonly #words: number[] = [];
  readonly #ordinals: number[] = [];
  #next = 0;

  constructor(files: JournalFiles, number: number, bytes: number) {
    this.number = number;
    this.bytes = bytes;
    const name = segmentName(number);
    this.#memory = readMemory(files, name);
    for (let offset = SEGMENT_BYTES; offset < bytes; ) {
      const batch = readBatch(this.#memory, offset, bytes);
      if ("fault" in batch) throw new JournalCorruptError(name, offset, batch.fault);
      visitEntries(this.#memory, batch, (word, ordinal) => {
        this.#words.push(word);
        this.#ordinals.push(ordinal);
      });
      offset += batch.bytes;
    }
  }

  /** Adds to the draft what still counts; true when that was the last of it. */
  draft(draft: JournalDraft, live: LiveEntries<number>): boolean {
    const { words, doubles } = this.#memory;
    let bytes = 0;
    for (; this.#next < this.#words.length && bytes < CHUNK_BYTES; this.#next++) {
      const word = this.#words[this.#next];
      if (live.kept(this.#memory, word) !== this.#ordinals[this.#next]) continue;
      draft.add(this.#memory, word);
      bytes += words[word + FRAME_LENGTH];
      if ((words[word + FRAME_TYPE] & 0xff) !== EntryKind.OPENED) continue;
      const operation = doubles[(word + ENTRY_DATA) >>> 1];
      const outcomes = [...(live.operations.get(operation)?.outcomes ?? [])];
      draft.addItems(
        EntryKind.OUTCOMES,
        outcomes.map(([agent, outcome]) => [operation, agent, outcome] as const),
      );
      bytes += outcomes.length * 16;
    }
    this.rewritten += bytes;
    return this.#next === this.#words.length;
  }
}
