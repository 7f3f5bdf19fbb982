import fc from "fast-check";
import { expect, test } from "vitest";
import { TimeSlots } from "./time-slots.ts";

const counting = () => new TimeSlots(10, 3, () => ({ count: 0 }));

test("times of one span share what belongs to it", () => {
  const slots = counting();
  const first = slots.at(10);
  expect(slots.at(19.9)).toBe(first);
  expect(slots.at(20)).not.toBe(first);
});

test("a new span takes the place of the oldest, which does not come back", () => {
  const slots = counting();
  for (const time of [0, 10, 20, 30]) slots.at(time);
  expect(slots.at(5)).toBeUndefined();
  expect(slots.until(35).map(({ fromMs }) => fromMs)).toEqual([10, 20, 30]);
});

test("what is too old, or to come, is not listed, though nothing has taken its place", () => {
  const slots = counting();
  slots.at(0);
  slots.at(10);
  expect(slots.until(39).map(({ fromMs }) => fromMs)).toEqual([10]);
  expect(slots.until(9).map(({ fromMs }) => fromMs)).toEqual([0]);
  expect(slots.until(1000)).toEqual([]);
});

test("every event of the last spans is counted once, in whatever order they come", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(100)), (times) => {
      const slots = counting();
      for (const time of times) {
        const slot = slots.at(time);
        if (slot !== undefined) slot.count++;
      }
      const now = Math.max(0, ...times);
      const first = Math.floor(now / 10) - 2;
      const recent = times.filter((time) => Math.floor(time / 10) >= first).length;
      const counted = slots.until(now).reduce((sum, { value }) => sum + value.count, 0);
      expect(counted).toBe(recent);
    }),
  );
});

test("refuses sizes that make no sense", () => {
  expect(() => new TimeSlots(0, 3, () => 0)).toThrow("spanMs: expected");
  expect(() => new TimeSlots(10, 0, () => 0)).toThrow("capacity: expected");
});

test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])("%s is no time", (timeMs) => {
  expect(() => counting().at(timeMs)).toThrow(`timeMs: expected a time from 0 ms, got ${timeMs}`);
});
