import { FloodGate } from "../../coordination/flood-gate.ts";
import { Count } from "../../mailbox/layout.ts";
import type { Dispatcher } from "./dispatcher.ts";

/** Whether a thread takes a message to send: not what is too much of a flood, nor background work when that is off. */
export class Admission {
  readonly #dispatcher: Dispatcher;
  readonly #gate: FloodGate;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
    const { rows, clusters, agentsPerCluster } = dispatcher.view.topology;
    this.#gate = new FloodGate(rows, clusters, agentsPerCluster);
  }

  /** `fill` is how full the backlog of sends is, 0 to 1. What is not taken is counted. */
  takes(source: number, target: number, priority: number, fill: number): boolean {
    if (priority >= 3) return true;
    const { nowMs, view, ledger } = this.#dispatcher;
    const sender = source === view.topology.orchestrator ? -1 : source;
    const isOff = priority === 0 && view.routes.mode > 0;
    if (!isOff && this.#gate.admits(sender, target, priority, nowMs, fill)) return true;
    ledger.counts[Count.SHED + priority]++;
    this.#dispatcher.touch();
    return false;
  }
}
