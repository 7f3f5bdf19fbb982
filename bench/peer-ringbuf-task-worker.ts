import { parentPort, workerData } from "node:worker_threads";
import { Packr } from "msgpackr";
import { proveTask } from "./cargo.ts";
import type { ExchangeData } from "./exchange.ts";
import { FIRST_TASK_NUMBER, taskMessage } from "./payload.ts";
import { ringbufReader, ringbufWriter } from "./peer-ringbuf-ends.ts";
import { nowMs } from "./threads.ts";

/** What the threads that send task messages over ringbuf.js are told. */
export interface RingbufTaskData {
  readonly memory: SharedArrayBuffer;
}

const data = workerData as ExchangeData & RingbufTaskData;
const packr = new Packr({ useRecords: false, mapsAsObjects: true });
const total = data.warm + data.measured;
parentPort?.postMessage(data.role === "producer" ? produce() : consume());
data.port.close();

/** A message is its length in bytes, then its msgpack in whole words. */
function wordsFor(bytes: number): number {
  return 1 + ((bytes + 3) >>> 2);
}

function produce(): number {
  let packed: Uint8Array = new Uint8Array(0);
  const write = ringbufWriter(data.memory, (words, at) => {
    words[at] = packed.length;
    new Uint8Array(words.buffer, words.byteOffset + (at + 1) * 4, packed.length).set(packed);
  });
  for (let number = 0; number < total; number++) {
    packed = packr.pack(taskMessage(FIRST_TASK_NUMBER + number));
    write(wordsFor(packed.length));
  }
  return total;
}

function consume(): number {
  let next = 0;
  let startMs = 0;
  const read = ringbufReader(data.memory);
  const take = (words: Int32Array, count: number): void => {
    for (let at = 0; at < count; at += wordsFor(words[at])) {
      const bytes = new Uint8Array(words.buffer, (at + 1) * 4, words[at]);
      proveTask(packr.unpack(bytes), next++);
      if (next === data.warm) startMs = nowMs();
    }
  };
  while (next < total) read(Number.POSITIVE_INFINITY, take);
  return nowMs() - startMs;
}
