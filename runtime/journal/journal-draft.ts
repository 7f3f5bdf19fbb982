import { FRAME_LENGTH } from "../../mailbox/frame.ts";
import { JOURNAL_BATCH_BYTES, sealBatch } from "../../mailbox/journal-batch.ts";
import {
  ENTRY_BYTES,
  ENTRY_DATA,
  type EntryMemory,
  entryMemory,
  entryRoom,
  writeEntry,
} from "../../mailbox/journal-entry.ts";

/** The batch that is being put together: entries one behind the other, and room for the header before them. */
export class JournalDraft {
  #memory: EntryMemory = entryMemory(new ArrayBuffer(256 * 1024));
  #end = JOURNAL_BATCH_BYTES;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Bytes of its entries. */
  get length(): number {
    return this.#end - JOURNAL_BATCH_BYTES;
  }

  clear(): void {
    this.#end = JOURNAL_BATCH_BYTES;
    this.#count = 0;
  }

  /** Copies the entry at `word` of other memory. */
  add({ words, bytes }: Pick<EntryMemory, "words" | "bytes">, word: number): void {
    const length = words[word + FRAME_LENGTH];
    const at = this.#claim(length);
    this.#memory.bytes.set(bytes.subarray(word * 4, word * 4 + length), at);
  }

  /** Adds an entry that is a text. */
  addText(kind: number, text: string): void {
    const bytes = new TextEncoder().encode(text);
    const at = this.#claim(ENTRY_BYTES + bytes.length);
    writeEntry(this.#memory.words, at >>> 2, ENTRY_BYTES + bytes.length, kind, bytes.length, 0);
    this.#memory.bytes.set(bytes, at + ENTRY_DATA * 4);
  }

  /** Adds an entry of this kind and items of (double, word, word). */
  addItems(kind: number, items: readonly (readonly [number, number, number])[]): void {
    const length = ENTRY_BYTES + items.length * 16;
    let word = this.#claim(length) >>> 2;
    const { words, doubles } = this.#memory;
    writeEntry(words, word, length, kind, items.length, 0);
    word += ENTRY_DATA;
    for (const [subject, first, second] of items) {
      doubles[word >>> 1] = subject;
      words[word + 2] = first;
      words[word + 3] = second;
      word += 4;
    }
  }

  /** Makes it a batch; its bytes are good until the next change. */
  seal(sequence: number, ordinal: number): Uint8Array {
    sealBatch(this.#memory, this.length, this.#count, sequence, ordinal);
    return this.#memory.bytes.subarray(0, this.#end);
  }

  /** Calls `visit` with the first word of each entry. */
  visit(visit: (memory: EntryMemory, word: number, place: number) => void): void {
    const memory = this.#memory;
    for (let at = JOURNAL_BATCH_BYTES, place = 0; at < this.#end; place++) {
      visit(memory, at >>> 2, place);
      at += entryRoom(memory.words[(at >>> 2) + FRAME_LENGTH]);
    }
  }

  /** Room for one entry, blank behind its length; its first byte. */
  #claim(length: number): number {
    const at = this.#end;
    const end = at + entryRoom(length);
    if (end > this.#memory.bytes.length) this.#grow(end);
    // What does not fill eight bytes must not be what an earlier batch left there: sums are over it too.
    this.#memory.bytes.fill(0, end - 8, end);
    this.#end = end;
    this.#count++;
    return at;
  }

  #grow(bytes: number): void {
    const larger = entryMemory(new ArrayBuffer(1 << (32 - Math.clz32(bytes))));
    larger.bytes.set(this.#memory.bytes);
    this.#memory = larger;
  }
}
