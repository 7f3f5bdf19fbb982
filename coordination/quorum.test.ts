import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decideQuorum, type QuorumCounts } from "./quorum.ts";

const decide = (addressed: number, ready: number, conflict: number) =>
  decideQuorum({ addressed, ready, conflict });

describe("the four decisions of spec 5.2", () => {
  test.each([
    { ready: 100, conflict: 0, decision: "PROCEED" },
    { ready: 95, conflict: 5, decision: "PROCEED" },
    { ready: 95, conflict: 0, decision: "PROCEED" },
    { ready: 94, conflict: 0, decision: "RETRY" },
    { ready: 90, conflict: 0, decision: "RETRY" },
    { ready: 89, conflict: 0, decision: "WAIT" },
    { ready: 0, conflict: 0, decision: "WAIT" },
    { ready: 94, conflict: 6, decision: "RESOLVE_CONFLICTS" },
    { ready: 84, conflict: 6, decision: "RESOLVE_CONFLICTS" },
    { ready: 0, conflict: 100, decision: "RESOLVE_CONFLICTS" },
    // Too many are in transit and too many in conflict: more of them may still come.
    { ready: 80, conflict: 9, decision: "WAIT" },
  ])(
    "$ready ready and $conflict in conflict of 100: $decision",
    ({ ready, conflict, decision }) => {
      expect(decide(100, ready, conflict).decision).toBe(decision);
    },
  );

  test("enough are ready, but too many in conflict", () => {
    const counts = { addressed: 100, ready: 60, conflict: 10 };
    const thresholds = { requiredReadyRate: 0.6 };
    // Transit is above its limit, yet the ready suffice: waiting would change nothing.
    expect(decideQuorum(counts, thresholds)).toMatchObject({
      achieved: false,
      decision: "RESOLVE_CONFLICTS",
      reason: "the conflict rate 10.0% exceeds 5.0%",
      recommendation: "run conflict resolution before proceeding",
    });
  });

  test("says why not, and what to do", () => {
    expect(decide(30_000, 20_000, 0)).toMatchObject({
      reason: "33.3% of the agents are still in transit",
      recommendation: "extend the arrival window",
    });
    expect(decide(1000, 920, 0)).toMatchObject({
      reason: "92.0% of the agents are ready, 95.0% are required",
      recommendation: "retry with adjusted impedance compensation",
    });
    expect(decide(100, 100, 0)).not.toHaveProperty("reason");
  });
});

test("the silent count as in transit, not as absent", () => {
  expect(decide(100, 50, 0)).toEqual({
    achieved: false,
    decision: "WAIT",
    readyCount: 50,
    conflictCount: 0,
    transitCount: 50,
    confidence: 0.5,
    reason: "50.0% of the agents are still in transit",
    recommendation: "extend the arrival window",
  });
});

test("confidence is the ready share less half of the conflict share, and never below 0", () => {
  expect(decide(100, 95, 4).confidence).toBeCloseTo(0.93, 12);
  expect(decide(10, 1, 9).confidence).toBe(0);
});

test("thresholds of 0 and 1 are thresholds", () => {
  const none = { requiredReadyRate: 0, maxConflictRate: 1, maxTransitRate: 1 };
  expect(decideQuorum({ addressed: 3, ready: 0, conflict: 3 }, none).decision).toBe("PROCEED");
  const all = { requiredReadyRate: 1, maxConflictRate: 0, maxTransitRate: 0 };
  expect(decideQuorum({ addressed: 3, ready: 3, conflict: 0 }, all).decision).toBe("PROCEED");
  expect(decideQuorum({ addressed: 3, ready: 2, conflict: 0 }, all).decision).toBe("WAIT");
  expect(decideQuorum({ addressed: 3, ready: 2, conflict: 1 }, all).decision).toBe(
    "RESOLVE_CONFLICTS",
  );
});

describe("refuses by name", () => {
  test.each([
    [{ addressed: 0, ready: 0, conflict: 0 }, "addressed: expected at least 1, got 0"],
    [{ addressed: Number.NaN, ready: 0, conflict: 0 }, "addressed: expected at least 1, got NaN"],
    [{ addressed: 5, ready: 4, conflict: 2 }, "at most 5 together, got 4 and 2"],
    [{ addressed: 5, ready: -1, conflict: 2 }, "expected 0 or more"],
    [{ addressed: 5, ready: 1, conflict: -2 }, "expected 0 or more"],
  ])("%o", (counts, message) => {
    expect(() => decideQuorum(counts)).toThrow(message);
    expect(() => decideQuorum(counts)).toThrow(RangeError);
  });

  test.each(["requiredReadyRate", "maxConflictRate", "maxTransitRate"])("%s", (field) => {
    for (const value of [-0.1, 1.1, Number.NaN]) {
      const thresholds = { [field]: value };
      expect(() => decideQuorum({ addressed: 1, ready: 1, conflict: 0 }, thresholds)).toThrow(
        `${field}: expected a share from 0 to 1, got ${value}`,
      );
    }
  });
});

describe("for any counts and thresholds", () => {
  const counts: fc.Arbitrary<QuorumCounts> = fc
    .tuple(fc.nat(200), fc.nat(200), fc.nat(200))
    .filter(([ready, conflict, transit]) => ready + conflict + transit > 0)
    .map(([ready, conflict, transit]) => ({
      addressed: ready + conflict + transit,
      ready,
      conflict,
    }));
  const rate = fc.double({ min: 0, max: 1, noNaN: true });
  const thresholds = fc.record({
    requiredReadyRate: rate,
    maxConflictRate: rate,
    maxTransitRate: rate,
  });

  test("it proceeds exactly when enough are ready and few enough in conflict", () => {
    fc.assert(
      fc.property(counts, thresholds, (counted, limits) => {
        const { achieved, decision } = decideQuorum(counted, limits);
        const { addressed, ready, conflict } = counted;
        const enough = ready / addressed >= limits.requiredReadyRate;
        const clean = conflict / addressed <= limits.maxConflictRate;
        expect(achieved).toBe(enough && clean);
        expect(achieved).toBe(decision === "PROCEED");
      }),
    );
  });

  test("everybody is counted once, and confidence is a share", () => {
    fc.assert(
      fc.property(counts, thresholds, (counted, limits) => {
        const result = decideQuorum(counted, limits);
        const { readyCount, conflictCount, transitCount } = result;
        expect(readyCount + conflictCount + transitCount).toBe(counted.addressed);
        expect(result.confidence).toBeGreaterThanOrEqual(0);
        expect(result.confidence).toBeLessThanOrEqual(1);
      }),
    );
  });

  test("one more READY out of transit never loses a quorum", () => {
    fc.assert(
      fc.property(counts, thresholds, (counted, limits) => {
        fc.pre(counted.ready + counted.conflict < counted.addressed);
        const before = decideQuorum(counted, limits);
        const after = decideQuorum({ ...counted, ready: counted.ready + 1 }, limits);
        if (before.achieved) expect(after.achieved).toBe(true);
        expect(after.confidence).toBeGreaterThanOrEqual(before.confidence);
      }),
    );
  });

  test("it waits only while somebody is in transit", () => {
    fc.assert(
      fc.property(counts, thresholds, (counted, limits) => {
        fc.pre(counted.ready + counted.conflict === counted.addressed);
        expect(decideQuorum(counted, limits).decision).not.toBe("WAIT");
      }),
    );
  });
});
