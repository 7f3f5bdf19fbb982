import assert from "node:assert/strict";
import { WebSocket } from "ws";
import { applyFrame, FEED_PROTOCOL, sequenceOf } from "../dashboard/wire.ts";
import { answer, question } from "./processes.ts";

/** A page that looks for a while. */
export interface ViewerQuestion {
  readonly url: string;
  readonly token: string;
  readonly agents: number;
  readonly windowMs: number;
}

export interface ViewerAnswer {
  readonly frames: number;
  readonly bytes: number;
  readonly elapsedMs: number;
  readonly firstMs: number;
}

const { url, token, agents, windowMs } = question<ViewerQuestion>();
answer(await view());

/** Looks, and checks that each frame follows from the one before. */
function view(): Promise<ViewerAnswer> {
  const startMs = performance.now();
  const cells = new Uint8Array(agents);
  const socket = new WebSocket(`${url.replace("http", "ws")}/v1/feed`, [
    FEED_PROTOCOL,
    `token.${token}`,
  ]);
  let frames = 0;
  let bytes = 0;
  let firstMs = 0;
  let sequence = 0;
  return new Promise((resolve, reject) => {
    socket.on("error", reject);
    socket.on("message", (data: Buffer, isBinary) => {
      bytes += data.length;
      if (!isBinary) return;
      const frame = new Uint8Array(data);
      assert.ok(applyFrame(frame, cells, sequence), `frame ${sequenceOf(frame)} does not follow`);
      sequence = sequenceOf(frame);
      if (frames++ === 0) firstMs = performance.now() - startMs;
    });
    setTimeout(() => {
      socket.close();
      resolve({ frames, bytes, elapsedMs: performance.now() - startMs - firstMs, firstMs });
    }, windowMs);
  });
}
