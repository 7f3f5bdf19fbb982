import fc from "fast-check";
import { expect, test } from "vitest";
import { densestInterval, REACH_MS } from "./densest-interval.ts";
import { fadingQuantile, insertFading } from "./fading-sample.ts";
import { marginAt, probabilityAt } from "./margin-curve.ts";
import { decodeShort, encodeShort } from "./short-float.ts";

const SIZE = 16;

function sampleOf(values: readonly number[], size = SIZE): { codes: Int16Array; held: number } {
  const codes = new Int16Array(size + 2).fill(7);
  for (const [turn, value] of values.entries())
    insertFading(codes, 1, size, Math.min(turn, size), turn, encodeShort(value));
  return { codes, held: Math.min(values.length, size) };
}

test("codes order as their values do, and lose less than a thousandth", () => {
  const time = fc.double({ min: -1e7, max: 1e7, noNaN: true });
  fc.assert(
    fc.property(time, time, (a, b) => {
      if (a <= b) expect(encodeShort(a)).toBeLessThanOrEqual(encodeShort(b));
      expect(Math.abs(decodeShort(encodeShort(a)) - a)).toBeLessThanOrEqual(
        Math.max(Math.abs(a) / 1000, 1 / 64),
      );
    }),
  );
  for (let code = -32_767; code <= 32_767; code += 13)
    expect(encodeShort(decodeShort(code))).toBe(code);
});

test("a sample stays sorted, holds only what was put in, and touches no neighbour", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1e4, noNaN: true })), (values) => {
      const { codes, held } = sampleOf(values);
      const own = [...codes.subarray(1, 1 + held)];
      expect(own).toEqual([...own].sort((a, b) => a - b));
      const known = new Set(values.map(encodeShort));
      for (const code of own) expect(known.has(code)).toBe(true);
      expect([codes[0], codes[SIZE + 1]]).toEqual([7, 7]);
      if (held < SIZE) expect(codes[held + 1]).toBe(7);
    }),
  );
});

test("what was once everywhere fades as a moving average does", () => {
  const { codes, held } = sampleOf([...Array(200).fill(100), ...Array(SIZE).fill(300)]);
  const old = [...codes.subarray(1, 1 + held)].filter((code) => decodeShort(code) === 100);
  // After as many messages as it has members 1/e are left; about a third, not all and not none.
  expect(old.length).toBeGreaterThan(2);
  expect(old.length).toBeLessThan(10);
  const later = sampleOf([...Array(200).fill(100), ...Array(8 * SIZE).fill(300)]);
  expect(decodeShort(later.codes[1])).toBe(300);
});

test("quantiles of a steady sequence are those of what it draws from", () => {
  const values = Array.from({ length: 2000 }, (_, i) => ((i * 7919) % 1000) + 1);
  const { codes, held } = sampleOf(values, 62);
  for (const q of [0.1, 0.5, 0.9])
    expect(Math.abs(fadingQuantile(codes, 1, held, q) - 1000 * q)).toBeLessThan(60);
});

test("no interval of the same width holds more values than the densest one", () => {
  const time = fc.integer({ min: 0, max: 800 });
  fc.assert(
    fc.property(fc.array(time, { minLength: 1, maxLength: 40 }), (values) => {
      const codes = Int16Array.from(values, encodeShort).sort();
      const sorted = [...codes].map(decodeShort);
      const within = (centre: number): number =>
        sorted.filter((value) => Math.abs(value - centre) <= REACH_MS + 1e-9).length;
      const found = within(densestInterval(codes, 0, codes.length));
      for (const low of sorted) expect(found).toBeGreaterThanOrEqual(within(low + REACH_MS));
    }),
  );
});

test("the curve of margins runs through them, and back", () => {
  const knots = { 0.5: 0, 0.9: 10, 0.95: 20, 0.99: 50 };
  for (const [q, margin] of Object.entries(knots))
    expect(marginAt(Number(q), 10, 20, 50)).toBeCloseTo(margin, 9);
  const margin = fc.double({ min: 0.1, max: 1000, noNaN: true });
  fc.assert(
    fc.property(
      margin,
      margin,
      margin,
      fc.double({ min: 0.5, max: 0.9999, noNaN: true }),
      (...x) => {
        const [a, b, c, q] = x;
        const back = probabilityAt(marginAt(q, a, a + b, a + b + c), a, a + b, a + b + c);
        expect(back).toBeCloseTo(q, 6);
      },
    ),
  );
});
