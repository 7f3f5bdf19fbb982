// One agent with a defect: a certain message sends it into an endless loop, and its whole thread with it.
import { defineAgent, ready } from "mesh-30k";
import buyer, { configure } from "./buyer.js";

export { configure };

export default defineAgent({
  ...buyer,
  receive(state, message, ctx) {
    if (message.item !== "the answer to everything") return buyer.receive(state, message, ctx);
    for (let thoughts = 0; ; thoughts++) {
      if (thoughts < 0) return ready({ thoughts });
    }
  },
});
