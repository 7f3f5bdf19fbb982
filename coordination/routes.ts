/**
 * Whom traffic goes around (design: coordination): marks of agents in shared memory, written by main only and read
 * by every thread before it sends. A reader may see a change a moment late, never half of a mark.
 *
 *   words:  ├ classes avoided ┼ capabilities avoided by class, low, high word each ┼ ever ┼ mode ┼ locked ┤
 *   then two bytes an agent
 */
import { indexOfAddress } from "./address.ts";
import type { CircuitState } from "./breaker.ts";
import type { CircuitPlace } from "./breaker-tree.ts";
import { IMPEDANCE_CLASSES } from "./impedance-class.ts";
import { clusterOf, kindOf, sectorOf, type Topology } from "./topology.ts";

/** Bits of an agent's mark: what keeps traffic from it. */
export const RouteMark = {
  AGENT: 1,
  CLUSTER: 2,
  SECTOR: 4,
  /** Its turns are suspended: a part of the mesh is frozen. */
  FROZEN: 8,
  /** Its sector is not healthy, in a mode in which operations go to healthy sectors only. */
  UNHEALTHY: 256,
  CLUSTER_CIRCUIT: 16,
  SECTOR_CIRCUIT: 32,
  GLOBAL_CIRCUIT: 64,
  /** Its impedance has risen far above what is normal for it. */
  SPIKE: 128,
  /** It is not in the routing pool: it is about to join or to leave the mesh. */
  OUTSIDE: 512,
} as const;

/** The marks that keep out what is addressed to the agent itself, too. */
export const CIRCUIT_MARKS: number =
  RouteMark.CLUSTER_CIRCUIT | RouteMark.SECTOR_CIRCUIT | RouteMark.GLOBAL_CIRCUIT;

const CLASSES = IMPEDANCE_CLASSES.length;
/** Word that is 1 once anything was avoided. */
const EVER = 1 + 2 * CLASSES;
/** Word of the operating mode: its number in `MODES`. */
const MODE = EVER + 1;
/** Word that is 1 while what agents say of their own timing does not count. */
const LOCKED = MODE + 1;
const MARKS_AT = (LOCKED + 1) * 4;

/** Bytes of the shared memory of a mesh's routes. Zeros are a mesh in which nobody is avoided. */
export function routesBytes(topology: Topology): number {
  return MARKS_AT + topology.rows * 2;
}

/**
 * Whether a circuit keeps a message of `source` from `target`. It isolates: what comes from outside of its cluster or
 * sector, or of the mesh, is kept out; what is inside goes on among itself.
 */
export function isShut(
  { marks }: RouteMarks,
  topology: Topology,
  source: number,
  target: number,
): boolean {
  const mark = marks[target];
  const isOutside = source < 0 || source === topology.orchestrator;
  if ((mark & CIRCUIT_MARKS) === 0) return false;
  if (isOutside) return true;
  if ((mark & RouteMark.SECTOR_CIRCUIT) !== 0)
    if (sectorOf(topology, source) !== sectorOf(topology, target)) return true;
  if ((mark & RouteMark.CLUSTER_CIRCUIT) === 0) return false;
  return clusterOf(topology, source) !== clusterOf(topology, target);
}

/** The routes as every thread reads them. `classes` is the registry's column. */
export class RouteMarks {
  /** {@link RouteMark} by row. */
  readonly marks: Uint16Array;
  /** Bits of the classes avoided, then two words of capability bits for each class. */
  readonly words: Int32Array;
  readonly #classes: Uint8Array;

  /** RangeError when the buffer is shorter than {@link routesBytes}. */
  constructor(buffer: ArrayBufferLike, topology: Topology, classes: Uint8Array) {
    const needed = routesBytes(topology);
    if (buffer.byteLength < needed)
      throw new RangeError(`buffer: expected at least ${needed} bytes, got ${buffer.byteLength}`);
    this.words = new Int32Array(buffer, 0, LOCKED + 1);
    this.marks = new Uint16Array(buffer, MARKS_AT, topology.rows);
    this.#classes = classes;
  }

  /** Whether nobody has been avoided yet, so that no row need be looked at. */
  get isClear(): boolean {
    return this.words[EVER] === 0;
  }

  /** Says that from now on somebody may be avoided. The one writer's call. */
  noteAvoiding(): void {
    Atomics.store(this.words, EVER, 1);
  }

  /** Number of the operating mode in `MODES`: 0 is FULL. */
  get mode(): number {
    return this.words[MODE];
  }

  /** Whether what agents say of their own timing does not count (spec 9.2 timing_attack). */
  get areWeightsLocked(): boolean {
    return this.words[LOCKED] !== 0;
  }

  /** Whether traffic may go to this row; with a capability's bit, 0–63, traffic for that. O(1). */
  isRoutable(row: number, capabilityBit = -1): boolean {
    if (this.marks[row] !== 0) return false;
    const index = this.#classes[row];
    if ((this.words[0] & (1 << index)) !== 0) return false;
    if (capabilityBit < 0) return true;
    const word = this.words[1 + 2 * index + (capabilityBit >>> 5)];
    return (word & (1 << (capabilityBit & 31))) === 0;
  }
}

const CIRCUIT_OF = {
  cluster: RouteMark.CLUSTER_CIRCUIT,
  sector: RouteMark.SECTOR_CIRCUIT,
  global: RouteMark.GLOBAL_CIRCUIT,
} as const;

