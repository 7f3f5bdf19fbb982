import fc from "fast-check";
import { expect, test } from "vitest";
import { ClockOffsetFilter } from "./clock-offset.ts";

/** Exchanges with a clock that is `offset` ahead: way out, time there, way back. */
function exchange(
  filter: ClockOffsetFilter,
  offset: number,
  out: number,
  work: number,
  back: number,
  at = 1000,
): boolean {
  const t1 = at + out + offset;
  return filter.observe(at, t1, t1 + work, at + out + work + back);
}

test("nothing is known before the first exchange", () => {
  expect(new ClockOffsetFilter().read()).toBeUndefined();
});

test("with ways of equal length the offset is exact", () => {
  const filter = new ClockOffsetFilter();
  exchange(filter, -250, 20, 5, 20);
  const read = filter.read();
  expect(read?.offsetMs).toBeCloseTo(-250, 9);
  expect(read?.rttMs).toBeCloseTo(40, 9);
  expect(read?.errorMs).toBeCloseTo(20, 9);
});

test("the true offset is never further off than the bound, whatever the ways", () => {
  const way = fc.double({ min: 1, max: 500, noNaN: true });
  fc.assert(
    fc.property(
      fc.double({ min: -1e6, max: 1e6, noNaN: true }),
      fc.array(fc.tuple(way, way, way), { minLength: 1, maxLength: 100 }),
      (offset, ways) => {
        // No way is shorter than 1 ms, so no round trip than 2.
        const filter = new ClockOffsetFilter({ memory: 8, floorMs: 2 });
        for (const [out, work, back] of ways) exchange(filter, offset, out, work, back);
        const read = filter.read();
        if (read === undefined) throw new Error("something must be known");
        expect(Math.abs(read.offsetMs - offset)).toBeLessThanOrEqual(read.errorMs + 1e-6);
        const last = ways.slice(-8).map(([out, , back]) => out + back);
        expect(read.rttMs).toBeCloseTo(Math.min(...last), 6);
        expect(read.exchanges).toBe(last.length);
      },
    ),
  );
});

test("a clock that was set is followed once the old exchanges are forgotten", () => {
  const filter = new ClockOffsetFilter({ memory: 8 });
  for (let i = 0; i < 8; i++) exchange(filter, 5, 1, 0, 1);
  for (let i = 0; i < 8; i++) exchange(filter, 900, 30, 0, 30);
  expect(filter.read()?.offsetMs).toBeCloseTo(900, 9);
});

test("what cannot have happened is passed over", () => {
  const filter = new ClockOffsetFilter();
  expect(filter.observe(10, 5, 4, 20)).toBe(false);
  expect(filter.observe(10, 0, 50, 20)).toBe(false);
  expect(filter.observe(Number.NaN, 0, 0, 1)).toBe(false);
  expect(filter.observe(0, 0, 0, Number.POSITIVE_INFINITY)).toBe(false);
  expect(filter.read()).toBeUndefined();
});

test("a memory or a floor that is none is refused", () => {
  expect(() => new ClockOffsetFilter({ memory: 4 })).toThrow("memory: expected a whole number");
  expect(() => new ClockOffsetFilter({ floorMs: -1 })).toThrow("floorMs: expected a time");
});
