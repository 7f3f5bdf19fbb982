/** What a person is asked, and what they have decided. */
import type { ActorContext } from "../actors/context.ts";
import type { HumanDecision, HumanQuestion } from "../runtime/api/agent-api.ts";
import type { InboxItem, Question } from "../runtime/api/conflict-api.ts";
import { messageKey } from "./message-key.ts";

/** A question with the id under which it is asked and, after a restart, found again. */
export type NamedQuestion = Question & { readonly itemId: string };

const MAX_ID = 200;

/** Reads a message: text, or {@link HumanQuestion}. TypeError names the member, its value and what was expected. */
export function readQuestion(
  message: unknown,
  kind: string,
  withinMs: number | undefined,
  ctx: ActorContext,
): { readonly question: NamedQuestion; readonly replyTo: string | undefined } {
  const said = (typeof message === "string" ? { text: message } : Object(message)) as HumanQuestion;
  const { text, id, about, replyTo } = said;
  if (typeof text !== "string" || text === "")
    throw new TypeError(`text: expected what is asked, got ${typeof text}`);
  if (id !== undefined && !(typeof id === "string" && id !== "" && id.length <= MAX_ID))
    throw new TypeError(`id: expected text of at most ${MAX_ID} characters, got ${typeof id}`);
  const leftMs = ctx.envelope.deadlineMs - ctx.clock.nowMs();
  const timeMs = said.withinMs ?? withinMs ?? (Number.isFinite(leftMs) ? leftMs : undefined);
  if (timeMs !== undefined && !(timeMs > 0))
    throw new TypeError(`withinMs: expected a time above 0 ms, got ${timeMs}`);
  return {
    question: {
      itemId: id ?? messageKey(ctx).replace("msg", "ask"),
      kind,
      text,
      about: { agent: ctx.address, ...(about !== undefined && { about }) },
      ...(timeMs !== undefined && { withinMs: timeMs }),
    },
    replyTo,
  };
}

/** What was decided on an item. */
export function decisionOf(item: InboxItem): HumanDecision {
  const { itemId, state, decidedBy = "", decidedMs = 0, comments } = item;
  // A decision's own comment is the last one; an earlier one belongs to the talk before it.
  const last = comments.at(-1);
  const comment = last !== undefined && last.atMs === decidedMs ? last.text : "";
  return { itemId, approved: state === "approved", by: decidedBy, comment, decidedMs };
}
