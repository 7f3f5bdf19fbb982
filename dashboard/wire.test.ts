import fc from "fast-check";
import { assert, describe, test } from "vitest";
import {
  applyFrame,
  CHANGE_BYTES,
  encodeFrame,
  FRAME_DELTA,
  FRAME_FULL,
  FRAME_HEAD,
  sequenceOf,
} from "./wire.ts";

/** Cells and what became of some of them; long runs between changes are likely. */
const pair = fc
  .tuple(
    fc.integer({ min: 1, max: 200_000 }),
    fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(255)), { maxLength: 40 }),
  )
  .map(([size, changes]) => {
    const before = new Uint8Array(size).fill(7);
    const after = before.slice();
    for (const [at, byte] of changes) after[Math.floor(at * (size - 1))] = byte;
    return { before, after };
  });

describe("frames of cells", () => {
  test("bring a page from what it had to what there is", () => {
    fc.assert(
      fc.property(pair, fc.nat(0xffff_fffe), ({ before, after }, sequence) => {
        const frame = encodeFrame(2, sequence + 1, after, before);
        assert.equal(frame[1], 2);
        assert.equal(sequenceOf(frame), sequence + 1);
        const cells = before.slice();
        assert.isTrue(applyFrame(frame, cells, sequence));
        assert.deepEqual(cells, after);
        assert.isAtMost(frame.length, FRAME_HEAD + after.length);
      }),
      { numRuns: 60 },
    );
  });

  test("without anything before them are whole, and need nothing before them", () => {
    const cells = Uint8Array.of(1, 2, 3, 4, 5, 6);
    const frame = encodeFrame(0, 9, cells, undefined);
    assert.equal(frame[0], FRAME_FULL);
    const page = new Uint8Array(6);
    assert.isTrue(applyFrame(frame, page, 100));
    assert.deepEqual(page, cells);
  });

  test("in which little changes are short, also across long passes", () => {
    const before = new Uint8Array(150_000);
    const after = before.slice();
    after[0] = 1;
    after[149_999] = 2;
    const frame = encodeFrame(0, 2, after, before);
    assert.equal(frame[0], FRAME_DELTA);
    // Two changes, and two passes of 65,535.
    assert.equal(frame.length, FRAME_HEAD + 4 * CHANGE_BYTES);
    assert.equal(encodeFrame(0, 3, after, after).length, FRAME_HEAD);
  });

  test("that do not follow, or make no sense, are refused", () => {
    const before = new Uint8Array(10);
    const after = before.slice();
    after[9] = 1;
    const delta = encodeFrame(0, 5, after, before);
    assert.isFalse(applyFrame(delta, before.slice(), 3));
    assert.isFalse(applyFrame(delta, new Uint8Array(9), 4));
    assert.isFalse(applyFrame(delta.subarray(0, 4), before.slice(), 4));
    assert.isFalse(applyFrame(encodeFrame(0, 5, after, undefined), new Uint8Array(11), 4));
    assert.isTrue(applyFrame(delta, before.slice(), 4));
  });

  test("count on from the largest number to 0", () => {
    const cells = new Uint8Array(4);
    assert.isTrue(applyFrame(encodeFrame(0, 0, cells, cells), cells, 0xffff_ffff));
  });
});
