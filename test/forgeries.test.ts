import { expect, test } from "vitest";
import { FORGERIES, tryForgery } from "./forgeries.ts";
import { printedSeed } from "./mesh.ts";

const seed = printedSeed();
/** Few enough for every run of the tests; `npm run prove` tries ten thousand of each, and a million with --full. */
const CASES = 400;

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
