import { describe, expect, test } from "vitest";
import { createRegistry, type Registry, registryBytes } from "../../coordination/registry.ts";
import { DEFAULT_BOUNDS, type MailboxBounds } from "../../mailbox/overflow.ts";
import { MailboxRoom } from "./mailbox-room.ts";

const ROWS = 4;
const BYTES = 100;

function mailboxes(bounds: Partial<MailboxBounds>): { registry: Registry; room: MailboxRoom } {
  const registry = createRegistry(new SharedArrayBuffer(registryBytes(ROWS)), ROWS);
  return { registry, room: new MailboxRoom({ ...DEFAULT_BOUNDS, ...bounds }, registry) };
}

/** Messages that `room` lets through when nothing is ever taken out of the mailbox. */
function untilFull(registry: Registry, room: MailboxRoom, target: number, cycle: number): number {
  let sent = 0;
  while (room.has(target, BYTES, cycle)) {
    sent++;
    registry.queueDepth[target]++;
    registry.queueBytes[target] += BYTES;
  }
  return sent;
}

describe("the room of another thread's mailbox", () => {
  test("ends exactly at either bound for a sender that is alone", () => {
    const byCount = mailboxes({ maxMessages: 1000 });
    expect(untilFull(byCount.registry, byCount.room, 1, 1)).toBe(1000);
    const byBytes = mailboxes({ maxMessages: 1000, maxBytes: 5000 });
    expect(untilFull(byBytes.registry, byBytes.room, 1, 1)).toBe(50);
  });

  test("is trusted for 32 messages at most, and for a sixteenth of what was free", () => {
    for (const [maxMessages, trusted] of [
      [10_000, 32],
      [320, 20],
      [15, 0],
    ]) {
      const { registry, room } = mailboxes({ maxMessages });
      expect(room.has(1, BYTES, 1)).toBe(true);
      // Others fill it meanwhile.
      registry.queueDepth[1] = maxMessages;
      let unseen = 0;
      while (room.has(1, BYTES, 1)) unseen++;
      expect(unseen).toBe(trusted);
    }
  });

  test("is trusted for a sixteenth of the free bytes at most", () => {
    const { registry, room } = mailboxes({ maxBytes: 16 * 5 * BYTES });
    expect(room.has(1, BYTES, 1)).toBe(true);
    registry.queueDepth[1] = 1;
    registry.queueBytes[1] = 16 * 5 * BYTES;
    let unseen = 0;
    while (room.has(1, BYTES, 1)) unseen++;
    expect(unseen).toBe(5);
  });

  test("is looked at again in another cycle, and for another mailbox", () => {
    const { registry, room } = mailboxes({});
    expect(room.has(1, BYTES, 1)).toBe(true);
    registry.queueDepth[1] = DEFAULT_BOUNDS.maxMessages;
    registry.queueDepth[2] = DEFAULT_BOUNDS.maxMessages;
    expect(room.has(2, BYTES, 1)).toBe(false);
    expect(room.has(1, BYTES, 1)).toBe(false);
    registry.queueDepth[1] = 0;
    expect(room.has(1, BYTES, 1)).toBe(true);
    registry.queueDepth[1] = DEFAULT_BOUNDS.maxMessages;
    expect(room.has(1, BYTES, 2)).toBe(false);
  });

  test("of an empty mailbox is always enough for one message", () => {
    const { room } = mailboxes({ maxBytes: 10 });
    expect(room.has(1, BYTES, 1)).toBe(true);
    expect(room.has(1, BYTES, 1)).toBe(true);
  });
});
