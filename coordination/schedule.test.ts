import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  agentsFor,
  earliestArrivalMs,
  expectedReady,
  leadForShareMs,
  quorumProbability,
} from "./schedule.ts";

const probability = fc.double({ min: 0, max: 1, noNaN: true });

/** By definition, from every number READY, one agent after the other: probability of at least 0, 1, … READY. */
function exactly(probabilities: readonly number[]): Float64Array {
  const chances = new Float64Array(probabilities.length + 2);
  chances[0] = 1;
  for (const p of probabilities) {
    for (let ready = chances.length - 1; ready > 0; ready--)
      chances[ready] = chances[ready] * (1 - p) + chances[ready - 1] * p;
    chances[0] *= 1 - p;
  }
  for (let ready = chances.length - 2; ready >= 0; ready--) chances[ready] += chances[ready + 1];
  return chances;
}

const spread = (count: number, from: number, to: number): number[] =>
  Array.from({ length: count }, (_, i) => from + ((to - from) * i) / (count - 1));

describe("the lead for a share of the agents", () => {
  test("is the least that so many do not exceed", () => {
    const leads = () => Float64Array.of(50, 10, 40, 20, 30);
    expect([0, 0.2, 0.21, 0.6, 0.95, 1].map((part) => leadForShareMs(leads(), part))).toEqual([
      0, 10, 20, 30, 50, 50,
    ]);
  });

  test("agrees with sorting, whatever the leads and however long", () => {
    const lead = fc.oneof(fc.nat(20), fc.double({ min: 0, max: 1e6, noNaN: true }));
    const leads = fc.array(lead, { minLength: 1, maxLength: 300, size: "max" });
    fc.assert(
      fc.property(leads, probability, (all, part) => {
        const place = agentsFor(part, all.length) - 1;
        const expected = place < 0 ? 0 : all.toSorted((a, b) => a - b)[place];
        expect(leadForShareMs(Float64Array.from(all), part)).toBe(expected);
      }),
    );
  });

  test.each([
    ["rising", (i: number) => i],
    ["falling", (i: number) => -i],
    ["equal", () => 7],
    ["like an organ's pipes", (i: number) => Math.min(i, 3000 - i)],
    ["in steps", (i: number) => (i * 7919) % 13],
  ])("is right for leads that are %s", (_, leadOf) => {
    const leads = Float64Array.from({ length: 3000 }, (_, i) => leadOf(i));
    const sorted = leads.toSorted();
    for (const needed of [1, 2, 1500, 2850, 2999, 3000])
      expect(leadForShareMs(leads, needed / 3000)).toBe(sorted[needed - 1]);
  });

  test("counts who cannot be predicted as never READY", () => {
    const leads = () => Float64Array.of(Number.NaN, 5, Number.POSITIVE_INFINITY, 3);
    expect(leadForShareMs(leads(), 0.5)).toBe(5);
    expect(leadForShareMs(leads(), 0.75)).toBe(Number.POSITIVE_INFINITY);
  });

  test("of nobody is nothing", () => {
    expect(leadForShareMs(new Float64Array(0), 0.95)).toBe(0);
  });

  test("makes the earliest arrival, which is never before now", () => {
    expect(earliestArrivalMs(1000, Float64Array.of(20, 30), 0.5)).toBe(1020);
    expect(earliestArrivalMs(1000, Float64Array.of(-20), 1)).toBe(1000);
  });

  test.each([-0.1, 1.1, Number.NaN])("%s is no share", (part) => {
    const message = `readyShare: expected a share from 0 to 1, got ${part}`;
    expect(() => leadForShareMs(Float64Array.of(1), part)).toThrow(message);
  });
});

describe("agents for a share", () => {
  test.each([
    [0.95, 30_000, 28_500],
    [0.07, 100, 7],
    [0.951, 100, 96],
    [1, 3, 3],
    [0, 3, 0],
    [0.01, 3, 1],
  ])("%s of %s are %s", (part, agents, expected) => {
    expect(agentsFor(part, agents)).toBe(expected);
  });

  test("are enough, and one fewer would not be", () => {
    fc.assert(
      fc.property(probability, fc.integer({ min: 1, max: 100_000 }), (part, agents) => {
        const needed = agentsFor(part, agents);
        expect(needed / agents).toBeGreaterThanOrEqual(part - 1e-8);
        expect((needed - 1) / agents).toBeLessThan(part);
      }),
    );
  });
});

