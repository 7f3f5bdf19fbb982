import { performance } from "node:perf_hooks";
import { expect, test } from "vitest";
import { systemClock } from "./clock.ts";

/** Two sums of doubles near 2^41 ms may differ in their last bits, and two calibrations by a microsecond. */
const TOLERANCE_MS = 0.005;

test("the clock tells the time that performance tells, and never goes back", () => {
  let last = 0;
  for (let i = 0; i < 10_000; i++) {
    const before = performance.timeOrigin + performance.now();
    const now = systemClock.nowMs();
    const after = performance.timeOrigin + performance.now();
    expect(now).toBeGreaterThanOrEqual(before - TOLERANCE_MS);
    expect(now).toBeLessThanOrEqual(after + TOLERANCE_MS);
    expect(now).toBeGreaterThanOrEqual(last);
    last = now;
  }
});
