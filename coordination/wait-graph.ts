/**
 * Who waits for whose answer, over all threads, so that a circle of asks is named at once instead of being
 * found by time-out. An agent handles one message at a time: if each of a circle waits for the next, none
 * of them will ever answer.
 *
 *     asker's thread                         target's thread
 *     add(asker, target)
 *     findCycle(asker, target) → refuse?
 *     send the ask ────────────────────────▶ handle it
 *                                            settle(asker, target)
 *     remove(asker, edge)  ◀──────────────── send the answer
 *
 * Why this is right without a lock:
 * - All words are sequentially consistent. An asker adds its edge before it looks for a circle, so of
 *   several asks that close one together, the one whose edge came last sees all the others'.
 * - The target settles before it answers. Were the edge to stand until the answer has arrived, the target's
 *   next turn might ask its former asker back, and a circle be seen where nobody waits.
 * - A path read edge by edge may mix moments. So a circle that was found is looked at once more; if every
 *   edge still has the version it had, all of them stood at the moment between the two looks.
 * - Lists change while they are read. Indices are checked, and a search reads a bounded number of edges.
 */
import { NO_EDGE, WaitEdges, type WaitGraphSize } from "./wait-edges.ts";

/** How far and wide a search goes before it gives up and reports no circle. */
const MAX_DEPTH = 64;
const MAX_VISITS = 1_024;
const MAX_EDGES_READ = 8_192;
/** How often a search begins again because the circle that it found was gone on second look. */
const MAX_ATTEMPTS = 3;

/** One thread's hold on the wait graph. */
export class WaitGraph {
  readonly #edges: WaitEdges;
  #edgesRead = 0;

  // The search's own memory: actors in the order they were reached, and how.
  readonly #reached: Int32Array = new Int32Array(MAX_VISITS);
  readonly #reachedFrom: Int32Array = new Int32Array(MAX_VISITS);
  readonly #reachedBy: Int32Array = new Int32Array(MAX_VISITS);
  readonly #versions: Int32Array = new Int32Array(MAX_VISITS);
  readonly #depths: Int32Array = new Int32Array(MAX_VISITS);
  /** Number of the search that reached an actor last. */
  readonly #seenIn: Uint32Array;
  #search = 0;

  /**
   * Takes up `thread`'s part of the graph in a shared buffer of waitGraphBytes(size). What a former
   * incarnation of the thread left is cleared. RangeError when the buffer is too small.
   */
  constructor(buffer: ArrayBufferLike, size: WaitGraphSize, thread: number) {
    this.#edges = new WaitEdges(buffer, size, thread);
    this.#seenIn = new Uint32Array(size.rows);
  }

  /** Asks of this thread that are being watched. */
  get open(): number {
    return this.#edges.open;
  }

  /**
   * Says that `asker`, which this thread owns, waits for `target`. Returns the edge to remove when the
   * wait is over, or NO_EDGE when the thread's region is full. Indices must be within the topology.
   */
  add(asker: number, target: number): number {
    return this.#edges.add(asker, target);
  }

  /** Says that the wait is over, answered or not. `edge` is what {@link add} returned. */
  remove(asker: number, edge: number): void {
    if (edge !== NO_EDGE) this.#edges.remove(asker, edge);
  }

  /**
   * Says that `target`, which this thread owns, is about to answer an ask of `asker`. Before the answer is
   * sent. `edge` came with the ask. False when no such wait stands: it was given up, or never watched.
   */
  settle(asker: number, target: number, edge: number): boolean {
    return this.#edges.settle(asker, target, edge);
  }

  /**
   * The shortest circle of waits that leads from `asker` by way of `target` back to `asker`: its actors
   * in order, `asker` first and once. Undefined when there is none, or none within 64 steps and 1,024
   * actors. To be called after {@link add}.
   */
  findCycle(asker: number, target: number): number[] | undefined {
    if (asker === target) return [asker];
    this.#edgesRead = 0;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const last = this.#searchFor(asker, target);
      if (last < 0) return undefined;
      if (this.#stillStands(last)) return this.#pathTo(last);
    }
    return undefined;
  }

  /** Breadth first from `target`: the place at which `asker` was reached, or −1. */
  #searchFor(asker: number, target: number): number {
    const edges = this.#edges;
    this.#beginSearch();
    this.#reach(0, target, -1, NO_EDGE, 0);
    let end = 1;
    for (let place = 0; place < end && this.#depths[place] < MAX_DEPTH; place++) {
      const actor = this.#reached[place];
      let edge = edges.first(actor);
      while (edge !== NO_EDGE) {
        if (++this.#edgesRead > MAX_EDGES_READ || end === MAX_VISITS) return -1;
        if (!edges.read(actor, edge)) {
          // The list changed meanwhile: once more from its head, on the same allowance.
          edge = edges.first(actor);
          continue;
        }
        if (edges.version & 1 && this.#isNew(edges.target)) {
          this.#reach(end, edges.target, place, edge, edges.version);
          if (edges.target === asker) return end;
          end++;
        }
        edge = edges.next;
      }
    }
    return -1;
  }

  #beginSearch(): void {
    this.#search = (this.#search + 1) >>> 0;
    if (this.#search !== 0) return;
    // After 2³² searches the numbers begin again, and old marks would look new.
    this.#seenIn.fill(0);
    this.#search = 1;
  }

  #isNew(actor: number): boolean {
    return actor >= 0 && actor < this.#edges.rows && this.#seenIn[actor] !== this.#search;
  }

  #reach(place: number, actor: number, from: number, edge: number, version: number): void {
    this.#reached[place] = actor;
    this.#reachedFrom[place] = from;
    this.#reachedBy[place] = edge;
    this.#versions[place] = version;
    this.#depths[place] = from < 0 ? 0 : this.#depths[from] + 1;
    this.#seenIn[actor] = this.#search;
  }

  #stillStands(last: number): boolean {
    for (let place = last; this.#reachedFrom[place] >= 0; place = this.#reachedFrom[place]) {
      if (this.#edges.versionOf(this.#reachedBy[place]) !== this.#versions[place]) return false;
    }
    return true;
  }

  #pathTo(last: number): number[] {
    const path: number[] = [];
    for (let place = this.#reachedFrom[last]; place >= 0; place = this.#reachedFrom[place]) {
      path.push(this.#reached[place]);
    }
    path.push(this.#reached[last]);
    return path.reverse();
  }
}
