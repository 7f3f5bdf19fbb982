import { addressOf } from "../../coordination/address.ts";
import { NOT_STARTED, VACANT_SEAT } from "../../coordination/agent-state.ts";
import { runsOf } from "../../coordination/growth-plan.ts";
import { RouteMark, type RouteTable } from "../../coordination/routes.ts";
import { topologySize } from "../../coordination/topology.ts";
import type { PopulationFile } from "../journal/population-file.ts";
import type { ThreadView } from "../plan/memory.ts";

/** What a population needs. */
export interface PopulationPorts {
  readonly view: ThreadView;
  readonly routes: RouteTable;
  /** Where it is kept; undefined when nothing outlives the process. */
  readonly file: PopulationFile | undefined;
  /** True when the mesh starts from a cut, whose registry says who is there; else the file does. */
  readonly isOfCut: boolean;
  /** Who is there has changed. */
  readonly changed: () => void;
}

/**
 * Which places have agents, and which of these are in the routing pool. That a place is vacant stands in the registry,
 * where every thread, a worker's successor and a cut find it; that traffic goes around an agent, in the routes, where a
 * vacant place needs no mark: who chooses whom to send to takes only those who are there.
 */
export class Population {
  readonly #ports: PopulationPorts;
  /** Who was added since the start, the last first. */
  #latest: number[] = [];

  constructor(ports: PopulationPorts) {
    this.#ports = ports;
    const { view, file, isOfCut } = ports;
    const { topology, registry } = view;
    const runs = isOfCut ? undefined : file?.read(topologySize(topology));
    if (runs !== undefined) {
      registry.state.fill(VACANT_SEAT, 0, topology.agents);
      for (const { from, to } of runs) registry.state.fill(NOT_STARTED, from, to);
    }
    if (isOfCut && topology.growth > 0) this.#save();
  }

  isVacant(agent: number): boolean {
    return this.#ports.view.registry.state[agent] === VACANT_SEAT;
  }

  /** Whether an agent is there to which no traffic is led, because it is about to join or to leave. */
  isOutside(agent: number): boolean {
    const mark = this.#ports.view.routes.marks[agent];
    return (mark & RouteMark.OUTSIDE) !== 0 && !this.isVacant(agent);
  }

  get agents(): number {
    return this.#count((agent) => !this.isVacant(agent));
  }

  get vacant(): number {
    return this.#count((agent) => this.isVacant(agent));
  }

  /** Who was added since the start, the last first. */
  get latest(): readonly number[] {
    return this.#latest;
  }

  /** Those of a range that are there and outside of the routing pool, rising. */
  outsiders(from = 0, to: number = this.#ports.view.topology.agents): readonly number[] {
    const found: number[] = [];
    for (let agent = from; agent < to; agent++) if (this.isOutside(agent)) found.push(agent);
    return found;
  }

  addressOf(agent: number): string {
    return addressOf(this.#ports.view.topology, agent);
  }

  /**
   * From now on there are agents in these places, for whom no traffic is meant yet. On disk before anything starts:
   * whoever has been told something must be there again after a crash. Their workers start them, by order or, should
   * they die before, as successors.
   */
  open(agents: readonly number[]): void {
    const { registry } = this.#ports.view;
    for (const agent of agents) {
      this.#mark(agent, true);
      registry.state[agent] = NOT_STARTED;
    }
    this.#latest = [...[...agents].reverse(), ...this.#latest];
    this.#save();
    this.#ports.changed();
  }

  /** Their workers have left these places vacant. */
  closed(agents: readonly number[]): void {
    const gone = new Set(agents);
    this.#latest = this.#latest.filter((agent) => !gone.has(agent));
    this.keepOutside(agents, false);
    this.#save();
    this.#ports.changed();
  }

  /** Leads traffic around these, or to them again. */
  keepOutside(agents: readonly number[], on: boolean): void {
    for (const agent of agents) this.#mark(agent, on);
  }

  #mark(agent: number, on: boolean): void {
    this.#ports.routes.setMark(agent, 1, RouteMark.OUTSIDE, on);
  }

  #count(isSo: (agent: number) => boolean): number {
    let count = 0;
    for (let agent = 0; agent < this.#ports.view.topology.agents; agent++) if (isSo(agent)) count++;
    return count;
  }

  #save(): void {
    const { view, file } = this.#ports;
    if (file === undefined) return;
    const there: number[] = [];
    for (let agent = 0; agent < view.topology.agents; agent++)
      if (!this.isVacant(agent)) there.push(agent);
    file.write(topologySize(view.topology), runsOf(there));
  }
}