/** What is avoided, since when and why. */
export interface AvoidedTarget {
  readonly target: string;
  /** Only for this bit, 0–63; for everything when undefined. */
  readonly capabilityBit: number | undefined;
  readonly reason: string | undefined;
  readonly sinceMs: number;
}

/** The one writer of the routes, on main. Lists at most one entry for a target and a capability. */
export class RouteTable {
  readonly #marks: RouteMarks;
  readonly #topology: Topology;
  readonly #avoided = new Map<string, AvoidedTarget>();

  constructor(marks: RouteMarks, topology: Topology) {
    this.#marks = marks;
    this.#topology = topology;
  }

  /**
   * From now on no traffic for an agent, cluster, sector (by address) or class; with a capability's bit, which takes a
   * class, only none for that. Again, it renews the reason. RangeError when the target is none of these.
   */
  avoid(
    target: string,
    nowMs: number,
    options: { readonly capabilityBit?: number; readonly reason?: string } = {},
  ): void {
    const { capabilityBit, reason } = options;
    this.#set(target, capabilityBit, true);
    this.#marks.noteAvoiding();
    const key = `${target} ${capabilityBit}`;
    const sinceMs = this.#avoided.get(key)?.sinceMs ?? nowMs;
    this.#avoided.set(key, { target, capabilityBit, reason, sinceMs });
  }

  /** Takes it back; true when it was avoided. Others that avoid the same agents stay. */
  allow(target: string, capabilityBit?: number): boolean {
    if (!this.#avoided.delete(`${target} ${capabilityBit}`)) return false;
    this.#set(target, capabilityBit, false);
    return true;
  }

  /**
   * What a circuit lets through: everything, nothing or, HALF_OPEN, what is for one agent in `stride` of each
   * cluster. `attempt` says which: should one agent be what is broken, the next trial is another's.
   */
  setCircuit(place: CircuitPlace, state: CircuitState, attempt: number, stride: number): void {
    const { agentsPerCluster, agentsPerSector, agents } = this.#topology;
    const mark = CIRCUIT_OF[place.level];
    const count = { cluster: agentsPerCluster, sector: agentsPerSector, global: agents };
    const size = count[place.level];
    const from = place.index * size;
    this.#mark(from, size, mark, state !== "CLOSED");
    Atomics.store(this.#marks.words, EVER, 1);
    if (state !== "HALF_OPEN") return;
    const step = Math.min(stride, agentsPerCluster);
    for (let row = from; row < from + size; row++) {
      if (((row % agentsPerCluster) + attempt) % step === 0) this.#mark(row, 1, mark, false);
    }
  }

  /** Marks one agent, or an agent's sector, for what main has found out of it. */
  setMark(from: number, count: number, mark: number, on: boolean): void {
    this.#mark(from, count, mark, on);
    Atomics.store(this.#marks.words, EVER, 1);
  }

  /** Tells every thread the number of the operating mode. */
  setMode(rank: number): void {
    Atomics.store(this.#marks.words, MODE, rank);
  }

  /** Tells every thread whether what agents say of their own timing counts. */
  lockWeights(on: boolean): void {
    Atomics.store(this.#marks.words, LOCKED, on ? 1 : 0);
  }

  /** In the order in which they were first avoided. */
  list(): readonly AvoidedTarget[] {
    return [...this.#avoided.values()];
  }

  #set(target: string, bit: number | undefined, on: boolean): void {
    const index = IMPEDANCE_CLASSES.findIndex(({ name }) => name === target);
    if (index >= 0) {
      if (bit === undefined) this.#setWord(0, index, on);
      else if (Number.isInteger(bit) && bit >= 0 && bit < 64)
        this.#setWord(1 + 2 * index + (bit >>> 5), bit & 31, on);
      else throw new RangeError(`capabilityBit: expected 0 to 63, got ${bit}`);
      return;
    }
    if (bit !== undefined)
      throw new RangeError(
        `target: expected an impedance class, which a capability can be avoided of, got ${target}`,
      );
    this.#setMarks(target, on);
  }

  #setWord(word: number, bit: number, on: boolean): void {
    if (on) Atomics.or(this.#marks.words, word, 1 << bit);
    else Atomics.and(this.#marks.words, word, ~(1 << bit));
  }

  #setMarks(target: string, on: boolean): void {
    const topology = this.#topology;
    const row = indexOfAddress(topology, target);
    const kind = row < 0 ? undefined : kindOf(topology, row);
    if (kind === undefined || kind === "orchestrator")
      throw new RangeError(
        `target: expected the address of an agent, a cluster or a sector, or a class, got ${target}`,
      );
    const { agentsPerCluster, agentsPerSector } = topology;
    if (kind === "lead")
      this.#mark(
        clusterOf(topology, row) * agentsPerCluster,
        agentsPerCluster,
        RouteMark.CLUSTER,
        on,
      );
    else if (kind === "coordinator")
      this.#mark(sectorOf(topology, row) * agentsPerSector, agentsPerSector, RouteMark.SECTOR, on);
    else this.#mark(row, 1, RouteMark.AGENT, on);
  }

  #mark(from: number, count: number, mark: number, on: boolean): void {
    const { marks } = this.#marks;
    for (let row = from; row < from + count; row++) {
      if (on) Atomics.or(marks, row, mark);
      else Atomics.and(marks, row, ~mark);
    }
  }
}
