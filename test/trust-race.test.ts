// A hostile thread that writes all over a ring while another verifies what comes by it.
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { pause } from "./mesh.ts";
import { TrustLanes } from "./trust-lanes.ts";

const ROUNDS = 300;
/** On a busy machine it takes more until both threads have met. */
const MOST_ROUNDS = 50_000;
/** Flips bits between the words of the ring's indices and its end, as fast as it can, until it is told to stop. */
const VANDAL = `
  const { workerData } = require("node:worker_threads");
  const { memory, from, to, stop } = workerData;
  const bytes = new Uint8Array(memory);
  const word = new Int32Array(stop);
  let state = 88172645;
  for (let i = 0; Atomics.load(word, 0) === 0; i++) {
    state ^= state << 13; state ^= state >>> 17; state ^= state << 5;
    bytes[from + (state >>> 0) % (to - from)] ^= 1 << (state & 7);
    if ((i & 1023) === 0) Atomics.store(word, 1, i);
  }`;

test("no frame is delivered altered while a hostile thread rewrites the ring during its verification", async () => {
  const lanes = new TrustLanes();
  const { ring } = lanes.in();
  const { buffer, byteOffset } = ring.bytes;
  const stop = new SharedArrayBuffer(8);
  const flips = new Int32Array(stop);
  const data = { memory: buffer, from: byteOffset + 96 * 4, to: byteOffset + 96 * 4 + 8_192, stop };
  const vandal = new Worker(VANDAL, { eval: true, workerData: data });
  try {
    while (Atomics.load(flips, 1) === 0) await pause(1);
    let delivered = 0;
    let refused = 0;
    for (let round = 0; round < ROUNDS || (refused === 0 && round < MOST_ROUNDS); round++) {
      const sent = [1, 2, 3].map((i) => `frame ${i} of round ${round}, ${"x".repeat(round % 90)}`);
      lanes.send(sent);
      const { frames, refused: reasons } = lanes.drain();
      // What comes is a beginning of what was sent, word for word; the rest was destroyed.
      expect(frames).toEqual(sent.slice(0, frames.length));
      delivered += frames.length;
      refused += reasons.length;
      // A ring whose lengths were overwritten is given up for what it holds.
      if (!ring.empty) ring.release(ring.tail);
    }
    expect(delivered).toBeGreaterThan(0);
    expect(refused).toBeGreaterThan(0);
    expect(Atomics.load(flips, 1)).toBeGreaterThan(1_000);
  } finally {
    Atomics.store(flips, 0, 1);
    await vandal.terminate();
  }
});
