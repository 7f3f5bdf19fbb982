import fc from "fast-check";
import { expect, test } from "vitest";
import { DEFAULT_BOUNDS, hasRoom, type MailboxBounds } from "./overflow.ts";

const bounds: MailboxBounds = { ...DEFAULT_BOUNDS, maxMessages: 3, maxBytes: 1000 };

test("a mailbox has room up to its last message and its last byte, and no further", () => {
  expect(hasRoom(bounds, 2, 200, 100)).toBe(true);
  expect(hasRoom(bounds, 3, 300, 100)).toBe(false);
  expect(hasRoom(bounds, 1, 900, 100)).toBe(true);
  expect(hasRoom(bounds, 1, 901, 100)).toBe(false);
});

test("an empty mailbox takes any message, else one that is too large could never be delivered", () => {
  expect(hasRoom(bounds, 0, 0, 5000)).toBe(true);
  expect(hasRoom(bounds, 1, 64, 5000)).toBe(false);
});

test("a mailbox filled as long as it has room never exceeds its bounds, but by one large message", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 64, max: 1500 })), (messages) => {
      let depth = 0;
      let held = 0;
      for (const bytes of messages) {
        if (!hasRoom(bounds, depth, held, bytes)) continue;
        depth++;
        held += bytes;
      }
      expect(depth).toBeLessThanOrEqual(3);
      expect(held <= 1000 || depth === 1).toBe(true);
    }),
  );
});

test("by default only the lowest priority loses messages, and nobody can change that for others", () => {
  expect(DEFAULT_BOUNDS.overflow).toEqual(["drop-oldest", "block", "block", "block"]);
  expect(Object.isFrozen(DEFAULT_BOUNDS)).toBe(true);
  expect(Object.isFrozen(DEFAULT_BOUNDS.overflow)).toBe(true);
});
