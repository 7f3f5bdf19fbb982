import { expect, test } from "vitest";
import { type Bench, type Contestant, median, percentile, runBench } from "./harness.ts";

const constant =
  (...values: number[]): Contestant =>
  async (measured) =>
    measured("perSecond", values.length > 1 ? (values.shift() as number) : values[0]);

function bench(ours: Contestant, peers: Bench["peers"] = {}): Bench {
  const metrics = { perSecond: { unit: "1/s", better: "more" } } as const;
  return { name: "sample", question: "?", metrics, ours, peers };
}

test("a figure holds the median, the extremes and the medians of the peers that measured", async () => {
  const subject = bench(constant(3, 1, 2), { other: constant(7), absent: async () => {} });
  expect(await runBench(subject, 3, () => {})).toEqual([
    {
      bench: "sample",
      metric: "perSecond",
      value: 2,
      unit: "1/s",
      min: 1,
      max: 3,
      runs: 3,
      peers: { other: 7 },
    },
  ]);
});

test("contestants take turns, and each run begins with another one", async () => {
  const turns: string[] = [];
  await runBench(bench(constant(1), { other: constant(2) }), 2, (name, run) => {
    turns.push(`${run} ${name}`);
  });
  expect(turns).toEqual(["0 ours", "0 other", "1 other", "1 ours"]);
});

test("a bench that leaves a metric out, invents one or measures no number fails", async () => {
  await expect(
    runBench(
      bench(async () => {}),
      1,
      () => {},
    ),
  ).rejects.toThrow("did not measure");
  const inventive: Contestant = async (measured) => measured("perHour", 1);
  await expect(runBench(bench(inventive), 1, () => {})).rejects.toThrow("no metric perHour");
  await expect(runBench(bench(constant(Number.NaN)), 1, () => {})).rejects.toThrow("is NaN");
});

test("percentiles are values that were measured", () => {
  const values = Array.from({ length: 100 }, (_, i) => 100 - i);
  expect(percentile(values, 0.99)).toBe(99);
  expect(percentile(values, 1)).toBe(100);
  expect(percentile([5], 0.5)).toBe(5);
  expect(median([4, 1, 3])).toBe(3);
});
