import type { Dispatcher } from "./dispatcher.ts";
import type { Operations } from "./operations.ts";
import type { Part } from "./part.ts";
import type { TimerTarget } from "./wheel.ts";

/** When, after T, a straggler gets a competitor, and how often one is looked for, ms. */
const LOOK_MS = 10;

/**
 * Second attempts at what may be done twice: after T an idle agent of the same cluster and class, READY
 * itself, tries on behalf of each straggler, and whoever is first counts (hedged requests: Dean and Barroso,
 * The Tail at Scale).
 */
export class StandIns implements TimerTarget {
  readonly #dispatcher: Dispatcher;
  readonly #operations: Operations;

  constructor(dispatcher: Dispatcher, operations: Operations) {
    this.#dispatcher = dispatcher;
    this.#operations = operations;
  }

  /** Looks after the stragglers of `part` from now on. */
  begin(part: Part): void {
    const { wheel, nowMs } = this.#dispatcher;
    if (part.open > 0 && !part.closed)
      part.standInTimer = wheel.schedule(nowMs + LOOK_MS, this, part.slot);
  }

  end(part: Part): void {
    if (part.standInTimer !== 0) this.#dispatcher.wheel.cancel(part.standInTimer);
    part.standInTimer = 0;
  }

  onTimer(slot: number): void {
    const part = this.#operations.partIn(slot);
    if (part === undefined || part.closed) return;
    const helped = new Set(part.standIns.values());
    for (let bit = 0; bit < part.agents; bit++) {
      const isStraggler =
        part.addresses(bit) &&
        !part.progress.isDone(bit) &&
        !part.progress.isSkipped(bit) &&
        !helped.has(bit);
      const peer = isStraggler ? this.#idlePeer(part, bit) : -1;
      if (peer < 0) continue;
      part.standIns.set(peer, bit);
      this.#operations.enqueue(part, part.firstAgent + peer, part.priority);
    }
    this.begin(part);
  }

  /** Bit of an agent that can stand in for agent `bit`; −1 when its cluster has none. */
  #idlePeer(part: Part, bit: number): number {
    const { view, mailboxes, turns } = this.#dispatcher;
    const { registry, topology, routes } = view;
    const { agentsPerCluster } = topology;
    const from = Math.floor(bit / agentsPerCluster) * agentsPerCluster;
    const straggler = part.firstAgent + bit;
    for (let peer = from; peer < from + agentsPerCluster; peer++) {
      const agent = part.firstAgent + peer;
      if (
        part.progress.isDone(peer) &&
        (!part.holds || !part.progress.isHolding(peer)) &&
        !part.standIns.has(peer) &&
        mailboxes.depth[agent] === 0 &&
        !turns.isBusy(agent) &&
        routes.isRoutable(agent) &&
        registry.class[agent] === registry.class[straggler] &&
        this.#operations.isCapable(part, agent)
      )
        return peer;
    }
    return -1;
  }
}
