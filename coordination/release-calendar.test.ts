import fc from "fast-check";
import { expect, test } from "vitest";
import { ReleaseCalendar } from "./release-calendar.ts";

test("a free moment is given as it was asked for", () => {
  const calendar = new ReleaseCalendar(2);
  expect(calendar.reserve(100.25, 0)).toBe(100.25);
  expect(calendar.reserve(100.75, 0)).toBe(100.75);
});

test("who finds a moment taken goes earlier, never later and never before now", () => {
  const times = fc.array(fc.integer({ min: 50, max: 400 }), { maxLength: 400 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), times, (perMs, dues) => {
      const calendar = new ReleaseCalendar(perMs);
      const taken = new Map<number, number>();
      for (const due of dues) {
        const at = calendar.reserve(due, 10);
        expect(at).toBeLessThanOrEqual(due);
        const ms = Math.floor(at);
        taken.set(ms, (taken.get(ms) ?? 0) + 1);
        if (taken.get(ms) === perMs + 1) expect(at).toBe(due);
      }
      // Nobody is moved while there is room at their moment.
      const free = new ReleaseCalendar(1000);
      for (const due of dues) expect(free.reserve(due, 10)).toBe(due);
    }),
  );
});

test("when nothing is left between now and then, it is as it was asked for", () => {
  const calendar = new ReleaseCalendar(1);
  expect([0, 1, 2].map(() => Math.floor(calendar.reserve(102.5, 100)))).toEqual([102, 101, 100]);
  expect(calendar.reserve(102.5, 100)).toBe(102.5);
});

test("old moments are forgotten", () => {
  const calendar = new ReleaseCalendar(1);
  calendar.reserve(5, 0);
  expect(calendar.reserve(5 + 8192, 8000)).toBe(5 + 8192);
});

test("a rate that is none is refused", () => {
  expect(() => new ReleaseCalendar(0)).toThrow(
    "perMs: expected a whole number from 1 to 65535, got 0",
  );
});
