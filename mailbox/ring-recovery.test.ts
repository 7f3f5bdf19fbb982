import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CELLS,
  copyOf,
  drained,
  Ids,
  memoryAt,
  offer,
  position,
  ringOf,
} from "../test/ring-frames.ts";
import { RING_CELLS, RING_HEAD, RING_NEXT_TAIL } from "./layout.ts";
import { FULL, type Ring } from "./ring.ts";

describe("a successor of a dead producer", () => {
  test("publishes what was prepared for a committed cycle, and that only", () => {
    for (const committed of [4, 5, 6]) {
      const memory = memoryAt(0);
      const dead = ringOf(memory);
      offer(dead, 64, 1);
      dead.prepare(5);
      offer(dead, 64, 2);
      const successor = ringOf(memory);
      successor.recoverProducer(committed);
      expect(successor.dirty).toBe(false);
      expect(drained(ringOf(memory))).toEqual(committed === 5 ? [1] : []);
    }
  });

  test("never publishes the cycle being prepared when death comes between any two stores", () => {
    const memory = memoryAt(0);
    const dead = ringOf(memory);
    offer(dead, 64, 1);
    dead.prepare(5);
    dead.publish();
    offer(dead, 64, 2);
    const states = storesOf(memory, dead, () => dead.prepare(6));
    expect(states.length).toBeGreaterThan(1);
    for (const state of states) {
      ringOf(state).recoverProducer(5);
      expect(drained(ringOf(state))).toEqual([1]);
    }
    ringOf(memory).recoverProducer(6);
    expect(drained(ringOf(memory))).toEqual([1, 2]);
  });

  test("does not take an old preparation for its own when the number of the cycle comes again", () => {
    const memory = memoryAt(0);
    const dead = ringOf(memory);
    offer(dead, 64, 1);
    dead.prepare(6);
    // Not committed. The successor commits a cycle 6 of its own in which it has nothing for this ring.
    ringOf(memory).recoverProducer(5);
    const next = ringOf(memory);
    next.recoverProducer(6);
    expect(drained(ringOf(memory))).toEqual([]);
  });

  test("never takes the tail back to what was prepared before it", () => {
    const memory = memoryAt(0);
    const dead = ringOf(memory);
    offer(dead, 64, 1);
    dead.prepare(5);
    dead.publish();
    offer(dead, 64, 2);
    dead.publish();
    ringOf(memory).recoverProducer(5);
    expect(drained(ringOf(memory))).toEqual([1, 2]);
  });

  test("finds nothing to do in a ring that was never used", () => {
    const memory = memoryAt(0);
    new Int32Array(memory)[RING_NEXT_TAIL] = 3;
    ringOf(memory).recoverProducer(0);
    expect(ringOf(memory).empty).toBe(true);
  });
});

/** Copies of `memory` after each store that `act` makes through the ring's views. */
function storesOf(memory: SharedArrayBuffer, ring: Ring, act: () => void): SharedArrayBuffer[] {
  const states = [copyOf(memory)];
  const recording = <View extends Int32Array | Float64Array>(view: View): View =>
    new Proxy(view, {
      get: (target, key) => Reflect.get(target, key, target),
      set: (target, key, value) => {
        const done = Reflect.set(target, key, value, target);
        states.push(copyOf(memory));
        return done;
      },
    });
  const views = ring as { words: Int32Array; doubles: Float64Array };
  const { words, doubles } = ring;
  views.words = recording(words);
  views.doubles = recording(doubles);
  try {
    act();
  } finally {
    views.words = words;
    views.doubles = doubles;
  }
  // The last one is not a death in between.
  states.pop();
  return states;
}

describe("a successor of a dead consumer", () => {
  test("gets the frame that was not accepted, none before it and all behind it, wherever death came", () => {
    fc.assert(
      fc.property(position, fc.integer({ min: 1, max: 12 }), fc.nat(), (start, count, pick) => {
        const memory = memoryAt(start);
        const producer = ringOf(memory);
        for (let id = 0; id < count; id++) offer(producer, 64 + ((id * 97) % 250), id);
        producer.publish();
        const death = pick % count;
        let atDeath: SharedArrayBuffer | undefined;
        const consumer = ringOf(memory);
        const ids = new Ids();
        consumer.drain(
          {
            onFrame: (ring, word, end) => {
              if (ids.ids.length === death) atDeath = copyOf(memory);
              return ids.onFrame(ring, word, end);
            },
            onCorrupt: () => {},
          },
          1000,
        );
        const successor = ringOf(atDeath as SharedArrayBuffer);
        successor.recoverConsumer(successor.accepted);
        const expected = Array.from({ length: count - death }, (_, i) => death + i);
        expect(drained(successor)).toEqual(expected);
      }),
    );
  });

  test("skips the frame that custody holds although the ring had not noted it", () => {
    const memory = memoryAt(-2);
    const producer = ringOf(memory);
    for (let id = 0; id < 4; id++) offer(producer, 64, id);
    producer.publish();
    const successor = ringOf(memory);
    successor.recoverConsumer(0);
    expect(drained(successor)).toEqual([2, 3]);
    expect(Atomics.load(successor.words, RING_HEAD)).toBe(2);
  });

  test("gives the room of the dead one's frames back to the producer", () => {
    const memory = memoryAt(0);
    const producer = ringOf(memory);
    for (let id = 0; id < CELLS; id++) offer(producer, 64, id);
    producer.publish();
    expect(producer.tryClaim(64)).toBe(FULL);
    ringOf(memory).recoverConsumer(3);
    expect(producer.tryClaim(192)).toBe(RING_CELLS);
  });
});
