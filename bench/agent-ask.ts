import { type Behavior, defineAgent } from "../actors/behavior.ts";
import type { ActorRef } from "../actors/ref.ts";
import { ready } from "../actors/result.ts";
import { type RoundTripSize, type RoundTrips, roundTrips } from "./round-trips.ts";

/** Ask `target` so often, and answer with what that took. */
export interface AskOrder {
  readonly target: ActorRef<number, number>;
  readonly size: RoundTripSize;
}

/** The asker and the asked of `ask.cross` and `ask.local`. */
const agent: Behavior<null, number | AskOrder, number | RoundTrips> = defineAgent({
  init: () => null,
  receive(_state, message: number | AskOrder, ctx) {
    if (typeof message === "number") return ready(message + 1);
    const ask = async (number: number): Promise<number> => {
      const answer = await ctx.ask(message.target, number);
      if (answer.state !== 1) throw new Error(`${number} was answered ${answer.state}`);
      return answer.value;
    };
    return roundTrips(ask, message.size).then((trips) => ready(trips));
  },
});
export default agent;
