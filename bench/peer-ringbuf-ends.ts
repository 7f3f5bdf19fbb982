import { RingBuffer } from "ringbuf.js";
import { Pause } from "./pause.ts";

/** The package does not export the type of its own callback. */
type WriteCallback = Parameters<RingBuffer["writeCallbackWithOffset"]>[1];
/** Writes what is to be sent at `at` of `words`. */
export type Fill = (words: Int32Array, at: number) => void;

/** Memory for a ring of 32-bit words. */
export function ringbufMemory(capacityBytes: number): SharedArrayBuffer {
  return RingBuffer.getStorageForCapacity(capacityBytes >>> 2, Int32Array);
}

/** The producer's end: waits for room, then publishes so many words at once. */
export function ringbufWriter(memory: SharedArrayBuffer, fill: Fill): (words: number) => void {
  const buffer = new RingBuffer(memory, Int32Array);
  const scratch = new Int32Array(buffer.capacity());
  const pause = new Pause();
  const callback: WriteCallback = (storage, at, count, restAt, restCount) => {
    if (restCount === 0) {
      fill(storage as Int32Array, at);
      return count;
    }
    // What straddles the end of the storage is copied there in two parts.
    fill(scratch, 0);
    for (let i = 0; i < count; i++) storage[at + i] = scratch[i];
    for (let i = 0; i < restCount; i++) storage[restAt + i] = scratch[count + i];
    return count + restCount;
  };
  return (words) => {
    while (buffer.availableWrite() < words) pause.wait();
    pause.reset();
    buffer.writeCallbackWithOffset(words, callback);
  };
}

/** The consumer's end: takes out all that is there, at most so many words, and gives their number. */
export function ringbufReader(
  memory: SharedArrayBuffer,
): (limit: number, take: (words: Int32Array, count: number) => void) => void {
  const buffer = new RingBuffer(memory, Int32Array);
  const scratch = new Int32Array(buffer.capacity());
  const pause = new Pause();
  return (limit, take) => {
    const count = buffer.pop(scratch, Math.min(scratch.length, limit));
    if (count === 0) {
      pause.wait();
      return;
    }
    pause.reset();
    take(scratch, count);
  };
}
