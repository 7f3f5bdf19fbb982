import {
  FRAME_BYTES,
  FRAME_CREATED_F64,
  FRAME_DATA,
  FRAME_DEADLINE_F64,
  FRAME_LENGTH,
  FRAME_OPERATION_F64,
  FRAME_PAYLOAD,
  FRAME_RELEASE_F64,
  FRAME_SEQUENCE_F64,
  FRAME_SOURCE,
  FRAME_TARGET,
  FRAME_TYPE,
  frameFlags,
  frameKind,
  framePriority,
} from "../../mailbox/frame.ts";
import { Count, SLOT_FRAME, SlotState } from "../../mailbox/layout.ts";
import { FULL } from "../../mailbox/ring.ts";
import type { AgentCell } from "./cell.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { type Header, writeHeader } from "./header.ts";
import type { WaitingSend } from "./send-backlog.ts";
import { isDurable } from "./send-marks.ts";

/**
 * What a turn has sent and what waits for room, in custody: with it there, the turn ends in the very cycle in which it
 * returned, with all its sends, whether they have found room or not. A successor goes on sending from there, and a cut
 * has them; what the turn had sent already is not sent again.
 */
export class StagedSends {
  readonly #dispatcher: Dispatcher;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  /**
   * Keeps the waiting sends of a turn that ends, as of the open cycle; those that are durable are handed to the journal
   * with the end of their turn. False, and nothing is kept, when there is no custody for them all, or no room in the
   * journal.
   */
  stage(entries: readonly WaitingSend[], cell: AgentCell): boolean {
    const { custody } = this.#dispatcher.view;
    const staged: WaitingSend[] = [];
    // They are the last to have come, or nearly.
    for (let i = entries.length - 1; i >= 0 && staged.length < cell.sendsLoose; i--) {
      const entry = entries[i];
      if (entry.sender !== cell || entry.slot !== 0) continue;
      entry.slot = custody.allocate(FRAME_BYTES + entry.length, true);
      if (entry.slot === FULL) {
        entry.slot = 0;
        return this.#unstage(staged);
      }
      staged.push(entry);
    }
    const durable = staged.filter(({ header }) => isDurable(header)).map(({ length }) => length);
    const { journal } = this.#dispatcher;
    if (durable.length > 0 && (journal?.fault !== undefined || !journal?.hasRoomFor(durable)))
      return this.#unstage(staged);
    for (const entry of staged.toReversed()) this.#write(entry);
    cell.sendsLoose = 0;
    // Sent, though not yet on its way: whoever waits until all is accepted waits for it.
    this.#dispatcher.ledger.counts[Count.SENT] += staged.length;
    this.#dispatcher.touch();
    return true;
  }

  /** Gives back what was never stamped, and so seen by nobody. */
  #unstage(staged: readonly WaitingSend[]): false {
    for (const entry of staged) {
      this.#dispatcher.view.custody.free(entry.slot);
      entry.slot = 0;
    }
    return false;
  }

  #write({ header, bytes, length, slot }: WaitingSend): void {
    const { view, ledger, codec, journal } = this.#dispatcher;
    const { custody } = view;
    if (isDurable(header)) {
      codec.adopt(bytes, length);
      if (journal?.accept(header, codec, length) !== true)
        throw new Error(`no room in the journal's ring: length=${length}`);
    }
    const at = slot + SLOT_FRAME;
    writeHeader(custody.words, custody.doubles, at, FRAME_BYTES + length, header);
    custody.bytes.set(bytes.subarray(0, length), (at + FRAME_DATA) * 4);
    custody.describe(slot, header.target, -1, 0);
    custody.stamp(slot, SlotState.OUTGOING, ledger.cycle);
  }

  /** The send waits no more: it went, or never will. */
  release(entry: WaitingSend): void {
    const { slot, sender } = entry;
    if (slot === 0) {
      if (sender !== undefined) sender.sendsLoose--;
      return;
    }
    const { view, ledger } = this.#dispatcher;
    // It was counted when it was staged, and, if it went, once more.
    ledger.counts[Count.SENT]--;
    view.custody.endOutgoing(slot, ledger.cycle);
    this.#dispatcher.giveBack(slot);
  }

  /** What stands in a slot. Whoever asked is gone with the thread that died: no edge of theirs is to be settled. */
  read(slot: number): { readonly header: Header; readonly bytes: Uint8Array } {
    const { words, doubles, bytes } = this.#dispatcher.view.custody;
    const at = slot + SLOT_FRAME;
    const double = (field: number): number => doubles[(at >>> 1) + field];
    const type = words[at + FRAME_TYPE];
    const from = (at + FRAME_DATA) * 4;
    // Not the payload alone: where it is traced, its span stands behind it.
    const end = at * 4 + words[at + FRAME_LENGTH];
    const header: Header = {
      kind: frameKind(type),
      priority: framePriority(type),
      flags: frameFlags(type),
      target: words[at + FRAME_TARGET],
      source: words[at + FRAME_SOURCE],
      operation: double(FRAME_OPERATION_F64),
      sequence: double(FRAME_SEQUENCE_F64),
      createdMs: double(FRAME_CREATED_F64),
      deadlineMs: double(FRAME_DEADLINE_F64),
      release: double(FRAME_RELEASE_F64),
      payload: words[at + FRAME_PAYLOAD],
      hash: 0,
    };
    return { header, bytes: bytes.slice(from, end) };
  }
}
