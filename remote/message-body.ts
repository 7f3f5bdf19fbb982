import type { ActorContext } from "../actors/context.ts";

/** The current message as JSON for the other side: the same text for each attempt. Throws where it is none of JSON. */
export function messageBody(id: string, message: unknown, ctx: ActorContext): string {
  const { deadlineMs, operation } = ctx.envelope;
  return JSON.stringify({
    id,
    agent: ctx.address,
    message,
    ...(Number.isFinite(deadlineMs) && { deadlineMs }),
    ...(operation !== undefined && {
      operation: {
        id: operation.id,
        verb: operation.verb,
        // T by the other side's clock.
        ...(operation.localArrivalMs !== undefined && { arrivalMs: operation.localArrivalMs }),
      },
    }),
  });
}
