import { FRAME_LENGTH, FRAME_TYPE, FrameKind } from "./frame.ts";
import {
  CELL_BYTES,
  CELL_WORDS,
  RING_ACCEPTED,
  RING_CELLS,
  RING_HEAD,
  RING_NEXT_CYCLE_F64,
  RING_NEXT_TAIL,
  RING_TAIL,
  RING_WANTS_ROOM,
} from "./layout.ts";

/** `tryClaim` found no room. */
export const FULL = -1;

/** Memory that frames lie in: a ring, or a copy of a part of one. */
export interface FrameMemory {
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  readonly bytes: Uint8Array;
}

/** Takes frames out of a ring, one call a frame. */
export interface FrameReader {
  /**
   * Reads the frame whose header begins at `word` of `ring.words`. `end` is the ring position behind it.
   * False leaves it, and all behind it, in the ring: that is how a full mailbox pushes back.
   */
  onFrame(ring: Ring, word: number, end: number): boolean;
  /** The rest of what was published made no sense and has been skipped. */
  onCorrupt(ring: Ring, sentence: string): void;
}

/** Bytes of shared memory for a ring of `capacityBytes` (a power of two, 4 KiB to 1 GiB). */
export function ringBytes(capacityBytes: number): number {
  if (
    !(capacityBytes >= 4096 && capacityBytes <= 2 ** 30) ||
    !Number.isInteger(Math.log2(capacityBytes))
  ) {
    throw new RangeError(
      `ring capacity must be a power of two from 4096 bytes to 1 GiB: capacity=${capacityBytes}`,
    );
  }
  return RING_CELLS * 4 + capacityBytes;
}

/**
 * A ring of frames of any length between one producer thread and one consumer thread (LMAX Disruptor's
 * claim and publish over Agrona's record layout). Frames begin on cells of 64 bytes; one that would straddle
 * the end is preceded by padding and starts again at zero. Each side keeps its own index and a copy of the
 * other's, and looks at the shared word only when the copy says that it must.
 *
 * Claimed frames are private until {@link publish}: many can be made visible by one store.
 */
export class Ring {
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  readonly bytes: Uint8Array;
  readonly capacityBytes: number;
  #cells: number;
  #mask: number;
  /** Cells after which a long drain gives its memory back. */
  #handful: number;
  #claimed: number;
  #previousClaim: number;
  #published: number;
  #headSeen: number;
  #head: number;
  /** Where giving back stops until {@link letGo}; undefined when it does not. */
  #held: number | undefined;

  /** A view of `capacityBytes` at `offset` (a multiple of 8) of `memory`; each side makes its own. */
  constructor(memory: SharedArrayBuffer, offset: number, capacityBytes: number) {
    const bytes = ringBytes(capacityBytes);
    this.words = new Int32Array(memory, offset, bytes >>> 2);
    this.doubles = new Float64Array(memory, offset, bytes >>> 3);
    this.bytes = new Uint8Array(memory, offset, bytes);
    this.capacityBytes = capacityBytes;
    this.#cells = capacityBytes / CELL_BYTES;
    this.#mask = this.#cells - 1;
    this.#handful = this.#cells >>> 3;
    this.#published = Atomics.load(this.words, RING_TAIL);
    this.#claimed = this.#published;
    this.#previousClaim = this.#published;
    this.#head = Atomics.load(this.words, RING_HEAD);
    this.#headSeen = this.#head;
  }

  /** Longest frame that always fits in an empty ring, bytes: half of it, for a frame may need padding. */
  get maxFrameBytes(): number {
    return this.capacityBytes >>> 1;
  }

