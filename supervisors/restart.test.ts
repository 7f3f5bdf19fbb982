import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  backoffMs,
  completeSupervision,
  DEFAULT_SUPERVISION,
  restartGroup,
  type SupervisionOptions,
  wantsRestart,
} from "./restart.ts";
import { RestartHistory } from "./restart-history.ts";

const never = { next: () => 0 };
const always = { next: () => 0.999_999 };

describe("who is restarted", () => {
  test.each([
    ["permanent", [true, true, true]],
    ["transient", [false, false, true]],
    ["temporary", [false, false, false]],
  ] as const)("a %s child after a normal end, a shutdown, a failure", (type, expected) => {
    const reasons = ["normal", "shutdown", "failed"] as const;
    expect(reasons.map((reason) => wantsRestart(type, reason))).toEqual(expected);
  });

  test("is the child, all of them, or it and those after it", () => {
    expect(restartGroup("one-for-one", 1, 4)).toEqual([1]);
    expect(restartGroup("one-for-all", 1, 4)).toEqual([0, 1, 2, 3]);
    expect(restartGroup("rest-for-one", 1, 4)).toEqual([1, 2, 3]);
  });
});

describe("the back-off", () => {
  const { backoff } = DEFAULT_SUPERVISION;

  test("is nothing at first, then doubles up to its limit", () => {
    const waits = [0, 1, 2, 3, 4, 20, 5_000].map((earlier) => backoffMs(backoff, earlier, never));
    expect(waits).toEqual([0, 100, 200, 400, 800, 10_000, 10_000]);
  });

  test("is shortened by no more than the jitter", () => {
    expect(backoffMs(backoff, 1, always)).toBeCloseTo(50, 3);
    expect(backoffMs({ ...backoff, jitter: 0 }, 1, always)).toBe(100);
  });

  test("leaves chance alone when there is no wait", () => {
    const untouched = {
      next: () => {
        throw new Error("asked for chance");
      },
    };
    expect(backoffMs(backoff, 0, untouched)).toBe(0);
  });
});

describe("the history of restarts", () => {
  test("counts those within the window, up to the intensity, like a plain list", () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 60 });
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 6 }), (all, maxRestarts) => {
        const history = new RestartHistory({ maxRestarts, withinMs: 1_000 });
        const times: number[] = [];
        let nowMs = 0;
        for (const gap of all) {
          nowMs += gap;
          const inWindow = times.filter((time) => nowMs - time < 1_000).length;
          expect(history.recent(7, nowMs)).toBe(Math.min(inWindow, maxRestarts));
          history.note(7, nowMs);
          times.push(nowMs);
        }
      }),
    );
  });

  test("remembers only those that were restarted, until the window has passed", () => {
    const history = new RestartHistory({ maxRestarts: 3, withinMs: 1_000 });
    expect(history.recent(29_999, 0)).toBe(0);
    history.note(1, 0);
    history.note(2, 900);
    expect(history.size).toBe(2);
    history.prune(1_000);
    expect(history.size).toBe(1);
    history.forget(2);
    expect(history.size).toBe(0);
  });

  test("keeps nothing when no restart is allowed", () => {
    const history = new RestartHistory({ maxRestarts: 0, withinMs: 1_000 });
    history.note(1, 0);
    expect(history.size).toBe(0);
    expect(history.recent(1, 0)).toBe(0);
  });
});

describe("supervision options", () => {
  test("left out are the defaults", () => {
    expect(completeSupervision()).toEqual(DEFAULT_SUPERVISION);
    expect(completeSupervision({ intensity: { maxRestarts: 9 } }).intensity).toEqual({
      maxRestarts: 9,
      withinMs: 60_000,
    });
  });

  test.each<[SupervisionOptions, string]>([
    [{ strategy: "all" as never }, 'supervision.strategy: expected one of one-for-one, .*"all"'],
    [{ whenExceeded: "panic" as never }, "supervision.whenExceeded: expected one of quarantine"],
    [{ intensity: { maxRestarts: -1 } }, "supervision.intensity.maxRestarts: .*got -1"],
    [{ intensity: { maxRestarts: 1.5 } }, "supervision.intensity.maxRestarts: .*got 1.5"],
    [{ intensity: { withinMs: 0 } }, "supervision.intensity.withinMs: expected ms above 0, got 0"],
    [{ backoff: { firstMs: Number.NaN } }, "supervision.backoff.firstMs: .*got NaN"],
    [{ backoff: { factor: 0.5 } }, "supervision.backoff.factor: .*got 0.5"],
    [{ backoff: { maxMs: 99 } }, "supervision.backoff.maxMs: expected ms from 100 .*got 99"],
    [{ backoff: { jitter: 2 } }, "supervision.backoff.jitter: .*got 2"],
  ])("that make no sense are refused by name: %j", (options, sentence) => {
    expect(() => completeSupervision(options)).toThrow(RangeError);
    expect(() => completeSupervision(options)).toThrow(new RegExp(sentence));
  });
});
