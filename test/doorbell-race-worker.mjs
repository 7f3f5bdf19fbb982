// One of two threads that wake each other in turn. See doorbell-race.test.ts.
import { parentPort, workerData } from "node:worker_threads";
import { lieDown, nextRing, ringDoorbell, standUp } from "../dist/mailbox/doorbell.js";
import { controlOf } from "../dist/mailbox/lanes.js";

const { control, turns, thread, rounds, seed } = workerData;
const mine = controlOf(control, thread);
const other = controlOf(control, 1 - thread);
// Waiting for a ring does not keep the loop alive.
const alive = setInterval(() => {}, 1 << 30);
let x = (seed + thread) | 1;
let slept = 0;

/** Shifts the two threads against each other, so that each meets the other at another step. */
function dawdle() {
  x ^= x << 13;
  x ^= x >>> 17;
  x ^= x << 5;
  for (let i = (x >>> 0) % 64; i > 0; i--) Atomics.load(turns, thread);
}

for (let round = 1; round <= rounds; round++) {
  if (thread === 0) {
    Atomics.store(turns, 0, round);
    ringDoorbell(other);
  }
  while (Atomics.load(turns, 1 - thread) < round) {
    lieDown(mine);
    dawdle();
    // The last look.
    if (Atomics.load(turns, 1 - thread) >= round) {
      standUp(mine);
      break;
    }
    const ring = nextRing(mine);
    if (ring !== undefined) {
      slept++;
      await ring;
    }
  }
  if (thread === 1) {
    dawdle();
    Atomics.store(turns, 1, round);
    ringDoorbell(other);
  }
}
clearInterval(alive);
parentPort.postMessage({ rounds: Atomics.load(turns, thread), slept });
