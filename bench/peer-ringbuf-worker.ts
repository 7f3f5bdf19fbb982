import { parentPort, workerData } from "node:worker_threads";
import { RingBuffer } from "ringbuf.js";
import type { ExchangeData } from "./exchange.ts";
import { fillFrame, proveFrame } from "./pattern.ts";
import { Pause } from "./pause.ts";
import { nowMs } from "./threads.ts";

/** What the threads over ringbuf.js are told. */
export interface RingbufData {
  readonly question: "frames";
  readonly memory: SharedArrayBuffer;
  /** Words of one item. */
  readonly itemWords: number;
  /** Items of one write. */
  readonly batch: number;
}

/** The package does not export the type of its own callback. */
type WriteCallback = Parameters<RingBuffer["writeCallbackWithOffset"]>[1];

const data = workerData as ExchangeData & RingbufData;
const buffer = new RingBuffer(data.memory, Int32Array);
const { itemWords } = data;
const total = data.warm + data.measured;
parentPort?.postMessage(data.role === "producer" ? produce() : consume());
data.port.close();

function produce(): number {
  const pause = new Pause();
  const scratch = new Int32Array(data.batch * itemWords);
  let first = 0;
  let items = 0;
  const fill = (words: Int32Array, at: number): void => {
    for (let i = 0; i < items; i++) fillFrame(words, at + i * itemWords, itemWords, first + i);
  };
  const write: WriteCallback = (storage, at, count, restAt, restCount) => {
    if (restCount === 0) {
      fill(storage as Int32Array, at);
      return count;
    }
    // The batch straddles the end of the storage.
    fill(scratch, 0);
    for (let i = 0; i < count; i++) storage[at + i] = scratch[i];
    for (let i = 0; i < restCount; i++) storage[restAt + i] = scratch[count + i];
    return count + restCount;
  };
  while (first < total) {
    items = Math.min(data.batch, total - first);
    while (buffer.availableWrite() < items * itemWords) pause.wait();
    pause.reset();
    buffer.writeCallbackWithOffset(items * itemWords, write);
    first += items;
  }
  return total;
}

function consume(): number {
  const pause = new Pause();
  const scratch = new Int32Array(buffer.capacity());
  let next = 0;
  const drainTo = (end: number): void => {
    while (next < end) {
      const words = buffer.pop(scratch, Math.min(scratch.length, (end - next) * itemWords));
      if (words === 0) pause.wait();
      else pause.reset();
      for (let at = 0; at < words; at += itemWords) proveFrame(scratch, at, itemWords, next++);
    }
  };
  drainTo(data.warm);
  const startMs = nowMs();
  drainTo(total);
  return nowMs() - startMs;
}
