import { createHash } from "node:crypto";
import type { ActorContext } from "../actors/context.ts";

/** Characters of a key: 132 bits. */
const KEY_LENGTH = 22;

/**
 * The idempotency key of the current message at this agent: the same for each delivery and each attempt of it, and
 * for a second attempt of an operation; another one for every other message, also of a later run of the mesh.
 */
export function messageKey(ctx: ActorContext): string {
  const { messageId, createdMs, operation } = ctx.envelope;
  // Ids of operations are made once; numbers of messages begin anew with each run.
  const when = operation === undefined ? createdMs : "";
  const digest = createHash("sha256")
    .update(`${messageId} ${when} ${ctx.address}`)
    .digest("base64url");
  return `msg_${digest.slice(0, KEY_LENGTH)}`;
}
