// Agents that take their whole worker down, or hang it. What they have noted survives.
import { defineAgent, ready } from "../dist/index.js";

function hang() {
  for (;;);
}

/** Fills the heap with small arrays until the thread has none left. */
function hoard() {
  const hoarded = [];
  for (;;) hoarded.push(new Array(64).fill(hoarded.length));
}

const child = defineAgent({
  init: () => ({}),
  receive(_state, message, ctx) {
    if (message === "stop") ctx.stop();
    return ready("child");
  },
});

export default defineAgent({
  init: () => ({ seen: [], signals: [] }),
  signal(state, signal) {
    state.signals.push(signal);
  },
  snapshot: (state) => state,
  restore: (state) => state,
  receive(state, message, ctx) {
    switch (message.do) {
      case "note":
        state.seen.push(message.id);
        return ready(message.id);
      case "seen":
        return ready(state.seen);
      case "redelivered":
        return ready(ctx.envelope.redelivered);
      case "exit":
        return process.exit(message.code ?? 3);
      case "exitOnce":
        if (!ctx.envelope.redelivered) process.exit(3);
        return ready("survived");
      case "throwLater":
        setImmediate(() => {
          throw new Error("thrown outside of any turn");
        });
        return ready();
      case "rejectUnheard":
        Promise.reject(new Error("nobody catches this"));
        return ready();
      case "hoard":
        return hoard();
      case "hang":
        return hang();
      case "hangAfterAwait":
        return (async () => {
          await null;
          hang();
        })();
      case "hangAfterSleep":
        return ctx.timers.sleep(5).then(hang);
      case "wait":
        return ctx.timers.sleep(message.ms).then(() => ready("waited"));
      case "watch":
        ctx.watch(message.who);
        return ready();
      case "signals":
        return ready(state.signals);
      case "stop":
        ctx.stop();
        return ready();
      case "spawn":
        return ready(ctx.spawn(child));
      default:
        throw new Error(`unknown verb ${message.do}`);
    }
  },
});
