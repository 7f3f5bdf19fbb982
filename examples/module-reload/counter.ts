// An agent in TypeScript. Change it while its mesh runs: `node runtime start --agent examples/module-reload/counter.ts
// --watch`, or the command `reload`. With `snapshot` and `restore` its state changes over to the new version.
import { type Behavior, defineAgent, ready } from "mesh-30k";

interface Count {
  total: number;
}

const counter: Behavior<Count, { readonly add: number }, string> = defineAgent({
  init: () => ({ total: 0 }),
  receive(state, message) {
    state.total += message.add;
    return ready(String(state.total));
  },
  snapshot: ({ total }) => total,
  restore: (total) => ({ total: Number(total) }),
});

export default counter;
