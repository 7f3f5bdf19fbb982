import { parentPort, workerData } from "node:worker_threads";
import type { ExchangeData } from "./exchange.ts";
import { fillFrame, proveFrame } from "./pattern.ts";
import { ringbufReader, ringbufWriter } from "./peer-ringbuf-ends.ts";
import { nowMs } from "./threads.ts";

/** What the threads that send frames over ringbuf.js are told. */
export interface RingbufData {
  readonly memory: SharedArrayBuffer;
  readonly frameWords: number;
  /** Frames of one write. */
  readonly batch: number;
}

const data = workerData as ExchangeData & RingbufData;
const { frameWords } = data;
const total = data.warm + data.measured;
parentPort?.postMessage(data.role === "producer" ? produce() : consume());
data.port.close();

function produce(): number {
  let next = 0;
  let frames = 0;
  const write = ringbufWriter(data.memory, (words, at) => {
    for (let i = 0; i < frames; i++) fillFrame(words, at + i * frameWords, frameWords, next + i);
  });
  while (next < total) {
    frames = Math.min(data.batch, total - next);
    write(frames * frameWords);
    next += frames;
  }
  return total;
}

function consume(): number {
  let next = 0;
  const read = ringbufReader(data.memory);
  const take = (words: Int32Array, count: number): void => {
    for (let at = 0; at < count; at += frameWords) proveFrame(words, at, frameWords, next++);
  };
  const drainTo = (end: number): void => {
    while (next < end) read((end - next) * frameWords, take);
  };
  drainTo(data.warm);
  const startMs = nowMs();
  drainTo(total);
  return nowMs() - startMs;
}
