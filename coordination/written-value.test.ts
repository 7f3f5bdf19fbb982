import fc from "fast-check";
import { assert, test } from "vitest";
import { readValue, writeValue } from "./written-value.ts";

const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.constant(undefined),
    fc.bigInt(),
    fc.date({ noInvalidDate: true }),
    fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(
      fc.oneof(fc.string(), fc.constantFrom("$date", "$bytes", "$object", "$undefined", "10", "9")),
      tie("value"),
      { maxKeys: 4, noNullPrototype: true },
    ),
  ),
})).value;

test("what is written is read as it was", () => {
  fc.assert(
    fc.property(value, (written) => {
      assert.deepEqual(readValue(writeValue(written)), written);
    }),
    { numRuns: 500 },
  );
});

test("equal values are written alike, in whatever order their members came", () => {
  assert.equal(writeValue({ b: 1, a: { d: 2, c: 3 } }), writeValue({ a: { c: 3, d: 2 }, b: 1 }));
  assert.notEqual(writeValue({ a: 1 }), writeValue({ a: "1" }));
  assert.notEqual(writeValue(undefined), writeValue({ $undefined: true }));
});

test("what is no data, and what has no end, is refused", () => {
  assert.throws(() => writeValue(() => 1), TypeError);
  const circle: { self?: unknown } = {};
  circle.self = circle;
  assert.throws(() => writeValue(circle), TypeError);
});
