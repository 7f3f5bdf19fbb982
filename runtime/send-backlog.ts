import type { WaitingReceipt } from "../actors/receipt.ts";
import type { AgentCell } from "./cell.ts";
import type { Header } from "./inbox.ts";

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

/** Sends that wait for room, oldest first; those to one target stay in their order. */
export class SendBacklog {
  #entries: WaitingSend[] = [];
  readonly #byTarget = new Map<number, number>();
  #bytes = 0;

  get length(): number {
    return this.#entries.length;
  }

  /** True when an earlier message to `target` still waits: a later one must not overtake it. */
  holdsBack(target: number): boolean {
    return this.#entries.length > 0 && this.#byTarget.has(target);
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
    this.#byTarget.set(header.target, (this.#byTarget.get(header.target) ?? 0) + 1);
    this.#bytes += length;
    return true;
  }

  /** Offers every entry in turn; one that is refused keeps back those behind it to the same target. */
  retry(offer: (entry: WaitingSend) => boolean): void {
    const entries = this.#entries;
    // What the offers themselves add goes behind.
    this.#entries = [];
    const refused = new Set<number>();
    const kept: WaitingSend[] = [];
    for (const entry of entries) {
      const { target } = entry.header;
      if (refused.has(target) || !offer(entry)) {
        refused.add(target);
        kept.push(entry);
        continue;
      }
      this.#bytes -= entry.length;
      const left = (this.#byTarget.get(target) ?? 1) - 1;
      if (left === 0) this.#byTarget.delete(target);
      else this.#byTarget.set(target, left);
    }
    this.#entries = kept.concat(this.#entries);
  }
}
