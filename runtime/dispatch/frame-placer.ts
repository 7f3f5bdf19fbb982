import { PayloadTooLargeError } from "../../actors/errors.ts";
import { FRAME_BYTES, FRAME_DATA, FrameFlag } from "../../mailbox/frame.ts";
import { Count, SLOT_FRAME } from "../../mailbox/layout.ts";
import { FULL } from "../../mailbox/ring.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { type Header, isMessage, writeHeader } from "./header.ts";

/** Writes frames where they will be read: into this thread's custody, or into the lane of the target's. */
export class FramePlacer {
  readonly #dispatcher: Dispatcher;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  /** Encodes a message into the codec's scratch and says so in the header; returns its length, bytes. */
  encode(header: Header, message: unknown): number {
    header.release = 0;
    header.payload = 0;
    if (message === undefined) {
      header.flags = FrameFlag.NOTHING;
      return 0;
    }
    if (typeof message === "number") {
      header.flags = FrameFlag.NUMBER;
      header.release = message;
      return 0;
    }
    const length = this.#dispatcher.codec.encode(message);
    const { maxPayloadBytes } = this.#dispatcher.plan;
    if (length > maxPayloadBytes) throw new PayloadTooLargeError(length, maxPayloadBytes);
    header.flags = 0;
    header.payload = length;
    return length;
  }

  /** Writes the header and the `length` bytes in the codec's scratch. False when there is no room. */
  place(header: Header, length: number): boolean {
    const { view, codec, ledger } = this.#dispatcher;
    const thread = view.placement[header.target];
    if (thread === view.thread) {
      const slot = view.custody.allocate(FRAME_BYTES + length, header.priority === 3);
      if (slot === FULL) return false;
      const { words, doubles, bytes } = view.custody;
      writeHeader(words, doubles, slot + SLOT_FRAME, FRAME_BYTES + length, header);
      if (length > 0) codec.copyTo(words, bytes, slot + SLOT_FRAME + FRAME_DATA, length);
      view.custody.describe(slot, header.target, -1, 0);
      ledger.counts[Count.SENT]++;
      this.#dispatcher.inbox.acceptLocal(slot);
      return true;
    }
    const lane = ((header.priority & 3) === 3 ? view.lanes.urgentTo : view.lanes.bulkTo)[thread];
    if (lane === undefined) return false;
    const word = lane.tryClaim(FRAME_BYTES + length);
    if (word === FULL) {
      lane.ring.wantRoom();
      return false;
    }
    const { words, doubles, bytes } = lane.ring;
    writeHeader(words, doubles, word, FRAME_BYTES + length, header);
    if (length > 0) codec.copyTo(words, bytes, word + FRAME_DATA, length);
    if (isMessage(header.kind)) ledger.counts[Count.SENT]++;
    this.#dispatcher.outbox.dirty = true;
    return true;
  }

  /** Writes the header with these words straight into main's lane; false when there is no room. */
  placeWords(header: Header, words: Int32Array, length: number): boolean {
    const { lanes } = this.#dispatcher.view;
    const lane = lanes.bulkTo[0];
    const word = lane?.tryClaim(FRAME_BYTES + length * 4) ?? FULL;
    if (lane === undefined || word === FULL) {
      lane?.ring.wantRoom();
      return false;
    }
    const { ring } = lane;
    writeHeader(ring.words, ring.doubles, word, FRAME_BYTES + length * 4, header);
    ring.words.set(words.subarray(0, length), word + FRAME_DATA);
    this.#dispatcher.outbox.dirty = true;
    return true;
  }
}
