/**
 * Who is routed around because its impedance has risen to more than twice what is normal for it (spec 6.1
 * IMPEDANCE_SPIKE), and when it is let in again. An agent that gets no work gives no measurements, so it is let in
 * after `aroundMs` on trial, and stays in if its next heartbeats find no spike.
 *
 * When more than `mostShare` of all agents spike at once, nobody is routed around: that is load, or somebody who
 * manipulates measurements, and to send everything to the few others would make it worse.
 */

/** How long an agent is routed around before it is tried again, and how long the trial lasts, ms. */
export const SPIKE_TIMES: { readonly aroundMs: number; readonly trialMs: number } = Object.freeze({
  aroundMs: 30_000,
  trialMs: 10_000,
});
/** Share of the agents beyond which it is not they who are slow. */
const MOST_SHARE = 0.2;
/** So many at once in a cluster are no matter of single agents (spec 6.1: "multiple agents in cluster affected"). */
const MANY_IN_CLUSTER = 3;

/** What has changed with one look. */
export interface SpikeNews {
  /** Routed around from now on. */
  readonly around: readonly number[];
  /** Let in again: recovered, on trial, or because all are slow. */
  readonly back: readonly number[];
  /** Clusters in which several agents are affected, which were not before. */
  readonly clusters: readonly number[];
}

/** Follows the flags of all agents; reads no clock. */
export class SpikeWatch {
  readonly #agents: number;
  readonly #agentsPerCluster: number;
  /** Who is around, and when it is tried. */
  readonly #around = new Map<number, number>();
  /** Who is on trial, and until when. */
  readonly #trials = new Map<number, number>();
  #clusters = new Set<number>();

  constructor(agents: number, agentsPerCluster: number) {
    this.#agents = agents;
    this.#agentsPerCluster = agentsPerCluster;
  }

  /** Takes who spikes now. */
  look(spiking: readonly number[], nowMs: number): SpikeNews {
    const clusters = this.#affected(spiking);
    const before = this.#clusters;
    this.#clusters = clusters;
    const news = [...clusters].filter((cluster) => !before.has(cluster));
    if (spiking.length > MOST_SHARE * this.#agents) {
      const back = [...this.#around.keys()];
      this.#around.clear();
      this.#trials.clear();
      return { around: [], back, clusters: news };
    }
    const now = new Set(spiking);
    return {
      around: this.#turnAway(spiking, nowMs),
      back: this.#letIn(now, nowMs),
      clusters: news,
    };
  }

  #turnAway(spiking: readonly number[], nowMs: number): readonly number[] {
    const turned: number[] = [];
    for (const agent of spiking) {
      if (this.#around.has(agent) || nowMs < (this.#trials.get(agent) ?? 0)) continue;
      this.#trials.delete(agent);
      this.#around.set(agent, nowMs + SPIKE_TIMES.aroundMs);
      turned.push(agent);
    }
    return turned;
  }

  #letIn(spiking: ReadonlySet<number>, nowMs: number): readonly number[] {
    const back: number[] = [];
    for (const [agent, trialAtMs] of this.#around) {
      if (spiking.has(agent) && nowMs < trialAtMs) continue;
      this.#around.delete(agent);
      if (spiking.has(agent)) this.#trials.set(agent, nowMs + SPIKE_TIMES.trialMs);
      back.push(agent);
    }
    for (const agent of this.#trials.keys()) if (!spiking.has(agent)) this.#trials.delete(agent);
    return back;
  }

  #affected(spiking: readonly number[]): Set<number> {
    const counts = new Map<number, number>();
    for (const agent of spiking) {
      const cluster = Math.floor(agent / this.#agentsPerCluster);
      counts.set(cluster, (counts.get(cluster) ?? 0) + 1);
    }
    return new Set([...counts].filter(([, count]) => count >= MANY_IN_CLUSTER).map(([c]) => c));
  }
}
