// An agent for operations: it notes what it received and when it acted, and works as long as it is told.
import { conflict, defineAgent, ready } from "../dist/index.js";

const works = {
  /** Sleeps, and gives up at the deadline. */
  work: async (_state, { ms, value }, ctx) => {
    if (ms > 0) await ctx.timers.sleep(ms);
    return ready(value ?? ctx.address);
  },
  /** The same for one agent, all others are fast. */
  workUnless: async (_state, { who, ms }, ctx) => {
    if (ctx.address === who) await ctx.timers.sleep(ms);
    return ready();
  },
  /** Works on whatever its deadline. */
  dawdle: async (_state, { ms }) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return ready();
  },
  conflict: (_state, { detail }) => conflict(detail),
  conflictAt: (_state, { who, detail }, ctx) =>
    who.includes(ctx.address) ? conflict(detail) : ready(),
  fail: () => {
    throw new Error("told to fail");
  },
  block: (_state, { ms }, ctx) => {
    const endMs = ctx.clock.nowMs() + ms;
    while (ctx.clock.nowMs() < endMs);
  },
  envelope: (_state, _message, ctx) => {
    const { operation } = ctx.envelope;
    return ready({ ...operation, whole: operation?.message(), message: undefined });
  },
};

export default defineAgent({
  capabilities: ["punctual"],
  init: () => ({ received: [], acted: [] }),
  snapshot: (state) => state,
  restore: (state) => state,
  receive(state, message, ctx) {
    if (message.do === "seen") return ready(state);
    state.received.push(ctx.envelope.operation?.id ?? "told");
    return works[message.do](state, message, ctx);
  },
  act(state, message, ctx) {
    state.acted.push({ id: ctx.envelope.operation.id, atMs: ctx.clock.nowMs() });
    if (message.failsToAct) throw new Error("told to fail when it acts");
  },
});
