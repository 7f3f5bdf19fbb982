// A process with a journal, killed at any moment: what it had promised is there when it comes back, once.
import { expect, test } from "vitest";
import { killDurable } from "./durable-kills.ts";
import { printedSeed, randomOf } from "./mesh.ts";

const KILLS = Number(process.env.DURABLE_KILLS ?? 10);

test(`${KILLS} times killed under load: nothing that was promised is lost, nothing has its effect twice`, async () => {
  const seed = printedSeed();
  const { promised, lost, unfinished, faults } = await killDurable(KILLS, seed, randomOf(seed));
  expect({ lost, faults }).toEqual({ lost: 0, faults: [] });
  // The kills did hit work: there was something to promise, and something left to do.
  expect(promised).toBeGreaterThan(100);
  expect(unfinished).toBeGreaterThan(0);
  process.stdout.write(`${promised} promised, ${unfinished} found unfinished\n`);
}, 120_000);
