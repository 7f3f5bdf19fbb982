import type { WaitingReceipt } from "../../actors/receipt.ts";
import type { AgentCell } from "./cell.ts";
import type { Header } from "./header.ts";
import type { TurnSends } from "./turn-sends.ts";

/** A message that found no room: its header, its encoded payload, and who waits for it. */
export interface WaitingSend {
  readonly header: Header;
  readonly bytes: Uint8Array;
  readonly length: number;
  readonly receipt: WaitingReceipt | undefined;
  /** Whom it holds up. */
  readonly cell: AgentCell | undefined;
  /** Whose turn sent it; undefined when none did. */
  readonly sender: AgentCell | undefined;
  /** Its place in custody, once its turn has ended; 0 while it is in this heap alone. */
  slot: number;
  /** Of a durable one: the turn that is to have sent it, and the digest under which that is noted. */
  turn?: TurnSends | undefined;
  digest?: number;
}

/** What a backlog holds, and in which queues: what waits behind what. */
export interface BacklogBounds {
  readonly maxMessages: number;
  readonly maxBytes: number;
  readonly queueOf: (header: Header) => number;
}

/** Sends that wait for room, oldest first; those of one queue stay in their order. */
export class SendBacklog {
  readonly #bounds: BacklogBounds;
  #entries: WaitingSend[] = [];
  /** How many wait, by target and urgency. */
  readonly #queues = new Map<number, number>();
  #bytes = 0;

  constructor(bounds: BacklogBounds) {
    this.#bounds = bounds;
  }

  get length(): number {
    return this.#entries.length;
  }

  /** How full it is, in messages or in bytes, whichever is more: 0 to 1. */
  get fill(): number {
    if (this.#entries.length === 0) return 0;
    const { maxMessages, maxBytes } = this.#bounds;
    return Math.max(this.#entries.length / maxMessages, this.#bytes / maxBytes);
  }

  /** True when `bytes` more would be too many. */
  isFull(bytes: number): boolean {
    const { maxMessages, maxBytes } = this.#bounds;
    return this.#entries.length >= maxMessages || this.#bytes + bytes > maxBytes;
  }

  /** True when an earlier message still waits that one with this header must not overtake. */
  holdsBack(header: Header): boolean {
    return this.#entries.length > 0 && this.#queues.has(this.#bounds.queueOf(header));
  }

  /** Copies header and payload, whether or not the backlog is full: that is for the caller to ask. */
  add(
    header: Header,
    payload: Uint8Array,
    length: number,
    receipt: WaitingReceipt | undefined,
    cell: AgentCell | undefined,
    sender: AgentCell | undefined = undefined,
    slot = 0,
  ): WaitingSend {
    const bytes = payload.slice(0, length);
    const entry = { header: { ...header }, bytes, length, receipt, cell, sender, slot };
    this.#entries.push(entry);
    const queue = this.#bounds.queueOf(header);
    this.#queues.set(queue, (this.#queues.get(queue) ?? 0) + 1);
    this.#bytes += length;
    return entry;
  }

  /** All entries, oldest first. */
  get entries(): readonly WaitingSend[] {
    return this.#entries;
  }

  /** Offers every entry in turn; one that is refused keeps back those behind it in its queue. */
  retry(offer: (entry: WaitingSend) => boolean): void {
    const entries = this.#entries;
    // What the offers themselves add goes behind.
    this.#entries = [];
    const refused = new Set<number>();
    const kept: WaitingSend[] = [];
    for (const entry of entries) {
      const queue = this.#bounds.queueOf(entry.header);
      if (refused.has(queue) || !offer(entry)) {
        refused.add(queue);
        kept.push(entry);
        continue;
      }
      this.#bytes -= entry.length;
      const left = (this.#queues.get(queue) ?? 1) - 1;
      if (left === 0) this.#queues.delete(queue);
      else this.#queues.set(queue, left);
    }
    this.#entries = kept.concat(this.#entries);
  }
}
