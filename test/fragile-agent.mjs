// Agents that fail in every way a supervisor must deal with: the verb says how. What they remember is lost
// at a restart, `born` counts the incarnations of each agent on its thread.
import { defineAgent, MeshError, ready } from "../dist/index.js";

const births = new Map();
let plan = {};

/**
 * `{ throws, rejects, slow }`: addresses whose init does so; `times`: how often before it is well;
 * `watches`: whom each agent watches from its init; `hangs`: who never returns from its init at which birth;
 * `refuses`: why, and with which code, the module cannot be used.
 */
export function configure(options) {
  plan = options ?? {};
  const { refuses } = plan;
  if (refuses !== undefined)
    throw refuses.code ? new MeshError(refuses.code, refuses.why) : new Error(refuses.why);
}

function isOne(list, ctx, born) {
  return list?.includes(ctx.address) === true && born <= (plan.times ?? Number.POSITIVE_INFINITY);
}

export default defineAgent({
  init(ctx) {
    const born = (births.get(ctx.self) ?? 0) + 1;
    births.set(ctx.self, born);
    const state = { born, seen: [] };
    if (plan.watches !== undefined) ctx.watch(plan.watches);
    if (plan.hangs?.[ctx.address] === born) for (;;);
    if (isOne(plan.throws, ctx, born)) throw new Error(`init threw at birth ${born}`);
    if (isOne(plan.rejects, ctx, born))
      return Promise.reject(new Error(`init rejected at birth ${born}`));
    if (isOne(plan.slow, ctx, born))
      return new Promise((resolve) => setTimeout(() => resolve(state), 150));
    return state;
  },
  signal(state, signal) {
    state.seen.push(signal);
  },
  async stopped(state, ctx) {
    state.seen.push(`stopped ${ctx.address}`);
  },
  receive(state, message, ctx) {
    switch (message.do) {
      case "note":
        state.seen.push(message.id);
        return ready(state.seen.length);
      case "look":
        return ready(state);
      case "throw":
        throw new Error(message.text ?? "threw");
      case "reject":
        return Promise.reject(new Error("rejected"));
      case "throwNothing":
        throw undefined;
      case "rejectNothing":
        return Promise.reject();
      case "watch":
        ctx.watch(message.who);
        return ready();
      case "stop":
        ctx.stop();
        return ready("stopping");
      case "stopLater":
        return ctx.timers.sleep(5).then(() => ctx.stop());
      case "wait":
        return ctx.timers.sleep(message.ms).then(() => ready("waited"));
      default:
        throw new Error(`unknown verb ${message.do}`);
    }
  },
});
