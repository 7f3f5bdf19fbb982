import { createHash } from "node:crypto";
import {
  closeSync,
  constants,
  fdatasyncSync,
  openSync,
  readFileSync,
  readSync,
  writeSync,
} from "node:fs";
import { type ChainHead, EMPTY_CHAIN } from "../../coordination/log-chain.ts";

/**
 * A small file beside a log that says how long it was when it was last written. It has two places of fixed length,
 * written in turn, so that a write that was cut short leaves the other one readable:
 *
 *     count(16) space hash(64) space checksum(16) line end      99 bytes each
 *
 * Whoever can write both files can write both anew: an anchor finds a log that was cut or put back, by accident or
 * by one who did not think of it. Only a copy of the head that others keep binds its owner.
 */
const PLACE_BYTES = 99;

/** The anchor's file, open for writing. */
export class ChainAnchor {
  readonly #file: number;
  #turn: number;

  constructor(path: string) {
    this.#file = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    const [first, second] = placesOf(readWhole(this.#file));
    // The next write goes over the older place, or over one that cannot be read.
    this.#turn = (first?.count ?? -1) > (second?.count ?? -1) ? 1 : 0;
  }

  /** Writes the head and waits until it is on disk. */
  write(head: ChainHead): void {
    writeSync(this.#file, written(head), this.#turn * PLACE_BYTES);
    fdatasyncSync(this.#file);
    this.#turn = 1 - this.#turn;
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** The last head that was anchored; the empty chain when the file is missing or has none. */
export function readAnchor(path: string): ChainHead {
  let text: string;
  try {
    text = readFileSync(path, "latin1");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return EMPTY_CHAIN;
    throw error;
  }
  let last = EMPTY_CHAIN;
  for (const head of placesOf(text)) if (head !== undefined && head.count > last.count) last = head;
  return last;
}

function written({ count, hash }: ChainHead): string {
  const text = `${String(count).padStart(16, "0")} ${hash}`;
  return `${text} ${checksum(text)}\n`;
}

function checksum(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

function readWhole(file: number): string {
  const bytes = Buffer.alloc(2 * PLACE_BYTES);
  const length = readSync(file, bytes, 0, bytes.length, 0);
  return bytes.toString("latin1", 0, length);
}

function placesOf(text: string): readonly [ChainHead | undefined, ChainHead | undefined] {
  return [placeOf(text.slice(0, PLACE_BYTES)), placeOf(text.slice(PLACE_BYTES, 2 * PLACE_BYTES))];
}

function placeOf(text: string): ChainHead | undefined {
  const match = /^((\d{16}) ([0-9a-f]{64})) ([0-9a-f]{16})\n$/.exec(text);
  if (match === null || checksum(match[1]) !== match[4]) return undefined;
  return { count: Number(match[2]), hash: match[3] };
}
