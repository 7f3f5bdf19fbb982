import {
  FRAME_LENGTH,
  FRAME_OPERATION_F64,
  FRAME_TARGET,
  FRAME_TYPE,
  FrameFlag,
  framePriority,
} from "../../mailbox/frame.ts";
import { Count, SLOT_FRAME } from "../../mailbox/layout.ts";
import { type FrameMemory, FULL } from "../../mailbox/ring.ts";
import type { Dispatcher } from "./dispatcher.ts";

/**
 * Main's way to the agents of other nodes: to this node's threads they live on main, which hands what comes for them to
 * the gateway. What other nodes send comes in here too, as if main sent it.
 */
export interface Gateway {
  /** Takes charge of a message in main's custody; false when its target is no agent, lead or coordinator. */
  take(slot: number): boolean;
  /** An ANSWER frame; false when it is for main itself. */
  answered(ring: FrameMemory, word: number): boolean;
  /** A message that came from another node with this receipt is finished. */
  finished(receipt: number): void;
}

/** Receipts and asks of the gateway are numbered from here, so that no ask of a thread has such a number. */
export const GATEWAY_IDS: number = 2 ** 52;

/** In the word of a frame's type. */
const RECEIPT = FrameFlag.RECEIPT << 16;

/**
 * Tells main that a message is finished, where it has a receipt, in the cycle in which it is: one does not become true
 * without the other.
 */
export function acknowledge({ view, gateway, outbox }: Dispatcher, slot: number): void {
  const { words, doubles } = view.custody;
  const at = slot + SLOT_FRAME;
  if ((words[at + FRAME_TYPE] & RECEIPT) === 0) return;
  const receipt = doubles[(at >>> 1) + FRAME_OPERATION_F64];
  if (gateway !== undefined) gateway.finished(receipt);
  else
    outbox.replyControl(words[at + FRAME_TARGET], view.topology.orchestrator, receipt, undefined);
}

/**
 * Sends a message in custody on to where its target lives by now, and lets go of it here. False when there is no room
 * on the way.
 */
export function sendOn(dispatcher: Dispatcher, slot: number): boolean {
  const { view, outbox, ledger } = dispatcher;
  const { words, bytes } = view.custody;
  const at = slot + SLOT_FRAME;
  const type = words[at + FRAME_TYPE];
  const thread = view.placement[words[at + FRAME_TARGET]];
  const lane = (framePriority(type) === 3 ? view.lanes.urgentTo : view.lanes.bulkTo)[thread];
  const length = words[at + FRAME_LENGTH];
  const word = lane?.tryClaim(length) ?? FULL;
  if (lane === undefined || word === FULL) return false;
  lane.ring.bytes.set(bytes.subarray(at * 4, at * 4 + length), word * 4);
  outbox.dirty = true;
  ledger.counts[Count.SENT]++;
  ledger.counts[Count.HANDLED]++;
  // Its end is for whoever has it next.
  words[at + FRAME_TYPE] = type & ~((FrameFlag.RECEIPT | FrameFlag.DURABLE) << 16);
  dispatcher.finish(slot, true);
  return true;
}
