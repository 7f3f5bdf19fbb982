import { expect, test } from "vitest";
import { FAILURE_CLASSES, failureClass } from "./failure-classes.ts";
import { retryWaitMs, Silences } from "./silence.ts";

test("the third silence on end escalates, once", () => {
  const silences = new Silences();
  expect([1, 2, 3, 4, 5].map(() => silences.note(7, 10))).toEqual([
    "retry",
    "retry",
    "escalated",
    "known",
    "known",
  ]);
});

test("a message handled in between is a sign of life, and so is an answer", () => {
  const silences = new Silences();
  silences.note(7, 10);
  silences.note(7, 10);
  expect(silences.note(7, 11)).toBe("retry");
  silences.note(7, 11);
  silences.forget(7);
  expect(silences.note(7, 11)).toBe("retry");
});

test("agents are counted apart", () => {
  const silences = new Silences();
  for (let agent = 0; agent < 3; agent++) expect(silences.note(agent, 0)).toBe("retry");
});

test("no more than 10,000 are remembered, the latest", () => {
  const silences = new Silences();
  silences.note(0, 0);
  for (let agent = 1; agent <= 10_000; agent++) silences.note(agent, 0);
  silences.note(0, 0);
  expect(silences.note(0, 0)).toBe("retry");
  silences.note(10_000, 0);
  expect(silences.note(10_000, 0)).toBe("escalated");
});

test("waits double up to ten seconds, less up to half of it", () => {
  expect([1, 2, 3, 4, 5, 6, 7, 50].map((tried) => retryWaitMs(tried, 0))).toEqual([
    250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000,
  ]);
  expect(retryWaitMs(3, 1)).toBe(500);
});

test("the classes are the specification's, each with a detector, a recovery and a threshold", () => {
  expect(FAILURE_CLASSES.map((entry) => entry.class)).toEqual([
    "TRANSIENT_NETWORK",
    "AGENT_CRASH",
    "IMPEDANCE_SPIKE",
    "CONTEXT_CORRUPTION",
    "BYZANTINE_BEHAVIOR",
    "CASCADE_FAILURE",
  ]);
  for (const { escalateAt, ...words } of FAILURE_CLASSES) {
    expect(escalateAt).toBeGreaterThan(0);
    for (const text of Object.values(words)) expect(text).not.toBe("");
  }
  expect(failureClass("TRANSIENT_NETWORK").escalateAt).toBe(3);
});
