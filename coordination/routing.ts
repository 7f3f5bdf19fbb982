/**
 * Who should get a message that anyone able may handle (spec 4.2, 4.3): the agents with the lowest
 * impedance among those that are active and have the capability. Scores are computed as the rows stand
 * now: the score of the last heartbeat is seconds old, and by it every message of those seconds would go
 * to the same agent, however long its queue has grown since.
 */

import { clusterAddress } from "./address.ts";
import { ACTIVE } from "./agent-state.ts";
import { type CapabilityTable, hasCapability } from "./capability.ts";
import { wholeNumber } from "./check.ts";
import { computeScore } from "./heartbeat.ts";
import type { Registry } from "./registry.ts";
import type { Topology } from "./topology.ts";

/** Above this score {@link findBestAgents} takes nobody unless told otherwise (spec 4.3). */
export const DEFAULT_MAX_IMPEDANCE = 500;

/** How many have a capability, and why none of them is to be had. */
export interface CapableCounts {
  readonly capable: number;
  readonly inactive: number;
  readonly routedAround: number;
}

/** No active agent of the cluster, or of the mesh, can be given what needs the capability. */
export class NoCapableAgentError extends Error {
  readonly code = "MESH_NO_CAPABLE_AGENT";
  readonly capability: string;
  /** Address of the cluster, or `the mesh`. */
  readonly cluster: string;

  constructor(capability: string, cluster: string, counts?: CapableCounts) {
    super(
      `no active agent of ${cluster} can ${JSON.stringify(capability)}${counts === undefined ? "" : because(counts)}`,
    );
    this.name = "NoCapableAgentError";
    this.capability = capability;
    this.cluster = cluster;
  }
}

function because({ capable, inactive, routedAround }: CapableCounts): string {
  if (capable === 0) return ": none has the capability";
  return `: ${capable} with the capability, of which ${inactive} not active, ${routedAround} routed around`;
}

/** Whom {@link earliestToFinish} may take, and when each would be done. */
export interface FinishPorts {
  readonly isRoutable: (row: number) => boolean;
  /** Predicted time until it has finished, ms; NaN, as of one that cannot be predicted, counts as never. */
  readonly predictMs: (row: number) => number;
}

/**
 * The active and routable one of `capable` that is predicted to finish first, of equals the first; one that is
 * predicted never to finish rather than nobody. −1 when there is none. Allocates nothing.
 */
export function earliestToFinish(
  registry: Registry,
  capable: ArrayLike<number>,
  { isRoutable, predictMs }: FinishPorts,
): number {
  let best = -1;
  let leastMs = Infinity;
  for (let i = 0; i < capable.length; i++) {
    const row = capable[i];
    if (registry.state[row] !== ACTIVE || !isRoutable(row)) continue;
    const finishMs = predictMs(row);
    if (best >= 0 && !(finishMs < leastMs)) continue;
    best = row;
    leastMs = Number.isNaN(finishMs) ? Infinity : finishMs;
  }
  return best;
}

/** Why {@link earliestToFinish} found none of `capable`: for the error. Who is both counts as not active. */
export function countCapable(
  registry: Registry,
  capable: ArrayLike<number>,
  isRoutable: (row: number) => boolean,
): CapableCounts {
  let inactive = 0;
  let routedAround = 0;
  for (let i = 0; i < capable.length; i++) {
    if (registry.state[capable[i]] !== ACTIVE) inactive++;
    else if (!isRoutable(capable[i])) routedAround++;
  }
  return { capable: capable.length, inactive, routedAround };
}

/**
 * Indices of the `count` best agents of the whole mesh for a capability bit, best first, of equals the
 * lower index; fewer when there are fewer. Spawned children count, those who lead agents do not.
 * `maxImpedance` is the highest score that will do. One scan of the registry; −1 as the bit finds nobody.
 */
