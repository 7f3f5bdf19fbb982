import { type Behavior, defineAgent } from "../actors/behavior.ts";
import { ready } from "../actors/result.ts";
import { nowMs } from "./threads.ts";

/** Make so many children and greet each; say how many have been heard of; or collect garbage and say it. */
export type SpawnerMessage = { readonly spawn: number } | "report" | "collect";

/** Children of this thread that have handled their greeting, and when the last of them had. */
export interface SpawnerReport {
  readonly here: number;
  readonly lastMs: number;
}

/** All children of a thread share one behavior, which counts them. */
let here = 0;
let lastMs = 0;

const child: Behavior<null, "greeting", undefined> = defineAgent({
  init: () => null,
  receive(_state, _message: "greeting") {
    here++;
    lastMs = nowMs();
    return ready();
  },
});

/** The spawner of `spawn`: one on each thread. */
const agent: Behavior<null, SpawnerMessage, SpawnerReport | undefined> = defineAgent({
  init: () => null,
  async receive(_state, message: SpawnerMessage, ctx) {
    if (message === "report") return ready({ here, lastMs });
    if (message === "collect") {
      globalThis.gc?.();
      return ready({ here, lastMs });
    }
    for (let i = 0; i < message.spawn; i++) {
      const receipt = ctx.tell(ctx.spawn(child), "greeting" as const);
      if (receipt.status === "waiting") await receipt;
    }
    return ready();
  },
});
export default agent;
