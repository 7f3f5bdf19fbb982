import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  BATCH_BYTES,
  BATCH_COUNT,
  BATCH_EPOCH_F64,
  BATCH_SEQUENCE_F64,
  BATCH_SOURCE,
} from "./batch.ts";
import { lieDown } from "./doorbell.ts";
import {
  FRAME_BYTES,
  FRAME_LENGTH,
  FRAME_TARGET,
  FRAME_TYPE,
  FrameKind,
  frameFault,
} from "./frame.ts";
import { controlDoublesOf, controlOf, type InLane, Lanes, laneSizes, lanesBytes } from "./lanes.ts";
import { CELL_BYTES, CONTROL_PARKED, CONTROL_WORDS, RING_TAIL } from "./layout.ts";
import { FULL } from "./ring.ts";

const THREADS = 3;
const SIZES = { urgentBytes: 4096, bulkBytes: 8192 };

function crossbar(): {
  lanes: (thread: number, epoch?: number) => Lanes;
  control: SharedArrayBuffer;
} {
  const memory = new SharedArrayBuffer(lanesBytes(THREADS, SIZES));
  const control = new SharedArrayBuffer(THREADS * CONTROL_WORDS * 4);
  return {
    lanes: (thread, epoch = 1) => new Lanes(memory, control, thread, THREADS, SIZES, epoch),
    control,
  };
}

type Out = NonNullable<Lanes["bulkTo"][number]>;

function offer(lane: Out, id: number, bytes = FRAME_BYTES): boolean {
  const word = lane.tryClaim(bytes);
  if (word === FULL) return false;
  lane.ring.words[word + FRAME_LENGTH] = bytes;
  lane.ring.words[word + FRAME_TYPE] = FrameKind.TELL;
  lane.ring.words[word + FRAME_TARGET] = id;
  return true;
}

interface Batch {
  readonly count: number;
  readonly source: number;
  readonly epoch: number;
  readonly sequence: number;
  readonly whole: boolean;
  readonly ids: number[];
}

function batchesOf(lane: InLane): Batch[] {
  const batches: Batch[] = [];
  lane.ring.drain(
    {
      onFrame: ({ words, doubles }, word) => {
        expect(frameFault(words, word, 1000)).toBeUndefined();
        if ((words[word + FRAME_TYPE] & 0xff) !== FrameKind.BATCH) {
          batches[batches.length - 1].ids.push(words[word + FRAME_TARGET]);
          return true;
        }
        batches.push({
          count: words[word + BATCH_COUNT],
          source: words[word + BATCH_SOURCE],
          epoch: doubles[word / 2 + BATCH_EPOCH_F64],
          sequence: doubles[word / 2 + BATCH_SEQUENCE_F64],
          whole: lane.onBatch(word),
          ids: [],
        });
        return true;
      },
      onCorrupt: (_ring, sentence) => {
        throw new Error(sentence);
      },
    },
    10_000,
  );
  return batches;
}

function incomingFrom(lanes: Lanes, thread: number, urgent: boolean): InLane {
  const lane = lanes.incoming.find(({ id }) => id === thread * 2 + (urgent ? 1 : 0));
  if (lane === undefined) throw new Error(`no lane from ${thread}`);
  return lane;
}

function to(lanes: Lanes, thread: number, urgent = false): Out {
  const lane = (urgent ? lanes.urgentTo : lanes.bulkTo)[thread];
  if (lane === undefined) throw new Error(`no lane to ${thread}`);
  return lane;
}

