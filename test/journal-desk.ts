// A journal's writer without its thread, over files in memory, with rings that a test fills by hand; and a model of
// what a reader must find.
import { FRAME_BYTES, FrameFlag, FrameKind } from "../mailbox/frame.ts";
import {
  ENTRY_BYTES,
  ENTRY_DATA,
  EntryKind,
  OPENED_DATA,
  writeEntry,
} from "../mailbox/journal-entry.ts";
import { JOURNAL_CONTROL_WORDS } from "../mailbox/layout.ts";
import { Ring, ringBytes } from "../mailbox/ring.ts";
import { writeHeader } from "../runtime/dispatch/header.ts";
import { LiveEntries } from "../runtime/journal/journal-live.ts";
import { type RecoveredJournal, recoverJournal } from "../runtime/journal/journal-recovery.ts";
import { JournalWriter } from "../runtime/journal/journal-writer.ts";
import { MemoryJournal } from "./memory-journal.ts";

const RING_BYTES = 256 * 1024;
export const MESH: string = JSON.stringify({
  run: 1,
  epoch: 1,
  topology: {},
  modules: [],
  moduleOf: "",
});

/** What counts, in a form that can be compared. */
export interface Found {
  /** By agent, the first byte and the length of its state. */
  readonly states: Record<number, string>;
  /** origin:sequence, sorted. */
  readonly messages: readonly string[];
  /** By operation: agent:outcome, sorted. */
  readonly operations: Record<number, readonly string[]>;
}

export class JournalDesk {
  readonly files: MemoryJournal;
  readonly control: Int32Array = new Int32Array(JOURNAL_CONTROL_WORDS);
  readonly writer: JournalWriter;
  readonly #rings: readonly Ring[];
  readonly #memory: SharedArrayBuffer;
  readonly woken: number[] = [];
  shapes = "[]";

  constructor(files: MemoryJournal = new MemoryJournal(), segmentBytes = 4096, threads = 2) {
    this.files = files;
    this.#memory = new SharedArrayBuffer(threads * ringBytes(RING_BYTES));
    const rings = (): Ring[] =>
      Array.from(
        { length: threads },
        (_, thread) => new Ring(this.#memory, thread * ringBytes(RING_BYTES), RING_BYTES),
      );
    this.#rings = rings();
    const { read, live } = recoverJournal(files);
    if (read.stillborn !== undefined) files.remove(read.stillborn);
    this.writer = new JournalWriter(
      {
        files,
        rings: rings(),
        control: this.control,
        mesh: () => MESH,
        shapes: () => this.shapes,
        wake: (thread) => this.woken.push(thread),
        segmentBytes,
      },
      {
        run: 1,
        segments: read.segments.map(({ number, bytes }) => ({ number, bytes })),
        sequence: read.sequence,
        ordinal: read.ordinal,
        live: LiveEntries.of(live.map(({ ordinal }) => ordinal)),
      },
    );
  }

  accept(thread: number, sequence: number, length = 8): void {
    const ring = this.#rings[thread];
    const word = ring.tryClaim(FRAME_BYTES + length);
    writeHeader(ring.words, ring.doubles, word, FRAME_BYTES + length, {
      kind: FrameKind.TELL,
      priority: 1,
      flags: FrameFlag.DURABLE,
      target: 1,
      source: 0,
      operation: 256 + thread,
      sequence,
      createdMs: 1,
      deadlineMs: 0,
      release: 0,
      payload: length,
      hash: 0,
    });
  }

  done(thread: number, origin: number, sequence: number): void {
    const { words, doubles } = this.#rings[thread];
    const word = this.#entry(thread, ENTRY_BYTES + 16, EntryKind.DONE, 1, 0);
    doubles[(word + ENTRY_DATA) >>> 1] = origin;
    doubles[((word + ENTRY_DATA) >>> 1) + 1] = sequence;
    words[word] = ENTRY_BYTES + 16;
  }

  state(thread: number, agent: number, first: number, length: number): void {
    const word = this.#entry(thread, ENTRY_BYTES + length, EntryKind.STATE, agent, length);
    this.#rings[thread].bytes.fill(
      first,
      (word + ENTRY_DATA) * 4,
      (word + ENTRY_DATA) * 4 + length,
    );
  }

  ended(thread: number, agent: number): void {
    this.#entry(thread, ENTRY_BYTES, EntryKind.ENDED, agent, 0);
  }

  opened(operation: number): void {
    const word = this.#entry(0, OPENED_DATA * 4 + 8, EntryKind.OPENED, 8, 0);
    this.#rings[0].doubles[(word + ENTRY_DATA) >>> 1] = operation;
  }

  closed(operation: number): void {
    const word = this.#entry(0, OPENED_DATA * 4, EntryKind.CLOSED, 0, 0);
    this.#rings[0].doubles[(word + ENTRY_DATA) >>> 1] = operation;
  }

  outcome(thread: number, operation: number, agent: number, outcome: number): void {
    const { words, doubles } = this.#rings[thread];
    const word = this.#entry(thread, ENTRY_BYTES + 16, EntryKind.OUTCOMES, 1, 0) + ENTRY_DATA;
    doubles[word >>> 1] = operation;
    words[word + 2] = agent;
    words[word + 3] = outcome;
  }

  /** What a thread's commit does. */
  publish(thread: number): void {
    this.#rings[thread].publish();
    this.#rings[thread].wantRoom();
  }

  /** True when all that the thread has handed over is on disk. */
  isOnDisk(thread: number): boolean {
    return this.#rings[thread].head === this.#rings[thread].tail;
  }

  /** Has the writer do all there is to do. */
  pump(): void {
    while (this.writer.pump());
  }

  #entry(thread: number, length: number, kind: number, subject: number, detail: number): number {
    const ring = this.#rings[thread];
    const word = ring.tryClaim(length);
    writeEntry(ring.words, word, length, kind, subject, detail);
    return word;
  }
}

/** What a reader finds in these files. */
export function foundIn(files: MemoryJournal): Found {
  return foundOf(recoverJournal(files));
}

function foundOf({ live }: RecoveredJournal): Found {
  const messages: string[] = [];
  for (const [origin, each] of live.messages)
    for (const sequence of each.keys()) messages.push(`${origin}:${sequence}`);
  return {
    states: Object.fromEntries(
      [...live.states].map(([agent, { value }]) => {
        const bytes = value as Uint8Array;
        return [agent, `${bytes[0]}*${bytes.length}`];
      }),
    ),
    messages: messages.sort(),
    operations: Object.fromEntries(
      [...live.operations].map(([operation, { outcomes }]) => [
        operation,
        [...outcomes].map(([agent, outcome]) => `${agent}:${outcome}`).sort(),
      ]),
    ),
  };
}
