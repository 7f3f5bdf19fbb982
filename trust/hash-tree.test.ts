import { createHash, randomInt } from "node:crypto";
import { assert, describe, test } from "vitest";
import { HashTree, leafHash, rootOfProof } from "./hash-tree.ts";

function leaf(number: number): Uint8Array {
  const bytes = new Uint8Array(9);
  new DataView(bytes.buffer).setFloat64(1, number);
  return leafHash(bytes);
}

function treeOf(count: number): HashTree {
  const tree = new HashTree();
  for (let i = 0; i < count; i++) tree.add(leaf(i));
  return tree;
}

/** The root, said once more without the tree. */
function rootOf(leaves: readonly Uint8Array[]): Uint8Array {
  const parents: Uint8Array[] = [];
  for (let at = 0; at < leaves.length; at += 16)
    parents.push(
      createHash("sha256")
        .update(Uint8Array.of(1))
        .update(Buffer.concat(leaves.slice(at, at + 16)))
        .digest(),
    );
  return parents.length === 1 ? parents[0] : rootOf(parents);
}

describe("a tree of hashes", () => {
  test("has the root of its definition at every size, and proves each of its leaves", () => {
    for (const count of [1, 2, 15, 16, 17, 31, 256, 257]) {
      const tree = treeOf(count);
      const root = tree.root().slice();
      const leaves = [...Array(count).keys()].map(leaf);
      assert.equal(Buffer.compare(root, rootOf(leaves)), 0, `${count} leaves`);
      for (let index = 0; index < count; index += index < 20 ? 1 : 23) {
        const found = rootOfProof(leaves[index], index, count, tree.proof(index));
        assert.isTrue(found !== undefined && Buffer.compare(found, root) === 0);
      }
    }
  });

  test("is the same after it was cleared and filled again", () => {
    const tree = treeOf(100);
    tree.clear();
    for (let i = 0; i < 20; i++) tree.add(leaf(i));
    assert.deepEqual(tree.root().slice(), treeOf(20).root().slice());
    assert.throws(() => tree.proof(20), /index: expected 0 to 19, got 20/);
    tree.clear();
    assert.throws(() => tree.root(), /at least 1/);
  });

  test("no proof holds for another leaf, another place, another count, or with any bit changed", () => {
    const seed = randomInt(2 ** 31);
    const count = 40;
    const tree = treeOf(count);
    const root = Buffer.from(tree.root());
    const index = seed % count;
    const levels = tree.proof(index);
    const holds = (...args: Parameters<typeof rootOfProof>): boolean => {
      const found = rootOfProof(...args);
      return found !== undefined && root.equals(found);
    };
    assert.isTrue(holds(leaf(index), index, count, levels), `seed ${seed}`);
    assert.isFalse(holds(leaf(index + 1), index, count, levels));
    for (let other = 0; other < count; other++)
      if (other !== index) assert.isFalse(holds(leaf(index), other, count, levels));
    assert.isFalse(holds(leaf(index), index, count, levels.slice(1)));
    assert.isFalse(holds(leaf(index), index, count, [...levels, levels[0]]));
    for (const [level, children] of levels.entries()) {
      for (let bit = seed % 7; bit < children.length * 8; bit += 7) {
        const bent = children.slice();
        bent[bit >>> 3] ^= 1 << (bit & 7);
        const proof = [...levels];
        proof[level] = bent;
        assert.isFalse(holds(leaf(index), index, count, proof), `seed ${seed}`);
      }
    }
    // A node is no leaf: their first bytes differ.
    assert.isFalse(holds(root, 0, 1, [root]));
  });
});
