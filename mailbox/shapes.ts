/*
 * The table of message shapes of a mesh
 *
 *   word 0          32                                    each thread has two sides, used in turn
 *        ├─ CURRENT ┼─ thread 0: side 0, side 1 ─┼─ thread 1: … ─┤
 *                     a side: bytes (1 word), then the table as JSON
 *
 * CURRENT names the side that holds the table: version · 512 + thread · 2 + side; 0 while there is none.
 */
const CURRENT = 0;
const SIDES = 32;
const SIDE_BYTES = 40 * 1024;
const SIDE_WORDS = SIDE_BYTES >>> 2;
const VERSION = 512;

/** Shapes that the table holds; messages of further ones are encoded with their keys. */
export const MAX_SHAPES = 32;
/** Bytes of keys (each with its quotes and comma) that a shape may have to be kept in the table. */
const MAX_SHAPE_BYTES = 1024;

/** The keys of one shape, in order. */
export type Shape = readonly string[];

/** Bytes of shared memory for the table of a mesh of `threads` threads. */
export function shapesBytes(threads: number): number {
  return SIDES * 4 + threads * 2 * SIDE_BYTES;
}

/** True when a shape is small enough for the table; dictionaries with long keys are not shapes. */
export function fitsTable(keys: Shape): boolean {
  let bytes = 2;
  for (const key of keys) bytes += key.length * 3 + 3;
  return bytes <= MAX_SHAPE_BYTES;
}

/**
 * The shapes (lists of keys) that messages of a mesh have, shared by all its threads, so that a message
 * carries the number of its shape instead of its keys: half the time to encode and to decode. The table only
 * grows. It outlives every thread, for custody holds messages that were encoded with it.
 *
 * There is no lock that a dying thread could hold: a writer prepares a whole new table in a side of its
 * own, and one compare-and-exchange makes it the current one, or finds that another was quicker.
 */
export class ShapeTable {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #thread: number;
  #side = 0;

  constructor(memory: SharedArrayBuffer, thread: number) {
    this.#words = new Int32Array(memory);
    this.#bytes = new Uint8Array(memory);
    this.#thread = thread;
    const current = Atomics.load(this.#words, CURRENT);
    // A predecessor's table may stand in one of this thread's sides: begin with the other.
    if ((current % VERSION) >>> 1 === thread) this.#side = 1 - (current & 1);
  }

  /** The table as it is now: shapes by number. */
  read(): Shape[] {
    return JSON.parse(this.text()) as Shape[];
  }

  /** The same as it stands in memory, JSON. */
  text(): string {
    for (;;) {
      const current = Atomics.load(this.#words, CURRENT);
      if (current === 0) return "[]";
      const at = sideWord(current % VERSION);
      const length = this.#words[at];
      const text = Buffer.from(this.#bytes.slice((at + 1) * 4, (at + 1) * 4 + length)).toString();
      // A side is written again only when another has become current.
      if (Atomics.load(this.#words, CURRENT) === current) return text;
    }
  }

  /** Another one whenever the table has changed. */
  get version(): number {
    return Atomics.load(this.#words, CURRENT);
  }

  /**
   * Makes `shapes` the table, if `extendsTable` says that it extends the one that stands. False when it
   * does not, or another thread has changed the table meanwhile: read it again and try again.
   */
  replace(shapes: readonly Shape[], extendsTable: (standing: Shape[]) => boolean): boolean {
    const current = Atomics.load(this.#words, CURRENT);
    if (!extendsTable(this.read())) return false;
    const text = Buffer.from(JSON.stringify(shapes));
    if (text.length > SIDE_BYTES - 4) return false;
    const side = this.#thread * 2 + this.#side;
    const at = sideWord(side);
    this.#words[at] = text.length;
    this.#bytes.set(text, (at + 1) * 4);
    const next = (Math.floor(current / VERSION) + 1) * VERSION + side;
    if (Atomics.compareExchange(this.#words, CURRENT, current, next) !== current) return false;
    this.#side = 1 - this.#side;
    return true;
  }
}

function sideWord(side: number): number {
  return SIDES + side * SIDE_WORDS;
}
