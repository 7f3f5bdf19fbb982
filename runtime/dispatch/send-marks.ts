import type { TellOptions } from "../../actors/context.ts";
import { MeshError } from "../../actors/errors.ts";
import { ACCEPTED, type Receipt, WaitingReceipt } from "../../actors/receipt.ts";
import { FrameFlag } from "../../mailbox/frame.ts";
import type { AgentCell } from "./cell.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Header } from "./header.ts";
import type { WaitingSend } from "./send-backlog.ts";
import { checkTellOptions } from "./send-options.ts";
import type { ThreadJournal } from "./thread-journal.ts";
import type { TurnSends } from "./turn-sends.ts";

/** How much a message is to outlive: what the sender asked for, from its options to its receipt. */
export class SendMarks {
  readonly #dispatcher: Dispatcher;
  /** Flag of the message that is sent next: DURABLE, VOLATILE or neither. */
  #mark = 0;
  /** The turn that sends the prepared message, if that is durable, and its digest. */
  #turn: TurnSends | undefined;
  #digest = 0;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  /** Checks the options and marks the message that is sent next. */
  mark(options: TellOptions | undefined): void {
    checkTellOptions(options);
    if (options?.volatile === true) this.#mark = FrameFlag.VOLATILE;
    if (options?.durable !== true) return;
    const { journal } = this.#dispatcher;
    if (journal === undefined)
      throw new MeshError(
        "MESH_NO_JOURNAL",
        "durable: expected a mesh with a dataDir, got one without",
      );
    this.#mark = FrameFlag.DURABLE;
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

  /**
   * The receipt of the prepared message when it is not to be sent: because an earlier try of the same turn has sent it
   * already, or because nothing durable can be promised now. `length` is that of its payload.
   */
  unsendable(header: Header, length: number, cell: AgentCell | undefined): Receipt | undefined {
    if (!isDurable(header)) return undefined;
    const { sends } = this.#dispatcher;
    this.#turn = cell === undefined ? undefined : sends.of(cell);
    if (this.#turn !== undefined) {
      this.#digest = sends.digest(header, length);
      // It is on its way, whatever has become of the disk meanwhile.
      if (sends.repeats(this.#turn, this.#digest)) return this.#journal.receipt();
    }
    const { fault } = this.#journal;
    if (fault === undefined) return undefined;
    const receipt = new WaitingReceipt();
    receipt.fail(fault);
    return receipt;
  }

  /** The receipt of the message that was just sent. */
  receipt(header: Header): Receipt {
    if (!isDurable(header)) return ACCEPTED;
    if (this.#turn !== undefined) this.#dispatcher.sends.note(this.#turn, this.#digest);
    return this.#journal.receipt();
  }

  /** The prepared message waits, as this entry. */
  waits(entry: WaitingSend): void {
    if (!isDurable(entry.header)) return;
    entry.turn = this.#turn;
    entry.digest = this.#digest;
  }

  /** Refuses a durable message that waits while nothing durable can be promised; false for all others. */
  refuse({ header, receipt, slot }: WaitingSend): boolean {
    // What is in custody was handed to the journal with its turn: it is written when the disk can be again.
    const fault = isDurable(header) && slot === 0 ? this.#journal.fault : undefined;
    if (fault !== undefined) receipt?.fail(fault);
    return fault !== undefined;
  }

  /** Settles the receipt of a message that waited. */
  settle(entry: WaitingSend, state: "sent" | "dropped" | "rejected"): void {
    const { header, receipt, slot, turn, digest } = entry;
    if (isDurable(header)) {
      if (state === "sent" && turn !== undefined)
        this.#dispatcher.sends.note(turn, digest as number);
      // The journal has it since its turn ended, and must hear that it will never be delivered.
      if (state !== "sent" && slot !== 0) this.#journal.unsent(header);
    }
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
