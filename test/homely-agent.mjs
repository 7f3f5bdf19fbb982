// Agents that use the event loop of their thread: sockets, timers and promises of Node itself.
import { createServer } from "node:http";
import { defineAgent, ready } from "../dist/index.js";

let farewellFile;
export function configure(options) {
  farewellFile = options?.farewellFile;
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export default defineAgent({
  init: () => ({ seen: [], server: undefined }),
  async stopped(state, ctx) {
    state.server?.close();
    if (farewellFile === undefined) return;
    const { appendFile } = await import("node:fs/promises");
    await pause(20);
    await appendFile(farewellFile, `${ctx.address}\n`);
  },
  async receive(state, message, ctx) {
    switch (message.do) {
      case "fetch": {
        const response = await fetch(message.url, { signal: ctx.signal });
        return ready(await response.text());
      }
      case "pauses": {
        for (let i = 0; i < message.count; i++) await pause(message.ms);
        return ready(message.count);
      }
      case "aside":
        // Its turn is over at once; what it started goes on, and reports by a message to itself.
        pause(message.ms).then(() => ctx.tell(ctx.self, { do: "note", id: message.id }));
        return ready();
      case "note":
        state.seen.push(message.id);
        return ready();
      case "seen":
        return ready(state.seen);
      case "hang":
        for (;;);
      case "slow":
        await pause(message.ms);
        state.seen.push(message.id);
        return ready(message.id);
      case "serve": {
        state.server = createServer((_request, response) =>
          response.end(`served by ${ctx.address}`),
        );
        await new Promise((resolve) => state.server.listen(0, "127.0.0.1", resolve));
        return ready(state.server.address().port);
      }
      case "askWhileServing": {
        const answer = await ctx.ask(message.to, { do: "pauses", count: 1, ms: 50 });
        return ready(answer.value);
      }
      default:
        throw new Error(`unknown verb ${message.do}`);
    }
  },
});
