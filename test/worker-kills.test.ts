// Two hundred real deaths of workers under load: none lost, none torn, none out of order, no effect twice.
import { expect, test } from "vitest";
import { printedSeed } from "./mesh.ts";
import { killWorkers } from "./worker-kills.ts";

const KILLS = 200;

test(`${KILLS} workers die under load, and every message has its effect once, whole and in order`, async () => {
  const seed = printedSeed();
  const counted = await killWorkers(KILLS, seed);
  expect(counted.faults).toEqual([]);
  expect(counted.got).toBe(counted.told);
  expect(Object.values(counted.kills).reduce((sum, count) => sum + count, 0)).toBe(KILLS);
  expect(Object.keys(counted.kills).sort()).toEqual([
    "exit",
    "loop",
    "memory",
    "terminate",
    "throw",
  ]);
  expect(counted.deaths).toBeGreaterThanOrEqual(KILLS);
}, 300_000);
