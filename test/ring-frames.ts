// Frames whose content shows whether they are whole, and rings that stand anywhere.
import fc from "fast-check";
import { expect } from "vitest";
import { FRAME_LENGTH, FRAME_TYPE, FrameKind } from "../mailbox/frame.ts";
import { RING_ACCEPTED, RING_HEAD, RING_TAIL } from "../mailbox/layout.ts";
import { type FrameReader, FULL, Ring, ringBytes } from "../mailbox/ring.ts";

export const CAPACITY: number = 4096;
export const CELLS: number = CAPACITY / 64;

/** A ring whose indices begin at `position`, as after that many cells. */
export function memoryAt(position: number): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(ringBytes(CAPACITY));
  const words = new Int32Array(memory);
  for (const index of [RING_TAIL, RING_HEAD, RING_ACCEPTED]) words[index] = position;
  return memory;
}

export function ringOf(memory: SharedArrayBuffer): Ring {
  return new Ring(memory, 0, CAPACITY);
}

export function copyOf(memory: SharedArrayBuffer): SharedArrayBuffer {
  const copy = new SharedArrayBuffer(memory.byteLength);
  new Uint8Array(copy).set(new Uint8Array(memory));
  return copy;
}

/** Fills a claimed frame so that any other content is noticed. */
export function fill(ring: Ring, word: number, bytes: number, id: number): void {
  ring.words[word + FRAME_LENGTH] = bytes;
  ring.words[word + FRAME_TYPE] = FrameKind.TELL;
  for (let i = 2; i < bytes >>> 2; i++) ring.words[word + i] = Math.imul(id, 31) + i;
}

function isWhole(ring: Ring, word: number, bytes: number, id: number): boolean {
  if (ring.words[word + FRAME_LENGTH] !== bytes) return false;
  for (let i = 2; i < bytes >>> 2; i++) {
    if (ring.words[word + i] !== ((Math.imul(id, 31) + i) | 0)) return false;
  }
  return true;
}

export function offer(ring: Ring, bytes: number, id: number): boolean {
  const word = ring.tryClaim(bytes);
  if (word === FULL) return false;
  fill(ring, word, bytes, id);
  return true;
}

/** Reads the ids of up to `take` frames, then refuses. */
export class Ids implements FrameReader {
  readonly ids: number[] = [];
  readonly ends: number[] = [];
  readonly corrupt: string[] = [];
  readonly #take: number;

  constructor(take: number = Number.POSITIVE_INFINITY) {
    this.#take = take;
  }

  onFrame(ring: Ring, word: number, end: number): boolean {
    if (this.ids.length === this.#take) return false;
    const id = (ring.words[word + 2] - 2) / 31;
    if (!isWhole(ring, word, ring.words[word + FRAME_LENGTH], id)) {
      throw new Error(`torn frame at word ${word}`);
    }
    this.ids.push(id);
    this.ends.push(end);
    return true;
  }

  onCorrupt(_ring: Ring, sentence: string): void {
    this.corrupt.push(sentence);
  }
}

export function drained(ring: Ring, limit = 1000): number[] {
  const reader = new Ids();
  ring.drain(reader, limit);
  expect(reader.corrupt).toEqual([]);
  return reader.ids;
}

const LIMIT = 2 ** 31;
/** Where a ring may stand: mostly where its indices change sign. */
export const position: fc.Arbitrary<number> = fc.oneof(
  fc.integer({ min: 0, max: 200 }),
  fc.integer({ min: LIMIT - 200, max: LIMIT - 1 }),
  fc.integer({ min: -200, max: -1 }),
  fc.integer({ min: -LIMIT, max: -LIMIT + 200 }),
);
