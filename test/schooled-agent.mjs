// An agent that works from a context which it has loaded: its first incarnation only, for what that was loaded from is
// gone by then. What it has noted is its own. `{ taught, lesson, throws, slow, forgets, refuses }`: lists of addresses
// or their beginnings.
import { defineAgent, ready } from "../dist/index.js";

const births = new Map();
let plan = {};

export function configure(options) {
  plan = options ?? {};
}

function isOne(list, ctx) {
  return list?.some((start) => `${ctx.address}/`.startsWith(`${start}/`)) === true;
}

export default defineAgent({
  init(ctx) {
    const born = (births.get(ctx.self) ?? 0) + 1;
    births.set(ctx.self, born);
    if (isOne(plan.throws, ctx)) throw new Error("born broken");
    const state = { seen: [] };
    if (born === 1 && isOne(plan.taught, ctx)) state.context = plan.lesson;
    return isOne(plan.slow, ctx)
      ? new Promise((resolve) => setTimeout(() => resolve(state), 50))
      : state;
  },
  context: (state) => state.context,
  adoptContext(state, context, ctx) {
    if (isOne(plan.refuses, ctx)) throw new Error("cannot take this");
    return { ...state, context: isOne(plan.forgets, ctx) ? {} : context };
  },
  receive(state, message, ctx) {
    switch (message.do) {
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
