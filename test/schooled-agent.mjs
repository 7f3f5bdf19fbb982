// An agent that learns a context which peers may lend each other; what it has noted is its own. `{ throws }`: whose
// `init` does so while `throwing` is not empty; `forgets`: who does not take a context that it is given.
import { defineAgent, ready } from "../dist/index.js";

let plan = {};

export function configure(options) {
  plan = options ?? {};
}

export default defineAgent({
  init(ctx) {
    if (plan.throws?.includes(ctx.address)) throw new Error("born broken");
    return plan.slow?.includes(ctx.address)
      ? new Promise((resolve) => setTimeout(() => resolve({ context: undefined, seen: [] }), 50))
      : { context: undefined, seen: [] };
  },
  shareContext: (state) => state.context,
  adoptContext(state, context, ctx) {
    if (plan.refuses?.includes(ctx.address)) throw new Error("cannot take this");
    return plan.forgets?.includes(ctx.address) ? { ...state, context: {} } : { ...state, context };
  },
  receive(state, message, ctx) {
    switch (message.do) {
      case "learn":
        state.context = message.context;
        return ready();
      case "note":
        // With what it knew when it noted.
        state.seen.push([message.id, state.context?.version ?? null]);
        return ready();
      case "look":
        return ready(state);
      case "throw":
        throw new Error("threw");
      case "stop":
        ctx.stop();
        return ready();
      case "block": {
        const endMs = ctx.clock.nowMs() + message.ms;
        while (ctx.clock.nowMs() < endMs);
        return ready();
      }
      default:
        throw new Error(`unknown verb ${message.do}`);
    }
  },
});
