import fc from "fast-check";
import { expect, test } from "vitest";
import { StallAllowance } from "./stall-allowance.ts";

test("it grows while more are late than may be, shrinks while fewer are, and stays within bounds", () => {
  const allowance = new StallAllowance();
  allowance.observe(0, 100, 0.05, 1);
  expect(allowance.ms).toBe(0);
  allowance.observe(25, 100, 0.05, 1);
  expect(allowance.ms).toBeCloseTo(4);
  allowance.observe(0, 100, 0.05, 1);
  expect(allowance.ms).toBeCloseTo(3);
  for (let i = 0; i < 100; i++) allowance.observe(100, 100, 0.05, 1);
  expect(allowance.ms).toBe(50);
  allowance.observe(0, 0, 0.05, 1);
  expect(allowance.ms).toBe(50);
});

test("with stalls of any kind the share that is late comes to what was asked for", () => {
  const stalls = fc.array(fc.double({ min: 0, max: 30, noNaN: true }), {
    minLength: 20,
    maxLength: 20,
  });
  fc.assert(
    fc.property(stalls, (kinds) => {
      const allowance = new StallAllowance();
      let late = 0;
      const rounds = 4000;
      for (let round = 0; round < rounds; round++) {
        // All agents of the thread are late, or none: the stall is theirs together.
        const isLate = kinds[(round * 7) % kinds.length] > allowance.ms;
        if (isLate) late++;
        allowance.observe(isLate ? 1 : 0, 1, 0.05, 1);
      }
      expect(late / rounds).toBeLessThan(0.06);
    }),
    { numRuns: 30 },
  );
});
