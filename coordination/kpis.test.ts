import { beforeEach, describe, expect, test } from "vitest";
import { KpiBook, type Kpis } from "./kpis.ts";
import type { OperationRecord } from "./operation-record.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NOON = 20_000 * DAY_MS + 12 * HOUR_MS;

function operation(changes: Partial<OperationRecord> = {}): OperationRecord {
  return {
    endedMs: NOON,
    kind: "scatter-gather",
    achieved: true,
    addressed: 100,
    ready: 98,
    conflict: 2,
    transit: 0,
    timed: 100,
    hits: 97,
    within50: 80,
    elapsedMs: 500,
    ...changes,
  };
}

let book: KpiBook;
beforeEach(() => {
  book = new KpiBook();
});

const INDICATORS = [
  "coordinationSuccessRate",
  "arrivalWindowHitRate",
  "impedancePredictionAccuracy",
  "conflictRate",
  "meshAvailability",
  "cascadeLatencyP95",
  "recoveryTime",
] as const satisfies readonly (keyof Kpis)[];

test("where nothing was measured there is no value, and no target is met or missed", () => {
  const kpis = book.kpis(NOON);
  for (const name of INDICATORS)
    expect(kpis[name]).toMatchObject({ value: undefined, met: undefined, count: 0 });
  expect(kpis).toMatchObject({ operations: [], hourly: [], daily: [] });
  expect(kpis.arrivalErrorMs.p50).toBeUndefined();
});

test("the targets are the specification's", () => {
  const kpis = book.kpis(NOON);
  const targets = INDICATORS.map((key) => {
    const { name, sense, target, unit } = kpis[key];
    return `${name} ${sense} ${target} ${unit}`;
  });
  expect(targets).toEqual([
    "coordination_success_rate at-least 0.99 share",
    "arrival_window_hit_rate at-least 0.95 share",
    "impedance_prediction_accuracy at-least 0.9 share",
    "conflict_rate at-most 0.01 share",
    "mesh_availability at-least 0.999 share",
    "cascade_latency_p95 at-most 1000 ms",
    "recovery_time at-most 300000 ms",
  ]);
});

