import { parentPort, workerData } from "node:worker_threads";
import type { ExchangeData } from "./exchange.ts";
import { fillFrame, proveFrame } from "./pattern.ts";
import { Pause } from "./pause.ts";
import { nowMs } from "./threads.ts";

/** What the threads over a MessageChannel are told. */
export interface PostMessageData {
  readonly question: "frames";
  /** One word: items that the consumer has taken. A channel has no bound of its own. */
  readonly credit: SharedArrayBuffer;
  readonly itemWords: number;
  /** Items of one message. */
  readonly batch: number;
}

/** Items on their way at most: about what the rings of the other contestants hold. */
const WINDOW = 16_384;

const data = workerData as ExchangeData & PostMessageData;
const { port, itemWords } = data;
const taken = new Int32Array(data.credit);
const total = data.warm + data.measured;
if (data.role === "producer") produce();
else consume();

function produce(): void {
  const pause = new Pause();
  for (let first = 0; first < total; first += data.batch) {
    while (first - Atomics.load(taken, 0) > WINDOW) pause.wait();
    pause.reset();
    const items = Math.min(data.batch, total - first);
    const words = new Int32Array(items * itemWords);
    for (let i = 0; i < items; i++) fillFrame(words, i * itemWords, itemWords, first + i);
    port.postMessage(words);
  }
  parentPort?.postMessage(total);
  port.unref();
}

function consume(): void {
  let next = 0;
  let startMs = 0;
  port.on("message", (words: Int32Array) => {
    for (let at = 0; at < words.length; at += itemWords) {
      proveFrame(words, at, itemWords, next++);
      if (next === data.warm) startMs = nowMs();
    }
    Atomics.store(taken, 0, next);
    if (next < total) return;
    parentPort?.postMessage(nowMs() - startMs);
    port.close();
  });
}
