import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Histogram, type HistogramJson } from "./histogram.ts";

const of = (...values: number[]): Histogram => {
  const histogram = new Histogram();
  for (const value of values) histogram.add(value);
  return histogram;
};

const duration = fc.oneof(
  fc.double({ min: 0, max: 0.1, noNaN: true }),
  fc.double({ min: 0, max: 2000, noNaN: true }),
  fc.double({ min: 0, max: 4e9, noNaN: true }),
  fc.nat(100),
);
const durations = fc.array(duration, { minLength: 1, maxLength: 60 });

describe("a histogram of nothing", () => {
  test("knows nothing", () => {
    const histogram = new Histogram();
    expect(histogram.count).toBe(0);
    for (const unknown of [histogram.mean, histogram.min, histogram.max]) expect(unknown).toBeNaN();
    expect(histogram.quantile(0.5)).toBeNaN();
    expect(histogram.shareWithin(50)).toBeNaN();
  });
});

describe("quantiles", () => {
  test("of one value are that value, whatever its size", () => {
    for (const value of [0, 1e-9, 0.004, 0.01, 1, 50, 86_400_000, 2 ** 32, 1e15])
      for (const q of [0, 0.5, 1]) expect(of(value).quantile(q)).toBe(value);
  });

  test("of any values are within 1.6 % of the value with that rank", () => {
    fc.assert(
      fc.property(durations, fc.double({ min: 0, max: 1, noNaN: true }), (values, q) => {
        const sorted = values.toSorted((a, b) => a - b);
        const exact = sorted[Math.max(0, Math.ceil(q * values.length) - 1)];
        const found = of(...values).quantile(q);
        expect(Math.abs(found - exact)).toBeLessThanOrEqual(Math.max(0.0079, exact * 0.016));
      }),
    );
  });

  test("rise with the share", () => {
    fc.assert(
      fc.property(durations, (values) => {
        const histogram = of(...values);
        const found = [0, 0.1, 0.5, 0.9, 0.99, 1].map((q) => histogram.quantile(q));
        expect(found).toEqual(found.toSorted((a, b) => a - b));
        expect(found[0]).toBe(Math.min(...values));
        expect(found[5]).toBeLessThanOrEqual(Math.max(...values));
      }),
    );
  });

  test.each([-0.1, 1.1, Number.NaN])("%s is no share", (q) => {
    expect(() => of(1).quantile(q)).toThrow(`q: expected a share from 0 to 1, got ${q}`);
  });
});

describe("the share within a time", () => {
  test("counts what lies below, and the own bucket in part", () => {
    const histogram = of(...Array.from({ length: 1000 }, (_, i) => i / 10));
    expect(histogram.shareWithin(-1)).toBe(0);
    expect(histogram.shareWithin(50)).toBeCloseTo(0.5, 2);
    expect(histogram.shareWithin(25)).toBeCloseTo(0.25, 2);
    expect(histogram.shareWithin(99.9)).toBe(1);
    expect(histogram.shareWithin(Number.POSITIVE_INFINITY)).toBe(1);
  });

  test("is off by the values of one bucket at most, and rises with the time", () => {
    fc.assert(
      fc.property(durations, duration, (values, ms) => {
        const histogram = of(...values);
        const below = values.filter((value) => value < Math.max(0, ms * 0.968 - 0.0079)).length;
        const notAbove = values.filter((value) => value <= ms * 1.032 + 0.0079 || ms >= 2 ** 31);
        const share = histogram.shareWithin(ms);
        if (ms < 2 ** 31) expect(share).toBeGreaterThanOrEqual(below / values.length - 1e-12);
        expect(share).toBeLessThanOrEqual(notAbove.length / values.length + 1e-12);
        expect(histogram.shareWithin(ms * 1.01 + 1)).toBeGreaterThanOrEqual(share);
      }),
    );
  });
});

describe("what is exact", () => {
  test("count, mean and extremes", () => {
    const histogram = of(3, 1, 8);
    expect([histogram.count, histogram.mean, histogram.min, histogram.max]).toEqual([3, 4, 1, 8]);
  });

  test("a value added many times is as many values", () => {
    const histogram = of(10);
    histogram.add(30, 3);
    expect(histogram.count).toBe(4);
    expect(histogram.mean).toBe(25);
    expect(histogram.toJSON()).toEqual(of(10, 30, 30, 30).toJSON());
  });
});

