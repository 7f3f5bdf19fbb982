import { type Behavior, defineAgent } from "../actors/behavior.ts";
import { conflict, ready } from "../actors/result.ts";

/**
 * `tick` counts; `expect` is in conflict unless so many ticks were counted; `crash` throws, which loses the
 * count.
 */
export type CountMessage = "tick" | "crash" | { readonly expect: number };

interface State {
  ticks: number;
}

/** An agent that can prove how many messages it has handled since it was made. */
const agent: Behavior<State, CountMessage, number> = defineAgent({
  init: (): State => ({ ticks: 0 }),
  receive(state, message: CountMessage) {
    if (message === "tick") {
      state.ticks++;
      return ready(state.ticks);
    }
    if (message === "crash") throw new Error("crash");
    if (message.expect === state.ticks) return ready(state.ticks);
    const { ticks } = state;
    return conflict({ type: "DATA_CONTRADICTION", expected: message.expect, received: ticks });
  },
});
export default agent;
