import { exchange, type FrameTraffic, perSecond } from "./exchange.ts";
import type { PostMessageData } from "./peer-post-message-worker.ts";

/** Frames as typed arrays through a MessageChannel, a batch a message. */
export async function framesByPostMessage(traffic: FrameTraffic): Promise<number> {
  const data: PostMessageData = {
    question: "frames",
    credit: new SharedArrayBuffer(4),
    itemWords: traffic.frameBytes >>> 2,
    batch: traffic.batch,
  };
  const ms = await exchange<number>("peer-post-message-worker", traffic, data);
  return perSecond(traffic.measured, ms);
}
