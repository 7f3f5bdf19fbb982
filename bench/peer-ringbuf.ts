import { RingBuffer } from "ringbuf.js";
import { exchange, type FrameTraffic, perSecond } from "./exchange.ts";
import type { RingbufData } from "./peer-ringbuf-worker.ts";

/** Frames over ringbuf.js, used as it is fastest: 32-bit words, a batch a write, everything out in one pop. */
export async function framesByRingbuf(
  traffic: FrameTraffic,
  capacityBytes: number,
): Promise<number> {
  const data: RingbufData = {
    question: "frames",
    memory: ringbufMemory(capacityBytes),
    itemWords: traffic.frameBytes >>> 2,
    batch: traffic.batch,
  };
  const ms = await exchange<number>("peer-ringbuf-worker", traffic, data);
  return perSecond(traffic.measured, ms);
}

function ringbufMemory(capacityBytes: number): SharedArrayBuffer {
  return RingBuffer.getStorageForCapacity(capacityBytes >>> 2, Int32Array);
}
