import fc from "fast-check";
import { describe, expect, test } from "vitest";

/** What any ring of frames between two threads must do, in the words that both ours and a plain one know. */
export interface ContractRing {
  /** Largest body that the ring takes when it is empty, bytes. */
  readonly maxBodyBytes: number;
  /** Puts a whole frame into the ring, visible at once; false when there is no room for all of it. */
  offer(body: Uint8Array): boolean;
  /** Hands up to `limit` bodies on until `accept` refuses one, which stays; how many were taken. */
  drain(limit: number, accept: (body: Uint8Array) => boolean): number;
}

/** Runs the contract on a ring of `capacityBytes` and on views of the same memory made by `again`. */
export function ringContract(
  name: string,
  create: (capacityBytes: number) => { readonly ring: ContractRing; again(): ContractRing },
): void {
  const CAPACITY = 4096;

  function body(id: number, bytes: number): Uint8Array {
    return Uint8Array.from({ length: bytes }, (_, i) => id * 13 + i);
  }

  function drained(ring: ContractRing, limit = 1000): Uint8Array[] {
    const bodies: Uint8Array[] = [];
    ring.drain(limit, (body) => bodies.push(body.slice()) > 0);
    return bodies;
  }

  describe(`${name} keeps the contract of a ring`, () => {
    test("an empty ring gives nothing", () => {
      expect(drained(create(CAPACITY).ring)).toEqual([]);
    });

    test("frames come out in the order and with the content that they went in", () => {
      const step = fc.oneof(
        fc.record({ bytes: fc.integer({ min: 1, max: 600 }) }),
        fc.record({ limit: fc.nat(8), take: fc.nat(8) }),
      );
      fc.assert(
        fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
          const { ring } = create(CAPACITY);
          const queue: Uint8Array[] = [];
          let id = 0;
          for (const step of steps) {
            if ("bytes" in step) {
              const frame = body(id++, step.bytes);
              if (ring.offer(frame)) queue.push(frame);
              else expect(queue.length).toBeGreaterThan(0);
              continue;
            }
            const expected = queue.splice(0, Math.min(step.limit, step.take));
            const seen: Uint8Array[] = [];
            const taken = ring.drain(step.limit, (body) => {
              if (seen.length === step.take) return false;
              seen.push(body.slice());
              return true;
            });
            expect(taken).toBe(expected.length);
            expect(seen).toEqual(expected);
          }
          expect(drained(ring)).toEqual(queue);
        }),
        { numRuns: 200 },
      );
    });

    test("a full ring refuses the whole frame, and takes it once there is room", () => {
      const { ring } = create(CAPACITY);
      let count = 0;
      while (ring.offer(body(count, 100))) count++;
      expect(count).toBeGreaterThan(10);
      expect(ring.offer(body(count, 100))).toBe(false);
      expect(ring.drain(2, () => true)).toBe(2);
      expect(ring.offer(body(count, 100))).toBe(true);
      const bodies = drained(ring);
      expect(bodies).toEqual(Array.from({ length: count - 1 }, (_, i) => body(i + 2, 100)));
    });

    test("a refused frame is the first to come again", () => {
      const { ring } = create(CAPACITY);
      for (let id = 0; id < 3; id++) ring.offer(body(id, 50));
      let calls = 0;
      expect(ring.drain(10, () => ++calls < 2)).toBe(1);
      expect(drained(ring)).toEqual([body(1, 50), body(2, 50)]);
    });

    test("the longest frame fits whenever the ring is empty, wherever it stands", () => {
      const { ring } = create(CAPACITY);
      for (let id = 0; id < 70; id++) {
        const longest = body(id, ring.maxBodyBytes);
        expect(ring.offer(longest)).toBe(true);
        expect(drained(ring)).toEqual([longest]);
        expect(ring.offer(body(id, 1 + ((id * 37) % 300)))).toBe(true);
        expect(drained(ring).length).toBe(1);
      }
    });

    test("another view of the memory goes on where the last one stopped", () => {
      const { ring, again } = create(CAPACITY);
      for (let id = 0; id < 5; id++) ring.offer(body(id, 64));
      ring.drain(2, () => true);
      const successor = again();
      expect(successor.offer(body(5, 64))).toBe(true);
      expect(drained(successor)).toEqual([2, 3, 4, 5].map((id) => body(id, 64)));
    });
  });
}