describe("the crossbar", () => {
  test("joins each thread to each other by an urgent and a bulk lane, and keeps all of them apart", () => {
    const { lanes } = crossbar();
    const all = [0, 1, 2].map((thread) => lanes(thread));
    for (const lanes of all) expect(lanes.empty).toBe(true);
    let id = 1;
    const sent: [from: number, to: number, urgent: boolean, id: number][] = [];
    for (let from = 0; from < THREADS; from++) {
      expect(all[from].urgentTo[from]).toBeUndefined();
      expect(all[from].bulkTo[from]).toBeUndefined();
      for (let target = 0; target < THREADS; target++) {
        if (target === from) continue;
        for (const urgent of [true, false]) {
          // Full to the brim, so that a lane that reached into its neighbour would be seen.
          const lane = to(all[from], target, urgent);
          while (offer(lane, id));
          sent.push([from, target, urgent, id++]);
        }
      }
      expect(all[from].prepare(1)).toBe(true);
      all[from].publish();
    }
    for (const [from, target, urgent, id] of sent) {
      expect(all[target].empty).toBe(false);
      const [batch, ...none] = batchesOf(incomingFrom(all[target], from, urgent));
      const bytes = urgent ? SIZES.urgentBytes : SIZES.bulkBytes;
      expect(none).toEqual([]);
      expect(new Set(batch.ids)).toEqual(new Set([id]));
      expect(batch.ids.length).toBe((bytes - BATCH_BYTES) / 64);
      expect(batch).toMatchObject({ source: from, epoch: 1, sequence: 1, whole: true });
      expect(batch.count).toBe(batch.ids.length);
    }
    for (const lanes of all) expect(lanes.empty).toBe(true);
  });

  test("is read urgent lanes first, each under twice its source plus one when urgent", () => {
    const { lanes } = crossbar();
    const { incoming } = lanes(1);
    expect(incoming.map(({ id, urgent }) => [id, urgent])).toEqual([
      [1, true],
      [5, true],
      [0, false],
      [4, false],
    ]);
  });

  test("shows nothing before it is published, and then wakes exactly the readers of what was", () => {
    const { lanes, control } = crossbar();
    const sender = lanes(0);
    offer(to(sender, 1), 7);
    for (const thread of [1, 2]) lieDown(controlOf(control, thread));
    expect(sender.prepare(1)).toBe(true);
    expect(lanes(1).empty).toBe(true);
    sender.publish();
    expect(lanes(1).empty).toBe(false);
    expect(controlOf(control, 1)[CONTROL_PARKED]).toBe(0);
    expect(controlOf(control, 2)[CONTROL_PARKED]).toBe(1);
  });

  test("gives each thread a control block of its own, seen as words and as doubles", () => {
    const { control } = crossbar();
    controlDoublesOf(control, 1)[20] = 1.5;
    expect(new Float64Array(control)[(CONTROL_WORDS + 40) / 2]).toBe(1.5);
    expect(controlOf(control, 1).length).toBe(CONTROL_WORDS);
    expect(controlOf(control, 0).every((word) => word === 0)).toBe(true);
  });
});

describe("a batch", () => {
  test("holds what was claimed between two publications, in order, whatever was given back", () => {
    const step = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({
          kind: fc.constant("offer" as const),
          bytes: fc.integer({ min: 64, max: 900 }),
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          kind: fc.constant("abort" as const),
          bytes: fc.integer({ min: 64, max: 900 }),
        }),
      },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("commit" as const) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("drain" as const) }) },
      {
        weight: 1,
        arbitrary: fc.record({
          kind: fc.constant("die" as const),
          where: fc.constantFrom("before", "prepared", "committed"),
        }),
      },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
        const { lanes } = crossbar();
        let epoch = 1;
        let sender = lanes(0, epoch);
        const reader = incomingFrom(lanes(1), 0, false);
        let committed = 0;
        let open: number[] = [];
        const published: number[][] = [];
        let id = 0;
        const drainAll = (): void => {
          const batches = batchesOf(reader);
          expect(batches.map(({ ids }) => ids)).toEqual(published.splice(0));
          for (const batch of batches) {
            expect(batch.whole).toBe(true);
            expect(batch.count).toBe(batch.ids.length);
          }
        };
        const settle = (): void => {
          if (open.length > 0) published.push(open);
          open = [];
        };
        for (const step of steps) {
          switch (step.kind) {
            case "offer":
              if (offer(to(sender, 1), id % 1000, step.bytes)) open.push(id++ % 1000);
              break;
            case "abort":
              if (to(sender, 1).tryClaim(step.bytes) !== FULL) to(sender, 1).abort();
              break;
            case "commit":
              expect(sender.prepare(committed + 1)).toBe(open.length > 0);
              committed++;
              sender.publish();
              settle();
              break;
            case "drain":
              drainAll();
              break;
            case "die":
              if (step.where !== "before") sender.prepare(committed + 1);
              if (step.where === "committed") {
                committed++;
                settle();
              }
              open = [];
              sender = lanes(0, ++epoch);
              sender.recoverProducer(committed);
              break;
          }
        }
        drainAll();
      }),
      { numRuns: 500 },
    );
  });

  test("of no frames is not published, whether its frame was given back or found no room", () => {
    const { lanes } = crossbar();
    const sender = lanes(0);
    const lane = to(sender, 1);
    expect(lane.tryClaim(64)).not.toBe(FULL);
    lane.abort();
    expect(sender.prepare(1)).toBe(false);
    sender.publish();
    expect(lanes(1).empty).toBe(true);
    while (offer(lane, 1, 64 * 8));
    expect(sender.prepare(2)).toBe(true);
    sender.publish();
    const reader = incomingFrom(lanes(1), 0, false);
    // Room for a header, none for the frame behind it.
    expect(lane.tryClaim(64 * 8)).toBe(FULL);
    expect(sender.prepare(3)).toBe(false);
    sender.publish();
    expect(batchesOf(reader).length).toBe(1);
    expect(offer(lane, 2, 64 * 8)).toBe(true);
    expect(sender.prepare(4)).toBe(true);
    sender.publish();
    expect(batchesOf(reader)).toMatchObject([{ count: 1, ids: [2], whole: true }]);
  });

  test("is published once: a second publication leaves later claims alone", () => {
    const { lanes } = crossbar();
    const sender = lanes(0);
    offer(to(sender, 1), 1);
    sender.prepare(1);
    sender.publish();
    offer(to(sender, 1), 2);
    sender.publish();
    expect(batchesOf(incomingFrom(lanes(1), 0, false))).toMatchObject([{ ids: [1] }]);
  });

  test("that is missing is noticed at the next one, and a new epoch begins again at one", () => {
    const { lanes } = crossbar();
    const reader = incomingFrom(lanes(1), 0, false);
    const publish = (sender: Lanes, cycle: number): void => {
      offer(to(sender, 1), cycle);
      sender.prepare(cycle);
      sender.publish();
    };
    const first = lanes(0, 1);
    publish(first, 1);
    publish(first, 2);
    expect(batchesOf(reader).map(({ whole }) => whole)).toEqual([true, true]);
    publish(first, 3);
    // The reader loses one: its ring moves on without it.
    reader.ring.recoverConsumer(Atomics.load(reader.ring.words, RING_TAIL));
    publish(first, 4);
    publish(first, 5);
    expect(batchesOf(reader).map(({ whole }) => whole)).toEqual([false, true]);
    publish(lanes(0, 2), 6);
    expect(batchesOf(reader).map(({ whole }) => whole)).toEqual([true]);
    const third = lanes(0, 3);
    publish(third, 7);
    reader.ring.recoverConsumer(Atomics.load(reader.ring.words, RING_TAIL));
    publish(third, 8);
    expect(batchesOf(reader).map(({ whole }) => whole)).toEqual([false]);
  });

  test("is not missed by a reader that takes over in the middle", () => {
    const { lanes } = crossbar();
    const sender = lanes(0);
    for (const cycle of [1, 2, 3]) {
      offer(to(sender, 1), cycle);
      sender.prepare(cycle);
      sender.publish();
    }
    const successor = incomingFrom(lanes(1), 0, false);
    successor.ring.recoverConsumer((BATCH_BYTES + FRAME_BYTES) / CELL_BYTES);
    expect(batchesOf(successor).map(({ whole }) => whole)).toEqual([true, true]);
  });
});

