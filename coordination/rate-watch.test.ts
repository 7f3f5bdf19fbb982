import { describe, expect, test } from "vitest";
import { RateWatch } from "./rate-watch.ts";

/** So many seconds at a rate, a share of which finds no room; the states that were told. */
function pass(
  watch: RateWatch,
  from: Counts,
  seconds: number,
  rate: number,
  refused = 0,
): string[] {
  const told: string[] = [];
  for (let i = 0; i < seconds; i++) {
    from.nowMs += 1000;
    from.sent += rate;
    from.refused += rate * refused;
    const news = watch.look(from.sent, from.refused, from.nowMs);
    if (news !== undefined) told.push(news.state);
  }
  return told;
}

interface Counts {
  nowMs: number;
  sent: number;
  refused: number;
}

const zero = (): Counts => ({ nowMs: 0, sent: 0, refused: 0 });

describe("a flood", () => {
  test("is more than ten times what is usual, for which there is no room; it ends when it is over", () => {
    const watch = new RateWatch();
    const counts = zero();
    expect(pass(watch, counts, 600, 1000)).toEqual([]);
    expect(watch.usual).toBeGreaterThan(800);
    expect(pass(watch, counts, 3, 50_000, 0.2)).toEqual(["begins", "goes-on", "goes-on"]);
    expect(pass(watch, counts, 9, 1000)).toEqual(Array(9).fill("goes-on"));
    expect(pass(watch, counts, 2, 1000)).toEqual(["ends"]);
    // Nothing of it was learned.
    expect(watch.usual).toBeLessThan(1100);
  });

  test("is not a mesh that wakes up and finds room for all, nor one that is full as usual", () => {
    const counts = zero();
    expect(pass(new RateWatch(), counts, 600, 1_000_000)).toEqual([]);
    expect(pass(new RateWatch(), zero(), 600, 1500, 0.1)).toEqual([]);
  });

  test("is not what a clock that stands still, or counts that begin anew, make of it", () => {
    const watch = new RateWatch();
    expect(watch.look(0, 0, 1000)).toBeUndefined();
    expect(watch.look(1e9, 1e9, 1000)).toBeUndefined();
    expect(watch.look(0, 0, 2000)).toBeUndefined();
  });
});
