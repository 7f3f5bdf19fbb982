// An agent that lies when it is told to: in what it answers, and in what it says of its own timing.
import { defineAgent, ready } from "../dist/index.js";

export default defineAgent({
  init: (ctx) => ({ lies: false, factor: 1, random: ctx.random }),
  receive(state, message, ctx) {
    if (message.lie !== undefined) state.lies = message.lie;
    if (message.factor !== undefined) state.factor = message.factor;
    if (message.question !== undefined) return ready(state.lies ? "flat" : "round");
    if (message.takesMs !== undefined)
      return new Promise((resolve) => setTimeout(resolve, message.takesMs)).then(() => ready());
    return ready(ctx.address);
  },
  probe: ({ factor, random }) => ({
    rttMs: (40 + 4 * random.next()) * factor,
    processingMs: (100 + 10 * random.next()) * factor,
  }),
});
