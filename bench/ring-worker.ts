import { parentPort, workerData } from "node:worker_threads";
import { FRAME_LENGTH, FRAME_TYPE, FrameKind } from "../mailbox/frame.ts";
import { type FrameReader, FULL, Ring } from "../mailbox/ring.ts";
import type { ExchangeData } from "./exchange.ts";
import { fillFrame, proveFrame } from "./pattern.ts";
import { Pause } from "./pause.ts";
import { nowMs } from "./threads.ts";

/** What the threads of `ring` are told. */
export interface RingData {
  readonly memory: SharedArrayBuffer;
  readonly capacityBytes: number;
  readonly frameBytes: number;
  /** Frames made visible by one publication. */
  readonly batch: number;
}

const data = workerData as ExchangeData & RingData;
const ring = new Ring(data.memory, 0, data.capacityBytes);
const frameWords = data.frameBytes >>> 2;
const total = data.warm + data.measured;
parentPort?.postMessage(data.role === "producer" ? produce() : consume());
// The channel would keep the thread alive; this bench does not use it.
data.port.close();

function produce(): number {
  const pause = new Pause();
  const { words } = ring;
  let unpublished = 0;
  for (let number = 0; number < total; number++) {
    let word = ring.tryClaim(data.frameBytes);
    while (word === FULL) {
      pause.wait();
      word = ring.tryClaim(data.frameBytes);
    }
    pause.reset();
    words[word + FRAME_LENGTH] = data.frameBytes;
    words[word + FRAME_TYPE] = FrameKind.TELL;
    fillFrame(words, word, frameWords, number);
    if (++unpublished === data.batch) {
      ring.publish();
      unpublished = 0;
    }
  }
  ring.publish();
  return total;
}

function consume(): number {
  const pause = new Pause();
  let next = 0;
  const reader: FrameReader = {
    onFrame: ({ words }, word) => {
      proveFrame(words, word, frameWords, next++);
      return true;
    },
    onCorrupt: (_, sentence) => {
      throw new Error(sentence);
    },
  };
  const drainTo = (end: number): void => {
    while (next < end) {
      if (ring.drain(reader, end - next) === 0) pause.wait();
      else pause.reset();
    }
  };
  drainTo(data.warm);
  const startMs = nowMs();
  drainTo(total);
  return nowMs() - startMs;
}
