import { addressOf, clusterAddress } from "../../coordination/address.ts";
import { OFFLINE } from "../../coordination/agent-state.ts";
import { clusterOf, coordinatorOf, leadOf } from "../../coordination/topology.ts";
import { fittestAdopter, fittestLead, mayLead } from "../../supervisors/candidates.ts";
import { VACANT } from "../../supervisors/seats.ts";
import type { Dispatcher } from "./dispatcher.ts";

/**
 * The roles that this thread plays: coordinator of its sectors, lead of its clusters. What a holder knows is in
 * shared memory (rows, custody, seats), so another takes over by taking the seat, in the next term; what was
 * decided in an earlier term and not yet done is void, and the new holder looks for itself.
 */
export class Roles {
  readonly #dispatcher: Dispatcher;
  #firstSector = 0;
  /** Terms in which this thread coordinates, by sector from the first; 0 before it does. */
  #terms: number[] = [];

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  /**
   * Takes the seats of this thread's sectors, its agents being up. A successor takes them back from whoever
   * held them meanwhile, and elects leads anew: those before it died with their thread.
   */
  begin(firstSector: number, sectors: number): void {
    const { view, epoch } = this.#dispatcher;
    const { clustersPerSector } = view.topology;
    this.#firstSector = firstSector;
    this.#terms = Array.from({ length: sectors }, () => 0);
    for (let sector = firstSector; sector < firstSector + sectors; sector++) {
      const { holder, term } = view.seats.coordinator(sector);
      if (epoch === 1 && holder === view.thread) this.#terms[sector - firstSector] = term;
      else this.#take(sector);
      for (let i = 0; i < clustersPerSector; i++) {
        const cluster = sector * clustersPerSector + i;
        if (epoch === 1 && this.#isLed(cluster)) continue;
        this.elect(cluster);
      }
    }
  }

  /**
   * The term under which this thread speaks for a sector. Whoever holds the seat meanwhile loses it: this thread
   * has the agents, is alive, and says so.
   */
  termOf(sector: number): number {
    const term = this.#terms[sector - this.#firstSector] ?? 0;
    const seat = this.#dispatcher.view.seats.coordinator(sector);
    return seat.term === term && seat.holder === this.#dispatcher.view.thread
      ? term
      : this.#take(sector);
  }

  #take(sector: number): number {
    const { seats, thread } = this.#dispatcher.view;
    for (;;) {
      const taken = seats.promoteCoordinator(sector, seats.sectorTerm(sector), thread);
      if (taken === 0) continue;
      this.#terms[sector - this.#firstSector] = taken;
      return taken;
    }
  }

