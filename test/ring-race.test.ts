// Two real threads on one ring: what tests in one thread cannot show.
import { Worker } from "node:worker_threads";
import { describe, expect, test, vi } from "vitest";
import { RING_ACCEPTED, RING_HEAD, RING_TAIL } from "../mailbox/layout.ts";
import { ringBytes } from "../mailbox/ring.ts";

// Only against hanging: on two idle cores the longest test takes seconds.
vi.setConfig({ testTimeout: 300_000 });

const SEED = Number(process.env.RACE_SEED ?? Math.floor(Math.random() * 2 ** 31));
const CAPACITY = 64 * 1024;
/** The ring does not begin where its memory does. */
const OFFSET = 256;

/** A ring whose indices overflow 2^31 after some thousand frames. */
function ringMemory(): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(OFFSET + ringBytes(CAPACITY));
  const words = new Int32Array(memory, OFFSET);
  for (const index of [RING_TAIL, RING_HEAD, RING_ACCEPTED]) words[index] = 2 ** 31 - 20_000;
  return memory;
}

function start(workerData: object): Worker {
  return new Worker(new URL("./ring-race-worker.mjs", import.meta.url), { workerData });
}

function messageOf(worker: Worker): Promise<unknown> {
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`the worker left with code ${code}`)));
  });
}

describe(`frames of random length, seed ${SEED}`, () => {
  test.each([
    ["in batches", 64, 10_000_000],
    ["one by one", 1, 2_000_000],
  ])(
    "cross from thread to thread %s, none lost, none twice, none torn",
    async (_how, batch, frames) => {
      const memory = ringMemory();
      const common = { memory, offset: OFFSET, capacityBytes: CAPACITY, seed: SEED, frames, batch };
      const workers = [
        start({ ...common, role: "consume" }),
        start({ ...common, role: "produce" }),
      ];
      try {
        const [consumed, produced] = await Promise.race([
          Promise.all(workers.map(messageOf)),
          // A consumer that found a fault leaves its producer waiting for room.
          messageOf(workers[0]).then((found) => [found, { produced: frames }]),
        ]);
        expect(consumed).toEqual({
          consumed: frames,
          refused: expect.any(Number),
          empty: true,
          fault: undefined,
        });
        expect((consumed as { refused: number }).refused).toBeGreaterThan(0);
        expect(produced).toEqual({ produced: frames });
      } finally {
        await Promise.all(workers.map((worker) => worker.terminate()));
      }
    },
  );
});

describe(`threads that are killed at random, seed ${SEED}`, () => {
  const KILLS = 50;

  test("leave a ring whose successors lose no committed frame, see none torn and take none twice", async () => {
    let x = SEED | 1;
    const random = (bound: number): number => {
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
      return (x >>> 0) % bound;
    };
    const memory = ringMemory();
    const state = new Float64Array(new SharedArrayBuffer(32));
    state[1] = -1;
    // Number and position of a frame share the 53 bits of a double.
    state[2] = 2 ** 21;
    const common = {
      memory,
      offset: OFFSET,
      capacityBytes: CAPACITY,
      seed: SEED,
      batch: 32,
      state,
    };
    const roles = ["produceMortally", "consumeMortally"];
    let consumer: Promise<unknown> = Promise.resolve();
    const faults: (string | undefined)[] = [];
    const live = async (role: string): Promise<Worker> => {
      const worker = start({ ...common, role });
      expect(await messageOf(worker)).toBe("working");
      if (role === "consumeMortally") {
        consumer = messageOf(worker);
        // Most of them are killed before they can say anything, and need not.
        consumer.then(
          (found) => faults.push((found as { fault?: string }).fault),
          () => {},
        );
      }
      return worker;
    };
    const workers = [await live(roles[0]), await live(roles[1])];
    let crossed = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      await new Promise((resolve) => setTimeout(resolve, random(8)));
      const which = random(2);
      await workers[which].terminate();
      const received = Math.floor(state[1] / 2 ** 32) + 1;
      expect(received).toBeGreaterThanOrEqual(crossed);
      crossed = received;
      workers[which] = await live(roles[which]);
    }
    state[2] = Math.min(state[2], state[0] + 50_000);
    try {
      const found = (await consumer) as { consumed: number; fault: string | undefined };
      expect(found.fault).toBeUndefined();
      expect(faults.filter((fault) => fault !== undefined)).toEqual([]);
      expect(crossed).toBeGreaterThan(0);
      expect(found.consumed).toBe(state[2]);
      expect(state[0]).toBeGreaterThanOrEqual(found.consumed);
    } finally {
      await Promise.all(workers.map((worker) => worker.terminate()));
    }
  });
});