describe("operations", () => {
  test("succeed when their quorum is achieved; those without a quorum are not asked", () => {
    for (let i = 0; i < 98; i++) book.addOperation(operation());
    book.addOperation(operation({ kind: "cascade" }));
    book.addOperation(operation({ achieved: false }));
    for (const kind of ["ask", "delegate", "broadcast"] as const)
      book.addOperation(operation({ kind, achieved: false }));
    expect(book.kpis(NOON).coordinationSuccessRate).toMatchObject({
      value: 0.99,
      count: 100,
      met: true,
    });
    book.addOperation(operation({ achieved: false }));
    expect(book.kpis(NOON).coordinationSuccessRate.met).toBe(false);
  });

  test("hit the window and the prediction by agents, not by operations", () => {
    book.addOperation(operation({ hits: 90, within50: 100 }));
    const large = { addressed: 900, ready: 900, conflict: 0, timed: 900 };
    book.addOperation(operation({ ...large, hits: 870, within50: 800 }));
    book.addOperation(operation({ timed: 0, hits: 0, within50: 0 }));
    const kpis = book.kpis(NOON);
    expect(kpis.arrivalWindowHitRate).toMatchObject({ value: 0.96, count: 1000, met: true });
    expect(kpis.impedancePredictionAccuracy).toMatchObject({ value: 0.9, count: 1000, met: true });
  });

  test("conflict by the answers given: who is silent has not answered", () => {
    book.addOperation(operation({ ready: 49, conflict: 1, transit: 50 }));
    expect(book.kpis(NOON).conflictRate).toMatchObject({ value: 0.02, count: 50, met: false });
    book.addOperation(operation({ kind: "ask", ready: 50, conflict: 0, transit: 50 }));
    expect(book.kpis(NOON).conflictRate).toMatchObject({ value: 0.01, count: 100, met: true });
  });

  test("that are cascades have their time until the quorum, else until the end", () => {
    for (let i = 0; i < 19; i++)
      book.addOperation(operation({ kind: "cascade", elapsedMs: 9000, quorumMs: 100 }));
    book.addOperation(operation({ kind: "cascade", achieved: false, elapsedMs: 5000 }));
    book.addOperation(operation({ elapsedMs: 50_000 }));
    const before = book.kpis(NOON).cascadeLatencyP95;
    expect(before).toMatchObject({ count: 20, met: true });
    expect(before.value).toBeCloseTo(100, -1);
    book.addOperation(operation({ kind: "cascade", achieved: false, elapsedMs: 5000 }));
    const after = book.kpis(NOON).cascadeLatencyP95;
    expect(after.met).toBe(false);
    expect(after.value).toBeGreaterThan(4900);
  });

  test("leave the distribution of their arrival errors, early and late alike", () => {
    book.addOperation(operation(), [-10, 10, Number.NaN, 10]);
    book.addOperation(operation(), new Float64Array([1000]));
    const { count, mean, p50, p99 } = book.kpis(NOON).arrivalErrorMs;
    expect(count).toBe(4);
    expect(mean).toBe(257.5);
    expect(p50).toBeCloseTo(10, 0);
    expect(p99).toBe(1000);
  });

  test("are listed one by one, newest first, the last so many", () => {
    book = new KpiBook({ operations: 2 });
    for (const elapsedMs of [1, 2, 3]) book.addOperation(operation({ elapsedMs }), [elapsedMs]);
    const { operations, coordinationSuccessRate } = book.kpis(NOON);
    expect(operations.map((entry) => entry.elapsedMs)).toEqual([3, 2]);
    expect(operations[0]).toMatchObject({ kind: "scatter-gather", addressed: 100, endedMs: NOON });
    expect(operations[0].arrivalErrorMs).toMatchObject({ count: 1, p50: 3 });
    expect(operations[0].conflictRate.value).toBe(0.02);
    expect(coordinationSuccessRate.count).toBe(3);
  });

  test.each([
    [{ kind: "party" as never }, "kind: expected one of scatter-gather, cascade, broadcast"],
    [{ ready: 97 }, "addressed: expected ready, conflict and transit together, 99, got 100"],
    [{ ready: -1, transit: 99 }, "ready: expected a number from 0 to 100, got -1"],
    [{ conflict: -2, transit: 4 }, "conflict: expected a number from 0 to 100, got -2"],
    [{ ready: 99, transit: -1 }, "transit: expected a number from 0 to 100, got -1"],
    [{ timed: 101 }, "timed: expected a number from 0 to 100, got 101"],
    [{ hits: 101 }, "hits: expected a number from 0 to 100, got 101"],
    [{ within50: Number.NaN }, "within50: expected a number from 0 to 100, got NaN"],
    [{ elapsedMs: -1 }, "elapsedMs: expected a number from 0"],
    [{ quorumMs: Number.POSITIVE_INFINITY }, "quorumMs: expected a number from 0"],
    [{ endedMs: Number.NaN }, "endedMs: expected a number from 0"],
  ])("%o are refused and not counted", (changes, message) => {
    expect(() => book.addOperation(operation(changes))).toThrow(message);
    expect(book.kpis(NOON).operations).toEqual([]);
  });

  test("with an error that is no time are not counted in part", () => {
    const errors = [1, Number.POSITIVE_INFINITY];
    expect(() => book.addOperation(operation(), errors)).toThrow("ms: expected a duration");
    const kpis = book.kpis(NOON);
    expect(kpis.coordinationSuccessRate.count).toBe(0);
    expect(kpis.arrivalErrorMs.count).toBe(0);
    book.addOperation(operation(), [2]);
    expect(book.kpis(NOON).arrivalErrorMs.count).toBe(1);
  });
});

describe("availability", () => {
  test("is the share of the time, not of the samples", () => {
    book.sampleAvailability(NOON, 0.95);
    book.sampleAvailability(NOON + 30_000, 0.949);
    book.sampleAvailability(NOON + 30_010, 0.96);
    book.sampleAvailability(NOON + 40_000, 0);
    expect(book.kpis(NOON).meshAvailability).toMatchObject({
      value: 39_990 / 40_000,
      count: 40_000,
      met: true,
    });
    book.sampleAvailability(NOON + 40_100, 1);
    expect(book.kpis(NOON).meshAvailability).toMatchObject({
      value: 39_990 / 40_100,
      met: false,
    });
  });

  test("one sample speaks for no time yet", () => {
    book.sampleAvailability(NOON, 1);
    expect(book.kpis(NOON).meshAvailability.value).toBeUndefined();
  });

  test("time in which nobody looked has not been measured", () => {
    book = new KpiBook({ sampleHoldsMs: 5000 });
    book.sampleAvailability(NOON, 1);
    book.sampleAvailability(NOON + 10 * HOUR_MS, 0);
    expect(book.kpis(NOON).meshAvailability).toMatchObject({ value: 1, count: 5000 });
  });

  test("a sample that comes late is passed over", () => {
    book.sampleAvailability(NOON, 1);
    book.sampleAvailability(NOON - 1000, 0);
    book.sampleAvailability(NOON + 1000, 1);
    expect(book.kpis(NOON).meshAvailability).toMatchObject({ value: 1, count: 1000 });
  });

  test("is told by hour and by day", () => {
    const midnight = NOON + 12 * HOUR_MS;
    book.sampleAvailability(midnight - 10_000, 0);
    book.sampleAvailability(midnight + 30_000, 1);
    const { hourly, daily } = book.kpis(midnight + 30_000);
    for (const periods of [hourly, daily]) {
      expect(periods.map(({ meshAvailability }) => meshAvailability.count)).toEqual([
        10_000, 30_000,
      ]);
      expect(periods[1]).toMatchObject({ fromMs: midnight, meshAvailability: { value: 0 } });
    }
  });

  test.each([-0.1, 1.1, Number.NaN])("%s is no share", (activeShare) => {
    expect(() => book.sampleAvailability(NOON, activeShare)).toThrow(
      `activeShare: expected a share from 0 to 1, got ${activeShare}`,
    );
  });
});

