// Most of the agents: each asks the web service for the price of what it is told to buy.
import { defineAgent, ready } from "mesh-30k";

let url;

/** Called once on each thread with the `agentOptions` of `createMesh`. */
export function configure(options) {
  url = options.url;
}

export default defineAgent({
  capabilities: ["buy"],
  init: () => ({ spentCents: 0 }),
  async receive(state, message, ctx) {
    const response = await fetch(`${url}/quote?item=${message.item}`, {
      headers: { "x-agent": ctx.address },
      signal: ctx.signal,
    });
    const quote = await response.json();
    // The faulty service leaves the price out now and then. Nothing is caught here: that is what
    // supervisors are for.
    state.spentCents += quote.price.cents;
    return ready({ spentCents: state.spentCents });
  },
});
