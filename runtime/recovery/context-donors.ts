import { addressOf, clusterAddress, sectorAddress } from "../../coordination/address.ts";
import { ACTIVE } from "../../coordination/agent-state.ts";
import { clusterOf, sectorOf } from "../../coordination/topology.ts";
import type { Dispatcher } from "../dispatch/dispatcher.ts";
import type { ShardRequests } from "../dispatch/shard-requests.ts";
import type { NoContext, SharedContext } from "../dispatch/treatments.ts";

/** Agents that are asked before it is taken that nobody shares. */
const ATTEMPTS = 8;
const SHARE_MS = 1000;

/** A context, and where it is from in words: a sector, or a cluster of the sector that needs it. */
export interface Loan extends SharedContext {
  readonly from: string;
}

/**
 * Finds healthy agents that lend their context: of the same behavior module, near first (the same cluster, the
 * same sector, then sector by sector away from it), of the same class first.
 */
export class ContextDonors {
  readonly #dispatcher: Dispatcher;
  readonly #requests: ShardRequests;
  /** What one healing has found, by sector and module. */
  readonly #found = new Map<string, Loan | undefined>();

  constructor(dispatcher: Dispatcher, requests: ShardRequests) {
    this.#dispatcher = dispatcher;
    this.#requests = requests;
  }

  /** A context for an agent that has lost its own; undefined when nobody near shares one. */
  async loanFor(agent: number): Promise<Loan | undefined> {
    const { topology } = this.#dispatcher.view;
    const key = `${sectorOf(topology, agent)}/${this.#moduleOf(agent)}`;
    if (!this.#found.has(key)) this.#found.set(key, await this.#ask(agent));
    return this.#found.get(key);
  }

  async #ask(agent: number): Promise<Loan | undefined> {
    let attempts = 0;
    for (const donor of this.#candidates(agent)) {
      if (++attempts > ATTEMPTS) return undefined;
      const shared = (await this.#requests
        .ask(donor, { verb: "share-context" }, SHARE_MS)
        .catch(() => undefined)) as SharedContext | NoContext | undefined;
      if (shared === undefined) continue;
      if ("none" in shared) {
        if (shared.none === "ever") return undefined;
        continue;
      }
      return { context: shared.context, hash: shared.hash, from: this.#placeOf(donor, agent) };
    }
    return undefined;
  }

  /** Active agents of the same module, the nearest first. */
  *#candidates(agent: number): Iterable<number> {
    const { topology } = this.#dispatcher.view;
    const { agentsPerCluster, agentsPerSector, sectors } = topology;
    const cluster = clusterOf(topology, agent);
    const sector = sectorOf(topology, agent);
    yield* this.#fitting(agent, cluster * agentsPerCluster, agentsPerCluster);
    for (let distance = 0; distance < sectors; distance++) {
      for (const near of distance === 0 ? [sector] : [sector - distance, sector + distance]) {
        if (near < 0 || near >= sectors) continue;
        yield* this.#fitting(agent, near * agentsPerSector, agentsPerSector);
      }
    }
  }

  /** One of the same class and, when it will not do, one of another. */
  *#fitting(agent: number, from: number, count: number): Iterable<number> {
    const { classOf } = this.#dispatcher.view.topology;
    const { state } = this.#dispatcher.view.registry;
    let other = -1;
    for (let donor = from; donor < from + count; donor++) {
      if (state[donor] !== ACTIVE || this.#moduleOf(donor) !== this.#moduleOf(agent)) continue;
      if (classOf[donor] === classOf[agent]) {
        yield donor;
        return;
      }
      if (other < 0) other = donor;
    }
    if (other >= 0) yield other;
  }

  #moduleOf(agent: number): number {
    return this.#dispatcher.plan.moduleOf?.[agent] ?? 0;
  }

  #placeOf(donor: number, agent: number): string {
    const { topology } = this.#dispatcher.view;
    const sector = sectorOf(topology, donor);
    if (sector !== sectorOf(topology, agent)) return sectorAddress(sector);
    const cluster = clusterOf(topology, donor);
    if (cluster !== clusterOf(topology, agent)) return clusterAddress(topology, cluster);
    return addressOf(topology, donor);
  }
}
