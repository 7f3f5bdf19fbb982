import { assert, describe, test } from "vitest";
import { orderEvents } from "./event-order.ts";

const NONE: ReadonlyMap<string, { offsetMs: number; boundMs: number }> = new Map();

describe("events in the order of their stamps", () => {
  test("whose clocks agree are what they seem to be", () => {
    const events = [
      { agent: "b", atMs: 20, lamport: 2 },
      { agent: "a", atMs: 10, lamport: 1 },
    ];
    const { ordered, inversions, drift } = orderEvents(events, NONE);
    assert.deepEqual(
      ordered.map(({ agent }) => agent),
      ["a", "b"],
    );
    assert.isEmpty(inversions);
    assert.isUndefined(drift);
  });

  test("blame the clock that is known to be off, and come right when it is set right", () => {
    const events = [
      { agent: "a", atMs: 1000, lamport: 1 },
      { agent: "b", atMs: 900, lamport: 2 },
    ];
    const offsets = new Map([["b", { offsetMs: -150, boundMs: 5 }]]);
    const { drift, inversions, remaining, ordered } = orderEvents(events, offsets);
    assert.deepEqual(drift, { agent: "b", driftMs: -150, known: "measured" });
    assert.equal(inversions[0].byMs, 100);
    assert.isEmpty(remaining);
    assert.equal(ordered[1].correctedMs, 1050);
  });

  test("do not blame a clock whose offset is smaller than what is uncertain of it", () => {
    const events = [
      { agent: "a", atMs: 1000, lamport: 1 },
      { agent: "b", atMs: 900, lamport: 2 },
    ];
    const offsets = new Map([["b", { offsetMs: -3, boundMs: 5 }]]);
    assert.isUndefined(orderEvents(events, offsets).drift);
  });

  test("blame the clock that is part of most contradictions when none was measured", () => {
    const events = [
      { agent: "a", atMs: 100, lamport: 1 },
      { agent: "slow", atMs: 50, lamport: 2 },
      { agent: "b", atMs: 120, lamport: 3 },
      { agent: "slow", atMs: 70, lamport: 4 },
    ];
    const { drift, remaining } = orderEvents(events, NONE);
    assert.deepEqual(drift, { agent: "slow", driftMs: -50, known: "inferred" });
    assert.isEmpty(remaining);
  });

  test("blame nobody of two when it could be either", () => {
    const events = [
      { agent: "a", atMs: 100, lamport: 1 },
      { agent: "b", atMs: 50, lamport: 2 },
    ];
    assert.isUndefined(orderEvents(events, NONE).drift);
  });
});