describe("merging", () => {
  test("two histograms give the histogram of both", () => {
    fc.assert(
      fc.property(durations, durations, (left, right) => {
        const merged = of(...left);
        merged.merge(of(...right));
        const both = of(...left, ...right);
        expect(merged.toJSON().buckets).toEqual(both.toJSON().buckets);
        expect(merged.count).toBe(both.count);
        expect(merged.max).toBe(both.max);
        expect(merged.min).toBe(both.min);
        expect(Math.abs(merged.mean - both.mean)).toBeLessThanOrEqual(both.mean * 1e-12);
      }),
    );
  });

  test("an empty one changes nothing", () => {
    const histogram = of(1, 2, 3);
    const before = histogram.toJSON();
    histogram.merge(new Histogram());
    expect(histogram.toJSON()).toEqual(before);
  });

  test("after clearing there is nothing left", () => {
    const histogram = of(1, 2, 3);
    histogram.clear();
    expect(histogram.toJSON()).toEqual(new Histogram().toJSON());
    expect(histogram.max).toBeNaN();
  });
});

describe("as JSON", () => {
  test("comes back as it was", () => {
    fc.assert(
      fc.property(fc.array(duration), (values) => {
        const json = JSON.stringify(of(...values));
        expect(JSON.stringify(Histogram.fromJSON(JSON.parse(json)))).toBe(json);
      }),
    );
  });

  test("is short where there is little", () => {
    expect(JSON.stringify(of(1, 1, 1000)).length).toBeLessThan(100);
  });

  const good: HistogramJson = of(1, 2).toJSON();
  test.each([
    [null, "histogram.version: expected 1, got undefined"],
    [{ ...good, version: 2 }, "histogram.version: expected 1, got 2"],
    [{ ...good, count: 3 }, "histogram.count: expected the sum of its buckets, 2, got 3"],
    [{ ...good, buckets: [1] }, "histogram.buckets: expected a flat list of pairs"],
    [{ ...good, buckets: [1249, 2] }, "expected rising buckets below 1249"],
    [{ ...good, buckets: [3, 1, 0, 1] }, "expected rising buckets"],
    [{ ...good, buckets: [3, 1, -2, 1] }, "expected rising buckets"],
    [{ ...good, buckets: [-1, 2] }, "expected rising buckets"],
    [{ ...good, buckets: [3, -2] }, "histogram.buckets: expected a count above 0, got -2"],
    [{ ...good, sum: -1 }, "histogram.sum: expected a duration from 0 ms, got -1"],
    [{ ...good, max: Number.NaN }, "histogram.max: expected a duration from 0 ms, got NaN"],
  ])("%o is refused", (json, message) => {
    expect(() => Histogram.fromJSON(json as never)).toThrow(message);
  });
});

test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])("%s ms is no duration", (ms) => {
  expect(() => new Histogram().add(ms)).toThrow(`ms: expected a duration from 0 ms, got ${ms}`);
});

test.each([0, -1, Number.NaN])("a count of %s is none", (count) => {
  expect(() => new Histogram().add(1, count)).toThrow(`count: expected a count above 0`);
});

describe("counts below bounds", () => {
  // Each is a multiple of a 32nd of the power of two below it, where a bucket ends.
  const BOUNDS = [1, 2.5, 5, 10, 25, 50, 100, 200, 400, 800, 1_600, 3_200, 6_400];

  test("are exact where a bucket ends, and never fall as values are added", () => {
    fc.assert(
      fc.property(durations, (values) => {
        const histogram = new Histogram();
        let before = BOUNDS.map(() => 0);
        for (const [n, value] of values.entries()) {
          histogram.add(value);
          const counts = histogram.countsBelow(BOUNDS);
          const seen = values.slice(0, n + 1);
          expect(counts).toEqual(BOUNDS.map((bound) => seen.filter((each) => each < bound).length));
          for (const [i, count] of counts.entries())
            expect(count).toBeGreaterThanOrEqual(before[i]);
          before = counts;
        }
      }),
    );
  });

  test("of nothing are 0, and the sum is exact", () => {
    expect(new Histogram().countsBelow([1, 2])).toEqual([0, 0]);
    expect(of(1, 2.25, 4).sum).toBe(7.25);
  });
});
