import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CAPACITY,
  CELLS,
  drained,
  fill,
  Ids,
  memoryAt,
  offer,
  position,
  ringOf,
} from "../test/ring-frames.ts";
import { FRAME_LENGTH } from "./frame.ts";
import { RING_CELLS, RING_HEAD, RING_TAIL } from "./layout.ts";
import { type FrameReader, FULL, type Ring, ringBytes } from "./ring.ts";

interface Sent {
  readonly id: number;
  readonly bytes: number;
  /** Position behind the frame, not reduced. */
  readonly end: number;
}

/** The ring as an array queue that knows only: cells, padding at the end, capacity. */
class Model {
  published: Sent[] = [];
  claimed: Sent[] = [];
  tail: number;
  claim: number;
  head: number;
  previousClaim: number;

  constructor(position: number) {
    this.tail = position;
    this.claim = position;
    this.head = position;
    this.previousClaim = position;
  }

  tryClaim(bytes: number, id: number): number {
    const cells = Math.ceil(bytes / 64);
    const at = ((this.claim % CELLS) + CELLS) % CELLS;
    const padding = at + cells > CELLS ? CELLS - at : 0;
    const end = this.claim + padding + cells;
    if (end - this.head > CELLS) return FULL;
    this.previousClaim = this.claim;
    this.claim = end;
    this.claimed.push({ id, bytes, end });
    return RING_CELLS + (padding > 0 ? 0 : at) * 16;
  }

  abort(): void {
    this.claim = this.previousClaim;
    this.claimed.pop();
  }

  publish(): void {
    this.published.push(...this.claimed);
    this.claimed = [];
    this.tail = this.claim;
  }

  forget(): void {
    this.claimed = [];
    this.claim = this.tail;
  }
}

const frameBytes = fc.oneof(
  fc.constant(64),
  fc.integer({ min: 64, max: 400 }),
  fc.integer({ min: 64, max: CAPACITY / 2 }),
);

const command = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("claim" as const), bytes: frameBytes }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("abort" as const) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("publish" as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("drain" as const),
      limit: fc.integer({ min: 0, max: 20 }),
      take: fc.integer({ min: 0, max: 20 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("producer dies" as const),
      where: fc.constantFrom("before prepare", "prepared", "committed", "published"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("consumer dies" as const) }) },
);

describe("a ring against an array queue", () => {
  test("claims, aborts, publishes, drains and survives like the queue, at every place of its indices", () => {
    fc.assert(
      fc.property(position, fc.array(command, { maxLength: 120 }), (start, commands) => {
        const memory = memoryAt(start);
        const model = new Model(start);
        let producer = ringOf(memory);
        let consumer = ringOf(memory);
        let committed = 0;
        let ids = 0;
        let mayAbort = false;
        for (const step of commands) {
          const couldAbort = mayAbort;
          mayAbort = false;
          switch (step.kind) {
            case "claim": {
              const id = ids++;
              const word = producer.tryClaim(step.bytes);
              expect(word).toBe(model.tryClaim(step.bytes, id));
              if (word === FULL) break;
              fill(producer, word, step.bytes, id);
              mayAbort = true;
              break;
            }
            case "abort":
              if (!couldAbort) break;
              producer.abort();
              model.abort();
              break;
            case "publish":
              producer.publish();
              model.publish();
              break;
            case "drain": {
              const reader = new Ids(step.take);
              const expected = model.published.splice(0, Math.min(step.limit, step.take));
              expect(consumer.drain(reader, step.limit)).toBe(expected.length);
              expect(reader.corrupt).toEqual([]);
              expect(reader.ids).toEqual(expected.map((sent) => sent.id));
              expect(reader.ends).toEqual(expected.map((sent) => sent.end | 0));
              if (expected.length > 0) model.head = expected[expected.length - 1].end;
              // Padding before a refused frame is given back too.
              const head = Atomics.load(consumer.words, RING_HEAD);
              const padding = (head - (model.head | 0)) | 0;
              expect(padding === 0 || ((head & (CELLS - 1)) === 0 && padding > 0)).toBe(true);
              model.head += padding;
              expect(consumer.accepted).toBe(head);
              break;
            }
            case "producer dies":
              if (step.where !== "before prepare") producer.prepare(committed + 1);
              if (step.where === "committed" || step.where === "published") committed++;
              if (step.where === "published") producer.publish();
              if (step.where === "committed" || step.where === "published") model.publish();
              else model.forget();
              producer = ringOf(memory);
              producer.recoverProducer(committed);
              break;
            case "consumer dies":
              consumer = ringOf(memory);
              consumer.recoverConsumer(consumer.accepted);
              break;
          }
          expect(producer.dirty).toBe(model.claimed.length > 0);
          expect(consumer.empty).toBe(model.published.length === 0);
        }
        producer.publish();
        model.publish();
        expect(drained(consumer)).toEqual(model.published.map((sent) => sent.id));
        expect(consumer.empty).toBe(true);
      }),
      { numRuns: 1500 },
    );
  });

  test("every frame of up to half the ring fits an empty ring, wherever the last one ended", () => {
    fc.assert(
      fc.property(position, fc.integer({ min: 1, max: CAPACITY / 2 }), (start, bytes) => {
        const ring = ringOf(memoryAt(start));
        expect(bytes).toBeLessThanOrEqual(ring.maxFrameBytes);
        expect(ring.tryClaim(bytes)).not.toBe(FULL);
      }),
    );
  });
});

