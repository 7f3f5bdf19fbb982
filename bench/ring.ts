import assert from "node:assert/strict";
import { FRAME_LENGTH, FRAME_TYPE, FrameKind } from "../mailbox/frame.ts";
import { type FrameReader, Ring, ringBytes } from "../mailbox/ring.ts";
import { exchange, type FrameTraffic, perSecond } from "./exchange.ts";
import { type Bench, type Contestant, type Metric, parameter } from "./harness.ts";
import { nsPerOperation } from "./loop.ts";
import { fillFrame, proveFrame } from "./pattern.ts";
import { throughputByPostMessage } from "./peer-post-message.ts";
import { framesByRingbuf, pushPopByRingbuf } from "./peer-ringbuf.ts";
import type { RingData } from "./ring-worker.ts";

/*
 *   producer thread ──[ ring, 1 MiB ]──▶ consumer thread
 *     fills every word                     proves every word
 */
const CAPACITY_BYTES = 1024 * 1024;
/** What is over in a few hundredths of a second tells how long its threads took to compile. */
const FRAMES = parameter("ring frames", { smoke: 20_000, full: 5_000_000 });
const WARM = parameter("ring warm-up frames", { smoke: 2_000, full: 1_000_000 });
const POSTED = parameter("ring frames of postMessage", { smoke: 20_000, full: 2_000_000 });
const POSTED_WARM = Math.ceil(POSTED / 10);

const CASES = [64, 256].flatMap((frameBytes) =>
  [1, 30, 256].map((batch) => ({
    metric: `perSecond.${frameBytes}B.by${batch}`,
    frameBytes,
    batch,
  })),
);

/** Frames of one call of the loop on one thread. */
const LOOP_FRAMES = 256;
const LOOP_FRAME_BYTES = 64;

function contestant(
  perSecondOf: (traffic: FrameTraffic) => Promise<number>,
  nsOneThread?: () => Promise<number>,
): Contestant {
  return async (measured) => {
    if (nsOneThread) measured("ns.64B.oneThread", await nsOneThread());
    for (const { metric, frameBytes, batch } of CASES) {
      measured(metric, await perSecondOf({ frameBytes, batch, warm: WARM, measured: FRAMES }));
    }
  };
}

async function framesByRing(traffic: FrameTraffic): Promise<number> {
  const memory = new SharedArrayBuffer(ringBytes(CAPACITY_BYTES));
  const data: RingData = { memory, capacityBytes: CAPACITY_BYTES, ...traffic };
  return perSecond(traffic.measured, await exchange<number>("ring-worker", traffic, data));
}

/** Nanoseconds to claim, write and publish a frame, and to drain it again, on one thread. */
async function claimAndDrain(): Promise<number> {
  const writer = new Ring(new SharedArrayBuffer(ringBytes(CAPACITY_BYTES)), 0, CAPACITY_BYTES);
  const frameWords = LOOP_FRAME_BYTES >>> 2;
  const { words } = writer;
  let next = 0;
  const reader: FrameReader = {
    onFrame: (_, word) => {
      proveFrame(words, word, frameWords, next++);
      return true;
    },
    onCorrupt: (_, sentence) => assert.fail(sentence),
  };
  return nsPerOperation(LOOP_FRAMES, () => {
    for (let i = 0; i < LOOP_FRAMES; i++) {
      const word = writer.tryClaim(LOOP_FRAME_BYTES);
      words[word + FRAME_LENGTH] = LOOP_FRAME_BYTES;
      words[word + FRAME_TYPE] = FrameKind.TELL;
      fillFrame(words, word, frameWords, next + i);
      writer.publish();
    }
    assert.equal(writer.drain(reader, LOOP_FRAMES), LOOP_FRAMES);
  });
}

/** A batch is one typed array. */
async function framesByPostMessage(traffic: FrameTraffic): Promise<number> {
  const { batch } = traffic;
  const size = { warm: Math.ceil(POSTED_WARM / batch), measured: Math.ceil(POSTED / batch) };
  const frameWords = traffic.frameBytes >>> 2;
  const cargo = { kind: "frames", frameWords, framesPerMessage: batch } as const;
  return batch * (await throughputByPostMessage(cargo, size));
}

export const ring: Bench = {
  name: "ring",
  question:
    "How many frames a second go from one thread to another, all words written, read, proved?",
  metrics: {
    "ns.64B.oneThread": { unit: "ns", better: "less" },
    ...Object.fromEntries(
      CASES.map(({ metric }): [string, Metric] => [metric, { unit: "1/s", better: "more" }]),
    ),
  },
  ours: contestant(framesByRing, claimAndDrain),
  peers: {
    "ringbuf.js": contestant(
      (traffic) => framesByRingbuf(traffic, CAPACITY_BYTES),
      () => pushPopByRingbuf(LOOP_FRAME_BYTES, LOOP_FRAMES),
    ),
    postMessage: contestant(framesByPostMessage),
  },
};
