import { UnknownActorError } from "../../actors/errors.ts";
import { addressOf, clusterAddress } from "../../coordination/address.ts";
import {
  ACTIVE,
  DEGRADED,
  QUARANTINED,
  STARTING,
  STOPPED,
  VACANT_SEAT,
} from "../../coordination/agent-state.ts";
import type { HealFinding } from "../api/heal-api.ts";
import type { DeadLetters, WorkerStatus } from "../api/mesh-api.ts";
import type { Dispatcher } from "../dispatch/dispatcher.ts";
import { type AgentRange, selectRange } from "../operations/selection.ts";

/** A turn that has run for longer holds up its worker enough to be ended by order, ms. */
const BLOCKED_MS = 1000;

/** Circuits, for whoever keeps them. */
export interface HealCircuits {
  /** Addresses of the circuits at or below a target (`mesh`, an address, `worker-1`) that are not closed. */
  open(target: string): readonly string[];
  /** Closes one. */
  reset(address: string): void | Promise<void>;
}

/** What an examination reads. */
export interface ExaminationPorts {
  readonly dispatcher: Dispatcher;
  readonly workers: () => readonly WorkerStatus[];
  readonly deadLetters: DeadLetters;
  readonly circuits: () => HealCircuits | undefined;
}

/** What is to be healed: agents by ranges, none of which goes beyond its sector, and the workers that run them. */
export interface HealScope {
  readonly target: string;
  readonly ranges: readonly AgentRange[];
  readonly threads: ReadonlySet<number>;
}

/** Agents of one cluster that are not well, or whose cluster is not. */
export type SickRange = AgentRange;

/** What is wrong. */
export interface Diagnosis {
  readonly findings: readonly HealFinding[];
  /** Workers to be replaced, and those to be waited for. */
  readonly replace: readonly number[];
  readonly awaited: readonly number[];
  /** Clusters with work to do. */
  readonly sick: readonly SickRange[];
  readonly circuits: readonly string[];
}

/** Finds what is wrong with a part of the mesh, all from shared memory: it asks nobody. */
export class Examination {
  readonly #ports: ExaminationPorts;

  constructor(ports: ExaminationPorts) {
    this.#ports = ports;
  }

  /** Reads a target as people write it: `auto`, an address in either case, `worker-1`. UnknownActorError for others. */
  scopeOf(given: string): HealScope {
    const { view, plan } = this.#ports.dispatcher;
    const { topology, placement } = view;
    const target = given.toLowerCase();
    const all = selectRange(topology, "orchestrator");
    const worker = /^worker-(\d+)$/.exec(target);
    if (worker !== null) {
      const thread = Number(worker[1]);
      if (thread < 1 || thread >= plan.threads)
        throw new UnknownActorError(given, `worker-1 to worker-${plan.threads - 1}`);
      const ranges = all.filter(({ from }) => placement[from] === thread);
      return { target, ranges, threads: new Set([thread]) };
    }
    const isMesh = target === "auto" || target === "mesh" || target === "orchestrator";
    const ranges = isMesh ? all : selectRange(topology, target);
    if (ranges[0].from >= topology.agents)
      throw new UnknownActorError(given, "auto, a sector, a cluster, an agent or a worker");
    const threads = new Set(ranges.map(({ from }) => placement[from]));
    return { target: isMesh ? "mesh" : target, ranges, threads };
  }

  diagnose(scope: HealScope): Diagnosis {
    const findings: HealFinding[] = [];
    const replace: number[] = [];
    const awaited: number[] = [];
    const workers = this.#ports.workers();
    for (const thread of scope.threads) {
      const status = workers[thread - 1];
      const problem = problemOf(status);
      if (problem === undefined) continue;
      const remedy = problem === "restarting" ? "wait" : "replace-worker";
      (remedy === "wait" ? awaited : replace).push(thread);
      findings.push({ subject: status.name, problem, remedy });
    }
    const away = new Set([...replace, ...awaited]);
    const sick = scope.ranges.flatMap((range) => this.#examine(range, away, findings));
    const circuits = this.#ports.circuits()?.open(scope.target) ?? [];
    for (const subject of circuits)
      findings.push({ subject, problem: "circuit-open", remedy: "reset-circuit" });
    this.#findPoison(scope, findings);
    return { findings, replace, awaited, sick, circuits };
  }

  /** The clusters of a range, cut to it, in which something is to be done. */
  #examine(
    range: AgentRange,
    away: ReadonlySet<number>,
    findings: HealFinding[],
  ): readonly SickRange[] {
    const { topology, registry, placement, seats } = this.#ports.dispatcher.view;
    const { agentsPerCluster } = topology;
    const sick: SickRange[] = [];
    // Whose worker is away comes back with it.
    const isAway = away.has(placement[range.from]);
    for (let from = range.from; from < range.to; ) {
      const cluster = Math.floor(from / agentsPerCluster);
      const to = Math.min(range.to, (cluster + 1) * agentsPerCluster);
      const before = findings.length;
      if (seats.adopterOf(cluster) >= 0) {
        const subject = clusterAddress(topology, cluster);
        findings.push({ subject, problem: "adopted", remedy: "bring-home" });
      }
      for (let agent = from; agent < to; agent++) {
        const state = registry.state[agent];
        if (state === ACTIVE || state === DEGRADED || state === STARTING) continue;
        if (state === VACANT_SEAT) continue;
        if (isAway && state !== QUARANTINED && state !== STOPPED) continue;
        findings.push(findingOf(addressOf(topology, agent), state));
      }
      if (findings.length > before) sick.push({ from, to });
      from = to;
    }
    return sick;
  }

  #findPoison({ ranges }: HealScope, findings: HealFinding[]): void {
    const { topology } = this.#ports.dispatcher.view;
    const held = this.#ports.deadLetters.list({ reason: "poison", limit: 1000 });
    if (held.length === 0) return;
    const targets = new Set(held.map(({ target }) => target));
    for (const subject of targets) {
      if (!subject.startsWith("sector-")) continue;
      const [{ from }] = selectRange(topology, subject);
      if (ranges.some((range) => from >= range.from && from < range.to))
        findings.push({ subject, problem: "poison-held", remedy: "none" });
    }
  }
}

function findingOf(subject: string, state: number): HealFinding {
  if (state === QUARANTINED) return { subject, problem: "quarantined", remedy: "replace" };
  return { subject, problem: state === STOPPED ? "stopped" : "offline", remedy: "restart" };
}

function problemOf(status: WorkerStatus): "blocked" | "restarting" | "given-up" | undefined {
  switch (status.state) {
    case "restarting":
    case "starting":
      return "restarting";
    case "stopped":
      return "given-up";
    case "blocked":
      return (status.current?.sinceMs ?? 0) > BLOCKED_MS ? "blocked" : undefined;
    default:
      return undefined;
  }
}
