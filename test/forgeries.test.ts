import { expect, test } from "vitest";
import { FORGERIES, tryForgery } from "./forgeries.ts";
import { printedSeed } from "./mesh.ts";

const seed = printedSeed();
/** `npm run prove -- --full` tries a million of each. */
const CASES = 10_000;

test.each(FORGERIES)(
  `of messages that are %s none is accepted, and no honest one refused`,
  (forgery) => {
    const { tried, accepted, honest, honestRefused, fault, reasons } = tryForgery(
      forgery,
      CASES,
      seed,
    );
    expect(fault, `seed ${seed}`).toBeUndefined();
    expect([tried, accepted, honestRefused]).toEqual([CASES, 0, 0]);
    expect(honest).toBeGreaterThan(0);
    expect(reasons.size).toBeGreaterThan(0);
  },
);
