import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FailureGrowth, GROWTH_WINDOW_MS } from "./failure-growth.ts";

/** The number of the window in which failures were first said to spread; −1 if never. */
function spreadsIn(counts: readonly number[], growth = new FailureGrowth()): number {
  for (const [window, count] of counts.entries()) {
    for (let i = 0; i < count; i++) {
      if (growth.fail(window * GROWTH_WINDOW_MS + (i / count) * GROWTH_WINDOW_MS)) return window;
    }
  }
  return -1;
}

describe("failure growth", () => {
  test.each([
    ["doubling thrice is exponential", [3, 6, 12, 24], 3],
    ["growing faster too, before the window is over", [1, 5, 25, 125], 3],
    ["a steady rate is none", [40, 40, 40, 40, 40, 40], -1],
    ["nor is a linear rise", [10, 20, 30, 40, 50, 60], -1],
    ["nor one blow, however hard", [0, 0, 10_000, 0, 0], -1],
    ["nor doubling of what chance brings", [1, 2, 4, 8], -1],
    ["nor a rise with a pause", [3, 6, 0, 24, 48], -1],
    ["nor a fall", [200, 100, 50, 25], -1],
  ])("%s", (_name, counts, window) => {
    expect(spreadsIn(counts)).toBe(window);
  });

  test("it is told once, and again when it was over in between", () => {
    const growth = new FailureGrowth();
    let told = 0;
    const rise = [3, 6, 12, 24, 48, 96, 0, 0, 3, 6, 12, 24];
    for (const [window, count] of rise.entries()) {
      for (let i = 0; i < count; i++) if (growth.fail(window * GROWTH_WINDOW_MS)) told++;
    }
    expect(told).toBe(2);
  });

  test("whatever doubles from window to window is found, whatever never does is not", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 3, max: 40 }),
        fc.integer({ min: 20, max: 50 }),
        (first, more) => {
          const doubling = [0, 1, 2, 3].map((n) => Math.ceil(first * (more / 10) ** n));
          expect(spreadsIn(doubling)).toBe(3);
          const slow = [0, 1, 2, 3, 4, 5].map((n) => Math.floor(first * 1.4 ** n));
          expect(spreadsIn(slow)).toBe(-1);
        },
      ),
    );
  });
});
