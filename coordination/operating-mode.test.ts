import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MODES, ModeWatch, modeOf, type OperatingMode, rankOf } from "./operating-mode.ts";

const TOTAL = 30_000;

/** Spec 6.3 in its own words, over whole agents. */
function specified(active: number): OperatingMode {
  if (active >= 28_500) return "FULL";
  if (active >= 24_000) return "DEGRADED_LIGHT";
  if (active >= 18_000) return "DEGRADED_MODERATE";
  return active >= 9_000 ? "DEGRADED_SEVERE" : "EMERGENCY";
}

/** The mode after the count has stood for ten seconds. */
function settled(watch: ModeWatch, active: number, fromMs: number): OperatingMode {
  for (let ms = 0; ms <= 10_000; ms += 1_000) watch.look(active, TOTAL, fromMs + ms);
  return watch.mode;
}

describe("operating mode", () => {
  test("every one of the 30,001 counts means what the specification says", () => {
    const wrong: number[] = [];
    for (let active = 0; active <= TOTAL; active++) {
      if (modeOf(active, TOTAL) !== specified(active)) wrong.push(active);
    }
    expect(wrong).toEqual([]);
  });

  test("a mesh that gets worse is in the specified mode at each of the 30,001 counts", () => {
    const wrong: number[] = [];
    for (let active = 0; active <= TOTAL; active++) {
      if (settled(new ModeWatch(), active, 0) !== specified(active)) wrong.push(active);
    }
    expect(wrong).toEqual([]);
  });

  test("a mesh that gets better is in it once it is two points above the bound, at each of the 30,001 counts", () => {
    const wrong: number[] = [];
    for (let active = 0; active <= TOTAL; active++) {
      const watch = new ModeWatch();
      watch.force("EMERGENCY");
      const mode = settled(watch, active, 0);
      if (mode !== specified(Math.max(0, active - 600))) wrong.push(active);
    }
    expect(wrong).toEqual([]);
  });

  test("a dip shorter than five seconds changes nothing, one of five does", () => {
    const watch = new ModeWatch();
    watch.look(0, TOTAL, 0);
    expect(watch.look(0, TOTAL, 4_999)).toBe(false);
    expect(watch.look(TOTAL, TOTAL, 5_000)).toBe(false);
    watch.look(0, TOTAL, 6_000);
    expect(watch.look(0, TOTAL, 11_000)).toBe(true);
    expect(watch.mode).toBe("EMERGENCY");
  });

  test("a count that swings about a bound changes the mode once", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(28_500, 24_000, 18_000, 9_000),
        fc.array(
          fc.tuple(fc.integer({ min: -600, max: 599 }), fc.integer({ min: 1, max: 3_000 })),
          {
            maxLength: 200,
          },
        ),
        (bound, swings) => {
          const watch = new ModeWatch();
          watch.force(specified(bound));
          let changes = 0;
          let nowMs = 0;
          for (const [offset, waitMs] of swings) {
            nowMs += waitMs;
            if (watch.look(bound + offset, TOTAL, nowMs)) changes++;
          }
          expect(changes).toBeLessThanOrEqual(1);
        },
      ),
    );
  });

  test("each mode has the restrictions of those before it", () => {
    for (let rank = 1; rank < MODES.length; rank++) {
      const [before, limits] = [MODES[rank - 1].limits, MODES[rank].limits];
      expect(Number(limits.background)).toBeLessThanOrEqual(Number(before.background));
      expect(limits.patience).toBeGreaterThanOrEqual(before.patience);
      expect(limits.maxScatter).toBeLessThanOrEqual(before.maxScatter);
      expect(limits.leastPriority).toBeGreaterThanOrEqual(before.leastPriority);
      for (const key of ["healthyOnly", "approval", "halted"] as const)
        expect(Number(limits[key])).toBeGreaterThanOrEqual(Number(before[key]));
    }
    expect(MODES.map(({ mode }) => rankOf(mode))).toEqual([0, 1, 2, 3, 4]);
    expect(rankOf("NONE" as OperatingMode)).toBe(-1);
  });
});
