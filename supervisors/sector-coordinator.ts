/** What is known of one sector's part of an operation. */
export interface Tally {
  ready: number;
  conflict: number;
  /** The handler threw: its outcome is nobody's answer. */
  failed: number;
  /** Not sent to: could not be READY in time. */
  skipped: number;
  /** READY, and acted. */
  acted: number;
  /** Not done yet. */
  open: number;
}

const HEADER_WORDS = 2;
/** The bitmaps of a sector's progress, in their order, also in a report. */
export const ProgressMap = { DONE: 0, CONFLICT: 1, FAILED: 2, SKIPPED: 3, ACTED: 4 } as const;
export const PROGRESS_MAPS = 5;
const { DONE, CONFLICT, FAILED, SKIPPED, ACTED } = ProgressMap;
const MAPS = PROGRESS_MAPS;

/** Words of shared memory that the progress of an operation at a sector of `agents` agents takes. */
export function progressWords(agents: number): number {
  return HEADER_WORDS + 2 * MAPS * mapWords(agents);
}

/** Words of one bitmap with a bit for each agent of a sector. */
export function mapWords(agents: number): number {
  return (agents + 31) >>> 5;
}

/**
 * A sector's part of an operation: which of its agents are done, and how. The coordinator keeps it as
 * bitmaps behind the operation's frame in custody, instead of a message slot for each agent, so it outlives
 * the thread: a successor asks again only those who are not done.
 *
 *   words of progress 0          2                        + 5 maps
 *        ├ cycle f64 (working) ──┼─ committed: done … acted ─┼─ working: done … acted ─┤
 *
 * The working maps belong to the cycle that is written with them; they count only if it was committed, and
 * become the committed ones when a later cycle first touches them (see `custody.ts` on cycles).
 */
export class SectorProgress {
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  readonly #at: number;
  readonly #map: number;
  readonly #agents: number;

  /** Over progress words that begin at the even word `at` of a custody. */
  constructor(words: Int32Array, doubles: Float64Array, at: number, agents: number) {
    this.#words = words;
    this.#doubles = doubles;
    this.#at = at;
    this.#map = mapWords(agents);
    this.#agents = agents;
  }

  /** Nothing is done: for a new operation. */
  clear(): void {
    this.#words.fill(0, this.#at, this.#at + progressWords(this.#agents));
  }

  /** Takes over the maps that begin at `from` of `words`, as committed: what was done before all that is noted here. */
  adopt(words: Int32Array, from: number): void {
    const maps = words.subarray(from, from + MAPS * this.#map);
    this.#words.set(maps, this.#committed);
    this.#words.set(maps, this.#working);
  }

  /** Forgets what an uncommitted cycle noted; for a successor. */
  recover(committedCycle: number): void {
    if (this.#doubles[this.#at >>> 1] > committedCycle) {
      const committed = this.#committed;
      this.#words.copyWithin(this.#working, committed, committed + MAPS * this.#map);
      this.#doubles[this.#at >>> 1] = 0;
    }
  }

  /** Notes that agent `bit` of the sector is done, with +1, −1 or (the handler threw) 0, as of `cycle`. */
  note(bit: number, trinary: number, cycle: number): void {
    this.#open(cycle);
    const words = this.#words;
    const word = this.#working + (bit >>> 5);
    const mask = 1 << (bit & 31);
    words[word + DONE * this.#map] |= mask;
    if (trinary === -1) words[word + CONFLICT * this.#map] |= mask;
    else if (trinary === 0) words[word + FAILED * this.#map] |= mask;
  }

  /** Notes that agent `bit` is not sent to. */
  noteSkipped(bit: number, cycle: number): void {
    this.#set(SKIPPED, bit, cycle);
  }

  /** Notes that agent `bit`, which was READY, has acted. */
  noteActed(bit: number, cycle: number): void {
    this.#set(ACTED, bit, cycle);
  }

  #set(map: number, bit: number, cycle: number): void {
    this.#open(cycle);
    this.#words[this.#working + map * this.#map + (bit >>> 5)] |= 1 << (bit & 31);
  }

  /** Keeps what was committed apart from what this cycle will note. */
  #open(cycle: number): void {
    if (this.#doubles[this.#at >>> 1] === cycle) return;
    const words = this.#words;
    const committed = this.#committed;
    const working = this.#working;
    for (let i = 0; i < MAPS * this.#map; i++) words[committed + i] = words[working + i];
    this.#doubles[this.#at >>> 1] = cycle;
  }

  /**
   * A copy, in memory of its own, of what was committed by `committedCycle`: for whoever speaks for a thread that
   * is away, or may write on meanwhile.
   */
  asOf(committedCycle: number): SectorProgress {
    const words = new Int32Array(progressWords(this.#agents));
    const copy = new SectorProgress(words, new Float64Array(words.buffer), 0, this.#agents);
    for (let attempt = 0; attempt < 4; attempt++) {
      const cycle = this.#doubles[this.#at >>> 1];
      const from = cycle > committedCycle ? this.#committed : this.#working;
      words.set(this.#words.subarray(from, from + MAPS * this.#map), copy.#working);
      // A writer that has opened another cycle meanwhile has first put aside what this one was to find.
      if (this.#doubles[this.#at >>> 1] === cycle) break;
    }
    return copy;
  }

  /** True when the agent is done, in a committed cycle or the open one. */
  isDone(bit: number): boolean {
    return this.#has(DONE, bit);
  }

  /** True when the agent is READY and has not acted. */
  isHolding(bit: number): boolean {
    return (
      this.#has(DONE, bit) &&
      !this.#has(CONFLICT, bit) &&
      !this.#has(FAILED, bit) &&
      !this.#has(ACTED, bit)
    );
  }

  isSkipped(bit: number): boolean {
    return this.#has(SKIPPED, bit);
  }

  #has(map: number, bit: number): boolean {
    const word = this.#words[this.#working + map * this.#map + (bit >>> 5)];
    return (word & (1 << (bit & 31))) !== 0;
  }

  /** Word `index` of a map as it stands. */
  word(map: number, index: number): number {
    return this.#words[this.#working + map * this.#map + index];
  }

  /** Counts by outcome among the `addressed` agents. */
  tally(addressed: number): Tally {
    const done = this.#count(DONE);
    const conflict = this.#count(CONFLICT);
    const failed = this.#count(FAILED);
    const skipped = this.#count(SKIPPED);
    const open = addressed - done - skipped;
    const ready = done - conflict - failed;
    return { ready, conflict, failed, skipped, acted: this.#count(ACTED), open };
  }

  #count(map: number): number {
    let bits = 0;
    const from = this.#working + map * this.#map;
    for (let i = from; i < from + this.#map; i++) bits += popCount(this.#words[i]);
    return bits;
  }

  get #committed(): number {
    return this.#at + HEADER_WORDS;
  }

  get #working(): number {
    return this.#at + HEADER_WORDS + MAPS * this.#map;
  }
}

/** Bits set in a word. */
export function popCount(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return (((bits + (bits >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}
