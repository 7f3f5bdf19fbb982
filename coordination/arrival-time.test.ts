import { expect, test } from "vitest";
import { readArrivalTime } from "./arrival-time.ts";

test.each([
  [1_700_000_000_123, 1_700_000_000_123],
  [new Date(5), 5],
  ["2026-11-24T16:00:00.000Z", Date.UTC(2026, 10, 24, 16)],
  ["in 500ms", 1500],
  ["in 2s", 3000],
  ["in 1m30s", 91_000],
  ["in 0.5 s", 1500],
])("%s is a time", (at, atMs) => {
  expect(readArrivalTime(at, 1000)).toEqual({ kind: "time", atMs });
});

test("the words", () => {
  expect(readArrivalTime("now", 0)).toEqual({ kind: "now" });
  expect(readArrivalTime("earliest-quorum", 0)).toEqual({ kind: "earliest-quorum" });
});

test.each([
  "soon",
  "in 5",
  "in",
  "",
  "5",
  "2026",
  Number.NaN,
  Number.POSITIVE_INFINITY,
  new Date(Number.NaN),
  undefined as never,
  null as never,
  true as never,
])("%s is refused by name", (at) => {
  expect(() => readArrivalTime(at, 0)).toThrow(/^at: expected a time .+, got /);
});
