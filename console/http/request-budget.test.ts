import { assert, test } from "vitest";
import { RequestBudget } from "./request-budget.ts";

const OPTIONS = { burst: 3, perSecond: 2, callers: 2 };

test("a caller has the burst at once, and then the rate", () => {
  const budget = new RequestBudget(OPTIONS);
  assert.deepEqual(
    [0, 0, 0, 0].map((nowMs) => budget.take("a", nowMs)),
    [0, 0, 0, 500],
  );
  assert.equal(budget.take("a", 400), 100);
  assert.equal(budget.take("a", 500), 0);
  assert.equal(budget.take("a", 500), 500);
  assert.equal(budget.take("a", 60_000), 0);
  assert.isTrue(budget.has("a", 60_000));
  budget.take("a", 60_000);
  budget.take("a", 60_000);
  assert.isFalse(budget.has("a", 60_000));
});

test("callers do not share, and who has not asked for longest is forgotten", () => {
  const budget = new RequestBudget(OPTIONS);
  for (let i = 0; i < 3; i++) budget.take("a", 0);
  assert.equal(budget.take("b", 0), 0);
  assert.notEqual(budget.take("a", 0), 0);
  budget.take("c", 0);
  // b is forgotten, not a, who has asked since.
  assert.notEqual(budget.take("a", 0), 0);
  assert.equal(budget.take("b", 0), 0);
});
