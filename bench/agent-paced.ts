import { type Behavior, defineAgent } from "../actors/behavior.ts";
import { ready } from "../actors/result.ts";

/** How long each agent works: from nothing to `spreadMs`, evenly over the mesh by its index. */
export interface PacedMessage {
  readonly spreadMs: number;
  readonly agents: number;
}

/** An agent whose work always takes as long, each another time, so that releases are spread evenly. */
const agent: Behavior<{ handled: number }, PacedMessage, number> = defineAgent({
  init: () => ({ handled: 0 }),
  async receive(state, { spreadMs, agents }: PacedMessage, ctx) {
    await ctx.timers.sleep((ctx.self / agents) * spreadMs);
    state.handled++;
    return ready(state.handled);
  },
});
export default agent;
