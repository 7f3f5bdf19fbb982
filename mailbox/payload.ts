import { addExtension, type Options, Packr, RESET_BUFFER_MODE, REUSE_BUFFER_MODE } from "msgpackr";
import {
  ENCLOSED_EXTENSION,
  EnclosedMessage,
  enclosedOf,
  enclosedParts,
} from "./enclosed-message.ts";
import { fitsTable, MAX_SHAPES, type Shape, type ShapeTable } from "./shapes.ts";

addExtension({
  Class: EnclosedMessage,
  type: ENCLOSED_EXTENSION,
  write: enclosedParts,
  read: enclosedOf,
});

const MODE = REUSE_BUFFER_MODE | RESET_BUFFER_MODE;

/**
 * What `pack` gives in REUSE_BUFFER_MODE: the whole target with the place of the result; or, when a new
 * shape was stored meanwhile, just the result.
 */
interface PackedTarget extends Buffer {
  readonly start?: number;
  readonly end?: number;
}

/**
 * Values to bytes and back by msgpack, with the shapes of messages kept in a table that all threads of the
 * mesh share. Encodes into a private scratch, because msgpackr leaves a given buffer whenever less than
 * 2 KiB is free and its position is global to the thread; decodes out of another, because its native string
 * reader scans a large source to its end (8 µs a message in place, 0.3 µs here).
 */
export class PayloadCodec {
  readonly #packr: Packr;
  /** The scratch of the last {@link encode}: its bytes, and as words for copying. */
  bytes: Uint8Array = new Uint8Array(0);
  words: Int32Array = new Int32Array(0);
  #incoming: Buffer = Buffer.alloc(4096);
  #incomingWords: Int32Array = new Int32Array(
    this.#incoming.buffer,
    this.#incoming.byteOffset,
    1024,
  );

  /** Without a table every message carries its keys, and anyone can read it. */
  constructor(shapes?: Pick<ShapeTable, "read" | "replace">) {
    this.#packr = new Packr({
      copyBuffers: true,
      mapsAsObjects: true,
      ...(shapes === undefined ? { useRecords: false } : sharedShapes(shapes)),
    });
  }

  /** Encodes `value`; returns its length. The bytes stand at 0 of {@link bytes} until the next call. */
  encode(value: unknown): number {
    const packed = this.#packr.pack(value, MODE) as PackedTarget;
    const start = packed.start ?? 0;
    const offset = packed.byteOffset + start;
    if (packed.buffer !== this.bytes.buffer || offset !== this.bytes.byteOffset) {
      this.#view(packed.buffer, offset);
    }
    return (packed.end ?? packed.length) - start;
  }

  /** Decodes `length` bytes that begin at `word` of `words`; `bytes` is a view of the same memory. */
  decode(words: Int32Array, bytes: Uint8Array, word: number, length: number): unknown {
    if (length > this.#incoming.length) this.#growIncoming(length);
    if (length <= 1024) {
      const target = this.#incomingWords;
      const count = (length + 3) >>> 2;
      for (let i = 0; i < count; i++) target[i] = words[word + i];
    } else {
      this.#incoming.set(bytes.subarray(word * 4, word * 4 + length));
    }
    return this.#packr.unpack(this.#incoming, length);
  }

  /** Decodes what was encoded last: a copy of the value. */
  decodeOwn(length: number): unknown {
    return this.decode(this.words, this.bytes, 0, length);
  }

  /** Puts bytes that were encoded before back into the scratch. */
  adopt(encoded: Uint8Array, length: number): void {
    if (length === 0) return;
    // Not where the last one stood: another packer of this thread may have given that place away.
    this.encode(encoded);
    this.bytes.set(encoded.subarray(0, length));
  }

  /** Puts `more` behind the `length` bytes of the last {@link encode}; returns the length of both. */
  append(length: number, more: Uint8Array): number {
    const whole = length + more.length;
    // Of nothing the scratch may be somebody else's by now; and msgpackr leaves no room that it need not leave.
    if (length === 0 || this.bytes.length < whole) {
      const kept = this.bytes.slice(0, length);
      this.encode(new Uint8Array(whole));
      this.bytes.set(kept);
    }
    this.bytes.set(more, length);
    return whole;
  }

  /** Copies the scratch of the last {@link encode} to `word` of `words`. */
  copyTo(words: Int32Array, bytes: Uint8Array, word: number, length: number): void {
    if (length <= 1024) {
      const source = this.words;
      const count = (length + 3) >>> 2;
      for (let i = 0; i < count; i++) words[word + i] = source[i];
    } else {
      bytes.set(this.bytes.subarray(0, length), word * 4);
    }
  }

  /** msgpackr has a new target: look at it from where it encodes to its end. */
  #view(buffer: ArrayBufferLike, offset: number): void {
    // Cannot be while msgpackr aligns what it packs to 8 bytes.
    if (offset % 4 !== 0)
      throw new Error(`msgpackr encoded at byte ${offset}, which is not on a word`);
    this.bytes = new Uint8Array(buffer, offset);
    this.words = new Int32Array(buffer, offset, (buffer.byteLength - offset) >>> 2);
  }

  #growIncoming(length: number): void {
    this.#incoming = Buffer.alloc(1 << (32 - Math.clz32(length - 1)));
    this.#incomingWords = new Int32Array(
      this.#incoming.buffer,
      this.#incoming.byteOffset,
      this.#incoming.length >>> 2,
    );
  }
}

/** msgpackr's shared structures, kept in the table. */
function sharedShapes(table: Pick<ShapeTable, "read" | "replace">): Options {
  return {
    structures: [],
    maxSharedStructures: MAX_SHAPES,
    // A message must be readable by the successor of the thread that encoded it: no shapes of one's own.
    maxOwnStructures: 0,
    shouldShareStructure: (keys: string[]) => fitsTable(keys),
    getStructures: () => table.read() as string[][],
    saveStructures: (shapes: readonly Shape[], extendsTable: (standing: Shape[]) => boolean) =>
      table.replace(shapes, extendsTable),
  } as unknown as Options;
}
