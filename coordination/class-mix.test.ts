import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { classCounts, dealClasses } from "./class-mix.ts";

const share = fc.integer({ min: 0, max: 10_000 });
const sixShares = fc.tuple(share, share, share, share, share, share).map((values) => ({
  CLASS_A_EDGE: values[0],
  CLASS_B_SERVERLESS: values[1] + 1,
  CLASS_C_PERSISTENT: values[2],
  CLASS_D_GPU: values[3],
  CLASS_E_LOCAL: values[4],
  CLASS_F_HUMAN: values[5],
}));

describe("class mix", () => {
  test("a mesh of 30,000 gets the specification's counts exactly", () => {
    expect(classCounts(30_000)).toEqual([10_000, 8_000, 5_000, 2_000, 3_000, 2_000]);
  });

  test("what rounding leaves over goes to the largest remainders", () => {
    expect(classCounts(10)).toEqual([3, 3, 2, 1, 1, 0]);
  });

  test("counts sum to the total and stay within one of their share", () => {
    fc.assert(
      fc.property(sixShares, fc.integer({ min: 0, max: 100_000 }), (shares, total) => {
        const counts = classCounts(total, shares);
        const weights = Object.values(shares);
        const sum = weights.reduce((left, right) => left + right, 0);
        expect(counts.reduce((left, right) => left + right, 0)).toBe(total);
        for (const [index, count] of counts.entries()) {
          expect(Math.abs(count - (weights[index] / sum) * total)).toBeLessThan(1);
        }
      }),
    );
  });

  test("every agent is dealt one class, and each class its count", () => {
    const size = fc.integer({ min: 1, max: 20 });
    fc.assert(
      fc.property(size, size, size, sixShares, (sectors, clusters, agents, shares) => {
        const counts = classCounts(sectors * clusters * agents, shares);
        const dealt = [0, 0, 0, 0, 0, 0];
        for (const found of dealClasses(sectors, clusters, agents, counts)) dealt[found]++;
        expect(dealt).toEqual(counts);
      }),
    );
  });

  test("at most five clusters hold more than one class, one for each change of class", () => {
    const classOf = dealClasses(100, 10, 30, classCounts(30_000));
    let mixed = 0;
    for (let cluster = 0; cluster < 1_000; cluster++) {
      const members = classOf.subarray(cluster * 30, cluster * 30 + 30);
      if (new Set(members).size > 1) mixed++;
    }
    expect(mixed).toBeLessThanOrEqual(5);
  });

  test("every sector of the full mesh has three or four clusters of the largest class", () => {
    const classOf = dealClasses(100, 10, 30, classCounts(30_000));
    for (let sector = 0; sector < 100; sector++) {
      const members = classOf.subarray(sector * 300, sector * 300 + 300);
      const edge = members.filter((found) => found === 0).length;
      expect(edge).toBeGreaterThanOrEqual(90);
      expect(edge).toBeLessThanOrEqual(120);
      expect(new Set(members).size).toBeGreaterThanOrEqual(4);
    }
  });

  test("shares that make no sense are refused by name", () => {
    expect(() => classCounts(10, { CLASS_D_GPU: -1 })).toThrow("classes.CLASS_D_GPU: expected");
    expect(() => classCounts(10, { CLASS_D_GPU: Number.NaN })).toThrow("got NaN");
    expect(() => classCounts(10, { CLASS_X: 1 } as object)).toThrow('"CLASS_X"');
    expect(() => classCounts(10, {})).toThrow("positive finite sum, got a sum of 0");
  });
});
