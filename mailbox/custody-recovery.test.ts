import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  allowed,
  CHUNK_WORDS,
  CHUNKS,
  copyOf,
  type Durable,
  expectWholeFreeLists,
  frameBytes,
  key,
  newMemory,
  type Operation,
  recovered,
  type Successor,
  Thread,
} from "../test/custody-model.ts";
import { Custody, MAX_CUSTODY_FRAME_BYTES } from "./custody.ts";
import { CUSTODY_CHUNK_BYTES, SLOT_AUX, SLOT_FRAME, SlotState } from "./layout.ts";
import { FULL } from "./ring.ts";

const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom("accept" as const, "send" as const),
      // Mostly small, else custody is full before anything has happened.
      bytes: fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 64, max: 300 }) }, frameBytes),
      urgent: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("done" as const), which: fc.nat() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("checkpoint" as const),
      owner: fc.nat(2),
      bytes: frameBytes,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("payload" as const), bytes: frameBytes }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("release" as const), which: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("commit" as const) }) },
);

describe("the successor of a thread that died anywhere", () => {
  test("finds exactly what the contract promises, generation after generation", () => {
    const generation = fc.record({
      operations: fc.array(operation, { minLength: 1, maxLength: 40, size: "max" }),
      deaths: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 3 }),
      probeBytes: fc.constantFrom(2_000, 8_000, 30_000, MAX_CUSTODY_FRAME_BYTES),
    });
    fc.assert(
      fc.property(fc.array(generation, { minLength: 2, maxLength: 4 }), (generations) => {
        let memory = newMemory();
        let custody = new Custody(memory);
        let committed = 0;
        let durable: Durable = { messages: [], checkpoints: [], payloads: [] };
        let slots: Successor["slots"] = new Map();
        const ids = { next: 1 };
        for (const { operations, deaths, probeBytes } of generations) {
          const before = copyOf(memory);
          const thread = new Thread(memory, custody, committed + 1, ids);
          thread.adopt(durable, slots);
          thread.start();
          for (const operation of operations) thread.run(operation);
          for (const at of deaths) {
            // Half of the deaths next to the end of an operation: between them most stores are clearing.
            const ends = thread.history.map(({ upTo }) => upTo);
            const stores =
              at < 0.5
                ? Math.floor(at * 2 * thread.log.length)
                : Math.max(
                    0,
                    ends[Math.floor((at - 0.5) * 2 * (ends.length - 1))] - (ids.next % 2),
                  );
            const death = thread.deathAfter(stores, before);
            const cycle = Math.max(death.cycle, committed);
            expectWholeFreeLists(copyOf(death.memory), cycle, probeBytes);
            const successor = recovered(death.memory, cycle);
            const answers = allowed(thread, stores);
            expect(answers.map(key)).toContain(key(successor.found));
            // One that dies before its first commit leaves the same to the next.
            expect(key(recovered(copyOf(death.memory), cycle).found)).toBe(key(successor.found));
            if (at !== deaths[deaths.length - 1]) continue;
            memory = death.memory;
            custody = successor.custody;
            durable = successor.found;
            slots = successor.slots;
            committed = cycle;
            break;
          }
        }
      }),
      // A failure is worth a report, even of a case that could be made smaller still.
      { numRuns: 150, interruptAfterTimeLimit: 40_000 },
    );
  });

  test("finds it behind every single store of a cycle that does everything", () => {
    const memory = newMemory();
    const before = copyOf(memory);
    const thread = new Thread(memory, new Custody(memory), 1, { next: 1 });
    thread.start();
    const bytes = 100_000;
    const urgent = false;
    const cycles: Operation[] = [
      { kind: "accept", bytes, urgent },
      { kind: "checkpoint", owner: 1, bytes },
      { kind: "commit" },
      { kind: "done", which: 0 },
      { kind: "send", bytes, urgent },
      { kind: "send", bytes, urgent },
      { kind: "done", which: 0 },
      { kind: "accept", bytes: 60_000, urgent },
      { kind: "checkpoint", owner: 1, bytes: 60_000 },
      { kind: "checkpoint", owner: 1, bytes: 60_000 },
      { kind: "payload", bytes: 60_000 },
      { kind: "commit" },
      { kind: "done", which: 1 },
      { kind: "release", which: 0 },
      { kind: "commit" },
      { kind: "done", which: 0 },
      { kind: "commit" },
    ];
    for (const operation of cycles) thread.run(operation);
    expect(thread.log.length).toBeGreaterThan(100);
    for (let stores = 0; stores <= thread.log.length; stores++) {
      const death = thread.deathAfter(stores, before);
      const { found } = recovered(death.memory, death.cycle);
      expect(allowed(thread, stores).map(key), `behind store ${stores}`).toContain(key(found));
      expectWholeFreeLists(thread.deathAfter(stores, before).memory, death.cycle, 30_000);
    }
  });

  function put(custody: Custody, state: number, cycle: number, owner = 0): number {
    const slot = custody.allocate(64, false);
    custody.describe(slot, owner, -1, 0);
    custody.stamp(slot, state, cycle);
    return slot;
  }

  test("does not find a message that was sent and done in the cycle that is undone", () => {
    const memory = newMemory();
    const custody = new Custody(memory);
    const sender = put(custody, SlotState.QUEUED, 0);
    const sent = put(custody, SlotState.QUEUED, 6);
    custody.stamp(sender, SlotState.DONE, 6);
    custody.stamp(sent, SlotState.DONE, 6);
    expect(custody.state(sent)).toBe(SlotState.DONE);
    expect(new Custody(copyOf(memory)).recover(5).messages).toEqual([sender]);
    expect(new Custody(copyOf(memory)).recover(6).messages).toEqual([]);
  });

  test("finds a message again that was sent in one cycle and done in the next, which is undone", () => {
    const memory = newMemory();
    const custody = new Custody(memory);
    const sent = put(custody, SlotState.QUEUED, 5);
    custody.stamp(sent, SlotState.DONE, 6);
    expect(new Custody(memory).recover(5).messages).toEqual([sent]);
  });

  test("keeps what came back when its own cycle gets the number of the one that is undone", () => {
    const memory = newMemory();
    const custody = new Custody(memory);
    const slot = put(custody, SlotState.QUEUED, 0);
    custody.stamp(slot, SlotState.DONE, 6);
    expect(new Custody(memory).recover(5).messages).toEqual([slot]);
    // The successor commits a cycle 6 in which the message still waits, and dies.
    expect(new Custody(memory).recover(6).messages).toEqual([slot]);
  });

  test("takes the newest checkpoint, in whatever slot it is, and gives the older one's back", () => {
    for (const cycles of [
      [2, 3],
      [3, 2],
    ]) {
      const memory = newMemory();
      const custody = new Custody(memory);
      const slots = cycles.map((cycle) => {
        const slot = custody.allocate(MAX_CUSTODY_FRAME_BYTES, true);
        custody.describe(slot, 9, -1, 0);
        custody.stamp(slot, SlotState.CHECKPOINT, cycle);
        return slot;
      });
      const newest = slots[cycles.indexOf(3)];
      const successor = new Custody(memory);
      expect(successor.recover(3).checkpoints).toEqual(new Map([[9, newest]]));
      expect(successor.usedBytes).toBe(CUSTODY_CHUNK_BYTES);
    }
  });

  test("takes the later of two checkpoints of one cycle, in whatever slot it is", () => {
    const memory = newMemory();
    const custody = new Custody(memory);
    const low = custody.allocate(64, false);
    const early = put(custody, SlotState.CHECKPOINT, 3, 9);
    custody.free(low);
    const late = put(custody, SlotState.CHECKPOINT, 3, 9);
    expect(late).toBe(low);
    expect(new Custody(copyOf(memory)).recover(3).checkpoints).toEqual(new Map([[9, late]]));
    expect(new Custody(copyOf(memory)).recover(2).checkpoints.size).toBe(0);
    expect(early).not.toBe(late);
  });

  test("has the chunks again that its predecessor had taken back and not yet used", () => {
    const memory = newMemory();
    const custody = new Custody(memory);
    const small: number[] = [];
    for (;;) {
      const slot = custody.allocate(64, true);
      if (slot === FULL) break;
      small.push(slot);
    }
    for (const slot of small.slice(0, -1)) custody.free(slot);
    const large = custody.allocate(MAX_CUSTODY_FRAME_BYTES, false);
    expect(large).not.toBe(FULL);
    custody.free(large);
    custody.stamp(small[small.length - 1], SlotState.QUEUED, 0);
    const successor = new Custody(memory);
    successor.recover(0);
    let count = 0;
    while (successor.allocate(MAX_CUSTODY_FRAME_BYTES, true) !== FULL) count++;
    expect(count).toBe(CHUNKS - 1);
  });

  test("sees no message in the payload of a chunk that has been taken back", () => {
    const memory = newMemory();
    const custody = new Custody(memory);
    const large = custody.allocate(MAX_CUSTODY_FRAME_BYTES, true);
    // As stamps these words would be messages.
    custody.doubles.fill(SlotState.QUEUED, (large + SLOT_FRAME) / 2, (large + CHUNK_WORDS) / 2);
    custody.free(large);
    const others = [1, 2, 3, 4].map(() => custody.allocate(MAX_CUSTODY_FRAME_BYTES, true));
    expect(others).not.toContain(FULL);
    const fifth = custody.allocate(64, true);
    expect(fifth).not.toBe(FULL);
    custody.stamp(fifth, SlotState.QUEUED, 0);
    expect(new Custody(memory).recover(0).messages).toEqual([fifth]);
  });

  test("finds messages in the order of acceptance, not of their places in memory", () => {
    const memory = newMemory();
    const custody = new Custody(memory);
    const first = put(custody, SlotState.QUEUED, 0);
    const second = put(custody, SlotState.QUEUED, 0);
    custody.free(first);
    const third = put(custody, SlotState.QUEUED, 0);
    expect(third).toBe(first);
    expect(new Custody(memory).recover(0).messages).toEqual([second, third]);
  });

  test("ranks new messages behind all that its predecessor ranked", () => {
    const memory = newMemory();
    const custody = new Custody(memory);
    for (let i = 0; i < 5; i++) put(custody, SlotState.QUEUED, i < 3 ? 0 : 9);
    const nextRank = custody.nextRank;
    for (const before of [true, false]) {
      const successor = new Custody(copyOf(memory));
      if (before) successor.nextRank = nextRank;
      successor.recover(0);
      if (!before) successor.nextRank = nextRank;
      expect(successor.nextRank).toBe(nextRank);
    }
    const lone = new Custody(copyOf(memory));
    const { messages } = lone.recover(0);
    expect(lone.rankOf(put(lone, SlotState.QUEUED, 0))).toBeGreaterThan(lone.rankOf(messages[2]));
  });

  test("does not find payloads that nobody refers to", () => {
    const memory = newMemory();
    const custody = new Custody(memory);
    const [wanted, unwanted, uncommitted] = [2, 2, 3].map((cycle) =>
      put(custody, SlotState.PAYLOAD, cycle),
    );
    for (const slot of [wanted, uncommitted]) custody.words[slot + SLOT_AUX] = 1;
    custody.words[unwanted + SLOT_AUX] = 0;
    expect(new Custody(memory).recover(2).payloads).toEqual([wanted]);
  });
});
