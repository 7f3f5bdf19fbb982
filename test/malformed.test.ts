import { expect, test } from "vitest";
import { readMalformed } from "./malformed.ts";
import { printedSeed } from "./mesh.ts";

const seed = printedSeed();
/** Few enough for every run of the tests; `npm run prove` reads two hundred thousand, and ten million with --full. */
const CASES = 3_000;
/** One case takes microseconds; what is looked for is one that does not end. */
const LONG_MS = 5_000;

test("malformed frames, certificates, tokens, settings, requests and lines get a typed no, soon", async () => {
  const counts = await readMalformed(CASES, seed);
  const faults = counts.filter(({ fault }) => fault !== undefined && !/^\d+ ms for/.test(fault));
  expect(faults, `seed ${seed}`).toEqual([]);
  expect(Math.max(...counts.map(({ longestMs }) => longestMs))).toBeLessThan(LONG_MS);
  expect(counts.reduce((sum, { cases }) => sum + cases, 0)).toBeGreaterThanOrEqual(CASES);
});
