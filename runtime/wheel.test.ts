import fc from "fast-check";
import { expect, test } from "vitest";
import { TimerWheel } from "./wheel.ts";

test("every timer fires once, not before it is due and at the first advance after, unless cancelled", () => {
  const command = fc.oneof(
    fc.record({
      kind: fc.constant("schedule" as const),
      delay: fc.integer({ min: 0, max: 20_000 }),
    }),
    fc.record({ kind: fc.constant("advance" as const), by: fc.integer({ min: 0, max: 9_000 }) }),
    fc.record({ kind: fc.constant("cancel" as const), which: fc.nat(50) }),
  );
  fc.assert(
    fc.property(fc.array(command, { maxLength: 200 }), (commands) => {
      let now = 1_000_000.5;
      const wheel = new TimerWheel(now);
      const model = new Map<number, { due: number; id: number }>();
      const fired: number[] = [];
      const target = { onTimer: (data: number) => void fired.push(data) };
      let key = 0;
      for (const step of commands) {
        if (step.kind === "schedule") {
          const due = now + step.delay;
          model.set(key, { due, id: wheel.schedule(due, target, key) });
          key++;
        } else if (step.kind === "cancel") {
          const entry = [...model][step.which];
          if (entry) {
            expect(wheel.cancel(entry[1].id)).toBe(true);
            expect(wheel.cancel(entry[1].id)).toBe(false);
            model.delete(entry[0]);
          }
        } else {
          const next = wheel.nextDueMs(now);
          const earliest = Math.min(...[...model.values()].map((timer) => timer.due));
          if (model.size > 0) expect(next + now).toBeLessThan(earliest + 2);
          now += step.by;
          fired.length = 0;
          wheel.advance(now);
          for (const data of fired) {
            expect(model.get(data)?.due).toBeLessThanOrEqual(now);
            model.delete(data);
          }
          for (const timer of model.values()) expect(timer.due).toBeGreaterThan(now - 1);
        }
        expect(wheel.size).toBe(model.size);
      }
    }),
    { numRuns: 300 },
  );
});

test("a timer may cancel another of its own tick, and schedule new ones while it fires", () => {
  const wheel = new TimerWheel(0);
  const fired: string[] = [];
  let second = 0;
  wheel.schedule(
    5,
    {
      onTimer: () => {
        fired.push("first");
        wheel.cancel(second);
        wheel.schedule(5, { onTimer: () => void fired.push("again") }, 0);
      },
    },
    0,
  );
  second = wheel.schedule(5, { onTimer: () => void fired.push("second") }, 0);
  wheel.advance(5);
  expect(fired).toEqual(["first"]);
  wheel.advance(6);
  expect(fired).toEqual(["first", "again"]);
});

test("a due time that is no time is refused with its value", () => {
  expect(() => new TimerWheel(0).schedule(Number.NaN, { onTimer: () => {} }, 0)).toThrow(
    "dueMs=NaN",
  );
});

test("fires no more than asked for, in order, and the rest at the next call", () => {
  const wheel = new TimerWheel(0);
  const fired: number[] = [];
  for (let i = 0; i < 10; i++)
    wheel.schedule(i < 7 ? 5 : 6, { onTimer: (data) => void fired.push(data) }, i);
  expect(wheel.advance(9, 4)).toBe(4);
  expect(fired).toEqual([0, 1, 2, 3]);
  // What is scheduled now for a time that has passed fires with the rest, not a turn of the wheel later.
  wheel.schedule(2, { onTimer: (data) => void fired.push(data) }, 10);
  expect(wheel.nextDueMs(9)).toBeLessThanOrEqual(0);
  expect(wheel.advance(9, 4)).toBe(4);
  expect(wheel.advance(9, 4)).toBe(3);
  expect(fired).toEqual([0, 1, 2, 3, 4, 5, 6, 10, 7, 8, 9]);
  expect(wheel.advance(9, 4)).toBe(0);
  expect(wheel.size).toBe(0);
});