  #isLed(cluster: number): boolean {
    const { seats, registry, topology } = this.#dispatcher.view;
    const { holder } = seats.lead(cluster);
    if (holder === VACANT) return false;
    return mayLead(registry.state[cluster * topology.agentsPerCluster + holder]);
  }

  /** Gives a cluster to its fittest agent, rather not to the one that led it; its position, or VACANT. */
  elect(cluster: number): number {
    const { seats, registry, topology } = this.#dispatcher.view;
    const { holder, term } = seats.lead(cluster);
    const next = fittestLead(registry, topology, cluster, holder);
    // Only this thread gives the seats of its clusters, so the term cannot have moved.
    seats.promoteLead(cluster, term, next);
    return next;
  }

  /** An agent has ended for good: a cluster that it led gets another lead, who goes on with the record as it is. */
  ended(agent: number): void {
    const { seats, topology } = this.#dispatcher.view;
    const cluster = clusterOf(topology, agent);
    if (cluster < 0 || this.#terms.length === 0) return;
    if (seats.lead(cluster).holder !== agent - cluster * topology.agentsPerCluster) return;
    this.elect(cluster);
  }

  /** An agent is back: a cluster without a lead has one again. */
  started(agent: number): void {
    const { seats, topology } = this.#dispatcher.view;
    const cluster = clusterOf(topology, agent);
    if (cluster < 0 || this.#terms.length === 0 || seats.lead(cluster).holder !== VACANT) return;
    this.elect(cluster);
  }

  /** The lead's own code has failed, or is retired: another agent leads, and begins with a clean record. */
  loseLead(cluster: number, why: string): void {
    const { topology, seats } = this.#dispatcher.view;
    const position = this.elect(cluster);
    const leads =
      position === VACANT
        ? "none of its agents can lead it"
        : `${addressOf(topology, cluster * topology.agentsPerCluster + position)} leads it`;
    const text = `${why}; ${leads} in term ${seats.leadTerm(cluster)}`;
    this.#dispatcher.agents.failures.note(leadOf(topology, cluster), text, "promote");
    this.#beginAnew(cluster);
    for (let guest = this.#firstCluster; guest < this.#endCluster; guest++)
      if (seats.adopterOf(guest) === cluster) this.#beginAnew(guest);
  }

  /**
   * The coordinator's own code has failed, or is retired. The next one runs here all the same, where its agents
   * and the custody of its operations are: it has their progress, no record of its leads, and elects for those
   * that have none.
   */
  loseCoordinator(sector: number, why: string): void {
    const { topology } = this.#dispatcher.view;
    const { clustersPerSector } = topology;
    this.#take(sector);
    this.#dispatcher.agents.failures.forgetCoordinator(sector);
    this.#dispatcher.agents.failures.note(coordinatorOf(topology, sector), why, "promote");
    for (let i = 0; i < clustersPerSector; i++) {
      const cluster = sector * clustersPerSector + i;
      if (!this.#isLed(cluster)) this.elect(cluster);
      this.#beginAnew(cluster);
    }
  }

  /**
   * Somebody else decides about the agents of a cluster, and knows nothing of what came before. Who waits for a
   * restart that was decided then is restarted at once: that decision is void.
   */
  #beginAnew(cluster: number): void {
    const { view, agents } = this.#dispatcher;
    agents.failures.forgetLead(cluster);
    const { agentsPerCluster } = view.topology;
    const from = cluster * agentsPerCluster;
    for (let agent = from; agent < from + agentsPerCluster; agent++)
      if (view.registry.state[agent] === OFFLINE) agents.restart(agent);
  }

  /**
   * Gives a failed cluster into the care of the fittest other lead of its sector; false when there is none.
   * Addresses, mailboxes and operations stay as they are: what moves is who decides about its agents, with a
   * clean record, and without ever failing for them itself.
   */
  adopt(cluster: number, why: string): boolean {
    const { seats, registry, topology } = this.#dispatcher.view;
    const by = fittestAdopter(registry, topology, seats, cluster);
    if (by < 0) return false;
    seats.adopt(cluster, by);
    // Its guests are looked after by somebody else; whom it cared for itself needs another.
    for (let other = this.#firstCluster; other < this.#endCluster; other++)
      if (seats.adopterOf(other) === cluster) seats.adopt(other, by);
    const { failures } = this.#dispatcher.agents;
    const adopter = clusterAddress(topology, by);
    failures.note(leadOf(topology, cluster), `${why}; ${adopter} cares for its agents`, "adopt");
    this.#beginAnew(cluster);
    return true;
  }

  /** Gives a cluster back to a lead of its own; false when it was in nobody's care, or none of its agents can lead. */
  bringHome(cluster: number): boolean {
    const { seats } = this.#dispatcher.view;
    if (seats.adopterOf(cluster) < 0) return false;
    if (seats.lead(cluster).holder === VACANT && this.elect(cluster) === VACANT) return false;
    seats.adopt(cluster, -1);
    this.#beginAnew(cluster);
    return true;
  }

  get #firstCluster(): number {
    return this.#firstSector * this.#dispatcher.view.topology.clustersPerSector;
  }

  get #endCluster(): number {
    const { clustersPerSector } = this.#dispatcher.view.topology;
    return this.#firstCluster + this.#terms.length * clustersPerSector;
  }
}
