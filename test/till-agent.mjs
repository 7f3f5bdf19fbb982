// An agent that pays back for those only who have a token for it; it tells others to pay back, and passes tokens on.
import { defineAgent, ready } from "../dist/index.js";

export default defineAgent({
  capabilities: ["till", "refund"],
  guarded: (message) => (message?.do === "refund" ? ["refund"] : []),
  init: () => ({ refunds: 0 }),
  receive(state, message, ctx) {
    switch (message.do) {
      case "refund":
        state.refunds++;
        return ready({ refunds: state.refunds, granted: ctx.envelope.granted });
      case "refunds":
        return ready(state.refunds);
      case "granted":
        return ready(ctx.envelope.granted);
      case "send":
        return ready(ctx.tell(message.to, message.message, message.options).status);
      case "ask":
        return ctx
          .ask(message.to, message.message, message.options)
          .then(ready, (error) => ready({ code: error.code, text: error.message }));
      case "pass on":
        return ctx
          .passOn(message.token, message.wish)
          .then(ready, (error) => ready({ code: error.code, text: error.message }));
      default:
        throw new Error(`unknown verb ${message.do}`);
    }
  },
});
