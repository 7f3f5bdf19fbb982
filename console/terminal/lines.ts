/** Lines out of a stream of bytes, with a bound: whoever sends no line end fills no memory. */

const LINE_END = 0x0a;

/** Collects chunks into lines. */
export class LineReader {
  readonly #maxBytes: number;
  readonly #onLine: (line: string) => void;
  readonly #onTooLong: () => void;
  #parts: Buffer[] = [];
  #bytes = 0;
  #closed = false;

  /** `onTooLong` is called once; nothing is read after it. */
  constructor(maxBytes: number, onLine: (line: string) => void, onTooLong: () => void) {
    this.#maxBytes = maxBytes;
    this.#onLine = onLine;
    this.#onTooLong = onTooLong;
  }

  /** Takes a chunk; calls back for every line that it completes. */
  push(chunk: Buffer): void {
    let from = 0;
    while (!this.#closed) {
      const end = chunk.indexOf(LINE_END, from);
      if (end < 0) break;
      this.#keep(chunk.subarray(from, end));
      from = end + 1;
      if (!this.#closed) this.#emit();
    }
    if (!this.#closed) this.#keep(chunk.subarray(from));
  }

  /** Reads nothing any more. */
  close(): void {
    this.#closed = true;
    this.#parts = [];
  }

  #keep(part: Buffer): void {
    this.#bytes += part.length;
    if (this.#bytes > this.#maxBytes) {
      this.close();
      this.#onTooLong();
    } else if (part.length > 0) this.#parts.push(part);
  }

  #emit(): void {
    // Joined before decoding: a letter may lie across two chunks.
    const line = Buffer.concat(this.#parts).toString("utf8").trim();
    this.#parts = [];
    this.#bytes = 0;
    if (line !== "") this.#onLine(line);
  }
}
