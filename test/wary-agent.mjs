// An agent that finds conflicts where it is told to, and takes part in resolving them.
import { createHash } from "node:crypto";
import { conflict, defineAgent, ready } from "../dist/index.js";

export default defineAgent({
  capabilities: ["weigh"],
  init: () => ({ from: {}, signals: [], sent: {}, tasks: [] }),
  receive(state, message, ctx) {
    const { envelope } = ctx;
    switch (message.do) {
      case "conflict":
        return conflict(message.detail);
      case "envelope":
        return ready({ ...envelope, sender: undefined, causation: envelope.causationId });
      case "state":
        return ready(state);
      // Passes a message on, `hops` times, and then keeps where it has the value from.
      case "pass": {
        const [next, ...rest] = message.path;
        if (next !== undefined) ctx.tell(next, { ...message, path: rest });
        else state.from[message.value] = [...(state.from[message.value] ?? []), envelope.messageId];
        return;
      }
      // Contradicts: holds one value, gets another, and says from which messages it has each.
      case "contradict": {
        const [next, ...rest] = message.path;
        if (next !== undefined) {
          ctx.tell(next, { ...message, path: rest });
          return;
        }
        return conflict({
          type: "DATA_CONTRADICTION",
          expected: message.expected,
          received: message.received,
          expectedFrom: state.from[message.expected] ?? [],
        });
      }
      case "sendTorn": {
        ctx.tell(message.to, { do: "check", payload: "torn", hash: message.hash });
        state.sent.payload = message.payload;
        return;
      }
      case "check": {
        const hash = createHash("sha256").update(message.payload).digest("hex");
        return hash === message.hash
          ? ready()
          : conflict({ type: "HASH_MISMATCH", expected: message.hash, received: hash });
      }
      case "task":
        if (message.not === ctx.address)
          return conflict({ type: "CAPABILITY_MISMATCH", expected: "weigh" });
        state.tasks.push(message.id);
        return ready(ctx.address);
      default:
        state.tasks.push(message);
        return ready();
    }
  },
  signal(state, signal) {
    state.signals.push(signal);
  },
  branch: (_state, context, message) => {
    if (context.broken) throw new Error("no such context");
    return { sum: context.a + context.b, asked: message.do };
  },
  resend: (state) => state.sent.payload,
});
