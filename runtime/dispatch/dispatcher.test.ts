import { expect, test } from "vitest";
import { twoThreads } from "../../test/two-threads.ts";

test("a release is not kept waiting by thousands of timers that are due at the same moment", async () => {
  const { shard, clock } = await twoThreads({});
  const order: string[] = [];
  const dueMs = clock.nowMs + 50;
  for (let i = 0; i < 1000; i++)
    shard.wheel.schedule(dueMs, { onTimer: () => void order.push("timer") }, 0);
  for (let i = 0; i < 3; i++)
    shard.releases.schedule(dueMs + i, { onTimer: () => void order.push("release") }, 0);
  clock.nowMs = dueMs + 1;
  let cycles = 0;
  for (; order.length < 1003; cycles++) shard.cycle();
  // The clock goes on by a tenth of a millisecond with each look at it, so the last release is due after some cycles.
  expect(order.lastIndexOf("release")).toBeLessThan(1000 - 32);
  expect(cycles).toBeGreaterThanOrEqual(Math.floor(1000 / 32));
});
