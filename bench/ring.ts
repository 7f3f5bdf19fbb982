import { ringBytes } from "../mailbox/ring.ts";
import { exchange, type FrameTraffic, perSecond } from "./exchange.ts";
import { type Bench, type Contestant, type Metric, parameter } from "./harness.ts";
import { throughputByPostMessage } from "./peer-post-message.ts";
import { framesByRingbuf } from "./peer-ringbuf.ts";
import type { RingData } from "./ring-worker.ts";

/*
 *   producer thread ──[ ring, 1 MiB ]──▶ consumer thread
 *     fills every word                     proves every word
 */
const CAPACITY_BYTES = 1024 * 1024;
const FRAMES = parameter("ring frames", { smoke: 20_000, full: 2_000_000 });
const WARM = parameter("ring warm-up frames", { smoke: 2_000, full: 200_000 });

const CASES = [64, 256].flatMap((frameBytes) =>
  [1, 30, 256].map((batch) => ({
    metric: `perSecond.${frameBytes}B.by${batch}`,
    frameBytes,
    batch,
  })),
);

function contestant(perSecondOf: (traffic: FrameTraffic) => Promise<number>): Contestant {
  return async (measured) => {
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

/** A batch is one typed array. */
async function framesByPostMessage(traffic: FrameTraffic): Promise<number> {
  const { batch } = traffic;
  const size = { warm: Math.ceil(WARM / batch), measured: Math.ceil(FRAMES / batch) };
  const frameWords = traffic.frameBytes >>> 2;
  const cargo = { kind: "frames", frameWords, framesPerMessage: batch } as const;
  return batch * (await throughputByPostMessage(cargo, size));
}

export const ring: Bench = {
  name: "ring",
  question:
    "How many frames a second go from one thread to another, all words written, read, proved?",
  metrics: Object.fromEntries(
    CASES.map(({ metric }): [string, Metric] => [metric, { unit: "1/s", better: "more" }]),
  ),
  ours: contestant(framesByRing),
  peers: {
    "ringbuf.js": contestant((traffic) => framesByRingbuf(traffic, CAPACITY_BYTES)),
    postMessage: contestant(framesByPostMessage),
  },
};
