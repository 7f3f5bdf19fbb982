import {
  FRAME_BYTES,
  FRAME_DATA,
  FRAME_PAYLOAD,
  FRAME_SOURCE,
  FRAME_TARGET,
  FRAME_TYPE,
  FrameFlag,
  FrameKind,
  frameFlags,
  frameKind,
  framePriority,
} from "../../mailbox/frame.ts";
import { Count, SLOT_FRAME } from "../../mailbox/layout.ts";
import { FULL } from "../../mailbox/ring.ts";
import { DeadLetterCode } from "./dead-letter-code.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { doubleAt, type Header, writeHeader } from "./header.ts";

const CARRIED = FrameFlag.NOTHING | FrameFlag.NUMBER;

/** Why an ask came back, by dead-letter code. */
const REFUSALS: Readonly<Record<number, string>> = {
  [DeadLetterCode.MAILBOX_FULL]: "its mailbox is full",
  [DeadLetterCode.DROPPED_OLDEST]: "it made room in its mailbox for newer messages",
  [DeadLetterCode.STOPPED]: "it has stopped",
  [DeadLetterCode.QUARANTINED]: "it is in quarantine",
  [DeadLetterCode.POISON]: "the message killed its worker too often",
  [DeadLetterCode.MESH_STOPPING]: "the mesh is stopping",
  [DeadLetterCode.UNKNOWN_ACTOR]: "there is no such actor",
  [DeadLetterCode.VOLATILE]: "it was lost with its worker",
  [DeadLetterCode.UNTRUSTED]: "its sender is not trusted",
  [DeadLetterCode.UNDECODABLE]: "the message could not be decoded",
};

/** The end of messages that nobody will handle: counted, sent to main's dead letters, refused to whoever asked. */
export class Burials {
  readonly #dispatcher: Dispatcher;
  /** Dead letters, by reason, that could not be sent to main for want of room. */
  readonly #unlisted = new Map<number, number>();

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  /** Ends a message in custody that will not be handled: a dead letter, and a refusal to whoever asked. */
  bury(slot: number, code: number): void {
    const { view, ledger } = this.#dispatcher;
    const { words, doubles, bytes } = view.custody;
    const at = slot + SLOT_FRAME;
    if (frameKind(words[at + FRAME_TYPE]) === FrameKind.ASK && code !== DeadLetterCode.EXPIRED) {
      this.#dispatcher.answers.refuse(slot, FrameFlag.REFUSED, REFUSALS[code] ?? "it was refused");
    }
    ledger.counts[code === DeadLetterCode.EXPIRED ? Count.EXPIRED : Count.DEAD_LETTERED]++;
    this.#sendDeadLetter(words, doubles, bytes, at, code);
    // What the end of the mesh cuts off is not over: a durable message is there at the next start.
    if (code === DeadLetterCode.MESH_STOPPING) words[at + FRAME_TYPE] &= ~(FrameFlag.DURABLE << 16);
    this.#dispatcher.finish(slot, false);
  }

  /** Ends a message that never got into custody; its payload stands in the codec's scratch. */
  buryUnsent(header: Header, length: number, code: number): void {
    const { ledger, codec } = this.#dispatcher;
    const words = new Int32Array(((FRAME_BYTES + length + 11) >>> 2) & ~1);
    const doubles = new Float64Array(words.buffer);
    const bytes = new Uint8Array(words.buffer);
    writeHeader(words, doubles, 0, FRAME_BYTES + length, header);
    if (length > 0) codec.copyTo(words, bytes, FRAME_DATA, length);
    // It was never accepted by another thread: this one accepts and buries it, so that the sums hold.
    ledger.counts[Count.SENT]++;
    ledger.counts[Count.ACCEPTED]++;
    ledger.counts[code === DeadLetterCode.EXPIRED ? Count.EXPIRED : Count.DEAD_LETTERED]++;
    this.#sendDeadLetter(words, doubles, bytes, 0, code);
    this.#dispatcher.touch();
  }

  /** Sends a copy of a frame to main's dead letters; without room there only its count goes, later. */
  #sendDeadLetter(
    words: Int32Array,
    doubles: Float64Array,
    bytes: Uint8Array,
    at: number,
    code: number,
  ): void {
    const { view, inbox, ports } = this.#dispatcher;
    const flags = frameFlags(words[at + FRAME_TYPE]);
    const carried = (flags & (CARRIED | FrameFlag.REFERENCE)) !== 0 ? 0 : words[at + FRAME_PAYLOAD];
    const sequence = doubles[(at >>> 1) + 3];
    const header: Header = {
      kind: FrameKind.DEAD_LETTER,
      priority: framePriority(words[at + FRAME_TYPE]),
      flags: (flags & FrameFlag.REFERENCE) !== 0 ? FrameFlag.NOTHING : flags,
      target: words[at + FRAME_TARGET],
      source: words[at + FRAME_SOURCE],
      operation: code + (this.#unlisted.get(code) ?? 0) * 16,
      sequence,
      createdMs: doubles[(at >>> 1) + 4],
      deadlineMs: this.#dispatcher.nowMs,
      release: doubleAt(words, at, 6),
      payload: carried,
      hash: 0,
    };
    const lane = view.lanes.bulkTo[0];
    if (lane === undefined) {
      const frame = new Int32Array(32);
      writeHeader(frame, new Float64Array(frame.buffer), 0, FRAME_BYTES, header);
      let message: unknown;
      try {
        message = inbox.decodeAt(words, bytes, at);
      } catch {
        message = undefined;
      }
      ports.sink?.onDeadLetter(frame, new Float64Array(frame.buffer), 0, message);
      return;
    }
    const word = lane.tryClaim(FRAME_BYTES + carried);
    if (word === FULL) {
      this.#unlisted.set(code, (this.#unlisted.get(code) ?? 0) + 1);
      return;
    }
    this.#unlisted.delete(code);
    writeHeader(lane.ring.words, lane.ring.doubles, word, FRAME_BYTES + carried, header);
    if (carried > 0) {
      const from = (at + FRAME_DATA) * 4;
      lane.ring.bytes.set(bytes.subarray(from, from + carried), (word + FRAME_DATA) * 4);
    }
    this.#dispatcher.outbox.dirty = true;
  }
}
