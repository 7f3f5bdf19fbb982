/*
 * What a thread has sent lately, and what brought each message about
 *
 *   entry (48 bytes), at the message's sequence modulo TRACED
 *
 *   word 0          2        4         6         8        9        10       11
 *        ├ SEQUENCE ┼ CAUSE ─┼ LAMPORT ┼ CREATED ┼ SOURCE ┼ TARGET ┼ CAUSED BY ┼ CAUSED ON
 *          f64        f64      f64       f64       i32      i32      i32         i32
 *
 * A thread numbers what it sends without gaps, so an entry is found without a search, and is what it was as long as
 * its sequence is the one that was asked for. Written by the sending thread only. CAUSE is the sequence of the
 * message whose turn sent this one, CAUSED BY its sender and CAUSED ON the thread that numbered it.
 */

/** Messages of one thread that are remembered; a power of two. */
export const TRACED = 16_384;
const ENTRY_WORDS = 12;
const SEQUENCE_F64 = 0;
const CAUSE_F64 = 1;
const LAMPORT_F64 = 2;
const CREATED_F64 = 3;
const SOURCE = 8;
const TARGET = 9;
const CAUSED_BY = 10;
const CAUSED_ON = 11;

/** Bytes of one thread's trace. */
export const TRACE_BYTES: number = TRACED * ENTRY_WORDS * 4;

/** A message as its sender's thread remembers it. */
export interface TracedMessage {
  /** Thread that sent it, and its number there: together they name a message. */
  readonly thread: number;
  readonly sequence: number;
  readonly source: number;
  readonly target: number;
  readonly lamport: number;
  readonly createdMs: number;
  /** The message whose turn sent it; undefined when it was sent outside of a turn, or from outside the mesh. */
  readonly cause:
    | { readonly thread: number; readonly sequence: number; readonly source: number }
    | undefined;
}

/** The traces of all threads, of which this thread writes its own. */
export class MessageTrace {
  readonly #words: readonly Int32Array[];
  readonly #doubles: readonly Float64Array[];
  readonly #ownWords: Int32Array;
  readonly #ownDoubles: Float64Array;

  constructor(memory: readonly SharedArrayBuffer[], thread: number) {
    this.#words = memory.map((buffer) => new Int32Array(buffer));
    this.#doubles = memory.map((buffer) => new Float64Array(buffer));
    this.#ownWords = this.#words[thread];
    this.#ownDoubles = this.#doubles[thread];
  }

  /** Remembers a message that this thread sends; a `cause` of 0 is none. Allocates nothing. */
  note(
    sequence: number,
    source: number,
    target: number,
    lamport: number,
    createdMs: number,
    cause: number,
    causedBy: number,
    causedOn: number,
  ): void {
    const word = entryOf(sequence) * ENTRY_WORDS;
    const double = word >>> 1;
    const words = this.#ownWords;
    const doubles = this.#ownDoubles;
    doubles[double + SEQUENCE_F64] = sequence;
    doubles[double + CAUSE_F64] = cause;
    doubles[double + LAMPORT_F64] = lamport;
    doubles[double + CREATED_F64] = createdMs;
    words[word + SOURCE] = source;
    words[word + TARGET] = target;
    words[word + CAUSED_BY] = causedBy;
    words[word + CAUSED_ON] = causedOn;
  }

  /** A message by its thread and number; undefined when it is forgotten, or was never sent. */
  find(thread: number, sequence: number): TracedMessage | undefined {
    const words = this.#words[thread];
    const doubles = this.#doubles[thread];
    if (words === undefined || !(sequence > 0)) return undefined;
    const word = entryOf(sequence) * ENTRY_WORDS;
    const double = word >>> 1;
    if (doubles[double + SEQUENCE_F64] !== sequence) return undefined;
    const cause = doubles[double + CAUSE_F64];
    const found: TracedMessage = {
      thread,
      sequence,
      source: words[word + SOURCE],
      target: words[word + TARGET],
      lamport: doubles[double + LAMPORT_F64],
      createdMs: doubles[double + CREATED_F64],
      cause:
        cause === 0
          ? undefined
          : { thread: words[word + CAUSED_ON], sequence: cause, source: words[word + CAUSED_BY] },
    };
    // It may have been overwritten while it was read.
    return doubles[double + SEQUENCE_F64] === sequence ? found : undefined;
  }

  /** The message that was sent to `target` last, of all that is remembered; by the clock, then by Lamport's. */
  lastTo(target: number): TracedMessage | undefined {
    let last: TracedMessage | undefined;
    for (const message of this.#where(TARGET, target)) {
      if (message.target !== target) continue;
      const later = message.createdMs - (last?.createdMs ?? Number.NEGATIVE_INFINITY);
      if (later > 0 || (later === 0 && message.lamport > (last?.lamport ?? 0))) last = message;
    }
    return last;
  }

  /** What the turn of a message has sent, the earliest first, at most `most`. */
  effectsOf(thread: number, sequence: number, most: number): TracedMessage[] {
    const effects: TracedMessage[] = [];
    for (const message of this.#where(CAUSED_ON, thread))
      if (message.cause?.thread === thread && message.cause.sequence === sequence)
        effects.push(message);
    return effects.sort((a, b) => a.lamport - b.lamport).slice(0, most);
  }

  /** All messages of which a word is so. */
  *#where(word: number, value: number): Generator<TracedMessage> {
    for (const [thread, words] of this.#words.entries()) {
      const doubles = this.#doubles[thread];
      for (let at = 0; at < words.length; at += ENTRY_WORDS) {
        if (words[at + word] !== value) continue;
        const message = this.find(thread, doubles[(at >>> 1) + SEQUENCE_F64]);
        if (message !== undefined) yield message;
      }
    }
  }
}

/** The remainder by a power of two, exact for all sequences and several times quicker than `%` of large numbers. */
function entryOf(sequence: number): number {
  return sequence - Math.floor(sequence / TRACED) * TRACED;
}
