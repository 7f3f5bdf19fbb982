import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { impedanceClassIndex } from "./impedance-class.ts";
import {
  observeLatency,
  observeOutcome,
  observeProcessing,
  reportLatency,
  seedProfile,
} from "./profile.ts";
import { createRegistry, type Registry, registryBytes } from "./registry.ts";

let registry: Registry;

beforeEach(() => {
  registry = createRegistry(new ArrayBuffer(registryBytes(2)), 2);
  seedProfile(registry, 0, impedanceClassIndex("CLASS_C_PERSISTENT"));
});

describe("the profile of an agent", () => {
  test("begins with what its class is believed to be", () => {
    expect(registry.latencyMs[0]).toBe(200);
    expect(registry.processingMs[0]).toBe(200);
    expect(registry.reliability[0]).toBe(1);
    expect(() => seedProfile(registry, 0, 6)).toThrow("classIndex: expected 0 to 5, got 6");
  });

  test("takes the first sample in place of the belief", () => {
    observeLatency(registry, 0, 7);
    expect(registry.latencyMs[0]).toBe(7);
    expect(registry.processingMs[0]).toBe(200);
    observeProcessing(registry, 0, 0);
    expect(registry.processingMs[0]).toBe(0);
  });

  test("of an agent elsewhere only what it reports counts, from the first report on", () => {
    observeLatency(registry, 0, 0.2);
    reportLatency(registry, 0, 60);
    expect(registry.latencyMs[0]).toBe(60);
    for (let sample = 0; sample < 100; sample++) observeLatency(registry, 0, 0.2);
    expect(registry.latencyMs[0]).toBe(60);
    reportLatency(registry, 0, Number.NaN);
    reportLatency(registry, 0, 70);
    expect(registry.latencyMs[0]).toBeGreaterThan(60);
    expect(registry.latencyMs[0]).toBeLessThan(70);
  });

  test("settles near the median of its samples, whatever the outliers", () => {
    for (let sample = 0; sample < 500; sample++) {
      observeLatency(registry, 0, sample % 10 === 0 ? 5_000 : 90 + (sample % 21));
    }
    expect(registry.latencyMs[0]).toBeGreaterThan(92);
    expect(registry.latencyMs[0]).toBeLessThan(110);
  });

  test("follows a lasting shift within a hundred samples", () => {
    for (let sample = 0; sample < 200; sample++) observeProcessing(registry, 0, 10);
    for (let sample = 0; sample < 100; sample++) observeProcessing(registry, 0, 400);
    expect(registry.processingMs[0]).toBeCloseTo(400, 0);
  });

  test("has no spread left after a long constant", () => {
    for (let sample = 0; sample < 300; sample++) observeLatency(registry, 0, 50);
    expect(registry.latencyMs[0]).toBeCloseTo(50, 3);
    expect(registry.latencySpreadMs[0]).toBeLessThan(0.01);
  });

  test("stays between the smallest and the largest sample", () => {
    const microseconds = fc.oneof(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 1e9 }));
    const samples = fc.array(
      microseconds.map((us) => us / 1_000),
      { minLength: 1 },
    );
    fc.assert(
      fc.property(samples, (all) => {
        seedProfile(registry, 1, 0);
        for (const ms of all) observeLatency(registry, 1, ms);
        const rounding = Math.max(...all) * 1e-6;
        expect(registry.latencyMs[1]).toBeGreaterThanOrEqual(0);
        expect(registry.latencyMs[1]).toBeGreaterThanOrEqual(Math.min(...all) - rounding);
        expect(registry.latencyMs[1]).toBeLessThanOrEqual(Math.max(...all) + rounding);
        expect(registry.latencySpreadMs[1]).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  test("passes over times that cannot be, and bounds those without end", () => {
    observeLatency(registry, 0, Number.NaN);
    observeLatency(registry, 0, -1);
    expect(registry.latencyMs[0]).toBe(200);
    observeLatency(registry, 0, Infinity);
    expect(registry.latencyMs[0]).toBe(1e9);
  });

  test("loses reliability with each failure and wins it back with successes", () => {
    observeOutcome(registry, 0, false);
    expect(registry.reliability[0]).toBeCloseTo(8 / 9, 6);
    for (let turn = 0; turn < 1_000; turn++) observeOutcome(registry, 0, true);
    expect(registry.reliability[0]).toBeGreaterThan(0.999);
    expect(registry.handled[0]).toBe(1_001);
    expect(registry.failed[0]).toBe(1);
  });

  test("is unreliable to the share of messages that fail", () => {
    for (let turn = 0; turn < 5_000; turn++) observeOutcome(registry, 0, turn % 4 !== 0);
    expect(registry.reliability[0]).toBeCloseTo(0.75, 1);
  });
});
