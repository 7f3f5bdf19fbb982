import assert from "node:assert/strict";
import { Piscina } from "piscina";
import { perSecond } from "./exchange.ts";
import { FIRST_TASK_NUMBER, taskMessage } from "./payload.ts";
import { type RoundTripSize, type RoundTrips, roundTrips } from "./round-trips.ts";
import { moduleExecArgv, moduleUrl } from "./threads.ts";

/** Asks by `piscina.run`, from the main thread to one worker. */
export async function roundTripsByPiscina(size: RoundTripSize): Promise<RoundTrips> {
  return withPool(size.outstanding, (pool) => roundTrips((number) => pool.run(number), size));
}

/** Messages a second by `piscina.run`, each of them awaited, `outstanding` at once. */
export async function tasksByPiscina(
  warm: number,
  measured: number,
  outstanding: number,
): Promise<number> {
  return withPool(outstanding, async (pool) => {
    await runTasks(pool, warm, outstanding);
    const startMs = performance.now();
    await runTasks(pool, measured, outstanding);
    return perSecond(measured, performance.now() - startMs);
  });
}

async function runTasks(pool: Piscina, count: number, outstanding: number): Promise<void> {
  let next = 0;
  let done = 0;
  const sender = async (): Promise<void> => {
    while (next < count) {
      const number = FIRST_TASK_NUMBER + next++;
      assert.equal(await pool.run(taskMessage(number)), number);
      done++;
    }
  };
  await Promise.all(Array.from({ length: outstanding }, sender));
  assert.equal(done, count);
}

async function withPool<Result>(
  outstanding: number,
  work: (pool: Piscina) => Promise<Result>,
): Promise<Result> {
  const pool = new Piscina({
    filename: moduleUrl("peer-piscina-worker").href,
    execArgv: moduleExecArgv(),
    minThreads: 1,
    maxThreads: 1,
    concurrentTasksPerWorker: outstanding,
  });
  try {
    return await work(pool);
  } finally {
    await pool.destroy();
  }
}
