import type { Registry } from "../../coordination/registry.ts";
import { hasRoom, type MailboxBounds } from "../../mailbox/overflow.ts";

/** Messages, and the share of a mailbox's room, for which one look at it is trusted. */
const TRUSTED_MESSAGES = 32;
const TRUSTED_SHARE = 1 / 16;

/**
 * Whether the mailboxes of other threads have room, as a sender sees it. Their owners write depth and bytes
 * for every message, so each look takes a cache line away from one core and has it fetched back: one that
 * found much room is trusted for a few messages to the same mailbox, within the cycle.
 */
export class MailboxRoom {
  readonly #bounds: MailboxBounds;
  readonly #depth: Int32Array;
  readonly #heldBytes: Int32Array;
  #target = -1;
  #cycle = -1;
  #messages = 0;
  #bytes = 0;

  constructor(bounds: MailboxBounds, registry: Registry) {
    this.#bounds = bounds;
    this.#depth = registry.queueDepth;
    this.#heldBytes = registry.queueBytes;
  }

  /** True when `target` can take a message of `bytes`, or could a few messages ago in this `cycle`. */
  has(target: number, bytes: number, cycle: number): boolean {
    if (target === this.#target && cycle === this.#cycle && this.#messages > 0) {
      this.#messages--;
      this.#bytes -= bytes;
      if (this.#bytes >= 0) return true;
    }
    return this.#look(target, bytes, cycle);
  }

  #look(target: number, bytes: number, cycle: number): boolean {
    const bounds = this.#bounds;
    const depth = this.#depth[target];
    const held = this.#heldBytes[target];
    if (!hasRoom(bounds, depth, held, bytes)) {
      this.#target = -1;
      return false;
    }
    this.#target = target;
    this.#cycle = cycle;
    this.#messages = Math.min(TRUSTED_MESSAGES, (bounds.maxMessages - depth) * TRUSTED_SHARE) | 0;
    this.#bytes = ((bounds.maxBytes - held) * TRUSTED_SHARE) | 0;
    return true;
  }
}
