import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { FLOOD_SETTINGS, FloodGate } from "./flood-gate.ts";

const SETTINGS = { ...FLOOD_SETTINGS, leastUsual: 10 };
let gate: FloodGate;

beforeEach(() => {
  gate = new FloodGate(100, 10, 10, SETTINGS);
});

/** How many of so many are taken, from different senders for different clusters. */
function taken(count: number, priority: number, nowMs: number, fill: number): number {
  let admitted = 0;
  for (let i = 0; i < count; i++)
    if (gate.admits(i % 100, (i * 11) % 100, priority, nowMs, fill)) admitted++;
  return admitted;
}

describe("flood gate", () => {
  test("without pressure everything is taken, at any rate", () => {
    for (const priority of [0, 1, 2]) expect(taken(100_000, priority, 0, 0.24)).toBe(100_000);
    expect(gate.isPressed).toBe(false);
  });

  test.each([
    [0.3, [true, true, true]],
    [0.5, [false, true, true]],
    [0.88, [false, false, true]],
    [0.94, [false, false, false]],
  ])("at %d full the low priorities are refused first", (fill, admitted) => {
    expect([0, 1, 2].map((priority) => gate.admits(1, 1, priority, 0, fill))).toEqual(admitted);
  });

  test("under pressure ten times the usual rate is taken a slice, of the background half", () => {
    expect(taken(1_000, 1, 0, 0.3)).toBe(100);
    expect(taken(1_000, 0, 100, 0.3)).toBe(50);
    expect(taken(1_000, 1, 200, 0.3)).toBe(100);
  });

  test("one sender among many gets a quarter of it, and so does one cluster", () => {
    let flooder = 0;
    for (let i = 0; i < 60; i++) if (gate.admits(7, i % 100, 1, 0, 0.3)) flooder++;
    expect(flooder).toBe(25);
    expect(gate.admits(8, 55, 1, 0, 0.3)).toBe(true);
    let victim = 0;
    for (let i = 0; i < 60; i++) if (gate.admits(i, 3, 1, 100, 0.3)) victim++;
    expect(victim).toBe(25);
  });

  test("pressure ends at half of where it began", () => {
    taken(1_000, 1, 0, 0.3);
    expect(taken(10, 1, 0, 0.2)).toBe(0);
    expect(taken(10, 1, 0, 0.12)).toBe(10);
    expect(gate.isPressed).toBe(false);
  });

  test("the usual rate is learned while there is no pressure, and not from a flood", () => {
    for (let slice = 0; slice < 6_000; slice++) taken(50, 1, slice * 100, 0);
    expect(gate.usual).toBeGreaterThan(49);
    const before = gate.usual;
    for (let slice = 6_000; slice < 6_100; slice++) taken(5_000, 1, slice * 100, 0.4);
    expect(Math.abs(gate.usual - before)).toBeLessThan(0.01);
  });

  test("a thread that slept long takes the usual rate for low, but never for none", () => {
    for (let slice = 0; slice < 600; slice++) taken(500, 1, slice * 100, 0);
    taken(1, 1, 86_400_000, 0);
    taken(1, 1, 86_500_000, 0);
    expect(gate.usual).toBeLessThan(500);
    expect(gate.usual).toBeGreaterThanOrEqual(10);
  });

  test("whatever comes, a higher priority is taken wherever a lower one is", () => {
    const message = fc.tuple(
      fc.nat(99),
      fc.nat(99),
      fc.nat(50),
      fc.double({ min: 0, max: 1, noNaN: true }),
    );
    fc.assert(
      fc.property(fc.array(message, { maxLength: 300 }), (messages) => {
        const gates = [0, 1, 2].map(() => new FloodGate(100, 10, 10, SETTINGS));
        let nowMs = 0;
        for (const [sender, target, waitMs, fill] of messages) {
          nowMs += waitMs;
          const [low, normal, high] = gates.map((each, priority) =>
            each.admits(sender, target, priority, nowMs, fill),
          );
          expect(Number(low)).toBeLessThanOrEqual(Number(normal));
          expect(Number(normal)).toBeLessThanOrEqual(Number(high));
        }
      }),
    );
  });
});
