import { assert, test } from "vitest";
import { compareBranches } from "./branch-comparison.ts";

test("what both have is the same, what one lacks is no contradiction, and both are put together", () => {
  const found = compareBranches({ a: 1, deep: { b: 2 } }, { a: 1, deep: { c: 3 } });
  assert.equal(found.same, 1);
  assert.deepEqual(found.onlyExpected, ["deep.b"]);
  assert.deepEqual(found.onlyReceived, ["deep.c"]);
  assert.isEmpty(found.contradictions);
  assert.deepEqual(found.merged, { a: 1, deep: { b: 2, c: 3 } });
});

test("what both have and differ in contradicts, at its place", () => {
  const { contradictions } = compareBranches({ a: { b: [1, 2] } }, { a: { b: [1, 3] } });
  assert.deepEqual(contradictions, [{ path: "a.b", expected: [1, 2], received: [1, 3] }]);
  assert.equal(compareBranches(1, 2).contradictions[0].path, "");
});
