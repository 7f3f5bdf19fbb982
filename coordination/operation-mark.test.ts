import { expect, test } from "vitest";
import { MARK_PLANNED, MARK_READY, markByte, markIn, OPERATION_MARKS } from "./operation-mark.ts";

/** Numbers of operations are an epoch and a count. */
const FIRST = 3 * 2 ** 40;

test("a mark is found again by its operation, and taken for no other's", () => {
  for (let mark = 1; mark < OPERATION_MARKS.length; mark++) {
    for (let nth = 0; nth < 100; nth++) {
      const byte = markByte(FIRST + nth, mark as 1);
      expect(byte).toBeLessThan(256);
      expect(markIn(byte, FIRST + nth)).toBe(mark);
      for (let other = nth + 1; other < nth + 32; other++)
        expect(markIn(byte, FIRST + other)).toBe(0);
    }
  }
});

test("of memory that nobody has written there is no mark", () => {
  for (let nth = 0; nth < 64; nth++) expect(markIn(0, FIRST + nth)).toBe(0);
  expect(markByte(FIRST, MARK_READY)).not.toBe(markByte(FIRST, MARK_PLANNED));
});
