import { placeSectors } from "../../coordination/placement.ts";
import { coordinatorOf } from "../../coordination/topology.ts";
import type { ThreadView } from "../plan/memory.ts";

/** Who runs a sector: this node, another one (as `name incarnation`), or nobody that is known. */
export interface SectorHost {
  /** Undefined for nobody. */
  readonly node: string | undefined;
  /** Of the lease. */
  readonly epoch: number;
}

const NOBODY: SectorHost = { node: undefined, epoch: 0 };

/**
 * Where the sectors are. To the threads of this node one that is elsewhere lives on main: that is the one byte of each
 * row by which everything is sent. Main's.
 */
export class SectorMap {
  readonly #view: ThreadView;
  /** Thread of this node that has the sector when the node has. */
  readonly #homes: Uint8Array;
  readonly #hosts: SectorHost[];

  constructor(view: ThreadView, threads: number) {
    this.#view = view;
    const { sectors } = view.topology;
    this.#homes = placeSectors(sectors, threads - 1);
    this.#hosts = Array.from({ length: sectors }, () => NOBODY);
  }

  homeOf(sector: number): number {
    return this.#homes[sector];
  }

  /** Whether a thread of this node has it. */
  isHere(sector: number): boolean {
    const { placement, topology } = this.#view;
    return placement[coordinatorOf(topology, sector)] !== 0;
  }

  hostOf(sector: number): SectorHost {
    return this.#hosts[sector];
  }

  setHost(sector: number, host: SectorHost): void {
    this.#hosts[sector] = host;
  }

  /** From now on all that is sent to the sector goes to its thread, or to main. */
  place(sector: number, here: boolean): void {
    const { placement, topology } = this.#view;
    const { agentsPerSector } = topology;
    const thread = here ? this.#homes[sector] : 0;
    placement.fill(thread, sector * agentsPerSector, (sector + 1) * agentsPerSector);
    placement[coordinatorOf(topology, sector)] = thread;
  }

  /** The same of orders to its leads, which reach a thread until it has let go of the sector. */
  placeLeads(sector: number, here: boolean): void {
    const { placement, topology } = this.#view;
    const { clustersPerSector, leadBase } = topology;
    const lead = leadBase + sector * clustersPerSector;
    placement.fill(here ? this.#homes[sector] : 0, lead, lead + clustersPerSector);
  }
}
