import {
  CUSTODY_CHUNK_BYTES,
  CUSTODY_CHUNKS_AT,
  CUSTODY_MIN_SLOT_BYTES,
  SLOT_AUX,
  SLOT_DEATHS,
  SLOT_HEADER_BYTES,
  SLOT_LANE,
  SLOT_NEXT,
  SLOT_ORDER_F64,
  SLOT_OWNER,
  SLOT_POSITION,
  SLOT_STAMP_F64,
  SlotState,
} from "./layout.ts";
import { FULL } from "./ring.ts";

const CHUNK_WORDS = CUSTODY_CHUNK_BYTES >>> 2;
const CHUNK_SHIFT = 31 - Math.clz32(CHUNK_WORDS);
const CLASSES = 1 + 31 - Math.clz32(CUSTODY_CHUNK_BYTES / CUSTODY_MIN_SLOT_BYTES);
/** Each class twice: what only the urgent may have comes from chunks of its own, `CLASSES` further on. */
const LISTS = 2 * CLASSES;

/** Longest frame that a slot can hold, bytes. */
export const MAX_CUSTODY_FRAME_BYTES: number = CUSTODY_CHUNK_BYTES - SLOT_HEADER_BYTES;

/** Bytes of shared memory for a custody that holds `capacityBytes` of slots, rounded up to whole chunks. */
export function custodyBytes(capacityBytes: number): number {
  const chunks = Math.max(4, Math.ceil(capacityBytes / CUSTODY_CHUNK_BYTES));
  return tableBytes(chunks) + chunks * CUSTODY_CHUNK_BYTES;
}

function tableBytes(chunks: number): number {
  return Math.ceil((CUSTODY_CHUNKS_AT + chunks) / CHUNK_WORDS) * CUSTODY_CHUNK_BYTES;
}

/**
 * Shared memory for messages between acceptance and completion. Only its thread writes it; a successor of
 * that thread reads it.
 *
 * **A duty cycle is a transaction.** Whatever a cycle does (ends turns, sends to agents of its own thread,
 * takes checkpoints) it stamps with its number, and one store of that number into the control block commits
 * it all. {@link recover} puts back what a dead thread did in a cycle it did not commit: done messages wait
 * again, messages it sent never were, older checkpoints count. So a turn has its effects once, wherever in
 * it the thread dies. What a cycle frees is reused only after its commit.
 */
export class Custody {
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  readonly bytes: Uint8Array;
  readonly #chunks: number;
  readonly #firstChunkWord: number;
  /** By list: first free slot, and the untouched rest of its newest chunk. */
  readonly #free = new Int32Array(LISTS);
  readonly #bump = new Int32Array(LISTS);
  readonly #bumpEnd = new Int32Array(LISTS);
  /** Slots in use, by chunk. */
  readonly #used: Int32Array;
  /** Chunks of some list in which nothing is used: what {@link #reclaim} can find. */
  #idleChunks = 0;
  #freshChunk = 0;
  readonly #emptied: number[] = [];
  readonly #reserveChunks: number;
  #rank = 1;

  constructor(memory: SharedArrayBuffer) {
    this.words = new Int32Array(memory);
    this.doubles = new Float64Array(memory);
    this.bytes = new Uint8Array(memory);
    let chunks = Math.floor(memory.byteLength / CUSTODY_CHUNK_BYTES);
    while (tableBytes(chunks) + chunks * CUSTODY_CHUNK_BYTES > memory.byteLength) chunks--;
    this.#chunks = chunks;
    this.#firstChunkWord = tableBytes(chunks) >>> 2;
    this.#used = new Int32Array(chunks);
    // What must not wait behind a flood (the urgent lane, checkpoints) has the last eighth for itself.
    this.#reserveChunks = Math.max(1, chunks >>> 3);
  }

  /**
   * A free slot for a frame of `frameBytes`: its word, or FULL. Its stamp is still FREE: the caller writes
   * the frame and then stamps it. `urgent` may use the reserve.
   */
  allocate(frameBytes: number, urgent: boolean): number {
    if (frameBytes > MAX_CUSTODY_FRAME_BYTES) {
      throw new RangeError(
        `no slot is as long as this frame: frameBytes=${frameBytes}, at most ${MAX_CUSTODY_FRAME_BYTES}`,
      );
    }
    const bytes = frameBytes + SLOT_HEADER_BYTES;
    const sizeClass = bytes <= CUSTODY_MIN_SLOT_BYTES ? 0 : 25 - Math.clz32(bytes - 1);
    const slot = this.#take(sizeClass, this.#reserveChunks);
    return slot === FULL && urgent ? this.#take(sizeClass + CLASSES, 0) : slot;
  }

