import { assert, test } from "vitest";
import { OneWayTimes } from "./one-way.ts";

const AHEAD_MS = 1_000_000;

/** An exchange of so many ms there, of work, and back, with a system whose clock is ahead. */
function exchange(
  times: OneWayTimes,
  there: number,
  work: number,
  back: number,
  system = 0,
): { readonly rttMs: number; readonly processingMs: number } {
  const sentMs = 5_000;
  const receivedMs = sentMs + there + AHEAD_MS;
  const stamps = { receivedMs, answeredMs: receivedMs + work };
  return times.measure(system, sentMs, sentMs + there + work + back, stamps);
}

test("after a fast exchange the way there is known, however slow the way back", () => {
  const times = new OneWayTimes();
  assert.deepEqual(exchange(times, 1, 5, 1), { rttMs: 2, processingMs: 5 });
  assert.deepEqual(exchange(times, 40, 7, 1), { rttMs: 80, processingMs: 7 });
  assert.deepEqual(exchange(times, 1, 7, 40), { rttMs: 2, processingMs: 7 });
});

test("each system has its own clock", () => {
  const times = new OneWayTimes();
  exchange(times, 1, 0, 1, 1);
  // Nothing else is known of the second one than that both ways together took 41.
  assert.deepEqual(exchange(times, 40, 0, 1, 2), { rttMs: 41, processingMs: 0 });
});

test("without stamps, or with impossible ones, all is work", () => {
  const times = new OneWayTimes();
  assert.deepEqual(times.measure(0, 100, 130, undefined), { rttMs: 0, processingMs: 30 });
  const impossible = { receivedMs: 0, answeredMs: 31 };
  assert.deepEqual(times.measure(0, 100, 130, impossible), { rttMs: 0, processingMs: 30 });
});
