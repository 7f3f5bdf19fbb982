import type { WaitingReceipt } from "../actors/receipt.ts";
import type { AgentCell } from "./cell.ts";
import type { Header } from "./header.ts";

/** A message that found no room: its header, its encoded payload, and who waits for it. */
export interface WaitingSend {
  readonly header: Header;
  readonly bytes: Uint8Array;
  readonly length: number;
  readonly receipt: WaitingReceipt | undefined;
  readonly cell: AgentCell | undefined;
}

/** Bounds of a thread's backlog; beyond them a send is rejected at once. */
const MAX_MESSAGES = 65_536;
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Sends that wait for room, oldest first; those to one target stay in their order, but what is urgent does not
 * wait behind what is not.
 */
export class SendBacklog {
  #entries: WaitingSend[] = [];
  /** How many wait, by target and urgency. */
  readonly #queues = new Map<number, number>();
  #bytes = 0;

  get length(): number {
    return this.#entries.length;
  }

  /** True when an earlier message still waits that one with this header must not overtake. */
  holdsBack(header: Header): boolean {
    return this.#entries.length > 0 && this.#queues.has(queueOf(header));
  }

  /** Copies header and payload; false when the backlog itself is full. */
  add(
    header: Header,
    payload: Uint8Array,
    length: number,
    receipt: WaitingReceipt | undefined,
    cell: AgentCell | undefined,
  ): boolean {
    if (this.#entries.length === MAX_MESSAGES || this.#bytes + length > MAX_BYTES) return false;
    this.#entries.push({
      header: { ...header },
      bytes: payload.slice(0, length),
      length,
      receipt,
      cell,
    });
    const queue = queueOf(header);
    this.#queues.set(queue, (this.#queues.get(queue) ?? 0) + 1);
    this.#bytes += length;
    return true;
  }

  /** Offers every entry in turn; one that is refused keeps back those behind it in its queue. */
  retry(offer: (entry: WaitingSend) => boolean): void {
    const entries = this.#entries;
    // What the offers themselves add goes behind.
    this.#entries = [];
    const refused = new Set<number>();
    const kept: WaitingSend[] = [];
    for (const entry of entries) {
      const queue = queueOf(entry.header);
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

/** Urgent messages (priority 3) travel on a lane of their own, and wait in a queue of their own. */
function queueOf(header: Header): number {
  return header.target * 2 + ((header.priority & 3) === 3 ? 1 : 0);
}
