import { type Behavior, defineAgent } from "../actors/behavior.ts";
import { ready } from "../actors/result.ts";

export type HangMessage = "hang" | "answer";

/** An agent that answers, or never yields again. Whoever is given the message that did it does not do it twice. */
const agent: Behavior<undefined, HangMessage, number> = defineAgent({
  init: () => undefined,
  receive(_state, message: HangMessage, ctx) {
    if (message === "hang" && !ctx.envelope.redelivered) for (;;);
    return ready(1);
  },
});
export default agent;
