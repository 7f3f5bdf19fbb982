// An agent that keeps books of what it was told, passes each message on to a partner on another worker, and dies
// when it is told to. See worker-kills.ts.
import { defineAgent, ready } from "../dist/index.js";

const FAULTS = 20;

/** Text that only this number has: a message made of two is seen. */
export function padding(number) {
  return String(number).repeat(1 + (number % 40));
}

function fault(state, sentence) {
  if (state.faults.length < FAULTS) state.faults.push(sentence);
}

/** In order, each once, none missing, none torn. */
function note(state, from, { number, pad }) {
  const last = state.last[from] ?? 0;
  if (number !== last + 1) fault(state, `from ${from}: ${number} after ${last}`);
  if (pad !== padding(number)) fault(state, `from ${from}: ${number} is torn`);
  state.last[from] = number;
}

function die(kind) {
  switch (kind) {
    case "exit":
      process.exit(7);
      break;
    case "throw":
      // Outside of a turn, where nobody catches it.
      queueMicrotask(() => {
        throw new Error("thrown on purpose");
      });
      break;
    case "memory": {
      const hoard = [];
      for (;;) hoard.push(new Array(100_000).fill(hoard.length));
    }
    case "loop":
      for (;;);
  }
}

export default defineAgent({
  init: () => ({ last: {}, faults: [] }),
  snapshot: (state) => state,
  restore: (snapshot) => snapshot,
  receive(state, message, ctx) {
    switch (message.do) {
      case "note":
        note(state, "main", message);
        ctx.tell(message.partner, {
          do: "passed",
          from: message.to,
          number: message.number,
          pad: message.pad,
        });
        return;
      case "passed":
        note(state, message.from, message);
        return;
      case "die":
        if (ctx.envelope.redelivered) return;
        if (message.afterMs === undefined) die(message.kind);
        else setTimeout(() => die(message.kind), message.afterMs);
        return;
      case "report":
        return ready(state);
    }
  },
});
