/** Who is fit for a role that has lost its holder: pure choices over the registry. */
import { ACTIVE, isOver, NOT_STARTED } from "../coordination/agent-state.ts";
import { FLAG_DEGRADED, FLAG_SPIKING, type Registry } from "../coordination/registry.ts";
import type { Topology } from "../coordination/topology.ts";
import { type Seats, VACANT } from "./seats.ts";

/**
 * Position of the agent that is to lead a cluster: rather an active one than one that is to be so again, rather
 * one that is neither slow nor spiking, of these the one with the lowest impedance, of equals the first. `not` is
 * passed over while there is another. VACANT when all have ended for good.
 */
export function fittestLead(
  registry: Registry,
  topology: Topology,
  cluster: number,
  not: number = VACANT,
): number {
  const from = cluster * topology.agentsPerCluster;
  let best = VACANT;
  let bestRank = Number.POSITIVE_INFINITY;
  for (let position = 0; position < topology.agentsPerCluster; position++) {
    const agent = from + position;
    if (!mayLead(registry.state[agent])) continue;
    const isSlow = (registry.flags[agent] & (FLAG_DEGRADED | FLAG_SPIKING)) !== 0;
    // Scores go to 1,000: each reason weighs more than all before it.
    let rank = registry.score[agent] + (isSlow ? 10_000 : 0);
    if (position === not) rank += 100_000;
    if (registry.state[agent] !== ACTIVE) rank += 1_000_000;
    if (rank >= bestRank) continue;
    best = position;
    bestRank = rank;
  }
  return best;
}

/** Whether an agent in this state is there, or comes back by itself. */
export function mayLead(state: number): boolean {
  return state !== NOT_STARTED && !isOver(state);
}

/**
 * The cluster whose lead is to care for the agents of a failed one: of the same sector, led by its own and not
 * in another's care, the one with most active agents, of equals the next. −1 when there is none.
 */
export function fittestAdopter(
  registry: Registry,
  topology: Topology,
  seats: Seats,
  cluster: number,
): number {
  const { clustersPerSector, agentsPerCluster } = topology;
  const first = Math.floor(cluster / clustersPerSector) * clustersPerSector;
  let best = -1;
  let mostActive = 0;
  for (let i = 1; i < clustersPerSector; i++) {
    const other = first + ((cluster - first + i) % clustersPerSector);
    if (seats.adopterOf(other) >= 0 || seats.lead(other).holder === VACANT) continue;
    let active = 0;
    for (let agent = other * agentsPerCluster; agent < (other + 1) * agentsPerCluster; agent++)
      if (registry.state[agent] === ACTIVE) active++;
    if (active <= mostActive) continue;
    best = other;
    mostActive = active;
  }
  return best;
}

/**
 * The thread that coordinates a sector while its own is away: the next worker that runs, and main when there is
 * no other. Threads are 0 (main) to `threads` − 1.
 */
export function backupThread(
  thread: number,
  threads: number,
  isRunning: (thread: number) => boolean,
): number {
  const workers = threads - 1;
  for (let i = 1; i < workers; i++) {
    const other = 1 + ((thread - 1 + i) % workers);
    if (isRunning(other)) return other;
  }
  return 0;
}
