// Agents that have timers and children, and a state that survives: each message is `{ do: <verb>, … }`.
import { defineAgent, ready } from "../dist/index.js";

const verbs = {
  seen: (state) => ready(state.seen),
  note: (state, { id }) => {
    state.seen.push(id);
  },
  once: (_state, { ms, id }, ctx) => {
    ctx.timers.once(ms, { do: "note", id });
  },
  every: (_state, { ms, id }, ctx) => {
    ctx.timers.every(ms, { do: "note", id });
  },
  /** Starts a timer and has a child, and has not ended when the mesh stands still. */
  begin: async (state, { ms }, ctx) => {
    ctx.timers.once(20, { do: "note", id: "begun" });
    state.children.push(ctx.spawn(child));
    await ctx.timers.sleep(ms);
  },
  spawn: (state, { kind }, ctx) => {
    state.children.push(ctx.spawn(kind === "secret" ? secret : child));
    return ready(state.children.at(-1));
  },
  watch: (_state, { who }, ctx) => {
    ctx.watch(who);
  },
  children: (state) => ready(state.children),
  dismiss: (state, _message, ctx) => {
    ctx.stop(state.children[0]);
  },
  fail: () => {
    throw new Error("told to fail");
  },
};

function perform(state, message, ctx) {
  return verbs[message.do](state, message, ctx);
}

const common = {
  init: () => ({ seen: [], children: [] }),
  snapshot: (state) => state,
  restore: (state) => state,
  receive: perform,
  signal: (state, signal) => {
    state.seen.push(`${signal.type} ${signal.reason ?? ""}`.trim());
  },
};

/** To be had elsewhere, for the module exports it. */
export const child = defineAgent({ ...common });
/** Not to be had elsewhere. */
const secret = defineAgent({ ...common });

export default defineAgent({
  ...common,
  restore(state, ctx) {
    // Who starts its timers itself does so elsewhere too, and has no others.
    if (state.seen.includes("on my own")) ctx.timers.every(10, { do: "note", id: "mine" });
    return state;
  },
});