describe("a ring's edges", () => {
  test("a frame that would straddle the end is padded and starts again at zero", () => {
    const ring = ringOf(memoryAt(CELLS - 3));
    expect(ring.tryClaim(64 * 4)).toBe(RING_CELLS);
    fill(ring, RING_CELLS, 256, 7);
    ring.publish();
    const reader = new Ids();
    expect(ring.drain(reader, 10)).toBe(1);
    expect(reader.ids).toEqual([7]);
    expect(reader.ends).toEqual([CELLS + 4]);
  });

  test("a frame that ends exactly at the end needs no padding", () => {
    const ring = ringOf(memoryAt(CELLS - 4));
    expect(ring.tryClaim(256)).toBe(RING_CELLS + (CELLS - 4) * 16);
    expect(ring.tryClaim(64)).toBe(RING_CELLS);
  });

  test("a full ring says so until its reader has given room back, then takes exactly that much", () => {
    const memory = memoryAt(2 ** 31 - 10);
    const producer = ringOf(memory);
    const consumer = ringOf(memory);
    for (let id = 0; id < CELLS; id++) expect(offer(producer, 64, id)).toBe(true);
    expect(offer(producer, 64, 99)).toBe(false);
    producer.publish();
    expect(offer(producer, 64, 99)).toBe(false);
    expect(consumer.drain(new Ids(), 2)).toBe(2);
    expect(offer(producer, 128, 64)).toBe(true);
    expect(offer(producer, 64, 99)).toBe(false);
  });

  test("a long drain gives room back while it reads, and never that of a frame still to be read", () => {
    const memory = memoryAt(2 ** 31 - 10);
    const producer = ringOf(memory);
    const consumer = ringOf(memory);
    for (let id = 0; id < CELLS; id++) offer(producer, 64, id);
    producer.publish();
    const ids = new Ids();
    let refilled = 0;
    const reader: FrameReader = {
      onFrame(ring, word, end) {
        // Overwrites at once whatever it is given: a frame not yet read would come out torn.
        while (offer(producer, 64, CELLS + refilled)) refilled++;
        expect(refilled).toBeLessThanOrEqual(ids.ids.length);
        return ids.onFrame(ring, word, end);
      },
      onCorrupt: (_, sentence) => expect.fail(sentence),
    };
    expect(consumer.drain(reader, CELLS)).toBe(CELLS);
    expect(ids.ids).toEqual([...Array(CELLS).keys()]);
    expect(refilled).toBeGreaterThan(CELLS / 2);
  });

  test("what is claimed and not published is invisible, and publishing it is one step", () => {
    const memory = memoryAt(0);
    const producer = ringOf(memory);
    const consumer = ringOf(memory);
    for (let id = 0; id < 5; id++) offer(producer, 100, id);
    expect(consumer.empty).toBe(true);
    expect(drained(consumer)).toEqual([]);
    producer.publish();
    expect(drained(consumer)).toEqual([0, 1, 2, 3, 4]);
  });

  test("an aborted claim gives its padding back", () => {
    const ring = ringOf(memoryAt(CELLS - 1));
    expect(ring.tryClaim(128)).toBe(RING_CELLS);
    ring.abort();
    expect(ring.dirty).toBe(false);
    expect(ring.tryClaim(64)).toBe(RING_CELLS + (CELLS - 1) * 16);
  });

  test("a reader that throws keeps what it took and gets the frame it threw at again", () => {
    const memory = memoryAt(0);
    const ring = ringOf(memory);
    for (let id = 0; id < 4; id++) offer(ring, 64, id);
    ring.publish();
    const seen: number[] = [];
    const failing: FrameReader = {
      onFrame: (_ring, _word, end) => {
        if (end === 3) throw new Error("no");
        seen.push(end);
        return true;
      },
      onCorrupt: () => {},
    };
    expect(() => ring.drain(failing, 10)).toThrow("no");
    expect(seen).toEqual([1, 2]);
    expect(ring.accepted).toBe(2);
    expect(drained(ring)).toEqual([2, 3]);
  });

  test.each([0, 64, 4095, 4097, 4096.5, 6144, 2 ** 31, 2 ** 40, Number.NaN, Infinity])(
    "a capacity of %d bytes is refused with its value",
    (capacity) => {
      expect(() => ringBytes(capacity)).toThrow(`capacity=${capacity}`);
    },
  );
});

