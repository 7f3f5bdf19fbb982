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

test("a wheel that has stood still fires what it had as much later, and what was scheduled meanwhile in time", () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 12_000 }), fc.boolean()), {
    maxLength: 60,
  });
  const times = fc.tuple(fc.integer({ min: 0, max: 9000 }), fc.constantFrom(1, 4));
  fc.assert(
    fc.property(steps, times, fc.boolean(), (timers, [stoodMs, ticksPerMs], shift) => {
      const startMs = 5000.25;
      const wheel = new TimerWheel(startMs, ticksPerMs);
      const firedAt = new Map<number, number>();
      const target = { onTimer: (data: number, nowMs: number) => void firedAt.set(data, nowMs) };
      const due = timers.map(([delayMs, before], key) => {
        if (!before) return startMs + 10 + delayMs;
        wheel.schedule(startMs + delayMs + 1, target, key);
        return startMs + delayMs + 1 + (shift ? stoodMs : 0);
      });
      wheel.stop(startMs);
      for (const [key, [, before]] of timers.entries())
        if (!before) wheel.schedule(due[key], target, key);
      expect(wheel.nextDueMs(startMs)).toBe(Number.POSITIVE_INFINITY);
      expect(wheel.advance(startMs + stoodMs)).toBe(0);
      wheel.go(startMs + stoodMs, shift);
      for (let nowMs = startMs + stoodMs; nowMs < startMs + 30_000; nowMs += 1)
        wheel.advance(nowMs);
      expect(firedAt.size).toBe(timers.length);
      for (const [key, dueMs] of due.entries()) {
        const atMs = firedAt.get(key) as number;
        const earliestMs = Math.max(dueMs, startMs + stoodMs);
        expect(atMs).toBeGreaterThanOrEqual(earliestMs - 1);
        expect(atMs).toBeLessThanOrEqual(earliestMs + 3);
      }
    }),
    { numRuns: 60 },
  );
});