describe("recoveries", () => {
  test("are measured against the limit of their scope, and the nearest to it is told", () => {
    book.addRecovery(NOON, { scope: "sector", ms: 600_000 });
    book.addRecovery(NOON, { scope: "cluster", ms: 100_000 });
    expect(book.kpis(NOON).recoveryTime).toMatchObject({
      value: 600_000,
      target: 900_000,
      count: 2,
      met: true,
    });
    book.addRecovery(NOON, { scope: "cluster", ms: 300_001 });
    expect(book.kpis(NOON).recoveryTime).toMatchObject({
      value: 300_001,
      target: 300_000,
      count: 3,
      met: false,
    });
  });

  test("are told by scope", () => {
    book.addRecovery(NOON, { scope: "worker", ms: 100 });
    book.addRecovery(NOON, { scope: "worker", ms: 300 });
    const { worker, agent } = book.kpis(NOON).recoveries;
    expect(worker).toEqual({ count: 2, mean: 200, longest: 300, target: 900_000, met: true });
    expect(agent).toMatchObject({ count: 0, mean: undefined, met: undefined, target: 300_000 });
  });

  test("that took no time are recoveries", () => {
    book.addRecovery(NOON, { scope: "agent", ms: 0 });
    expect(book.kpis(NOON).recoveryTime).toMatchObject({ value: 0, count: 1, met: true });
  });

  test("of nothing known, or of no time, are refused", () => {
    expect(() => book.addRecovery(NOON, { scope: "planet" as never, ms: 1 })).toThrow(
      "scope: expected one of agent, cluster, sector, worker, got planet",
    );
    expect(() => book.addRecovery(NOON, { scope: "agent", ms: -1 })).toThrow("ms: expected");
  });
});

describe("history", () => {
  test("keeps 48 hours and 90 days, and all of it overall", () => {
    for (let hour = 0; hour < 100 * 24; hour++)
      book.addOperation(operation({ endedMs: NOON + hour * HOUR_MS }));
    const nowMs = NOON + (100 * 24 - 1) * HOUR_MS;
    const { hourly, daily, coordinationSuccessRate } = book.kpis(nowMs);
    expect(hourly).toHaveLength(48);
    expect(hourly[47].fromMs).toBe(nowMs);
    expect(hourly[0].fromMs).toBe(nowMs - 47 * HOUR_MS);
    expect(daily).toHaveLength(90);
    expect(daily[1].coordinationSuccessRate.count).toBe(24);
    expect(coordinationSuccessRate.count).toBe(2400);
  });

  test("an hour has its own indicators", () => {
    book.addOperation(operation({ kind: "cascade", quorumMs: 10 }), [5]);
    const later = { endedMs: NOON + HOUR_MS, kind: "cascade", achieved: false } as const;
    book.addOperation(operation({ ...later, elapsedMs: 2000 }), [7000]);
    book.addRecovery(NOON + HOUR_MS, { scope: "agent", ms: 50 });
    const [first, second] = book.kpis(NOON + HOUR_MS).hourly;
    expect(first.coordinationSuccessRate).toMatchObject({ value: 1, met: true });
    expect(first.cascadeLatencyP95.value).toBe(10);
    expect(first.arrivalErrorMs.p90).toBe(5);
    expect(first.recoveryTime.value).toBeUndefined();
    expect(second.coordinationSuccessRate).toMatchObject({ value: 0, met: false });
    expect(second.cascadeLatencyP95).toMatchObject({ value: 2000, met: false });
    expect(second.arrivalErrorMs.p90).toBe(7000);
    expect(second.recoveryTime.value).toBe(50);
  });
});

test("what happened at no time is refused", () => {
  const recovery = { scope: "agent", ms: 1 } as const;
  expect(() => book.addRecovery(Number.NaN, recovery)).toThrow("expected a time from 0 ms");
  expect(() => book.sampleAvailability(Number.NaN, 1)).toThrow("nowMs: expected a time");
  expect(book.kpis(NOON).recoveryTime.count).toBe(0);
});

test("everything told is plain data", () => {
  book.addOperation(operation({ kind: "cascade" }), [1]);
  const kpis = book.kpis(NOON);
  expect(JSON.parse(JSON.stringify(kpis)).cascadeLatencyP95).toEqual(kpis.cascadeLatencyP95);
  expect(structuredClone(kpis)).toEqual(kpis);
});
