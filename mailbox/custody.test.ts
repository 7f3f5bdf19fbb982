import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CHUNKS,
  CLASSES,
  chunkOf,
  frameBytes,
  Held,
  newMemory,
  RESERVE,
} from "../test/custody-model.ts";
import { Custody, MAX_CUSTODY_FRAME_BYTES } from "./custody.ts";
import {
  CUSTODY_CHUNK_BYTES,
  SLOT_AUX,
  SLOT_DEATHS,
  SLOT_FRAME,
  SLOT_HEADER_BYTES,
  SLOT_LANE,
  SLOT_POSITION,
  SlotState,
} from "./layout.ts";
import { FULL } from "./ring.ts";

describe("slots of custody", () => {
  test("are handed out whole, apart from each other, and refused only when there is no room", () => {
    const step = fc.oneof(
      fc.record({
        kind: fc.constant("allocate" as const),
        bytes: frameBytes,
        urgent: fc.boolean(),
        count: fc.integer({ min: 1, max: 40 }),
      }),
      fc.record({ kind: fc.constant("free" as const), which: fc.nat(), count: fc.nat(60) }),
    );
    let full = 0;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const memory = newMemory();
        const custody = new Custody(memory);
        const held = new Held(memory);
        for (const step of steps) {
          for (let i = 0; i < step.count; i++) {
            if (step.kind === "free") {
              if (held.slots.size === 0) break;
              const slot = [...held.slots.keys()][step.which % held.slots.size];
              held.release(slot);
              custody.free(slot);
              continue;
            }
            const room = held.hasRoom(step.bytes, step.urgent);
            const slot = custody.allocate(step.bytes, step.urgent);
            expect(slot !== FULL).toBe(room);
            if (slot === FULL) {
              full++;
              break;
            }
            expect(custody.state(slot)).toBe(SlotState.FREE);
            held.take(slot, step.bytes);
            custody.stamp(slot, SlotState.QUEUED, 0);
            // What stands in a frame may later be where a stamp is.
            const end = slot + SLOT_FRAME + (step.bytes >>> 2);
            custody.words.fill(0x40200000 + i, slot + SLOT_FRAME, end);
          }
          const inUse = new Set([...held.slots.keys()].map(chunkOf)).size;
          expect(custody.usedBytes).toBe(inUse * CUSTODY_CHUNK_BYTES);
        }
        const survivors = new Custody(memory).recover(0).messages;
        expect([...survivors].sort((a, b) => a - b)).toEqual(
          [...held.slots.keys()].sort((a, b) => a - b),
        );
      }),
      { numRuns: 200 },
    );
    expect(full).toBeGreaterThan(0);
  });

  test("of each size class fill a custody to the last chunk that is not reserved", () => {
    for (let sizeClass = 0; sizeClass < CLASSES; sizeClass++) {
      const custody = new Custody(newMemory());
      const bytes = (128 << sizeClass) - SLOT_HEADER_BYTES;
      const slots = CUSTODY_CHUNK_BYTES / (128 << sizeClass);
      let count = 0;
      while (custody.allocate(bytes, false) !== FULL) count++;
      expect(count).toBe(slots * (CHUNKS - RESERVE));
      while (custody.allocate(bytes, true) !== FULL) count++;
      expect(count).toBe(slots * CHUNKS);
    }
  });

  test("of the reserve stay with the urgent while a flood takes all it can get", () => {
    const custody = new Custody(newMemory());
    let urgent = 0;
    for (;;) {
      while (custody.allocate(64, false) !== FULL);
      if (custody.allocate(64, true) === FULL) break;
      urgent++;
    }
    expect(urgent).toBe((CUSTODY_CHUNK_BYTES / 128) * RESERVE);
  });

  test("of one size become slots of any other once nothing of the old is in use", () => {
    const custody = new Custody(newMemory());
    for (let round = 0; round < 3; round++) {
      for (let sizeClass = 0; sizeClass < CLASSES; sizeClass++) {
        const slots: number[] = [];
        for (;;) {
          const slot = custody.allocate((128 << sizeClass) - SLOT_HEADER_BYTES, false);
          if (slot === FULL) break;
          slots.push(slot);
        }
        expect(slots.length).toBe((CUSTODY_CHUNK_BYTES / (128 << sizeClass)) * (CHUNKS - RESERVE));
        for (const slot of slots) custody.free(slot);
        expect(custody.usedBytes).toBe(0);
      }
    }
  });

  test("between those of a chunk that is taken back stay in their list", () => {
    const custody = new Custody(newMemory());
    const bytes = CUSTODY_CHUNK_BYTES / 8 - SLOT_HEADER_BYTES;
    const slots = Array.from({ length: 8 * (CHUNKS - RESERVE) }, () =>
      custody.allocate(bytes, false),
    );
    expect(custody.allocate(bytes, false)).toBe(FULL);
    for (const slot of [slots[1], ...slots.slice(8, 16), slots[0]]) custody.free(slot);
    expect(custody.allocate(MAX_CUSTODY_FRAME_BYTES, false)).toBe(slots[8]);
    const again = [1, 2, 3].map(() => custody.allocate(bytes, false));
    expect(again).toEqual([slots[0], slots[1], FULL]);
  });

  test("are found in any size of memory, also when the table takes more than it should", () => {
    for (const chunks of [1, 4, 5, 64, 300]) {
      const custody = new Custody(newMemory(chunks));
      let count = 0;
      while (custody.allocate(MAX_CUSTODY_FRAME_BYTES, true) !== FULL) count++;
      expect(count).toBe(Math.max(4, chunks));
    }
  });

  test("longer than a chunk do not exist, and asking for one says so", () => {
    const custody = new Custody(newMemory());
    expect(() => custody.allocate(MAX_CUSTODY_FRAME_BYTES + 1, true)).toThrow(
      `frameBytes=${MAX_CUSTODY_FRAME_BYTES + 1}`,
    );
    expect(custody.usedBytes).toBe(0);
  });

  test("begin with a clean header", () => {
    const custody = new Custody(newMemory());
    const old = custody.allocate(64, false);
    custody.words.fill(-1, old, old + SLOT_FRAME);
    custody.free(old);
    const slot = custody.allocate(64, false);
    expect(slot).toBe(old);
    custody.describe(slot, 5, 3, -7);
    expect(custody.words[slot + SLOT_DEATHS]).toBe(0);
    expect(custody.words[slot + SLOT_AUX]).toBe(0);
    expect(custody.words[slot + SLOT_LANE]).toBe(3);
    expect(custody.words[slot + SLOT_POSITION]).toBe(-7);
  });
});