describe("the successor of a dead sender", () => {
  test("publishes its committed batches and wakes who waits for them", () => {
    const { lanes, control } = crossbar();
    const dead = lanes(0);
    offer(to(dead, 1), 5);
    offer(to(dead, 2, true), 6);
    dead.prepare(1);
    for (const thread of [1, 2]) lieDown(controlOf(control, thread));
    lanes(0, 2).recoverProducer(1);
    expect(batchesOf(incomingFrom(lanes(1), 0, false))).toMatchObject([{ ids: [5] }]);
    expect(batchesOf(incomingFrom(lanes(2), 0, true))).toMatchObject([{ ids: [6] }]);
    for (const thread of [1, 2]) expect(controlOf(control, thread)[CONTROL_PARKED]).toBe(0);
  });

  test("wakes also the readers of what was published before the doorbell could ring", () => {
    const { lanes, control } = crossbar();
    const dead = lanes(0);
    offer(to(dead, 1), 5);
    dead.prepare(1);
    to(dead, 1).publish();
    lieDown(controlOf(control, 1));
    lanes(0, 2).recoverProducer(1);
    expect(controlOf(control, 1)[CONTROL_PARKED]).toBe(0);
  });
});

describe("lane sizes", () => {
  test("are rings that hold four of the longest frames, for any number of threads", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 64, max: 300_000 }),
        (threads, longest) => {
          const sizes = laneSizes(threads, longest);
          for (const bytes of [sizes.urgentBytes, sizes.bulkBytes]) {
            expect(bytes).toBeGreaterThanOrEqual(longest * 4);
          }
          // Throws for sizes that are none.
          expect(lanesBytes(2, sizes)).toBeGreaterThan(0);
        },
      ),
    );
  });

  test("share 64 MiB when the frames allow it, and are a megabyte at most", () => {
    expect(laneSizes(3, 1024)).toEqual({ bulkBytes: 1 << 20, urgentBytes: 1 << 18 });
    for (const threads of [2, 8, 16, 33, 65]) {
      const sizes = laneSizes(threads, 1024);
      const pairs = threads * (threads - 1);
      expect(pairs * (sizes.bulkBytes + sizes.urgentBytes)).toBeLessThanOrEqual(64 << 20);
    }
  });
});
