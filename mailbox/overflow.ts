/** What happens to a message for which an agent's mailbox has no room. */
export type OverflowPolicy = "block" | "drop-oldest" | "drop-newest" | "reject";

/** Bounds of one agent's mailbox, and the policy by priority 0…3. */
export interface MailboxBounds {
  readonly maxMessages: number;
  readonly maxBytes: number;
  readonly overflow: readonly [OverflowPolicy, OverflowPolicy, OverflowPolicy, OverflowPolicy];
}

/** Critical messages (priority 3) are never dropped by a bound. */
export const DEFAULT_BOUNDS: MailboxBounds = Object.freeze({
  maxMessages: 1024,
  maxBytes: 1024 * 1024,
  overflow: Object.freeze(["drop-oldest", "block", "block", "block"]) as MailboxBounds["overflow"],
});

/** True when a mailbox of this depth and size has room for `bytes` more. An empty mailbox always has. */
export function hasRoom(
  bounds: MailboxBounds,
  depth: number,
  heldBytes: number,
  bytes: number,
): boolean {
  return depth === 0 || (depth < bounds.maxMessages && heldBytes + bytes <= bounds.maxBytes);
}
