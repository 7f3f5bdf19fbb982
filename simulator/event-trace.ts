import { createHash } from "node:crypto";

/** What is noted of a run, in the order of its codes. */
export const EVENTS = [
  "cycle",
  "turn",
  "answer",
  "act",
  "fault",
  "frame",
  "thread-lost",
  "thread-back",
  "operation",
  "receipt",
  "incident",
  "dead-letter",
] as const;

export type EventName = (typeof EVENTS)[number];

/** Numbers of a record: time, event, and two that say more. */
const FIELDS = 4;
const RECORDS = 1024;

/**
 * Everything that happened in a run as a stream of records, of which the SHA-256 is kept: two runs are the same when
 * their hashes are. A record is four little-endian doubles: virtual ms since the beginning, the event's place in
 * {@link EVENTS}, and two numbers of it (a thread, an agent, a message).
 */
export class EventTrace {
  readonly #hash = createHash("sha256");
  readonly #buffer = new Float64Array(FIELDS * RECORDS);
  readonly #bytes = new Uint8Array(this.#buffer.buffer);
  readonly #sink: ((bytes: Uint8Array) => void) | undefined;
  readonly #counts = new Float64Array(EVENTS.length);
  #used = 0;
  #records = 0;

  /** `sink` gets the bytes as they come; it must copy what it keeps. */
  constructor(sink?: (bytes: Uint8Array) => void) {
    this.#sink = sink;
  }

  /** Records so far. */
  get length(): number {
    return this.#records;
  }

  /** How often an event has been noted. */
  count(event: EventName): number {
    return this.#counts[EVENTS.indexOf(event)];
  }

  note(atMs: number, code: number, a: number, b: number): void {
    const buffer = this.#buffer;
    const at = this.#used;
    buffer[at] = atMs;
    buffer[at + 1] = code;
    buffer[at + 2] = a;
    buffer[at + 3] = b;
    this.#used = at + FIELDS;
    this.#records++;
    this.#counts[code]++;
    if (this.#used === buffer.length) this.#flush();
  }

  /** SHA-256 of all records, hexadecimal. Ends the trace. */
  digest(): string {
    this.#flush();
    return this.#hash.digest("hex");
  }

  #flush(): void {
    const bytes = this.#bytes.subarray(0, this.#used * 8);
    this.#used = 0;
    this.#hash.update(bytes);
    this.#sink?.(bytes);
  }
}

/** Codes of the events: their places in {@link EVENTS}. */
export const Event: Readonly<Record<EventName, number>> = Object.freeze(
  Object.fromEntries(EVENTS.map((name, code) => [name, code])),
) as Readonly<Record<EventName, number>>;

/** A record of a trace's bytes as a line of text. */
export function readRecords(bytes: Uint8Array): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const lines: string[] = [];
  for (let at = 0; at + FIELDS * 8 <= bytes.byteLength; at += FIELDS * 8) {
    const [atMs, code, a, b] = [0, 8, 16, 24].map((field) => view.getFloat64(at + field, true));
    lines.push(`${atMs.toFixed(3)} ${EVENTS[code] ?? code} ${a} ${b}`);
  }
  return lines;
}
