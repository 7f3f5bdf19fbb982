import { addressOf } from "../../coordination/address.ts";
import type { TracedMessage } from "../../mailbox/message-trace.ts";
import type { ThreadView } from "../plan/memory.ts";
import { findMessage, isOutside } from "../plan/message-id.ts";

/** Messages of one chain that are followed. */
const MAX_STEPS = 1000;

/** The chain of messages that led to one, as far as it is still known. */
export interface CausalWalk {
  /** The message itself first, its origin last. */
  readonly path: readonly TracedMessage[];
  /** Whether the last one was brought about by nothing, rather than by what was forgotten. */
  readonly reachedOrigin: boolean;
  /** Index of who sent the last one; −1 when that was outside the mesh. */
  readonly origin: number;
  /** Its address, or `outside`. */
  readonly originName: string;
}

/** Follows causation ids from the message of this id to where it began. */
export function walkCauses(view: ThreadView, messageId: string): CausalWalk {
  const path: TracedMessage[] = [];
  let message = findMessage(view, messageId);
  let reachedOrigin = false;
  while (message !== undefined && path.length < MAX_STEPS) {
    path.push(message);
    const { cause } = message;
    reachedOrigin = cause === undefined;
    message = cause && view.traces.find(cause.thread, cause.sequence);
  }
  const last = path[path.length - 1];
  const isInside = last !== undefined && !isOutside(view.topology, last.source);
  return {
    path,
    reachedOrigin,
    origin: isInside ? last.source : -1,
    originName: isInside ? addressOf(view.topology, last.source) : "outside",
  };
}
