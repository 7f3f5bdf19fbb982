import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ImpedanceWatch } from "./impedance-watch.ts";
import { createReportCounts, type ReportCounts, reportCountsBytes } from "./report-counts.ts";
import { SelfReports } from "./self-reports.ts";
import { createTopology } from "./topology.ts";

const topology = createTopology({ sectors: 4, clustersPerSector: 5, agentsPerCluster: 30 });

function countsOf(): ReportCounts {
  return createReportCounts(new ArrayBuffer(reportCountsBytes(topology)), topology);
}

describe("an agent's own word", () => {
  /** Usual for the first ten reports, and then that. */
  function afterUsual(ms: number, seenMs?: number): number {
    const reports = new SelfReports(1);
    for (let i = 0; i < 10; i++) {
      reports.take(0, 100 + (i % 3), i * 1000);
      reports.see(0, "operation", 120 + (i % 3), i * 1000);
    }
    if (seenMs !== undefined) reports.see(0, "operation", seenMs, 9000);
    return reports.take(0, ms, 9500) ?? Number.NaN;
  }

  test("moves when it is far from what it was, either way", () => {
    expect([10, 60, 100, 150, 1000].map((ms) => afterUsual(ms))).toEqual([-1, 0, 0, 0, 1]);
  });

  test("does not move where the mesh has seen the same, and does where it has seen the opposite", () => {
    expect([afterUsual(1000, 1100), afterUsual(1000, 120), afterUsual(1000, 12)]).toEqual([
      0, 1, 1,
    ]);
  });

  test("does not move as long as nothing is usual, nor by times that are none", () => {
    const reports = new SelfReports(2);
    expect([1, 1000, 1, 1000].map((ms) => reports.take(0, ms, 0))).toEqual(
      Array(4).fill(undefined),
    );
    for (const ms of [Number.NaN, -1, Number.POSITIVE_INFINITY])
      expect(reports.take(1, ms, 0)).toBeUndefined();
  });

  test("is not needed once the mesh has measured the agent often enough, and lately", () => {
    const reports = new SelfReports(1);
    for (let i = 0; i < 8; i++) reports.see(0, i % 2 === 0 ? "operation" : "ask", 50, i);
    expect([reports.isMeasured(0, 100), reports.isMeasured(0, 200_000)]).toEqual([true, false]);
  });
});

describe("agents that change their word together", () => {
  test("are found within the window of ten seconds, and where they are", () => {
    const watch = new ImpedanceWatch(topology.clusters);
    const counts = countsOf();
    watch.look(counts, 0);
    for (let second = 1; second <= 60; second++) {
      for (let cluster = 0; cluster < 20; cluster++) counts.reports[cluster] += 3;
      expect(watch.look(counts, second * 1000)).toBeUndefined();
    }
    let foundMs = 0;
    for (let second = 61; foundMs === 0; second++) {
      for (let cluster = 0; cluster < 20; cluster++) counts.reports[cluster] += 3;
      // One of ten.
      for (let cluster = 0; cluster < 6; cluster++) counts.faster[cluster]++;
      const found = watch.look(counts, second * 1000);
      if (found === undefined) continue;
      foundMs = second * 1000 - 60_000;
      expect(found).toMatchObject({ way: "faster", clusters: 6 });
    }
    expect(foundMs).toBeLessThanOrEqual(10_000);
  });

  /** Looks of ten minutes at which these clusters are found to move, after one in which nobody did. */
  function foundOf(moving: number): number {
    const watch = new ImpedanceWatch(topology.clusters);
    const counts = countsOf();
    let found = 0;
    for (let second = 0; second <= 660; second++) {
      for (let cluster = 0; cluster < 20; cluster++) counts.reports[cluster] += 3;
      for (let cluster = 0; second > 60 && cluster < moving; cluster++)
        counts.faster[cluster] += 6 / moving;
      if (watch.look(counts, second * 1000) !== undefined) found++;
    }
    return found;
  }

  test("are found as long as they do it, and in two clusters never", () => {
    expect(foundOf(3)).toBeGreaterThan(590);
    expect(foundOf(2)).toBe(0);
  });

  test("are not those of one cluster, nor as many as always, nor many over a long time", () => {
    const watch = new ImpedanceWatch(topology.clusters);
    const counts = countsOf();
    for (let second = 0; second < 7200; second++) {
      for (let cluster = 0; cluster < 20; cluster++) counts.reports[cluster] += 6;
      counts.slower[3] += 6;
      if (second % 2 === 0) counts.faster[second % 20]++;
      expect(watch.look(counts, second * 1000)).toBeUndefined();
    }
  });

  test("whatever the counts are, no more is found than there was in the window", () => {
    const step = fc.record({
      afterMs: fc.integer({ min: 0, max: 30_000 }),
      cluster: fc.nat(19),
      reports: fc.nat(50),
      faster: fc.nat(50),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const watch = new ImpedanceWatch(topology.clusters);
        const counts = countsOf();
        // They wrap.
        counts.reports.fill(0xffff_fff0);
        counts.faster.fill(0xffff_fff0);
        let nowMs = 0;
        watch.look(counts, nowMs);
        const recent: { atMs: number; reports: number; faster: number }[] = [];
        for (const { afterMs, cluster, reports, faster } of steps) {
          nowMs += afterMs;
          counts.reports[cluster] += reports + faster;
          counts.faster[cluster] += faster;
          recent.push({ atMs: nowMs, reports: reports + faster, faster });
          const found = watch.look(counts, nowMs);
          if (found === undefined) continue;
          const within = recent.filter(({ atMs }) => nowMs - atMs <= 11_000);
          const sum = (of: "reports" | "faster"): number =>
            within.reduce((all, each) => all + each[of], 0);
          expect(found.way).toBe("faster");
          expect(found.moved).toBeLessThanOrEqual(sum("faster"));
          expect(found.moved).toBeGreaterThanOrEqual(0.05 * found.reports);
        }
      }),
    );
  });
});
