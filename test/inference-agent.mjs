// Agents that are all said to do inference, of which only those with a GPU ever get the memory for it.
import { defineAgent, ready } from "../dist/index.js";

export default defineAgent({
  capabilities: ["llm_inference"],
  init: () => ({ reports: 0, inferences: 0 }),
  snapshot: (state) => state,
  restore: (state) => state,
  async receive(state, message, ctx) {
    if (message?.report !== undefined) {
      state.reports++;
      return ready(state);
    }
    ctx.waitsFor("GPU memory allocation");
    if (ctx.impedanceClass !== "CLASS_D_GPU") await new Promise(() => {});
    await ctx.timers.sleep(5);
    state.inferences++;
    return ready("a sonnet");
  },
});
