/**
 * The edges of the wait graph in shared memory: who awaits whose answer. Each thread has a region of edges
 * that it alone takes and gives back, and alone writes the lists of the actors it owns.
 *
 *     heads: one word an actor: its first edge + 1, or 0     edges: 4 words each, a region a thread
 *     ├─ 0 ─┼─ 1 ─┼─ … ─┼─ rows ─┤                           ├─ version ─┼─ asker + 1 ─┼─ target ─┼─ next + 1 ─┤
 *
 * A version is odd while its edge stands. It is the one word that two threads write: the asker's, which
 * makes and removes the edge, and the target's, which settles it. Any change of an edge changes its version,
 * so a reader that finds the same version before and after has read one edge and not a mixture.
 */
import { wholeNumber } from "./check.ts";

/** Returned by {@link WaitEdges.add} when the thread's region is full: the ask goes on, unwatched. */
export const NO_EDGE = -1;

/** Size of a wait graph; the same on every thread. */
export interface WaitGraphSize {
  /** Actors: topology.rows. */
  readonly rows: number;
  /** Threads, the main thread (0) included: 1–256. */
  readonly threads: number;
  /** Asks that one thread can have open and watched at once: 1–1,048,576. */
  readonly edgesPerThread: number;
}

const EDGE_WORDS = 4;
const VERSION = 0;
const ASKER = 1;
const TARGET = 2;
const NEXT = 3;

/** Bytes of the shared buffer of a wait graph. RangeError for a size that makes no sense. */
export function waitGraphBytes(size: WaitGraphSize): number {
  wholeNumber("rows", size.rows, 1, 0x3fff_ffff);
  wholeNumber("threads", size.threads, 1, 256);
  wholeNumber("edgesPerThread", size.edgesPerThread, 1, 1 << 20);
  return 4 * (size.rows + EDGE_WORDS * size.threads * size.edgesPerThread);
}

/** One thread's hold on the edges. */
export class WaitEdges {
  readonly rows: number;
  /** What {@link read} has read. */
  version = 0;
  target = 0;
  next: number = NO_EDGE;

  readonly #words: Int32Array;
  readonly #edges: number;
  /** Free edges of this thread's region, a stack. */
  readonly #free: Int32Array;
  #freeCount = 0;
  /** The edge before each of this region's in its asker's list: an agent may wait for a thousand others. */
  readonly #before: Int32Array;
  readonly #firstEdge: number;

  /**
   * Takes up `thread`'s region. What a former incarnation of the thread left there is cleared: its asks
   * have died with it. RangeError when the buffer is too small or there is no such thread.
   */
  constructor(buffer: ArrayBufferLike, size: WaitGraphSize, thread: number) {
    const needed = waitGraphBytes(size);
    if (buffer.byteLength < needed) {
      throw new RangeError(`buffer: expected at least ${needed} bytes, got ${buffer.byteLength}`);
    }
    wholeNumber("thread", thread, 0, size.threads - 1);
    this.rows = size.rows;
    this.#words = new Int32Array(buffer, 0, needed / 4);
    this.#edges = size.threads * size.edgesPerThread;
    this.#free = new Int32Array(size.edgesPerThread);
    this.#before = new Int32Array(size.edgesPerThread);
    const first = thread * size.edgesPerThread;
    this.#firstEdge = first;
    for (let edge = first + size.edgesPerThread - 1; edge >= first; edge--) this.#reclaim(edge);
  }

  /** Edges of this thread in use. */
  get open(): number {
    return this.#free.length - this.#freeCount;
  }

  /** Makes an edge from `asker`, which this thread owns; NO_EDGE when the region is full. */
  add(asker: number, target: number): number {
    if (this.#freeCount === 0) return NO_EDGE;
    const edge = this.#free[--this.#freeCount];
    const words = this.#words;
    const at = this.#wordOf(edge);
    // The edge must be whole before its version says that it stands, and stand before the head leads to it:
    // the two atomic writes order the plain ones.
    words[at + ASKER] = asker + 1;
    words[at + TARGET] = target;
    const head = words[asker];
    if (head !== 0) this.#before[head - 1 - this.#firstEdge] = edge;
    this.#before[edge - this.#firstEdge] = NO_EDGE;
    words[at + NEXT] = head;
    Atomics.add(words, at + VERSION, 1);
    Atomics.store(words, asker, edge + 1);
    return edge;
  }

  /** Takes an edge that {@link add} returned out of its asker's list. An edge that is not in it is passed over. */
  remove(asker: number, edge: number): void {
    const words = this.#words;
    const place = edge - this.#firstEdge;
    if (place < 0 || place >= this.#before.length) return;
    // Only this thread writes these words: it may read them plainly.
    if (words[this.#wordOf(edge) + ASKER] !== asker + 1) return;
    const before = this.#before[place];
    const after = words[this.#wordOf(edge) + NEXT];
    Atomics.store(words, before === NO_EDGE ? asker : this.#wordOf(before) + NEXT, after);
    if (after !== 0) this.#before[after - 1 - this.#firstEdge] = before;
    this.#release(edge);
  }

  /** Ends the standing edge `edge` from `asker` to `target`, which this thread owns; false when it is none. */
  settle(asker: number, target: number, edge: number): boolean {
    if (this.#checked(edge) === NO_EDGE || !this.read(asker, edge)) return false;
    return this.target === target && (this.version & 1) === 1 && this.#end(edge, this.version);
  }

  /** First edge of an actor's list, or NO_EDGE. */
  first(actor: number): number {
    return this.#checked(Atomics.load(this.#words, actor) - 1);
  }

  /** Reads an edge of `actor`'s list into `version`, `target`, `next`; false when it is no longer one. */
  read(actor: number, edge: number): boolean {
    const words = this.#words;
    const at = this.#wordOf(edge);
    this.version = Atomics.load(words, at + VERSION);
    const asker = Atomics.load(words, at + ASKER) - 1;
    this.target = Atomics.load(words, at + TARGET);
    this.next = this.#checked(Atomics.load(words, at + NEXT) - 1);
    return asker === actor && Atomics.load(words, at + VERSION) === this.version;
  }

  /** The version of an edge now. */
  versionOf(edge: number): number {
    return Atomics.load(this.#words, this.#wordOf(edge) + VERSION);
  }

  /** Ends the edge if it is still the one with this (odd) version. */
  #end(edge: number, version: number): boolean {
    const at = this.#wordOf(edge) + VERSION;
    return Atomics.compareExchange(this.#words, at, version, version + 1) === version;
  }

  /** Frees an edge that nothing leads to any more. */
  #release(edge: number): void {
    const version = this.versionOf(edge);
    // When another thread settles it between these two lines, it is as ended as it need be.
    if (version & 1) this.#end(edge, version);
    this.#words[this.#wordOf(edge) + ASKER] = 0;
    this.#free[this.#freeCount++] = edge;
  }

  #reclaim(edge: number): void {
    const asker = Atomics.load(this.#words, this.#wordOf(edge) + ASKER) - 1;
    if (asker >= 0 && asker < this.rows) Atomics.store(this.#words, asker, 0);
    this.#release(edge);
  }

  #checked(edge: number): number {
    return edge >= 0 && edge < this.#edges ? edge : NO_EDGE;
  }

  #wordOf(edge: number): number {
    return this.rows + EDGE_WORDS * edge;
  }
}
