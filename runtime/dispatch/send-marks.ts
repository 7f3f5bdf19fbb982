import type { TellOptions } from "../../actors/context.ts";
import { MeshError } from "../../actors/errors.ts";
import { ACCEPTED, type Receipt, WaitingReceipt } from "../../actors/receipt.ts";
import { FrameFlag } from "../../mailbox/frame.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Header } from "./header.ts";
import type { WaitingSend } from "./send-backlog.ts";
import { checkTellOptions } from "./send-options.ts";
import type { ThreadJournal } from "./thread-journal.ts";

/** How much a message is to outlive: what the sender asked for, from its options to its receipt. */
export class SendMarks {
  readonly #dispatcher: Dispatcher;
  /** Flag of the message that is sent next: DURABLE, VOLATILE or neither. */
  #mark = 0;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  /**
   * Checks the options and marks the message that is sent next. The receipt says at once that nothing durable can
   * be promised now.
   */
  mark(options: TellOptions | undefined): Receipt | undefined {
    checkTellOptions(options);
    if (options?.volatile === true) this.#mark = FrameFlag.VOLATILE;
    if (options?.durable !== true) return undefined;
    const { journal } = this.#dispatcher;
    if (journal === undefined)
      throw new MeshError(
        "MESH_NO_JOURNAL",
        "durable: expected a mesh with a dataDir, got one without",
      );
    const { fault } = journal;
    if (fault === undefined) {
      this.#mark = FrameFlag.DURABLE;
      return undefined;
    }
    const receipt = new WaitingReceipt();
    receipt.fail(fault);
    return receipt;
  }

  /** The mark of the message that is being prepared, and of no other, whether or not that succeeds. */
  take(): number {
    const mark = this.#mark;
    this.#mark = 0;
    return mark;
  }

  /** Puts the mark onto the header of the message that was prepared. */
  stamp(header: Header, mark: number): void {
    header.flags |= mark;
    if (mark === FrameFlag.DURABLE) header.operation = this.#journal.origin;
  }

  /** Writes a message where it will be read by `place`, a durable one into the journal first; false without room. */
  place(header: Header, length: number, place: () => boolean): boolean {
    const journal = this.#journal;
    if (!journal.accept(header, this.#dispatcher.codec, length)) return false;
    if (place()) return true;
    journal.unaccept();
    return false;
  }

  /** The receipt of the message that was just sent. */
  receipt(header: Header): Receipt {
    return isDurable(header) ? this.#journal.receipt() : ACCEPTED;
  }

  /** Refuses a durable message that waits while nothing durable can be promised; false for all others. */
  refuse({ header, receipt }: WaitingSend): boolean {
    const fault = isDurable(header) ? this.#journal.fault : undefined;
    if (fault !== undefined) receipt?.fail(fault);
    return fault !== undefined;
  }

  /** Settles the receipt of a message that waited. */
  settle({ header, receipt }: WaitingSend, state: "sent" | "dropped" | "rejected"): void {
    if (receipt === undefined) return;
    if (state === "sent" && isDurable(header)) this.#journal.receipt(receipt);
    else receipt.settle(state === "sent" ? "accepted" : state);
  }

  /** Of a thread on which a durable message could be prepared. */
  get #journal(): ThreadJournal {
    return this.#dispatcher.journal as ThreadJournal;
  }
}

/** Whether the journal has, or is to have, the message with this header. */
export function isDurable(header: Header): boolean {
  return (header.flags & FrameFlag.DURABLE) !== 0;
}
