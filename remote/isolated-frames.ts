// What goes over the pipe between an agent's process and its worker: frames of msgpack, each behind its length, and no
// longer than the pipe's reader takes.
import { PayloadCodec } from "../mailbox/payload.ts";

/** Longest frame, bytes: the longest payload that a mesh may be told to take, and what stands around it. */
export const MAX_FRAME_BYTES: number = 17 * 1024 * 1024;
const LENGTH_BYTES = 4;

/** Writes frames. */
export class FrameWriter {
  readonly #codec = new PayloadCodec();
  readonly #write: (bytes: Uint8Array) => void;

  constructor(write: (bytes: Uint8Array) => void) {
    this.#write = write;
  }

  /** RangeError when it is longer than {@link MAX_FRAME_BYTES}. */
  send(value: unknown): void {
    const length = this.#codec.encode(value);
    if (length > MAX_FRAME_BYTES)
      throw new RangeError(`a frame of ${length} bytes: expected at most ${MAX_FRAME_BYTES}`);
    const frame = Buffer.alloc(LENGTH_BYTES + length);
    frame.writeUInt32LE(length, 0);
    frame.set(this.#codec.bytes.subarray(0, length), LENGTH_BYTES);
    this.#write(frame);
  }
}

/** Reads frames out of pieces; what waits for its end is bounded by the longest frame that it takes. */
export class FrameReader {
  readonly #codec = new PayloadCodec();
  readonly #maxBytes: number;
  #pieces: Buffer[] = [];
  #held = 0;

  constructor(maxBytes: number = MAX_FRAME_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** Hands on each whole frame; RangeError for one that is too long, and what msgpack throws for what is none. */
  take(piece: Buffer, onFrame: (value: unknown) => void): void {
    this.#pieces.push(piece);
    this.#held += piece.length;
    while (this.#held >= LENGTH_BYTES) {
      // Joined only when there is a whole one, so that a long frame in small pieces is not copied again and again.
      if (this.#pieces[0].length < LENGTH_BYTES) this.#join();
      const length = this.#pieces[0].readUInt32LE(0);
      if (length > this.#maxBytes)
        throw new RangeError(`a frame of ${length} bytes: expected at most ${this.#maxBytes}`);
      const whole = LENGTH_BYTES + length;
      if (this.#held < whole) return;
      if (this.#pieces[0].length < whole) this.#join();
      const [first] = this.#pieces;
      const value = this.#decode(first.subarray(LENGTH_BYTES, whole));
      this.#held -= whole;
      if (first.length === whole) this.#pieces.shift();
      else this.#pieces[0] = first.subarray(whole);
      onFrame(value);
    }
  }

  #decode(bytes: Buffer): unknown {
    const words = new Int32Array((bytes.length + 3) >>> 2);
    const copy = new Uint8Array(words.buffer);
    copy.set(bytes);
    return this.#codec.decode(words, copy, 0, bytes.length);
  }

  #join(): void {
    this.#pieces = [Buffer.concat(this.#pieces)];
  }
}
