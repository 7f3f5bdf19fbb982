import { assert, describe, test } from "vitest";
import {
  CONFLICT_TYPES,
  type ConflictDetail,
  conflictPriority,
  dueMs,
  suggestStrategy,
} from "./conflict.ts";

describe("the priority of a conflict", () => {
  const cases: readonly (readonly [ConflictDetail, number])[] = [
    [{ type: "CONTEXT_DIVERGENCE" }, 2],
    [{ type: "CONTEXT_DIVERGENCE", divergenceDepth: 10 }, 2],
    [{ type: "CONTEXT_DIVERGENCE", divergenceDepth: 11 }, 3],
    [{ type: "DATA_CONTRADICTION" }, 2],
    [{ type: "DATA_CONTRADICTION", affectsAgentCount: 100 }, 2],
    [{ type: "DATA_CONTRADICTION", affectsAgentCount: 101 }, 3],
    [{ type: "TEMPORAL_PARADOX" }, 4],
    [{ type: "CAPABILITY_MISMATCH" }, 1],
    [{ type: "HASH_MISMATCH" }, 4],
    [{ type: "SOMETHING_ELSE" as ConflictDetail["type"] }, 2],
  ];
  for (const [detail, priority] of cases)
    test(`of ${JSON.stringify(detail)} is ${priority}`, () => {
      assert.equal(conflictPriority(detail), priority);
    });

  test("says by when: whenever, within an hour, ten minutes, a minute, at once", () => {
    const due = ([0, 1, 2, 3, 4] as const).map((priority) => dueMs(priority, 1000));
    assert.deepEqual(due, [Number.POSITIVE_INFINITY, 3_601_000, 601_000, 61_000, 1000]);
  });
});

describe("the strategy for a conflict", () => {
  test("is the one of spec 5.1 for its type, with steps", () => {
    const methods = CONFLICT_TYPES.map((type) => suggestStrategy({ type }).method);
    assert.deepEqual(methods, [
      "BRANCH_AND_RECONCILE",
      "PROVENANCE_TRACE",
      "CLOCK_RECONCILIATION",
      "REROUTE",
      "HOLD_AND_REREQUEST",
    ]);
    for (const type of CONFLICT_TYPES) assert.isNotEmpty(suggestStrategy({ type }).steps);
  });

  test("for a type that nobody knows is a person's look, which does not run by itself", () => {
    const strategy = suggestStrategy({ type: "NEW" as ConflictDetail["type"] });
    assert.equal(strategy.method, "HUMAN_REVIEW");
    assert.isFalse(strategy.automatic);
  });
});
