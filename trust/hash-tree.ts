import { hash } from "node:crypto";

/**
 * A tree of SHA-256 over the leaves of a batch, up to 16 children a node: one root stands for all of them, and a leaf
 * is proved to belong to it with its siblings alone. Leaves and nodes hash under different first bytes, so that neither
 * can be taken for the other.
 *
 *     leaf = SHA-256(0x00 ‖ bytes)        node = SHA-256(0x01 ‖ children)
 *
 * How many leaves there are is not in the root: whoever signs it signs the count with it.
 */
export const HASH_BYTES = 32;
const FANOUT = 16;
const LEAF = 0;
const NODE = 1;

/** Hash of a leaf. `prefixed` begins with a byte for the domain, which is overwritten; the leaf's bytes follow. */
export function leafHash(prefixed: Uint8Array): Uint8Array {
  prefixed[0] = LEAF;
  return hash("sha256", prefixed, "buffer");
}

/** Grows by leaves, and gives its root; used again and again without allocating. */
export class HashTree {
  #hashes = new Uint8Array(64 * HASH_BYTES);
  #level = new Uint8Array(64 * HASH_BYTES);
  readonly #node = new Uint8Array(1 + FANOUT * HASH_BYTES);
  #count = 0;

  /** Leaves so far. */
  get count(): number {
    return this.#count;
  }

  clear(): void {
    this.#count = 0;
  }

  /** Appends the hash of a leaf. */
  add(leaf: Uint8Array): void {
    const at = this.#count * HASH_BYTES;
    if (at === this.#hashes.length) {
      const larger = new Uint8Array(this.#hashes.length * 2);
      larger.set(this.#hashes);
      this.#hashes = larger;
      this.#level = new Uint8Array(larger.length);
    }
    this.#hashes.set(leaf, at);
    this.#count++;
  }

  /** The root; RangeError for a tree without leaves. The view is good until the next call. */
  root(): Uint8Array {
    return this.#climb(-1, []);
  }

  /** What proves the leaf at `index` (from 0): for each level from the leaves up, all children of its node. */
  proof(index: number): readonly Uint8Array[] {
    if (!(Number.isInteger(index) && index >= 0 && index < this.#count))
      throw new RangeError(`index: expected 0 to ${this.#count - 1}, got ${index}`);
    const levels: Uint8Array[] = [];
    this.#climb(index, levels);
    return levels;
  }

  #climb(index: number, levels: Uint8Array[]): Uint8Array {
    let count = this.#count;
    if (count === 0) throw new RangeError("leaves: expected at least 1, got 0");
    this.#level.set(this.#hashes.subarray(0, count * HASH_BYTES));
    let place = index;
    // A single leaf is hashed once more as well: a root is always a node.
    do {
      const parents = Math.ceil(count / FANOUT);
      for (let parent = 0; parent < parents; parent++) {
        const from = parent * FANOUT * HASH_BYTES;
        const to = Math.min(count * HASH_BYTES, from + FANOUT * HASH_BYTES);
        const children = this.#level.subarray(from, to);
        if (place >= 0 && Math.floor(place / FANOUT) === parent) levels.push(children.slice());
        // Written where children have been read already.
        this.#level.set(nodeHash(this.#node, children), parent * HASH_BYTES);
      }
      count = parents;
      place = Math.floor(place / FANOUT);
    } while (count > 1);
    return this.#level.subarray(0, HASH_BYTES);
  }
}

/**
 * The root that a proof leads to from the hash of the leaf at `index` among `count`; undefined when the proof is not of
 * the shape that such a tree has, or does not contain the leaf.
 */
export function rootOfProof(
  leaf: Uint8Array,
  index: number,
  count: number,
  levels: readonly Uint8Array[],
): Uint8Array | undefined {
  if (!(Number.isInteger(index) && Number.isInteger(count) && index >= 0 && index < count))
    return undefined;
  const node = new Uint8Array(1 + FANOUT * HASH_BYTES);
  let here = leaf;
  let place = index;
  let width = count;
  let level = 0;
  do {
    const children = levels[level++];
    const parent = Math.floor(place / FANOUT);
    const siblings = Math.min(FANOUT, width - parent * FANOUT);
    if (children?.length !== siblings * HASH_BYTES) return undefined;
    const at = (place % FANOUT) * HASH_BYTES;
    if (Buffer.compare(children.subarray(at, at + HASH_BYTES), here) !== 0) return undefined;
    here = nodeHash(node, children);
    place = parent;
    width = Math.ceil(width / FANOUT);
  } while (width > 1);
  return level === levels.length ? here : undefined;
}

function nodeHash(scratch: Uint8Array, children: Uint8Array): Uint8Array {
  scratch[0] = NODE;
  scratch.set(children, 1);
  return hash("sha256", scratch.subarray(0, 1 + children.length), "buffer");
}
