// A hostile thread that writes all over a ring while another verifies what comes by it.
import { Worker } from "node:worker_threads";
import { pause } from "./mesh.ts";
import { TrustLanes } from "./trust-lanes.ts";

/** On a busy machine it takes a while until both threads have met; then it goes on for this long at most. */
const MOST_ROUNDS = 50_000;
/** Longer than failed batches hold the lane up, ms of the lanes' own clock. */
const STEP_MS = 400;
const HALF_HOUR_MS = 1_800_000;
/**
 * Flips bits between the words of the ring's indices and its end, as fast as it can, while word 0 says so: from when a
 * batch was signed until it was taken. It says in word 1 that it flips, in word 2 how often it has.
 */
const VANDAL = `
  const { workerData } = require("node:worker_threads");
  const { memory, from, to, stop } = workerData;
  const bytes = new Uint8Array(memory);
  const word = new Int32Array(stop);
  let state = 88172645;
  for (let flips = 0; ; ) {
    const phase = Atomics.load(word, 0);
    if (phase === 2) break;
    Atomics.store(word, 1, phase);
    for (let i = 0; phase === 1 && i < 64; i++, flips++) {
      state ^= state << 13; state ^= state >>> 17; state ^= state << 5;
      bytes[from + (state >>> 0) % (to - from)] ^= 1 << (state & 7);
    }
    Atomics.store(word, 2, flips);
  }`;
const [PHASE, SEEN, FLIPS] = [0, 1, 2];
const FRAMES_A_ROUND = 12;

/** What became of the frames. */
export interface HostileCount {
  readonly sent: number;
  /** As they were sent. */
  readonly delivered: number;
  /** Batches that were refused. */
  readonly refused: number;
  /** Bits that were flipped meanwhile, modulo 2^32. */
  readonly flips: number;
  /** The first that was delivered as another than it was sent; undefined when none was. */
  readonly altered: string | undefined;
}

/** Sends at least `frames` frames under attack, and until something was refused. */
export async function rewriteDuringVerification(
  frames: number,
  tell: (line: string) => void = () => {},
): Promise<HostileCount> {
  const lanes = new TrustLanes();
  const { ring } = lanes.in();
  const { buffer, byteOffset } = ring.bytes;
  const stop = new SharedArrayBuffer(12);
  const words = new Int32Array(stop);
  const data = { memory: buffer, from: byteOffset + 96 * 4, to: byteOffset + 96 * 4 + 8_192, stop };
  const vandal = new Worker(VANDAL, { eval: true, workerData: data });
  const flips = (): number => Atomics.load(words, FLIPS) >>> 0;
  // What stands there before it is signed is signed as it stands: that is not what is looked at here.
  const turn = (phase: 0 | 1): void => {
    Atomics.store(words, PHASE, phase);
    while (Atomics.load(words, SEEN) !== phase);
  };
  let [sent, delivered, refused, round] = [0, 0, 0, 0];
  let renewedMs = lanes.nowMs;
  try {
    Atomics.store(words, PHASE, 1);
    while (flips() === 0) await pause(1);
    turn(0);
    for (; sent < frames || (refused === 0 && round < MOST_ROUNDS); round++) {
      if (round % 10_000 === 0) tell(`${sent} frames`);
      lanes.nowMs += STEP_MS;
      if (lanes.nowMs - renewedMs > HALF_HOUR_MS) {
        renewedMs = lanes.nowMs;
        lanes.signer.renew(lanes.office.open(1, 1, lanes.nowMs));
      }
      const payloads = Array.from(
        { length: FRAMES_A_ROUND },
        (_, i) => `frame ${i} of round ${round}, ${"x".repeat(round % 90)}`,
      );
      lanes.send(payloads);
      sent += payloads.length;
      turn(1);
      const { frames: came, refused: reasons } = lanes.drain();
      turn(0);
      // What comes is a beginning of what was sent, word for word; the rest was destroyed.
      for (const [place, frame] of came.entries()) {
        if (frame === payloads[place]) continue;
        const altered = `${frame}, sent as ${payloads[place]}`;
        return { sent, delivered, refused, flips: flips(), altered };
      }
      delivered += came.length;
      refused += reasons.length;
      // A ring whose lengths were overwritten is given up for what it holds.
      if (!ring.empty) ring.release(ring.tail);
    }
    return { sent, delivered, refused, flips: flips(), altered: undefined };
  } finally {
    Atomics.store(words, PHASE, 2);
    await vandal.terminate();
  }
}
