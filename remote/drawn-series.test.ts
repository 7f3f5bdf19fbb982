import fc from "fast-check";
import { assert, describe, test } from "vitest";
import {
  DRAWN_SAMPLES,
  drawPeople,
  drawQuantiles,
  drawServerless,
  HUMAN_RESPONSE,
  hash32,
} from "./drawn-series.ts";
import { QUANTILE_LEVELS, SERVERLESS_STREAMS } from "./serverless-table.ts";

/** How far a draw may be from what was measured. */
const TOLERANCE = 0.02;

function sortedOf(values: Float32Array): number[] {
  return [...values].sort((a, b) => a - b);
}

function quantile(sorted: readonly number[], level: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(level * sorted.length))];
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

describe("the serverless table", () => {
  test("has a row of ascending quantiles for each of 34 functions", () => {
    assert.equal(SERVERLESS_STREAMS.length, 34);
    assert.equal(QUANTILE_LEVELS[0], 0);
    assert.equal(QUANTILE_LEVELS.at(-1), 1);
    for (const { name, quantilesMs, samples } of SERVERLESS_STREAMS) {
      assert.equal(quantilesMs.length, QUANTILE_LEVELS.length, name);
      assert.deepEqual(
        quantilesMs,
        quantilesMs.toSorted((a, b) => a - b),
        name,
      );
      assert.isAtLeast(samples, 100, name);
    }
  });

  const series = drawServerless();
  for (const [index, stream] of SERVERLESS_STREAMS.entries()) {
    test(`${stream.name} is drawn with the median, tail and mean that were measured`, () => {
      const sorted = sortedOf(series[index].processingMs);
      assert.equal(sorted.length, DRAWN_SAMPLES);
      for (const level of [0.1, 0.5, 0.9]) {
        const fitted = stream.quantilesMs[QUANTILE_LEVELS.indexOf(level)];
        assert.approximately(quantile(sorted, level), fitted, TOLERANCE * fitted);
      }
      assert.approximately(mean(sorted), stream.meanMs, TOLERANCE * stream.meanMs);
    });
  }
});

describe("draws", () => {
  test("stay between the smallest and the largest quantile", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 3, maxLength: 3 }),
        fc.nat(1_000),
        fc.nat(),
        (values, count, salt) => {
          const quantiles = values.map(Math.fround).sort((a, b) => a - b);
          const drawn = drawQuantiles([0, 0.5, 1], quantiles, count, salt);
          assert.equal(drawn.length, count);
          for (const value of drawn) {
            assert.isAtLeast(value, quantiles[0]);
            assert.isAtMost(value, quantiles[2]);
          }
        },
      ),
    );
  });

  test("are the same again, and others for another salt", () => {
    const draw = (salt: number): Float32Array => drawQuantiles([0, 1], [0, 100], 64, salt);
    assert.deepEqual(draw(7), draw(7));
    assert.notDeepEqual(draw(7), draw(8));
    assert.deepEqual(sortedOf(draw(7)), sortedOf(draw(8)));
    assert.deepEqual(drawPeople(), drawPeople());
  });

  test("come in no order: a sample says little of the next", () => {
    const [{ processingMs }] = drawServerless();
    const median = quantile(sortedOf(processingMs), 0.5);
    let crossings = 0;
    for (let at = 1; at < processingMs.length; at++) {
      if (processingMs[at] > median !== processingMs[at - 1] > median) crossings++;
    }
    assert.approximately(crossings / processingMs.length, 0.5, 0.15);
  });
});

describe("people", () => {
  const all = drawPeople().map(({ processingMs }) => sortedOf(processingMs));

  test("answer about the stated median, within seconds to hours", () => {
    const sorted = all.flat().sort((a, b) => a - b);
    const median = quantile(sorted, 0.5);
    assert.isAbove(median, HUMAN_RESPONSE.medianMs / 1.5);
    assert.isBelow(median, HUMAN_RESPONSE.medianMs * 1.5);
    assert.isAtLeast(sorted[0], HUMAN_RESPONSE.minMs);
    assert.isAtMost(sorted[sorted.length - 1], HUMAN_RESPONSE.maxMs);
    assert.isAbove(quantile(sorted, 0.95), 3_600_000);
  });

  test("differ from each other", () => {
    const medians = all.map((sorted) => quantile(sorted, 0.5)).sort((a, b) => a - b);
    assert.isAbove(medians[medians.length - 1], 5 * medians[0]);
  });
});

describe("hash32", () => {
  test("spreads neighbouring indexes evenly", () => {
    const counts = new Array<number>(16).fill(0);
    for (let index = 0; index < 16_000; index++) counts[hash32(index, 3) % 16]++;
    for (const count of counts) assert.approximately(count, 1_000, 150);
  });

  test("gives a whole number below 2^32, always the same", () => {
    fc.assert(
      fc.property(fc.nat(2 ** 31), fc.nat(), (value, salt) => {
        const hash = hash32(value, salt);
        assert.isTrue(Number.isInteger(hash) && hash >= 0 && hash < 2 ** 32);
        assert.equal(hash, hash32(value, salt));
      }),
    );
  });
});
