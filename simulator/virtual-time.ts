import type { Clock } from "../actors/ports.ts";
import type { Later } from "../runtime/later.ts";

/** What reading the clock takes, ms: the only thing that moves virtual time while a thread works. */
const READING_MS = 0.001;
/** Where virtual time begins, ms of the epoch: as large as real time is, so that rounding is too. */
const BEGIN_MS = 1_700_000_000_000;

/** Something that happens at a time. */
interface Entry {
  readonly atMs: number;
  readonly order: number;
  /** Undefined once called off. */
  act: (() => void) | undefined;
}

/**
 * The time of a simulated mesh: one clock for all threads, which stands still unless somebody reads it or the
 * simulation jumps to what comes next, and an agenda of what happens outside of the threads (networks, faults,
 * timers of main). What is due at the same moment happens in the order in which it was put down.
 */
export class VirtualTime implements Clock {
  #nowMs = BEGIN_MS;
  #order = 0;
  /** A binary heap, the earliest first. */
  readonly #heap: Entry[] = [];

  /** A reading, which takes a moment. */
  nowMs(): number {
    this.#nowMs += READING_MS;
    return this.#nowMs;
  }

  /** The time without reading the clock: for whoever looks at the mesh from outside. */
  get currentMs(): number {
    return this.#nowMs;
  }

  /** Since the beginning, ms. */
  get elapsedMs(): number {
    return this.#nowMs - BEGIN_MS;
  }

  /** Lets time pass until `atMs`; harmless when that has passed. */
  jumpTo(atMs: number): void {
    if (atMs > this.#nowMs) this.#nowMs = atMs;
  }

  /** When the next entry of the agenda is due; Infinity when there is none. */
  get nextMs(): number {
    while (this.#heap.length > 0 && this.#heap[0].act === undefined) this.#take();
    return this.#heap.length === 0 ? Number.POSITIVE_INFINITY : this.#heap[0].atMs;
  }

  /** Puts something down for `atMs`, or for now when that has passed; returns what calls it off. */
  at(atMs: number, act: () => void): () => void {
    const entry: Entry = { atMs: Math.max(atMs, this.#nowMs), order: this.#order++, act };
    this.#put(entry);
    return () => {
      entry.act = undefined;
    };
  }

  /** The same, after a while: main's timers. */
  readonly later: Later = (delayMs, act) => this.at(this.#nowMs + delayMs, act);

  /** Lets everything happen that is due; returns how much that was. */
  happen(): number {
    let happened = 0;
    while (this.nextMs <= this.#nowMs) {
      const { act } = this.#take();
      act?.();
      happened++;
    }
    return happened;
  }

  #put(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (!isEarlier(entry, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = entry;
  }

  #take(): Entry {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop() as Entry;
    const { length } = heap;
    if (length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      if (child + 1 < length && isEarlier(heap[child + 1], heap[child])) child++;
      if (!isEarlier(heap[child], last)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isEarlier(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
