import { BATCH_BYTES } from "../../mailbox/batch.ts";

/**
 * Where a thread that has verified a batch leaves what main asked for: one message from or to an actor, with its proof.
 *
 *   word 0       1     2        3       4       5        6      8
 *        ├ state ┼ row ┼ thread ┼ index ┼ frame ┼ levels ┼ lane ┼ header (128) ┼ frame ┼ levels by length ┤
 *
 * Main writes `row` and then WANTED; whoever has such a message claims it, fills the rest, and says READY.
 */
const STATE = 0;
const ROW = 1;
const THREAD = 2;
const INDEX = 3;
const FRAME = 4;
const LEVELS = 5;
const TARGET = 6;
const URGENT = 7;
const DATA_WORDS = 8;
/** Longest message that can be had, with its proof, bytes. */
const CAPACITY_BYTES = 256 * 1024;

const State = { IDLE: 0, WANTED: 1, CLAIMED: 2, READY: 3 } as const;

/** A message and what proves it, copied. */
export interface Testimony {
  /** Thread that sent it. */
  readonly thread: number;
  readonly index: number;
  readonly target: number;
  readonly urgent: boolean;
  readonly header: Uint8Array;
  readonly frame: Uint8Array;
  readonly levels: readonly Uint8Array[];
}

export class EvidenceTap {
  static readonly bytes: number = DATA_WORDS * 4 + CAPACITY_BYTES;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory);
    this.#bytes = new Uint8Array(memory, DATA_WORDS * 4);
  }

  /** Asks for the next message from or to this row; main's call, one at a time. */
  want(row: number): void {
    this.#words[ROW] = row;
    Atomics.store(this.#words, STATE, State.WANTED);
  }

  /** Wants nothing any more. */
  cancel(): void {
    Atomics.store(this.#words, STATE, State.IDLE);
  }

  /** The row that is wanted, −1 for none. */
  get wanted(): number {
    return Atomics.load(this.#words, STATE) === State.WANTED ? this.#words[ROW] : -1;
  }

  /** Leaves what was asked for; nothing happens when another thread was quicker, or it is too long. */
  leave({ thread, index, target, urgent, header, frame, levels }: Testimony): void {
    const proof = levels.reduce((sum, level) => sum + 4 + level.length, 0);
    if (BATCH_BYTES + rounded(frame.length) + proof > CAPACITY_BYTES) return;
    const words = this.#words;
    if (Atomics.compareExchange(words, STATE, State.WANTED, State.CLAIMED) !== State.WANTED) return;
    words[THREAD] = thread;
    words[INDEX] = index;
    words[FRAME] = frame.length;
    words[LEVELS] = levels.length;
    words[TARGET] = target;
    words[URGENT] = urgent ? 1 : 0;
    this.#bytes.set(header);
    this.#bytes.set(frame, BATCH_BYTES);
    let at = BATCH_BYTES + rounded(frame.length);
    for (const level of levels) {
      words[DATA_WORDS + (at >>> 2)] = level.length;
      this.#bytes.set(level, at + 4);
      at += 4 + level.length;
    }
    Atomics.store(words, STATE, State.READY);
  }

  /** What was left, once; undefined while nothing is. */
  take(): Testimony | undefined {
    const words = this.#words;
    if (Atomics.load(words, STATE) !== State.READY) return undefined;
    const levels: Uint8Array[] = [];
    let at = BATCH_BYTES + rounded(words[FRAME]);
    for (let level = 0; level < words[LEVELS] && at < CAPACITY_BYTES; level++) {
      const length = words[DATA_WORDS + (at >>> 2)];
      levels.push(this.#bytes.slice(at + 4, at + 4 + length));
      at += 4 + length;
    }
    const testimony = {
      thread: words[THREAD],
      index: words[INDEX],
      target: words[TARGET],
      urgent: words[URGENT] === 1,
      header: this.#bytes.slice(0, BATCH_BYTES),
      frame: this.#bytes.slice(BATCH_BYTES, BATCH_BYTES + words[FRAME]),
      levels,
    };
    Atomics.store(words, STATE, State.IDLE);
    return testimony;
  }
}

function rounded(length: number): number {
  return (length + 3) & ~3;
}
