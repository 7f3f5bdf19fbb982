/**
 * The chain that makes a log tell when it was changed: each entry's hash covers the hash before it and its own text.
 *
 *   hash(n) = SHA-256( hash(n − 1) ‖ number ‖ text )        hash(0) = 64 zeros
 *
 * Whoever changes, drops, inserts or swaps entries changes every hash behind them. Cutting the end off leaves a
 * shorter chain that is whole: that is found by an anchor kept elsewhere, the count and hash as they once were.
 */
import { createHash } from "node:crypto";

/** Hash before the first entry. */
export const CHAIN_START: string = "0".repeat(64);

/** A place in a chain: how many entries lie up to it, and the hash of the last of them. */
export interface ChainHead {
  readonly count: number;
  /** Hexadecimal, 64 digits. */
  readonly hash: string;
}

export const EMPTY_CHAIN: ChainHead = Object.freeze({ count: 0, hash: CHAIN_START });

/** The hash of entry `number` (from 1) with this text, behind `previous`. */
export function chainHash(previous: string, number: number, text: string): string {
  return createHash("sha256").update(`${previous}${number}\n${text}`).digest("hex");
}

/** The chain with one more entry. */
export function extendChain(head: ChainHead, text: string): ChainHead {
  const count = head.count + 1;
  return { count, hash: chainHash(head.hash, count, text) };
}

/** Follows a log from its beginning and says where it first is not what it was. */
export class ChainCheck {
  readonly #anchor: ChainHead;
  #head: ChainHead;
  #fault: string | undefined;

  /** `anchor`: what the log must contain at least. `from`: where it begins, when its beginning was let go. */
  constructor(anchor: ChainHead = EMPTY_CHAIN, from: ChainHead = EMPTY_CHAIN) {
    this.#anchor = anchor;
    this.#head = from;
  }

  /** Takes the next entry in; false when the chain is broken here or was before. */
  add(number: number, text: string, hash: string): boolean {
    if (this.#fault !== undefined) return false;
    const expected = this.#head.count + 1;
    if (number !== expected) {
      this.#fault = `entry ${expected}: missing, the next one is ${number}`;
      return false;
    }
    const head = extendChain(this.#head, text);
    if (head.hash !== hash) {
      this.#fault = `entry ${number}: its hash is not that of its text behind entry ${number - 1}`;
      return false;
    }
    if (number === this.#anchor.count && hash !== this.#anchor.hash) {
      this.#fault = `entry ${number}: not the one that was recorded last when the anchor was written`;
      return false;
    }
    this.#head = head;
    return true;
  }

  /** What is wrong, or undefined when all entries up to the end are what they were. */
  end(): string | undefined {
    const { count } = this.#head;
    if (this.#fault === undefined && count < this.#anchor.count)
      this.#fault =
        `entry ${count + 1}: cut off; the log ends at ${count}, ` +
        `the anchor says that it had ${this.#anchor.count}`;
    return this.#fault;
  }

  /** The last entry that was found right. */
  get head(): ChainHead {
    return this.#head;
  }
}
