import { type Behavior, defineAgent } from "../actors/behavior.ts";
import { ready } from "../actors/result.ts";

/** An agent that answers what it is sent. */
const agent: Behavior<undefined, number, number> = defineAgent({
  init: () => undefined,
  receive: (_state, message: number) => ready(message),
});
export default agent;
