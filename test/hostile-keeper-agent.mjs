// The same with a state that is kept.
import hostile from "./hostile-agent.mjs";

export default {
  ...hostile,
  snapshot: (state) => state.count,
  restore: (count) => ({ count }),
};
