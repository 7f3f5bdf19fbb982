// Our ring and the library's are siblings: what both do is the contract, what ours adds is why it exists.
import { RingBuffer } from "ringbuf.js";
import {
  FRAME_BYTES,
  FRAME_LENGTH,
  FRAME_PAYLOAD,
  FRAME_TYPE,
  FrameKind,
} from "../mailbox/frame.ts";
import { FULL, Ring, ringBytes } from "../mailbox/ring.ts";
import { type ContractRing, ringContract } from "./ring-contract.ts";

class OwnRing implements ContractRing {
  readonly maxBodyBytes: number;
  readonly #ring: Ring;

  constructor(memory: SharedArrayBuffer, capacityBytes: number) {
    this.#ring = new Ring(memory, 0, capacityBytes);
    this.maxBodyBytes = this.#ring.maxFrameBytes - FRAME_BYTES;
  }

  offer(body: Uint8Array): boolean {
    const { words, bytes } = this.#ring;
    const word = this.#ring.tryClaim(FRAME_BYTES + body.length);
    if (word === FULL) return false;
    words[word + FRAME_LENGTH] = FRAME_BYTES + body.length;
    words[word + FRAME_TYPE] = FrameKind.TELL;
    words[word + FRAME_PAYLOAD] = body.length;
    bytes.set(body, word * 4 + FRAME_BYTES);
    this.#ring.publish();
    return true;
  }

  drain(limit: number, accept: (body: Uint8Array) => boolean): number {
    return this.#ring.drain(
      {
        onFrame: ({ words, bytes }, word) => {
          const at = word * 4 + FRAME_BYTES;
          return accept(bytes.subarray(at, at + words[word + FRAME_PAYLOAD]));
        },
        onCorrupt: (_ring, sentence) => {
          throw new Error(sentence);
        },
      },
      limit,
    );
  }
}

/** The library counts words and knows no frames: one word of length goes before each body. */
class LibraryRing implements ContractRing {
  readonly maxBodyBytes: number;
  readonly #ring: RingBuffer;
  readonly #indices: Uint32Array;
  readonly #storage: Uint32Array;

  constructor(memory: SharedArrayBuffer) {
    this.#ring = new RingBuffer(memory, Uint32Array);
    this.maxBodyBytes = (this.#ring.capacity() - 1) * 4;
    // Its pop() gives the memory back before a frame is accepted, so reading goes past it: write index,
    // read index, then the words.
    this.#indices = new Uint32Array(memory, 0, 2);
    this.#storage = new Uint32Array(memory, 8);
  }

  offer(body: Uint8Array): boolean {
    const words = 1 + ((body.length + 3) >>> 2);
    // When there is less room it would write a part and say how much.
    if (this.#ring.availableWrite() < words) return false;
    const frame = new Uint32Array(words);
    frame[0] = body.length;
    new Uint8Array(frame.buffer).set(body, 4);
    return this.#ring.push(frame) === words;
  }

  drain(limit: number, accept: (body: Uint8Array) => boolean): number {
    const size = this.#storage.length;
    let taken = 0;
    while (taken < limit && !this.#ring.empty()) {
      const read = Atomics.load(this.#indices, 1);
      const bytes = this.#storage[read];
      const words = (bytes + 3) >>> 2;
      const body = Uint32Array.from(
        { length: words },
        (_, i) => this.#storage[(read + 1 + i) % size],
      );
      if (!accept(new Uint8Array(body.buffer, 0, bytes))) break;
      Atomics.store(this.#indices, 1, (read + 1 + words) % size);
      taken++;
    }
    return taken;
  }
}

ringContract("Ring", (capacityBytes) => {
  const memory = new SharedArrayBuffer(ringBytes(capacityBytes));
  const again = (): OwnRing => new OwnRing(memory, capacityBytes);
  return { ring: again(), again };
});

ringContract("RingBuffer of ringbuf.js", (capacityBytes) => {
  const memory = RingBuffer.getStorageForCapacity(capacityBytes / 4, Uint32Array);
  const again = (): LibraryRing => new LibraryRing(memory);
  return { ring: again(), again };
});