  /** Reserves `bytes` for one frame; its first word, or {@link FULL}. The producer's call. */
  tryClaim(bytes: number): number {
    const cells = (bytes + (CELL_BYTES - 1)) >>> 6;
    const at = this.#claimed & this.#mask;
    const padding = at + cells > this.#cells ? this.#cells - at : 0;
    const end = (this.#claimed + padding + cells) | 0;
    if (((end - this.#headSeen) | 0) > this.#cells) {
      this.#headSeen = Atomics.load(this.words, RING_HEAD);
      if (((end - this.#headSeen) | 0) > this.#cells) return FULL;
    }
    this.#previousClaim = this.#claimed;
    this.#claimed = end;
    if (padding === 0) return RING_CELLS + at * CELL_WORDS;
    const word = RING_CELLS + at * CELL_WORDS;
    this.words[word + FRAME_LENGTH] = padding * CELL_BYTES;
    this.words[word + FRAME_TYPE] = FrameKind.PADDING;
    return RING_CELLS;
  }

  /** Gives the last claim back, padding included. */
  abort(): void {
    this.#claimed = this.#previousClaim;
  }

  /** True when something is claimed that {@link publish} would make visible. */
  get dirty(): boolean {
    return this.#claimed !== this.#published;
  }

  /**
   * Writes down what {@link publish} will publish, for the cycle that is about to be committed: if this
   * thread dies between the commit and the publication, its successor publishes for it.
   */
  prepare(cycle: number): void {
    // The cycle first: a thread that dies in between must not leave this tail under the last committed cycle.
    this.doubles[RING_NEXT_CYCLE_F64] = cycle;
    this.words[RING_NEXT_TAIL] = this.#claimed;
  }

  /** Makes all claimed frames visible at once. They must be whole: the consumer trusts everything below the tail. */
  publish(): void {
    this.#published = this.#claimed;
    Atomics.store(this.words, RING_TAIL, this.#claimed);
  }

  /**
   * Continues the work of a producer that died: a prepared publication whose cycle was committed is made
   * good, claims of a cycle that was not are forgotten.
   */
  recoverProducer(committedCycle: number): void {
    if (this.doubles[RING_NEXT_CYCLE_F64] === committedCycle && committedCycle > 0) {
      const tail = this.words[RING_NEXT_TAIL];
      if (((tail - this.#published) | 0) > 0) Atomics.store(this.words, RING_TAIL, tail);
    }
    // The successor uses the number of the cycle that was not committed again, for other frames.
    this.doubles[RING_NEXT_CYCLE_F64] = 0;
    this.#published = Atomics.load(this.words, RING_TAIL);
    this.#claimed = this.#published;
    this.#previousClaim = this.#published;
  }

  /**
   * Hands up to `limit` published frames to `reader` in their order and gives the memory of the taken ones
   * back. Returns how many were taken. The consumer's call.
   */
  drain(reader: FrameReader, limit: number): number {
    const words = this.words;
    const tail = Atomics.load(words, RING_TAIL);
    let head = this.#head;
    if (head === tail) return 0;
    let given = head;
    let taken = 0;
    try {
      while (head !== tail && taken < limit) {
        const at = head & this.#mask;
        const word = RING_CELLS + at * CELL_WORDS;
        const length = words[word + FRAME_LENGTH];
        const cells = (length + (CELL_BYTES - 1)) >>> 6;
        if (length < CELL_BYTES || cells > this.#cells - at || cells > ((tail - head) | 0)) {
          const published = ((tail - head) | 0) * CELL_BYTES;
          head = tail;
          reader.onCorrupt(this, `frame of ${length} bytes where ${published} were published`);
          break;
        }
        const end = (head + cells) | 0;
        if ((words[word + FRAME_TYPE] & 0xff) !== FrameKind.PADDING) {
          if (!reader.onFrame(this, word, end)) break;
          taken++;
        }
        head = end;
        // Written for each frame, not once a drain: a successor must not take the same frame over twice.
        words[RING_ACCEPTED] = head;
        // A producer that has filled the ring goes on while the rest of it is read.
        if (((head - given) | 0) >= this.#handful) {
          given = head;
          this.#head = head;
          this.#giveBack(head);
        }
      }
    } finally {
      // Also when the reader throws: what it took before must not come a second time.
      if (head !== given) {
        this.#head = head;
        words[RING_ACCEPTED] = head;
        this.#giveBack(head);
      }
    }
    return taken;
  }

  #giveBack(head: number): void {
    Atomics.store(this.words, RING_HEAD, this.#held ?? head);
  }

  /**
   * Gives nothing back from `position` on, whatever is taken, until {@link letGo}: a successor finds the batch whole of
   * which this consumer has taken a part. The consumer's call.
   */
  hold(position: number): void {
    this.#held = position;
  }

  /** Ends {@link hold}; what was taken since is given back with what is taken next. */
  letGo(): void {
    this.#held = undefined;
  }

  /** Cells that could be claimed now, were none of them padding. The producer's call. */
  get freeCells(): number {
    this.#headSeen = Atomics.load(this.words, RING_HEAD);
    return this.#cells - ((this.#claimed - this.#headSeen) | 0);
  }

  /** End of what has been claimed, in cells: where the consumer will be when it has given all of it back. */
  get claimed(): number {
    return this.#claimed;
  }

  /** End of what is published, in cells; any thread may look. */
  get tail(): number {
    return Atomics.load(this.words, RING_TAIL);
  }

  /** Everything below has been given back by the consumer, in cells; any thread may look. */
  get head(): number {
    return Atomics.load(this.words, RING_HEAD);
  }

  /**
   * Shows each frame up to the position `tail` without taking it: `visit` gets its first word and its position. The
   * consumer's call; it takes them with {@link release} when it has kept what it saw.
   */
  visit(tail: number, visit: (word: number, position: number) => void): void {
    for (let position = this.#head; ((tail - position) | 0) > 0; ) {
      const at = position & this.#mask;
      const word = RING_CELLS + at * CELL_WORDS;
      const cells = (this.words[word + FRAME_LENGTH] + (CELL_BYTES - 1)) >>> 6;
      if (cells <= 0) return;
      if ((this.words[word + FRAME_TYPE] & 0xff) !== FrameKind.PADDING) visit(word, position);
      position = (position + cells) | 0;
    }
  }

  /** Gives everything below `position` back. The consumer's call. */
  release(position: number): void {
    this.#head = position;
    this.words[RING_ACCEPTED] = position;
    Atomics.store(this.words, RING_HEAD, position);
  }

  /** True, once, when the producer has asked for a ring ({@link wantRoom}). The consumer's call. */
  isWaitedFor(): boolean {
    const { words } = this;
    return (
      Atomics.load(words, RING_WANTS_ROOM) === 1 &&
      Atomics.exchange(words, RING_WANTS_ROOM, 0) === 1
    );
  }

  /**
   * Calls `visit` with the word of each frame that is published and not taken, in order, and takes none. For a reader
   * that is neither side, while both stand still.
   */
  peek(visit: (word: number) => void): void {
    const { words } = this;
    const tail = Atomics.load(words, RING_TAIL);
    // Not from what is given back: of a batch that is held a part may be taken.
    for (let head = words[RING_ACCEPTED]; head !== tail; ) {
      const word = RING_CELLS + (head & this.#mask) * CELL_WORDS;
      const length = words[word + FRAME_LENGTH];
      if (length < CELL_BYTES) return;
      if ((words[word + FRAME_TYPE] & 0xff) !== FrameKind.PADDING) visit(word);
      head = (head + ((length + (CELL_BYTES - 1)) >>> 6)) | 0;
    }
  }

  /** Asks the consumer to ring when there is room again. The producer's call, after FULL. */
  wantRoom(): void {
    Atomics.store(this.words, RING_WANTS_ROOM, 1);
  }

  /** True, once, when the producer waits for room and half of the ring is free. The consumer's call. */
  hasRoomToTell(): boolean {
    const { words } = this;
    if (Atomics.load(words, RING_WANTS_ROOM) === 0) return false;
    const used = (Atomics.load(words, RING_TAIL) - (this.#held ?? this.#head)) | 0;
    return used <= this.#cells >>> 1 && Atomics.exchange(words, RING_WANTS_ROOM, 0) === 1;
  }

  /** True when nothing is published that has not been drained. The consumer's call. */
  get empty(): boolean {
    return Atomics.load(this.words, RING_TAIL) === this.#head;
  }

  /** Continues the work of a consumer that died; `accepted` is the position behind the last frame in custody. */
  recoverConsumer(accepted: number): void {
    this.#head = accepted;
    this.words[RING_ACCEPTED] = accepted;
    this.#giveBack(accepted);
  }

  /** Where the consumer, or the one before it, had got to, in cells. */
  get accepted(): number {
    return this.words[RING_ACCEPTED];
  }
}
