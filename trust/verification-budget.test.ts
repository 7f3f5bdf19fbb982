import fc from "fast-check";
import { assert, describe, test } from "vitest";
import { type PeerState, VerificationBudget } from "./verification-budget.ts";

const NOW_MS = 1_800_000_000_000;

/** A peer that sends nothing but what fails, every `everyMs`: how often each state was found, and verifications. */
function attack(
  count: number,
  everyMs: number,
  budget: VerificationBudget = new VerificationBudget(),
) {
  const found: Record<PeerState, number> = { open: 0, slowed: 0, refused: 0 };
  let nowMs = NOW_MS;
  for (let i = 0; i < count; i++) {
    nowMs += everyMs;
    const state = budget.state(nowMs);
    found[state]++;
    if (state === "open") budget.failed(nowMs);
  }
  return { ...found, nowMs, budget };
}

describe("a budget of verifications", () => {
  test("lets an honest peer verify as often as it likes", () => {
    const budget = new VerificationBudget();
    for (let i = 0; i < 10_000; i++) {
      assert.equal(budget.state(NOW_MS), "open");
      budget.succeeded();
    }
  });

  test("forgives a few failures, slows who goes on to a hundred a second, and then refuses", () => {
    const { open, slowed, refused, nowMs, budget } = attack(200_000, 0.1);
    // 32 at once, then a hundred a second until a thousand have failed: about ten seconds of the twenty.
    assert.equal(open, 1_000);
    assert.isAbove(slowed, 90_000);
    assert.isAbove(refused, 90_000);
    assert.equal(budget.state(nowMs + 60_000), "open");
    budget.failed(nowMs + 60_000);
    assert.equal(budget.state(nowMs + 60_001), "refused", "one try, and it is refused again");
  });

  test("one success ends a row of failures, and time gives back what they cost", () => {
    const { budget, nowMs } = attack(999, 100);
    budget.succeeded();
    budget.failed(nowMs);
    assert.equal(budget.state(nowMs), "open");
    for (let i = 1; i < 32; i++) budget.failed(nowMs);
    assert.equal(budget.state(nowMs), "slowed");
    assert.equal(budget.state(NOW_MS), "slowed", "a clock that goes back forgives nothing");
    assert.equal(budget.state(nowMs + 10), "open");
  });

  test("whatever a peer does, failures are bounded by time", () => {
    const step = fc.record({ passedMs: fc.nat(50), fails: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const budget = new VerificationBudget();
        let nowMs = NOW_MS;
        for (const { passedMs, fails } of steps) {
          nowMs += passedMs;
          if (budget.state(nowMs) !== "open") continue;
          if (fails) budget.failed(nowMs);
          else budget.succeeded();
        }
        assert.isAtMost(budget.failures, 32 + (nowMs - NOW_MS) / 10 + 1);
      }),
    );
  });
});
