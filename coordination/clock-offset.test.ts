import fc from "fast-check";
import { expect, test } from "vitest";
import { ClockOffset } from "./clock-offset.ts";

const ms = (max: number): fc.Arbitrary<number> => fc.double({ min: 0, max, noNaN: true });

test("the true offset is within the bound, however the ways there and back differ", () => {
  const exchange = fc.record({ there: ms(500), work: ms(100), back: ms(500) });
  fc.assert(
    fc.property(
      fc.double({ min: -1e6, max: 1e6, noNaN: true }),
      fc.array(exchange, { minLength: 1, maxLength: 30 }),
      (offsetMs, exchanges) => {
        const clock = new ClockOffset();
        let t0 = 1_700_000_000_000;
        for (const { there, work, back } of exchanges) {
          const t1 = t0 + there + offsetMs;
          expect(clock.observe(t0, t1, t1 + work, t0 + there + work + back)).toBe(true);
          t0 += 5000;
        }
        const reading = clock.reading;
        if (reading === undefined) throw new Error("nothing is believed");
        expect(Math.abs(reading.offsetMs - offsetMs)).toBeLessThanOrEqual(reading.boundMs + 0.01);
        const shortest = Math.min(...exchanges.slice(-8).map(({ there, back }) => there + back));
        expect(reading.boundMs).toBeCloseTo(shortest / 2, 2);
      },
    ),
  );
});

test("an exchange that is out of the window is forgotten, and with it a clock that was set anew", () => {
  const clock = new ClockOffset(2);
  clock.observe(0, 1001, 1001, 2);
  expect(clock.reading).toEqual({ offsetMs: 1000, boundMs: 1 });
  for (const t0 of [5000, 10_000]) clock.observe(t0, t0 + 50, t0 + 50, t0 + 20);
  expect(clock.reading).toEqual({ offsetMs: 40, boundMs: 10 });
});

test("times that cannot be are passed over", () => {
  const clock = new ClockOffset();
  expect(clock.reading).toBeUndefined();
  expect(clock.observe(10, 5, 5, 0)).toBe(false);
  expect(clock.observe(0, 5, 4, 10)).toBe(false);
  expect(clock.observe(0, Number.NaN, 4, 10)).toBe(false);
  expect(clock.observe(0, 0, 100, 50)).toBe(false);
  expect(clock.reading).toBeUndefined();
  expect(() => new ClockOffset(0)).toThrow(
    "exchanges: expected a whole number from 1 to 64, got 0",
  );
});
