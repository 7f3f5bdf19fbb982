import { addressOf, indexOfAddress } from "../../coordination/address.ts";
import type { Topology } from "../../coordination/topology.ts";
import type { TracedMessage } from "../../mailbox/message-trace.ts";
import type { ThreadView } from "./memory.ts";

/** Sender of what comes from outside the mesh, in message ids. */
const OUTSIDE = "outside";

/** The id of a message: its sender, and the number that the sender's thread gave it. */
export function messageIdOf(topology: Topology, source: number, sequence: number): string {
  return `${isOutside(topology, source) ? OUTSIDE : addressOf(topology, source)}#${sequence}`;
}

/** Whether a frame's source is nobody in the mesh. */
export function isOutside(topology: Topology, source: number): boolean {
  return source < 0 || source === topology.orchestrator;
}

/** What is still known of the message of this id; undefined when it is forgotten or the id is none. */
export function findMessage(view: ThreadView, messageId: string): TracedMessage | undefined {
  const at = messageId.lastIndexOf("#");
  const sequence = Number(messageId.slice(at + 1));
  if (at < 0 || !Number.isSafeInteger(sequence) || sequence <= 0) return undefined;
  const sender = messageId.slice(0, at);
  const source =
    sender === OUTSIDE ? view.topology.orchestrator : indexOfAddress(view.topology, sender);
  if (source < 0) return undefined;
  const found = view.traces.find(view.placement[source], sequence);
  return found?.source === source ? found : undefined;
}

/** The id of the message that brought this one about; undefined when nothing did, or it is forgotten. */
export function causationIdOf(
  view: ThreadView,
  source: number,
  sequence: number,
): string | undefined {
  const from = source < 0 ? view.topology.orchestrator : source;
  const cause = view.traces.find(view.placement[from], sequence)?.cause;
  return cause && messageIdOf(view.topology, cause.source, cause.sequence);
}
