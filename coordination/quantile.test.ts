import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { p95InPlace, p95Needs, p95OfTop } from "./quantile.ts";

/** Values and what `statistics.quantiles(values, n=20)[18]` of Python 3.11 says of them. */
const PYTHON: readonly (readonly [number, readonly number[]])[] = [
  [1245.55, [463, 886]],
  [1001.2, [573, 877, 946]],
  [
    877.6,
    [799, 476, 462, 520, 875, 601, 194, 189, 823, 524, 487, 644, 628, 812, 190, 96, 457, 310],
  ],
  [
    987.0,
    [145, 92, 551, 829, 911, 710, 649, 42, 609, 405, 987, 463, 669, 756, 630, 665, 161, 638, 15],
  ],
  [
    898.1,
    [
      851, 541, 64, 60, 36, 194, 900, 247, 614, 30, 796, 475, 334, 451, 605, 862, 200, 531, 239,
      655,
    ],
  ],
  [
    944.6,
    [
      301, 511, 4, 678, 87, 468, 670, 284, 416, 564, 954, 860, 85, 724, 260, 322, 776, 235, 525,
      295, 30,
    ],
  ],
  [
    963.4,
    [
      71, 576, 784, 110, 410, 110, 866, 297, 395, 68, 981, 17, 867, 701, 0, 218, 214, 949, 932, 53,
      481, 384, 725, 406, 429, 74, 579, 644, 203, 797,
    ],
  ],
  [
    937.6,
    [
      691, 276, 344, 89, 318, 340, 15, 987, 419, 776, 944, 120, 137, 252, 723, 103, 11, 61, 476,
      816, 498, 181, 698, 572, 192, 458, 521, 195, 749, 787, 134, 429, 659, 392, 119, 404, 430, 217,
      0, 276,
    ],
  ],
];

describe("95th percentile", () => {
  test.each(PYTHON)("is %d, as in Python", (expected, values) => {
    expect(p95InPlace(Float64Array.from(values))).toBeCloseTo(expected, 9);
  });

  test("of the few largest values is that of all of them", () => {
    const values = fc.array(fc.integer({ min: 0, max: 1_000 }), { maxLength: 300 });
    fc.assert(
      fc.property(values, (some) => {
        const top = [...some].sort((left, right) => right - left).slice(0, p95Needs(some.length));
        expect(p95OfTop(Float64Array.from(top), some.length)).toBe(
          p95InPlace(Float64Array.from(some)),
        );
      }),
    );
  });

  test("of fewer values never needs more of them, and 64 places do for a cluster of 1,000", () => {
    for (let count = 1; count <= 1_000; count++) {
      expect(p95Needs(count)).toBeGreaterThanOrEqual(p95Needs(count - 1));
    }
    expect(p95Needs(30)).toBe(2);
    expect(p95Needs(1_000)).toBeLessThanOrEqual(64);
  });

  test("of one value is the value, and of none 0", () => {
    expect(p95InPlace(Float64Array.of(7))).toBe(7);
    expect(p95InPlace(new Float64Array(0))).toBe(0);
    expect(p95OfTop(Float64Array.of(7), 1)).toBe(7);
    expect(p95OfTop(new Float64Array(1), 0)).toBe(0);
  });
});
