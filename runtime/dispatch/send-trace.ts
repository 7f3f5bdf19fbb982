import { FRAME_SEQUENCE_F64, FRAME_SOURCE, NOBODY } from "../../mailbox/frame.ts";
import { SLOT_FRAME } from "../../mailbox/layout.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Header } from "./header.ts";

/** Remembers a message that is sent under this header, and the one in `slot` (0: none) whose turn sends it. */
export function traceSend(dispatcher: Dispatcher, header: Header, slot: number): void {
  const { view } = dispatcher;
  const { sequence, source, target, createdMs } = header;
  const lamport = ++dispatcher.lamport;
  if (slot === 0) {
    view.traces.note(sequence, source, target, lamport, createdMs, 0, NOBODY, 0);
    return;
  }
  const { words, doubles } = view.custody;
  const at = slot + SLOT_FRAME;
  const causedBy = words[at + FRAME_SOURCE];
  const cause = doubles[(at >>> 1) + FRAME_SEQUENCE_F64];
  const causedOn = causedBy < 0 ? 0 : view.placement[causedBy];
  view.traces.note(sequence, source, target, lamport, createdMs, cause, causedBy, causedOn);
}