test("expected READY is the sum of the probabilities", () => {
  expect(expectedReady([0.5, 1, 0, 0.25])).toBe(1.75);
  expect(expectedReady(new Float64Array(0))).toBe(0);
  expect(() => expectedReady([0.5, 1.5])).toThrow("probability: expected a share from 0 to 1");
});

describe("the probability of a quorum", () => {
  test("of two coins", () => {
    expect([0, 1, 2, 3].map((needed) => quorumProbability([0.5, 0.5], needed))).toEqual([
      1, 0.75, 0.25, 0,
    ]);
  });

  test("is sure where all is certain", () => {
    expect(quorumProbability([1, 1, 0], 2)).toBe(1);
    expect(quorumProbability([1, 1, 0], 3)).toBe(0);
    expect(quorumProbability([], 0)).toBe(1);
    expect(quorumProbability([], 1)).toBe(0);
    expect(quorumProbability(new Float64Array(1000).fill(1), 1000)).toBe(1);
  });

  test("is exact for few agents", () => {
    const chance = fc.oneof(probability, fc.constantFrom(0, 1, 0.5, 0.95));
    const chances = fc.array(chance, { maxLength: 60, size: "max" });
    fc.assert(
      fc.property(chances, fc.nat(62), (probabilities, needed) => {
        const found = quorumProbability(probabilities, needed);
        expect(Math.abs(found - (exactly(probabilities)[needed] ?? 0))).toBeLessThan(1e-12);
      }),
    );
  });

  test.each([
    ["nearly sure", spread(1000, 0.99, 0.9999)],
    ["nearly impossible", spread(1000, 0.0001, 0.01)],
    ["either, and little between", [...spread(500, 0.001, 0.02), ...spread(500, 0.98, 0.999)]],
    ["sure but for some", [...spread(150, 0.1, 0.9), ...new Array(2000).fill(1)]],
  ])("is exact for many agents that are %s", (_, probabilities) => {
    const exact = exactly(probabilities);
    for (let needed = 0; needed <= probabilities.length; needed += 7)
      expect(quorumProbability(probabilities, needed)).toBeCloseTo(exact[needed], 9);
  });

  test.each([
    ["all alike", new Array(1000).fill(0.95)],
    ["all at odds", new Array(201).fill(0.5)],
    ["skewed as much as it gets", new Array(1710).fill(0.9905)],
    ["of every kind", spread(400, 0, 1)],
    ["mostly good", spread(3000, 0.9, 0.999)],
  ])("is within 0.002 for many agents that are %s", (_, probabilities) => {
    const exact = exactly(probabilities);
    let worst = 0;
    for (let needed = 0; needed <= probabilities.length; needed++)
      worst = Math.max(worst, Math.abs(quorumProbability(probabilities, needed) - exact[needed]));
    expect(worst).toBeLessThan(0.002);
  });

  test("is never more or less than a probability, nor above that of a smaller quorum", () => {
    const probabilities = spread(400, 0.05, 0.95);
    const found = probabilities.map((_, needed) => quorumProbability(probabilities, needed));
    for (const [needed, here] of found.entries()) {
      expect(here).toBeGreaterThanOrEqual(0);
      expect(here).toBeLessThanOrEqual(Math.min(1, (found[needed - 1] ?? 1) + 1e-7));
    }
  });

  test.each([-0.1, 1.1, Number.NaN])("%s is no probability", (p) => {
    const message = `probability: expected a share from 0 to 1, got ${p}`;
    expect(() => quorumProbability([0.5, p], 1)).toThrow(message);
  });

  test.each([-1, 0.5, Number.NaN])("%s agents cannot be needed", (needed) => {
    expect(() => quorumProbability([0.5], needed)).toThrow("needed: expected a whole number");
  });
});
