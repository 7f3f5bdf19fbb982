import { type Behavior, defineAgent } from "../actors/behavior.ts";
import { ready } from "../actors/result.ts";

/** A number to be entered, or the question what was entered. */
export type LedgerMessage = { readonly number: number } | "report";

/** What was entered: how many numbers, and their sum. */
export interface LedgerReport {
  readonly count: number;
  readonly sum: number;
}

interface State {
  count: number;
  sum: number;
}

/** An agent whose state outlives its worker: what it was told must be in its sum once, whatever dies. */
const agent: Behavior<State, LedgerMessage, LedgerReport | undefined> = defineAgent({
  init: (): State => ({ count: 0, sum: 0 }),
  receive(state, message: LedgerMessage) {
    if (message === "report") return ready({ ...state });
    state.count++;
    state.sum += message.number;
    return ready();
  },
  snapshot: (state: State) => [state.count, state.sum],
  restore(snapshot): State {
    const [count, sum] = snapshot as [number, number];
    return { count, sum };
  },
});
export default agent;