describe("a ring whose length words are corrupt", () => {
  /** Everything a reader is given lies within what was published. */
  class Bounded implements FrameReader {
    corrupt = 0;
    readonly #from: number;
    readonly #cells: number;
    constructor(from: number, cells: number) {
      this.#from = from;
      this.#cells = cells;
    }
    onFrame(ring: Ring, word: number, end: number): boolean {
      const length = ring.words[word + FRAME_LENGTH];
      expect(length).toBeGreaterThanOrEqual(64);
      expect(word * 4 + length).toBeLessThanOrEqual(ring.bytes.length);
      const consumed = (end - this.#from) | 0;
      expect(consumed).toBeGreaterThan(0);
      expect(consumed).toBeLessThanOrEqual(this.#cells);
      return true;
    }
    onCorrupt(_ring: Ring, sentence: string): void {
      expect(sentence).toMatch(/^frame of -?\d+ bytes where \d+ were published$/);
      this.corrupt++;
    }
  }

  const hostileLength = fc.oneof(
    fc.integer(),
    fc.integer({ min: -70, max: 70 }),
    fc.integer({ min: 0, max: 2 * CAPACITY }),
    fc.constantFrom(0x7fffffff, 0x7fffffc1, -0x80000000, CAPACITY, CAPACITY + 1),
  );

  test("its reader is never led outside what was published, hears of it, and can go on", () => {
    let heard = 0;
    fc.assert(
      fc.property(
        position,
        fc.array(frameBytes, { minLength: 1, maxLength: 12 }),
        fc.array(fc.tuple(fc.nat(), hostileLength), { minLength: 1, maxLength: 4 }),
        (start, frames, hits) => {
          const memory = memoryAt(start);
          const producer = ringOf(memory);
          const consumer = ringOf(memory);
          const places: number[] = [];
          for (const bytes of frames) {
            const word = producer.tryClaim(bytes);
            if (word === FULL) break;
            fill(producer, word, bytes, 1);
            places.push(word);
          }
          producer.publish();
          for (const [which, length] of hits) {
            producer.words[places[which % places.length] + FRAME_LENGTH] = length;
          }
          const cells = (Atomics.load(producer.words, RING_TAIL) - (start | 0)) | 0;
          const reader = new Bounded(start | 0, cells);
          consumer.drain(reader, 1000);
          heard += reader.corrupt;
          expect(reader.corrupt).toBeLessThanOrEqual(1);
          expect(consumer.empty).toBe(true);
          expect(offer(producer, 64, 5)).toBe(true);
          producer.publish();
          expect(drained(consumer)).toEqual([5]);
        },
      ),
      { numRuns: 2000 },
    );
    expect(heard).toBeGreaterThan(0);
  });

  test("a tail from nowhere leads it nowhere either", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), hostileLength, (head, tail, length) => {
        const memory = memoryAt(head);
        const words = new Int32Array(memory);
        words.fill(length, RING_CELLS);
        words[RING_TAIL] = tail;
        const ring = ringOf(memory);
        let frames = 0;
        ring.drain(
          {
            onFrame: (_ring, word) => {
              expect(word * 4 + words[word + FRAME_LENGTH]).toBeLessThanOrEqual(memory.byteLength);
              return ++frames < 200;
            },
            onCorrupt: () => {},
          },
          1000,
        );
      }),
      { numRuns: 1000 },
    );
  });

  test("a reader that throws at the news does not hear it again", () => {
    const ring = ringOf(memoryAt(0));
    offer(ring, 64, 1);
    ring.publish();
    ring.words[RING_CELLS + FRAME_LENGTH] = 3;
    const reader: FrameReader = {
      onFrame: () => true,
      onCorrupt: (_ring, sentence) => {
        throw new Error(sentence);
      },
    };
    expect(() => ring.drain(reader, 10)).toThrow("frame of 3 bytes where 64 were published");
    expect(ring.drain(reader, 10)).toBe(0);
  });
});
