import type { Topology } from "../coordination/topology.ts";

/** What the seats of a sector or cluster stand on. */
export interface Seat {
  /** Of a coordinator's seat a thread, of a lead's the position of an agent in its cluster, or {@link VACANT}. */
  readonly holder: number;
  /** How often the seat has been given so far: 1 for the first holder. */
  readonly term: number;
}

const HOLDER_BITS = 10;
/** No agent is fit to lead, or no thread is there to coordinate. */
export const VACANT: number = 2 ** HOLDER_BITS - 1;
const HOLDER_MASK = VACANT;

/** Bytes of shared memory for the seats of a mesh. */
export function seatsBytes(topology: Topology): number {
  return (topology.sectors + 2 * topology.clusters) * 4;
}

/**
 * Who holds which role of the tree, in shared memory: it outlives every thread, and whoever comes after reads
 * there what its predecessor was.
 *
 *   words:  ├ coordinators' seats, by sector ┼ leads' seats, by cluster ┼ adopting cluster + 1, by cluster ┤
 *           a seat: term << 10 | holder
 *
 * A seat is given by one compare-and-swap that raises its term, so of two that want it one gets it, and what
 * was decided or told under an earlier term is known to be so: the fence between a holder and those before.
 * A term wraps after two million promotions.
 */
export class Seats {
  readonly #words: Int32Array;
  readonly #sectors: number;
  readonly #clusters: number;

  /** RangeError when the buffer is shorter than {@link seatsBytes}. */
  constructor(buffer: SharedArrayBuffer, topology: Topology) {
    const needed = seatsBytes(topology);
    if (buffer.byteLength < needed)
      throw new RangeError(`buffer: expected at least ${needed} bytes, got ${buffer.byteLength}`);
    this.#words = new Int32Array(buffer);
    this.#sectors = topology.sectors;
    this.#clusters = topology.clusters;
  }

  /** Gives each seat to its first holder: the sector's own thread, the cluster's first agent. Main's call, once. */
  begin(threadOfSector: (sector: number) => number): void {
    for (let sector = 0; sector < this.#sectors; sector++)
      Atomics.store(this.#words, sector, seatWord(threadOfSector(sector), 1));
    for (let cluster = 0; cluster < this.#clusters; cluster++)
      Atomics.store(this.#words, this.#sectors + cluster, seatWord(0, 1));
  }

  /** Who coordinates a sector: a thread. */
  coordinator(sector: number): Seat {
    return this.#read(sector);
  }

  /** Who leads a cluster: the position of one of its agents. */
  lead(cluster: number): Seat {
    return this.#read(this.#sectors + cluster);
  }

  /** The term of a sector's coordinator: what tells its reports from those of one before. */
  sectorTerm(sector: number): number {
    return Atomics.load(this.#words, sector) >>> HOLDER_BITS;
  }

  /** The term of a cluster's lead. */
  leadTerm(cluster: number): number {
    return Atomics.load(this.#words, this.#sectors + cluster) >>> HOLDER_BITS;
  }

  /** Gives a sector to `thread` if its term is still `term`; the new term, or 0 when somebody else was faster. */
  promoteCoordinator(sector: number, term: number, thread: number): number {
    return this.#promote(sector, term, thread);
  }

  /** Gives a cluster to the agent at `position` (or to nobody) if its term is still `term`; the new term, or 0. */
  promoteLead(cluster: number, term: number, position: number): number {
    return this.#promote(this.#sectors + cluster, term, position);
  }

  /** The cluster whose lead cares for this one's agents, counted over the whole mesh; −1 when its own does. */
  adopterOf(cluster: number): number {
    return Atomics.load(this.#words, this.#sectors + this.#clusters + cluster) - 1;
  }

  /** Gives the agents of a cluster into another lead's care; −1 gives them back. For the thread of their sector. */
  adopt(cluster: number, by: number): void {
    Atomics.store(this.#words, this.#sectors + this.#clusters + cluster, by + 1);
  }

  #read(at: number): Seat {
    const word = Atomics.load(this.#words, at);
    return { holder: word & HOLDER_MASK, term: word >>> HOLDER_BITS };
  }

  #promote(at: number, term: number, holder: number): number {
    const before = Atomics.load(this.#words, at);
    if (before >>> HOLDER_BITS !== term) return 0;
    const next = seatWord(holder, term + 1);
    if (Atomics.compareExchange(this.#words, at, before, next) !== before) return 0;
    return next >>> HOLDER_BITS;
  }
}

function seatWord(holder: number, term: number): number {
  return (term << HOLDER_BITS) | holder;
}