export function findBestAgents(
  registry: Registry,
  topology: Topology,
  capabilityBit: number,
  count: number,
  maxImpedance: number = DEFAULT_MAX_IMPEDANCE,
): number[] {
  wholeNumber("count", count, 0, topology.rows);
  const best = new BestOf(count);
  scan(registry, 0, topology.agents, capabilityBit, maxImpedance, best);
  scan(registry, topology.spawnBase, topology.rows, capabilityBit, maxImpedance, best);
  return best.inOrder();
}

/**
 * Index of the best agent of one cluster (counted over the mesh) for a capability bit, of equals the
 * first; −1 when none is active and able. Allocates nothing.
 */
export function bestInCluster(
  registry: Registry,
  topology: Topology,
  cluster: number,
  capabilityBit: number,
): number {
  const from = cluster * topology.agentsPerCluster;
  const to = from + topology.agentsPerCluster;
  let best = -1;
  let lowest = Infinity;
  for (let row = from; row < to; row++) {
    if (registry.state[row] !== ACTIVE || !hasCapability(registry, row, capabilityBit)) continue;
    const score = computeScore(registry, row);
    if (score < lowest) {
      lowest = score;
      best = row;
    }
  }
  return best;
}

/** As {@link bestInCluster}, by the capability's name; NoCapableAgentError when there is none. */
export function routeWithinCluster(
  registry: Registry,
  topology: Topology,
  capabilities: CapabilityTable,
  cluster: number,
  capability: string,
): number {
  const best = bestInCluster(registry, topology, cluster, capabilities.bitOf(capability));
  if (best < 0) throw new NoCapableAgentError(capability, clusterAddress(topology, cluster));
  return best;
}

function scan(
  registry: Registry,
  from: number,
  to: number,
  capabilityBit: number,
  maxImpedance: number,
  best: BestOf,
): void {
  for (let row = from; row < to; row++) {
    if (registry.state[row] !== ACTIVE || !hasCapability(registry, row, capabilityBit)) continue;
    const score = computeScore(registry, row);
    if (score <= maxImpedance) best.offer(row, score);
  }
}

/** Keeps the best few of what it is offered: a heap with the worst of them on top, ready to be replaced. */
class BestOf {
  readonly #rows: Int32Array;
  readonly #scores: Float64Array;
  #size = 0;

  constructor(capacity: number) {
    this.#rows = new Int32Array(capacity);
    this.#scores = new Float64Array(capacity);
  }

  /** Rows must be offered in rising order: an equal score then never displaces a lower index. */
  offer(row: number, score: number): void {
    if (this.#size < this.#rows.length) this.#rise(this.#size++, row, score);
    else if (this.#size > 0 && score < this.#scores[0]) this.#sink(row, score);
  }

  inOrder(): number[] {
    const scores = this.#scores;
    const rows = this.#rows;
    return Array.from({ length: this.#size }, (_, place) => place)
      .sort((left, right) => scores[left] - scores[right] || rows[left] - rows[right])
      .map((place) => rows[place]);
  }

  #rise(from: number, row: number, score: number): void {
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!this.#isWorse(row, score, parent)) break;
      this.#move(parent, place);
      place = parent;
    }
    this.#rows[place] = row;
    this.#scores[place] = score;
  }

  #sink(row: number, score: number): void {
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= this.#size) break;
      const other = child + 1;
      if (other < this.#size && this.#isWorse(this.#rows[other], this.#scores[other], child)) {
        child = other;
      }
      if (this.#isWorse(row, score, child)) break;
      this.#move(child, place);
      place = child;
    }
    this.#rows[place] = row;
    this.#scores[place] = score;
  }

  #isWorse(row: number, score: number, than: number): boolean {
    const other = this.#scores[than];
    return score > other || (score === other && row > this.#rows[than]);
  }

  #move(from: number, to: number): void {
    this.#rows[to] = this.#rows[from];
    this.#scores[to] = this.#scores[from];
  }
}
