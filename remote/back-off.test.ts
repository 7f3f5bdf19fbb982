import { assert, test } from "vitest";
import { backOffMs, retryAfterMs } from "./back-off.ts";

const BOUNDS = { firstMs: 100, mostMs: 5_000 };

test("waits double up to the bound, and chance takes up to half off", () => {
  const waits = [1, 2, 3, 7, 1_000].map((attempt) => backOffMs(BOUNDS, attempt, 0));
  assert.deepEqual(waits, [100, 200, 400, 5_000, 5_000]);
  assert.equal(backOffMs(BOUNDS, 2, 0.5), 150);
});

test("Retry-After is seconds or a date; anything else says nothing", () => {
  const nowMs = Date.parse("2026-01-31T12:00:00Z");
  assert.equal(retryAfterMs("2", nowMs), 2_000);
  assert.equal(retryAfterMs("Sat, 31 Jan 2026 12:00:30 GMT", nowMs), 30_000);
  assert.equal(retryAfterMs("Sat, 31 Jan 2026 11:00:00 GMT", nowMs), 0);
  assert.isUndefined(retryAfterMs("soon", nowMs));
  assert.isUndefined(retryAfterMs(undefined, nowMs));
});
