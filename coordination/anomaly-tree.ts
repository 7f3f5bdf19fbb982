/**
 * From single agents that misbehave to compromised clusters and sectors (spec 9.2). One agent is rogue by itself. When
 * several of one cluster are, within a while, it is their cluster that is not to be trusted, whoever leads it; and when
 * several clusters of a sector are, it is the sector.
 *
 * Anomalies are what no fault explains: contradicting one's peers, saying of oneself what is measured otherwise,
 * sending what one may not. Crashes, silence and slowness are none: these are what the failure classes are for.
 */
import type { Topology } from "./topology.ts";

/** Figures of the tree; all may be set for tests. */
export interface AnomalySettings {
  /** Anomalies of one agent within the window that make it rogue, where each by itself may be a mistake. */
  readonly weakToRogue: number;
  /** Rogue agents of a cluster, and compromised clusters of a sector, that compromise it. */
  readonly agents: number;
  readonly clusters: number;
  /** How long an anomaly counts, ms. */
  readonly windowMs: number;
}

export const ANOMALY_SETTINGS: AnomalySettings = Object.freeze({
  weakToRogue: 3,
  agents: 3,
  clusters: 3,
  windowMs: 60_000,
});

/** What an anomaly comes to, the narrowest first; each is said once until it is forgotten. */
export interface Escalation {
  readonly level: "agent" | "cluster" | "sector";
  /** Index of the agent, of the cluster over the mesh, of the sector; from 0. */
  readonly index: number;
}

/** Agents whose anomalies are remembered; of more the oldest are forgotten. */
const MOST_AGENTS = 10_000;

/** When something last became so, in the order of time. */
type Since = Map<number, number>;

/** Follows the anomalies of all agents; reads no clock. */
export class AnomalyTree {
  readonly #topology: Topology;
  readonly #settings: AnomalySettings;
  /** Times of the weak anomalies of agents that are not rogue. */
  readonly #weak = new Map<number, number[]>();
  readonly #rogues: Since = new Map();
  readonly #clusters: Since = new Map();
  readonly #sectors: Since = new Map();

  constructor(topology: Topology, settings: AnomalySettings = ANOMALY_SETTINGS) {
    this.#topology = topology;
    this.#settings = settings;
  }

  /** Notes an anomaly of an agent. A strong one needs no second; of spawned children nothing is known. */
  note(agent: number, isStrong: boolean, nowMs: number): readonly Escalation[] {
    const { agents, agentsPerCluster, clustersPerSector } = this.#topology;
    if (!(agent >= 0 && agent < agents)) return [];
    this.#forget(nowMs);
    if (!isStrong && !this.#isWorn(agent, nowMs)) return [];
    const found: Escalation[] = [];
    if (this.#become(this.#rogues, agent, nowMs)) found.push({ level: "agent", index: agent });
    const cluster = Math.floor(agent / agentsPerCluster);
    // A cluster of two agents is compromised when both are.
    const mostAgents = Math.min(this.#settings.agents, agentsPerCluster);
    if (countWithin(this.#rogues, cluster, agentsPerCluster) < mostAgents) return found;
    if (this.#become(this.#clusters, cluster, nowMs))
      found.push({ level: "cluster", index: cluster });
    const sector = Math.floor(cluster / clustersPerSector);
    const mostClusters = Math.min(this.#settings.clusters, clustersPerSector);
    if (countWithin(this.#clusters, sector, clustersPerSector) < mostClusters) return found;
    if (this.#become(this.#sectors, sector, nowMs)) found.push({ level: "sector", index: sector });
    return found;
  }

  /** A person has looked at it: what was noted of this place counts no more. */
  forgive({ level, index }: Escalation): void {
    const { agentsPerCluster, agentsPerSector, clustersPerSector } = this.#topology;
    const size = { agent: 1, cluster: agentsPerCluster, sector: agentsPerSector }[level];
    for (let agent = index * size; agent < (index + 1) * size; agent++) {
      this.#rogues.delete(agent);
      this.#weak.delete(agent);
    }
    if (level === "cluster") this.#clusters.delete(index);
    if (level !== "sector") return;
    this.#sectors.delete(index);
    for (
      let cluster = index * clustersPerSector;
      cluster < (index + 1) * clustersPerSector;
      cluster++
    )
      this.#clusters.delete(cluster);
  }

  /** Whether this weak anomaly is one too many. */
  #isWorn(agent: number, nowMs: number): boolean {
    const { windowMs, weakToRogue } = this.#settings;
    const times = (this.#weak.get(agent) ?? []).filter((atMs) => nowMs - atMs <= windowMs);
    times.push(nowMs);
    this.#weak.delete(agent);
    if (times.length >= weakToRogue) return true;
    this.#weak.set(agent, times);
    bound(this.#weak);
    return false;
  }

  #become(since: Since, index: number, nowMs: number): boolean {
    const isNew = !since.has(index);
    since.delete(index);
    since.set(index, nowMs);
    bound(since);
    return isNew;
  }

  #forget(nowMs: number): void {
    for (const since of [this.#rogues, this.#clusters, this.#sectors])
      for (const [index, atMs] of since) {
        if (nowMs - atMs <= this.#settings.windowMs) break;
        since.delete(index);
      }
  }
}

function countWithin(since: Since, parent: number, size: number): number {
  let count = 0;
  for (const index of since.keys()) if (Math.floor(index / size) === parent) count++;
  return count;
}

function bound(map: Map<number, unknown>): void {
  if (map.size > MOST_AGENTS) map.delete(map.keys().next().value as number);
}
