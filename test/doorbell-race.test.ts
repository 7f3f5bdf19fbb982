// A wake-up that is lost stops both threads for good: the test's time-out is the only way it can fail.
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { CONTROL_WORDS } from "../mailbox/layout.ts";

const ROUNDS = 100_000;
const SEED = Number(process.env.RACE_SEED ?? Math.floor(Math.random() * 2 ** 31));

test(`two threads that park and wake each other in turn never sleep through a ring, seed ${SEED}`, async () => {
  const control = new SharedArrayBuffer(2 * CONTROL_WORDS * 4);
  const turns = new Int32Array(new SharedArrayBuffer(8));
  const workers = [0, 1].map(
    (thread) =>
      new Worker(new URL("./doorbell-race-worker.mjs", import.meta.url), {
        workerData: { control, turns, thread, rounds: ROUNDS, seed: SEED },
      }),
  );
  try {
    const results = await Promise.all(
      workers.map(
        (worker) =>
          new Promise<{ rounds: number; slept: number }>((resolve, reject) => {
            worker.once("message", resolve);
            worker.once("error", reject);
          }),
      ),
    );
    expect(results.map(({ rounds }) => rounds)).toEqual([ROUNDS, ROUNDS]);
    // Else it has shown nothing.
    expect(results[0].slept + results[1].slept).toBeGreaterThan(ROUNDS / 100);
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}, 120_000);
