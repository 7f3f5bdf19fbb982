import type { ScaleProgress } from "../api/scale-api.ts";
import type { Dispatcher } from "../dispatch/dispatcher.ts";
import type { ShardRequests } from "../dispatch/shard-requests.ts";
import type { Population } from "./population.ts";
import { Steadiness } from "./steadiness.ts";

/** Shares of the new agents that are in the routing pool after each step. */
const STEPS: readonly number[] = [0.1, 0.25, 0.5, 1];
/** So large a share of those let in may report conflicts before no more are. */
const MOST_CONFLICTED = 0.05;
/** Heartbeats without anybody becoming stable, in those that one needs, after which the others are not waited for. */
const PATIENCE = 10;
/** How long an agent has to take a turn of its own, ms; and how many are asked at once. */
const PROBE_MS = 5_000;
const AT_ONCE = 256;

/** What letting agents in needs. */
export interface AdmissionPorts {
  readonly dispatcher: Dispatcher;
  readonly population: Population;
  readonly requests: ShardRequests;
  /** Counts of conflicts that the new ones have reported since they began. */
  readonly conflictsOf: ReadonlyMap<number, number>;
  readonly tell: (progress: ScaleProgress) => void;
  /** Waits; rejects when the mesh stops. While the mesh is frozen it waits on, and so does the time. */
  readonly wait: (ms: number) => Promise<void>;
}

/** What came of it. */
export interface Admitted {
  readonly admitted: readonly number[];
  readonly heldBack: ReadonlyMap<number, string>;
  readonly halted?: string;
}

/** Lets new agents into the routing pool: once they are stable, a few first, and watching whether they conflict. */
export class Admission {
  readonly #ports: AdmissionPorts;
  readonly #action: "add" | "admit";
  readonly #heldBack = new Map<number, string>();

  constructor(ports: AdmissionPorts, action: "add" | "admit") {
    this.#ports = ports;
    this.#action = action;
  }

  async admit(agents: readonly number[], beats: number, timeoutMs: number): Promise<Admitted> {
    const stable = await this.#stable(agents, beats, timeoutMs);
    const admitted = new Set<number>();
    const halted = await this.#letIn(this.#spread(stable), admitted);
    return {
      admitted: [...admitted],
      heldBack: this.#heldBack,
      ...(halted !== undefined && { halted }),
    };
  }

  /**
   * Those that are steady and take a turn, waiting for them for at most `timeoutMs`: and for the last few not much
   * longer than it took the others, who should not wait for one that is slow.
   */
  async #stable(agents: readonly number[], beats: number, timeoutMs: number): Promise<number[]> {
    const { dispatcher, wait } = this.#ports;
    const { heartbeatMs } = dispatcher.plan;
    const lookMs = Math.min(1_000, Math.max(5, heartbeatMs / 4));
    const steadiness = new Steadiness(dispatcher.view.registry, agents, beats);
    const stable: number[] = [];
    let probed = 0;
    let lastMs = Infinity;
    for (let waitedMs = 0; ; waitedMs += lookMs) {
      steadiness.look();
      const fresh = steadiness.steady.slice(probed);
      probed += fresh.length;
      if (fresh.length > 0) lastMs = waitedMs;
      for (const agent of await this.#answering(fresh)) stable.push(agent);
      const settled = probed + steadiness.over.size;
      this.#tell("stabilizing", stable.length, agents.length);
      const mostMs = Math.min(timeoutMs, 2 * lastMs + PATIENCE * beats * heartbeatMs);
      if (settled === agents.length || waitedMs >= mostMs) break;
      await wait(lookMs);
    }
    for (const [agent, why] of [...steadiness.over, ...steadiness.undecided])
      this.#heldBack.set(agent, why);
    return stable;
  }

  /** Those that take a turn: a heartbeat says only that their thread lives. */
  async #answering(agents: readonly number[]): Promise<readonly number[]> {
    const well: number[] = [];
    for (let first = 0; first < agents.length; first += AT_ONCE) {
      const batch = agents.slice(first, first + AT_ONCE);
      const answers = await Promise.all(
        batch.map((agent) => this.#ports.requests.probe(agent, PROBE_MS)),
      );
      for (const [i, isWell] of answers.entries()) {
        if (isWell) well.push(batch[i]);
        else this.#heldBack.set(batch[i], "does not answer");
      }
    }
    return well;
  }

  /** One of each cluster before the second of any: a step is then small everywhere. */
  #spread(agents: readonly number[]): readonly number[] {
    const { agentsPerCluster } = this.#ports.dispatcher.view.topology;
    return [...agents].sort((a, b) => (a % agentsPerCluster) - (b % agentsPerCluster) || a - b);
  }

  /** Why it ended before all were in; undefined when they are. */
  async #letIn(stable: readonly number[], admitted: Set<number>): Promise<string | undefined> {
    const { population, dispatcher, wait } = this.#ports;
    let at = 0;
    for (const share of STEPS) {
      const to = Math.ceil(stable.length * share);
      if (to === at) continue;
      const step = stable.slice(at, to);
      at = to;
      // One that has reported a conflict before anything was led to it is not led anything.
      const good = step.filter((agent) => !this.#hasConflicted(agent));
      population.keepOutside(good, false);
      for (const agent of good) admitted.add(agent);
      this.#tell("admitting", admitted.size, stable.length);
      await wait(dispatcher.plan.heartbeatMs);
      const bad = stable.slice(0, at).filter((agent) => this.#hasConflicted(agent));
      population.keepOutside(bad, true);
      for (const agent of bad) {
        admitted.delete(agent);
        this.#heldBack.set(agent, "has reported a conflict");
      }
      if (bad.length <= MOST_CONFLICTED * at) continue;
      for (const agent of stable.slice(at)) this.#heldBack.set(agent, "was not let in any more");
      return `${bad.length} of the ${at} agents that were let in first have reported conflicts`;
    }
    return undefined;
  }

  #hasConflicted(agent: number): boolean {
    return this.#ports.conflictsOf.has(agent);
  }

  #tell(phase: ScaleProgress["phase"], done: number, total: number): void {
    const conflicts = [...this.#ports.conflictsOf.values()].reduce((sum, count) => sum + count, 0);
    this.#ports.tell({ action: this.#action, phase, done, total, conflicts });
  }
}
