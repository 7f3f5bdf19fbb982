import { type ExchangeSize, exchange, type FrameTraffic, perSecond } from "./exchange.ts";
import type { BeatSize } from "./lead.ts";
import { ringbufMemory } from "./peer-ringbuf-ends.ts";
import type { RingbufHeartbeatData } from "./peer-ringbuf-heartbeat-worker.ts";
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
