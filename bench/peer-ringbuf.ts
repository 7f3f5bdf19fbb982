import { RingBuffer } from "ringbuf.js";
import { type ExchangeSize, exchange, type FrameTraffic, perSecond } from "./exchange.ts";
import type { BeatSize } from "./lead.ts";
import { nsPerOperation } from "./loop.ts";
import { fillFrame, proveFrame } from "./pattern.ts";
import { ringbufMemory } from "./peer-ringbuf-ends.ts";
import type { RingbufHeartbeatData } from "./peer-ringbuf-heartbeat-worker.ts";
import type { RingbufTaskData } from "./peer-ringbuf-task-worker.ts";
import type { RingbufData } from "./peer-ringbuf-worker.ts";

/*
 * ringbuf.js as it is fastest: 32-bit words, a batch a write, everything out in one pop.
 */

/** Frames a second. */
export async function framesByRingbuf(
  traffic: FrameTraffic,
  capacityBytes: number,
): Promise<number> {
  const data: RingbufData = {
    memory: ringbufMemory(capacityBytes),
    frameWords: traffic.frameBytes >>> 2,
    batch: traffic.batch,
  };
  return perSecond(traffic.measured, await exchange("peer-ringbuf-worker", traffic, data));
}

/** Heartbeats a second, noted and folded. */
export async function heartbeatsByRingbuf(
  beats: ExchangeSize,
  size: BeatSize,
  single: boolean,
  capacityBytes: number,
): Promise<number> {
  const data: RingbufHeartbeatData = { memory: ringbufMemory(capacityBytes), size, single };
  return perSecond(beats.measured, await exchange("peer-ringbuf-heartbeat-worker", beats, data));
}

/** Task messages a second, as msgpack, one a write. */
export async function tasksByRingbuf(size: ExchangeSize, capacityBytes: number): Promise<number> {
  const data: RingbufTaskData = { memory: ringbufMemory(capacityBytes) };
  return perSecond(size.measured, await exchange("peer-ringbuf-task-worker", size, data));
}

/** Nanoseconds to push a frame and pop it again on one thread, `frames` at a time. */
export async function pushPopByRingbuf(frameBytes: number, frames: number): Promise<number> {
  const frameWords = frameBytes >>> 2;
  const buffer = new RingBuffer(ringbufMemory(4 * frames * frameBytes), Int32Array);
  const frame = new Int32Array(frameWords);
  const popped = new Int32Array(frames * frameWords);
  let next = 0;
  return nsPerOperation(frames, () => {
    for (let i = 0; i < frames; i++) {
      fillFrame(frame, 0, frameWords, next + i);
      buffer.push(frame, frameWords);
    }
    const words = buffer.pop(popped, popped.length);
    for (let at = 0; at < words; at += frameWords) proveFrame(popped, at, frameWords, next++);
  });
}