  /** A slot of a list, for which a chunk may be opened as long as more than `spared` are left. */
  #take(list: number, spared: number): number {
    const free = this.#free[list];
    if (free !== 0) {
      this.#free[list] = this.words[free + SLOT_NEXT];
      if (this.#used[this.#chunkOf(free)]++ === 0) this.#idleChunks--;
      return free;
    }
    if (this.#bump[list] === this.#bumpEnd[list] && !this.#openChunk(list, spared)) return FULL;
    const bump = this.#bump[list];
    this.#bump[list] = bump + slotWords(list);
    if (this.#used[this.#chunkOf(bump)]++ === 0) this.#idleChunks--;
    return bump;
  }

  /** Gives a slot back. Only after the cycle that ended its use was committed. */
  free(slot: number): void {
    const chunk = this.#chunkOf(slot);
    const list = this.words[CUSTODY_CHUNKS_AT + chunk] - 1;
    this.doubles[(slot >>> 1) + SLOT_STAMP_F64] = SlotState.FREE;
    this.words[slot + SLOT_NEXT] = this.#free[list];
    this.#free[list] = slot;
    if (--this.#used[chunk] === 0) this.#idleChunks++;
  }

  /** One store: the slot has `state` as soon as `cycle` is committed; at once when `cycle` is 0. */
  stamp(slot: number, state: number, cycle: number): void {
    const at = (slot >>> 1) + SLOT_STAMP_F64;
    const sentInThisCycle =
      state === SlotState.DONE && this.doubles[at] === cycle * 8 + SlotState.QUEUED;
    // Sent and done in one cycle: committed or not, a successor must not see it. Were it to wait again,
    // it would be there twice, for its sender's turn is run again too.
    this.doubles[at] = sentInThisCycle ? SlotState.DONE : cycle * 8 + state;
  }

  /** In `cycle` an outgoing message went, or was given up; of one that was put here in it a successor sees nothing. */
  endOutgoing(slot: number, cycle: number): void {
    const at = (slot >>> 1) + SLOT_STAMP_F64;
    const isNew = this.doubles[at] === cycle * 8 + SlotState.OUTGOING;
    this.doubles[at] = (isNew ? 0 : cycle * 8) + SlotState.GONE;
  }

  /** Fills in the header of a new message or checkpoint: where it came from and its rank. */
  describe(slot: number, owner: number, lane: number, position: number): void {
    const words = this.words;
    words[slot + SLOT_DEATHS] = 0;
    words[slot + SLOT_LANE] = lane;
    words[slot + SLOT_POSITION] = position;
    words[slot + SLOT_OWNER] = owner;
    words[slot + SLOT_AUX] = 0;
    this.doubles[(slot >>> 1) + SLOT_ORDER_F64] = this.#rank++;
  }

  /** Rank that the next message gets. */
  get nextRank(): number {
    return this.#rank;
  }

  /** Continues the ranks of a predecessor. */
  set nextRank(rank: number) {
    this.#rank = Math.max(this.#rank, rank);
  }

  state(slot: number): number {
    return this.doubles[(slot >>> 1) + SLOT_STAMP_F64] % 8;
  }

  /** Bytes of slots in use, rounded up to whole chunks. */
  get usedBytes(): number {
    let chunks = 0;
    for (let chunk = 0; chunk < this.#freshChunk; chunk++) if (this.#used[chunk] > 0) chunks++;
    return chunks * CUSTODY_CHUNK_BYTES;
  }

  /**
   * Takes over from a dead thread whose last committed cycle is given: rebuilds the free lists and reports
   * what survives, messages in their order of acceptance.
   */
  recover(committedCycle: number): RecoveredSlots {
    const found = nothingFound();
    for (let chunk = 0; chunk < this.#chunks; chunk++) {
      const list = this.words[CUSTODY_CHUNKS_AT + chunk] - 1;
      if (list < 0) continue;
      // Those that the dead thread had taken back.
      while (this.#freshChunk < chunk) this.#emptied.push(this.#freshChunk++);
      this.#freshChunk = chunk + 1;
      const first = this.#firstChunkWord + chunk * CHUNK_WORDS;
      for (let slot = first; slot < first + CHUNK_WORDS; slot += slotWords(list)) {
        this.#used[chunk]++;
        if (!this.#recoverSlot(slot, committedCycle, found)) this.free(slot);
      }
    }
    this.#idleChunks = 0;
    for (let chunk = 0; chunk < this.#chunks; chunk++) {
      if (this.words[CUSTODY_CHUNKS_AT + chunk] !== 0 && this.#used[chunk] === 0)
        this.#idleChunks++;
    }
    this.#sort(found);
    const { messages } = found;
    if (messages.length > 0) this.nextRank = this.rankOf(messages[messages.length - 1]) + 1;
    return found;
  }

  /**
   * What {@link recover} would report, with nothing changed: for another thread, while the owner stands still
   * between two cycles. Of a payload that somebody still refers to too.
   */
  survey(committedCycle: number): RecoveredSlots {
    const found = nothingFound();
    for (let chunk = 0; chunk < this.#chunks; chunk++) {
      const list = this.words[CUSTODY_CHUNKS_AT + chunk] - 1;
      if (list < 0) continue;
      const first = this.#firstChunkWord + chunk * CHUNK_WORDS;
      for (let slot = first; slot < first + CHUNK_WORDS; slot += slotWords(list)) {
        const state = this.#survivesAs(slot, committedCycle);
        if (state === SlotState.QUEUED) found.messages.push(slot);
        else if (state === SlotState.PAYLOAD) found.payloads.push(slot);
        else if (state === SlotState.BELONGING) found.belongings.push(slot);
        else if (state === SlotState.OUTGOING) found.outgoing.push(slot);
        else if (state === SlotState.CHECKPOINT) this.#keepNewest(slot, found.checkpoints);
      }
    }
    this.#sort(found);
    return found;
  }

  #sort({ messages, belongings, outgoing }: FoundSlots): void {
    outgoing.sort((a, b) => this.rankOf(a) - this.rankOf(b));
    messages.sort((a, b) => this.rankOf(a) - this.rankOf(b));
    belongings.sort((a, b) => this.rankOf(a) - this.rankOf(b));
  }

  /** False when the slot is free, or was never committed. */
  #recoverSlot(slot: number, committed: number, found: FoundSlots): boolean {
    switch (this.#survivesAs(slot, committed)) {
      case SlotState.QUEUED:
        if (this.state(slot) === SlotState.DONE) this.stamp(slot, SlotState.QUEUED, 0);
        found.messages.push(slot);
        return true;
      case SlotState.PAYLOAD:
        found.payloads.push(slot);
        return true;
      case SlotState.BELONGING:
        found.belongings.push(slot);
        return true;
      case SlotState.OUTGOING:
        if (this.state(slot) === SlotState.GONE) this.stamp(slot, SlotState.OUTGOING, 0);
        found.outgoing.push(slot);
        return true;
      case SlotState.CHECKPOINT: {
        const older = this.#keepNewest(slot, found.checkpoints);
        if (older === slot) return false;
        if (older !== undefined) this.free(older);
        return true;
      }
      default:
        return false;
    }
  }

  /** What a slot is as of the last committed cycle; FREE when it is nothing. */
  #survivesAs(slot: number, committed: number): number {
    const stamp = this.doubles[(slot >>> 1) + SLOT_STAMP_F64];
    const state = stamp % 8;
    const happened = Math.floor(stamp / 8) <= committed;
    if (state === SlotState.DONE) return happened ? SlotState.FREE : SlotState.QUEUED;
    if (state === SlotState.GONE) return happened ? SlotState.FREE : SlotState.OUTGOING;
    if (!happened) return SlotState.FREE;
    if (state === SlotState.PAYLOAD && Atomics.load(this.words, slot + SLOT_AUX) <= 0)
      return SlotState.FREE;
    return state;
  }

  /** Notes a checkpoint, or the one that stands for its owner: returns which of the two no longer counts. */
  #keepNewest(slot: number, checkpoints: Map<number, number>): number | undefined {
    const owner = this.words[slot + SLOT_OWNER];
    const rival = checkpoints.get(owner);
    if (rival !== undefined && this.#isNewer(rival, slot)) return slot;
    checkpoints.set(owner, slot);
    return rival;
  }

  /** Of two of one cycle, the one described last. */
  #isNewer(slot: number, other: number): boolean {
    const stamp = this.doubles[(slot >>> 1) + SLOT_STAMP_F64];
    const otherStamp = this.doubles[(other >>> 1) + SLOT_STAMP_F64];
    return stamp > otherStamp || (stamp === otherStamp && this.rankOf(slot) > this.rankOf(other));
  }

  /** Rank of a message in the order of acceptance. */
  rankOf(slot: number): number {
    return this.doubles[(slot >>> 1) + SLOT_ORDER_F64];
  }

  #chunkOf(slot: number): number {
    return (slot - this.#firstChunkWord) >>> CHUNK_SHIFT;
  }

  #openChunk(list: number, spared: number): boolean {
    const left = this.#chunks - this.#freshChunk + this.#emptied.length;
    let chunk = -1;
    if (left > spared) {
      chunk = this.#emptied.length > 0 ? (this.#emptied.pop() as number) : this.#freshChunk++;
    } else {
      chunk = this.#reclaim(list, spared);
    }
    if (chunk < 0) return false;
    // A chunk of another class had its stamps elsewhere: what stands here may be old payload. A fresh one
    // may be what a dead thread had taken back.
    const first = this.#firstChunkWord + chunk * CHUNK_WORDS;
    const end = first + CHUNK_WORDS;
    for (let slot = first; slot < end; slot += slotWords(list)) this.stamp(slot, SlotState.FREE, 0);
    this.words[CUSTODY_CHUNKS_AT + chunk] = list + 1;
    this.#idleChunks++;
    this.#bump[list] = first;
    this.#bumpEnd[list] = end;
    return true;
  }

  /**
   * Sizes change with the load: before saying FULL, chunks of other classes in which nothing is used any
   * more are taken back. Walks the free lists, so only when memory has run out and there is such a chunk.
   */
  #reclaim(list: number, spared: number): number {
    if (this.#idleChunks === 0) return -1;
    for (let other = 0; other < LISTS; other++) {
      if (other === list || this.#free[other] === 0) continue;
      let previous = 0;
      for (let slot = this.#free[other]; slot !== 0; ) {
        const next = this.words[slot + SLOT_NEXT];
        const chunk = this.#chunkOf(slot);
        if (this.#used[chunk] === 0) {
          if (previous === 0) this.#free[other] = next;
          else this.words[previous + SLOT_NEXT] = next;
          this.#markEmptied(chunk);
          if (this.#bumping(other, chunk)) this.#bump[other] = this.#bumpEnd[other];
        } else {
          previous = slot;
        }
        slot = next;
      }
    }
    const left = this.#chunks - this.#freshChunk + this.#emptied.length;
    return left > spared ? (this.#emptied.pop() ?? -1) : -1;
  }

  /** True when the untouched rest of the list is in `chunk`. */
  #bumping(list: number, chunk: number): boolean {
    const bump = this.#bump[list];
    return bump !== this.#bumpEnd[list] && this.#chunkOf(bump) === chunk;
  }

  #markEmptied(chunk: number): void {
    if (this.words[CUSTODY_CHUNKS_AT + chunk] === 0) return;
    this.words[CUSTODY_CHUNKS_AT + chunk] = 0;
    this.#idleChunks--;
    this.#emptied.push(chunk);
  }
}

function slotWords(list: number): number {
  return (CUSTODY_MIN_SLOT_BYTES << (list % CLASSES)) >>> 2;
}

/** What a successor finds. */
export interface RecoveredSlots {
  /** Messages to be delivered again, oldest first. */
  readonly messages: readonly number[];
  /** Payloads that others still refer to. */
  readonly payloads: readonly number[];
  /** The newest committed checkpoint by agent. */
  readonly checkpoints: ReadonlyMap<number, number>;
  /** What agents had besides when their mesh stood still, in the order in which it was kept. */
  readonly belongings: readonly number[];
  /** Messages that wait for room on their way out, oldest first. */
  readonly outgoing: readonly number[];
}

interface FoundSlots extends RecoveredSlots {
  readonly messages: number[];
  readonly payloads: number[];
  readonly checkpoints: Map<number, number>;
  readonly belongings: number[];
  readonly outgoing: number[];
}

function nothingFound(): FoundSlots {
  return { messages: [], payloads: [], checkpoints: new Map(), belongings: [], outgoing: [] };
}
