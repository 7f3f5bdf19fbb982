// Agents whose `init` waits for as long as a shared word says 1, and ends its worker while it says 2: a worker that
// takes its time to be back, or does not come.
import { defineAgent, ready } from "../dist/index.js";

let late;

export function configure(options) {
  late = options.late;
}

export default defineAgent({
  async init() {
    if (Atomics.load(late, 0) === 2) process.exit(3);
    while (Atomics.load(late, 0) === 1) await new Promise((resolve) => setTimeout(resolve, 5));
    return {};
  },
  receive(_state, message, ctx) {
    if (ctx.address !== message.but) return ready();
    // Never, but for the end of its incarnation.
    return new Promise((_resolve, reject) => {
      ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason));
    });
  },
});
