import { type Behavior, defineAgent } from "../actors/behavior.ts";
import { ready } from "../actors/result.ts";
import type { TaskMessage } from "./payload.ts";

interface State {
  notes: number;
}

/** An agent that counts what it is told, in a state that outlives the process; `report` asks how many. */
const agent: Behavior<State, TaskMessage | "report", number> = defineAgent({
  init: (): State => ({ notes: 0 }),
  receive(state, message: TaskMessage | "report") {
    if (message === "report") return ready(state.notes);
    state.notes++;
    return ready(state.notes);
  },
  snapshot: (state: State) => state,
  restore: (snapshot: unknown) => snapshot as State,
});
export default agent;
