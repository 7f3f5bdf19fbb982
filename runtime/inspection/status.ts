import type { Clock } from "../../actors/ports.ts";
import { addressOf } from "../../coordination/address.ts";
import { type AgentImpedance, readRow } from "../../coordination/agent-impedance.ts";
import {
  ACTIVE,
  DEGRADED,
  operationalState,
  QUARANTINED,
  VACANT_SEAT,
} from "../../coordination/agent-state.ts";
import type { CapabilityTable } from "../../coordination/capability.ts";
import { FLAG_DEGRADED, type Registry } from "../../coordination/registry.ts";
import { RouteMark } from "../../coordination/routes.ts";
import {
  type GlobalStats,
  readClusterSummary,
  readSectorSummary,
} from "../../coordination/summary.ts";
import { clusterOf, kindOf, sectorOf, type Topology } from "../../coordination/topology.ts";
import { controlDoublesOf, controlOf } from "../../mailbox/lanes.ts";
import {
  CONTROL_CURRENT,
  CONTROL_FROZEN,
  CONTROL_PARKED,
  CONTROL_SINCE_F64,
  CONTROL_STATE,
  CONTROL_TURNS,
  COUNT_COUNT,
  Count,
  ThreadState,
} from "../../mailbox/layout.ts";
import { readCounts } from "../../mailbox/ledger.ts";
import type { Incident } from "../api/incident-api.ts";
import type { AgentFilter, Inspection, MeshStatus, WorkerStatus } from "../api/mesh-api.ts";
import type { MeshPlan, ThreadView } from "../plan/memory.ts";

/** A turn shown as "blocked" has run longer than this, ms. */
const BLOCKED_MS = 200;

/** How often the worker of each thread was replaced. */
export interface WorkerRestarts {
  restartsOf(thread: number): number;
}

/** Everything about a mesh that can be read from shared memory, whether or not its threads answer. */
export class StatusReader {
  readonly #plan: MeshPlan;
  readonly #view: ThreadView;
  readonly #workers: WorkerRestarts;
  readonly #clock: Clock;
  readonly #startedMs: number;
  /** Name of the node that runs a sector; only where there are nodes. */
  nodeOf: ((sector: number) => string | undefined) | undefined;
  readonly #counts = new Float64Array(COUNT_COUNT);
  readonly #sums = new Float64Array(COUNT_COUNT);

  constructor(plan: MeshPlan, view: ThreadView, workers: WorkerRestarts, clock: Clock) {
    this.#plan = plan;
    this.#view = view;
    this.#workers = workers;
    this.#clock = clock;
    this.#startedMs = clock.nowMs();
  }

  read(state: MeshStatus["state"], stats: GlobalStats): MeshStatus {
    const sums = this.#sum();
    const { topology } = this.#view;
    const accounted =
      sums[Count.HANDLED] + sums[Count.EXPIRED] + sums[Count.DEAD_LETTERED] + sums[Count.IN_FLIGHT];
    const workers = Array.from({ length: this.#plan.threads - 1 }, (_, i) => this.worker(i + 1));
    return {
      agents: this.#countAgents(),
      sectors: { total: topology.sectors, healthy: stats.sectorsHealthy },
      meanImpedance: stats.globalMeanImpedance,
      p95Impedance: stats.globalP95Impedance,
      heartbeats: sums[Count.HEARTBEATS],
      messages: {
        sent: sums[Count.SENT],
        accepted: sums[Count.ACCEPTED],
        handled: sums[Count.HANDLED],
        expired: sums[Count.EXPIRED],
        deadLettered: sums[Count.DEAD_LETTERED],
        inFlight: sums[Count.IN_FLIGHT],
        redelivered: sums[Count.REDELIVERED],
        shed: [sums[Count.SHED], sums[Count.SHED + 1], sums[Count.SHED + 2]],
        conflicts: sums[Count.CONFLICTS],
        corrupt: sums[Count.CORRUPT],
      },
      lost: sums[Count.ACCEPTED] - accounted,
      restarts: {
        agents: sums[Count.RESTARTS],
        workers: workers.reduce((total, worker) => total + worker.restarts, 0),
      },
      workers,
      uptimeMs: this.#clock.nowMs() - this.#startedMs,
      state,
    };
  }

  /** Messages in custody or on their way, mesh-wide, as of the last commits. */
  inFlight(): number {
    const sums = this.#sum();
    return sums[Count.IN_FLIGHT] + Math.max(0, sums[Count.SENT] - sums[Count.ACCEPTED]);
  }

  /** Messages delivered again on `thread` since the start. */
  redelivered(thread: number): number {
    readCounts(controlDoublesOf(this.#plan.memory.control, thread), this.#counts);
    return this.#counts[Count.REDELIVERED];
  }

  #sum(): Float64Array {
    this.#sums.fill(0);
    for (let thread = 0; thread < this.#plan.threads; thread++) {
      readCounts(controlDoublesOf(this.#plan.memory.control, thread), this.#counts);
      for (let i = 0; i < COUNT_COUNT; i++) this.#sums[i] += this.#counts[i];
    }
    return this.#sums;
  }

  #countAgents(): MeshStatus["agents"] {
    const { registry, topology } = this.#view;
    let total = 0;
    let active = 0;
    let degraded = 0;
    let quarantined = 0;
    for (let row = 0; row < topology.agents; row++) {
      const state = registry.state[row];
      if (!this.#isMember(row)) continue;
      total++;
      if (state === ACTIVE) active++;
      if (state === DEGRADED || (state === ACTIVE && (registry.flags[row] & FLAG_DEGRADED) !== 0))
        degraded++;
      if (state === QUARANTINED) quarantined++;
    }
    return { total, active, degraded, quarantined, offline: total - active - quarantined };
  }

  /** Whether there is an agent. One that joins and is not up yet is none: it is missed by nobody. */
  #isMember(row: number): boolean {
    const { registry, routes } = this.#view;
    const state = registry.state[row];
    if (state === VACANT_SEAT) return false;
    return state === ACTIVE || (routes.marks[row] & RouteMark.OUTSIDE) === 0;
  }

  /** A shard as the watchdog sees it. */
  worker(thread: number): WorkerStatus {
    const { placement, topology } = this.#view;
    const control = controlOf(this.#plan.memory.control, thread);
    const current = Atomics.load(control, CONTROL_CURRENT);
    const sinceMs =
      this.#clock.nowMs() - controlDoublesOf(this.#plan.memory.control, thread)[CONTROL_SINCE_F64];
    let agents = 0;
    for (let row = 0; row < topology.agents; row++)
      if (placement[row] === thread && this.#isMember(row)) agents++;
    return {
      name: `worker-${thread}`,
      state: stateName(control, current !== 0 && sinceMs > BLOCKED_MS),
      agents,
      turns: Atomics.load(control, CONTROL_TURNS) >>> 0,
      restarts: this.#workers.restartsOf(thread),
      ...(current === 0
        ? {}
        : {
            current: { address: addressOf(topology, current - 1), sinceMs: Math.max(0, sinceMs) },
          }),
    };
  }

  /** `worker-1`, `main`, or the node that runs its sector. */
  workerOf(index: number): string {
    const { placement, topology } = this.#view;
    const thread = placement[index];
    if (thread !== 0) return `worker-${thread}`;
    const sector = sectorOf(topology, index);
    if (sector < 0 || this.nodeOf === undefined) return "main";
    return `node ${this.nodeOf(sector) ?? "unknown"}`;
  }

  /** Everything of an inspection but the agent's own state. */
  inspect(
    index: number,
    capabilities: CapabilityTable,
    incidents: readonly Incident[],
  ): Omit<Inspection, "state"> {
    const { registry, topology } = this.#view;
    const cluster = clusterOf(topology, index);
    const sector = sectorOf(topology, index);
    const running = this.running(index);
    return {
      address: addressOf(topology, index),
      kind: kindOf(topology, index),
      worker: this.workerOf(index),
      impedance: readRow(registry, topology, capabilities, index),
      restarts: registry.restarts[index],
      generation: registry.generation[index],
      handled: registry.handled[index],
      failed: registry.failed[index],
      ...(running === undefined ? {} : { current: running }),
      queue: { depth: registry.queueDepth[index], bytes: registry.queueBytes[index] },
      incidents,
      ...(cluster < 0
        ? {}
        : { cluster: readClusterSummary(this.#view.clusters, topology, cluster) }),
      ...(sector < 0 ? {} : { sector: readSectorSummary(this.#view.sectors, topology, sector) }),
    };
  }

  /** The turn that an agent has begun, if it has. */
  running(index: number): Inspection["current"] | undefined {
    const { registry, topology, placement } = this.#view;
    const thread = placement[index];
    const nowMs = this.#clock.nowMs();
    const waitsOn =
      registry.waitsOn[index] < 0 ? [] : [addressOf(topology, registry.waitsOn[index])];
    if (registry.currentSinceMs[index] > 0) {
      const sinceMs = nowMs - registry.currentSinceMs[index];
      return { sequence: registry.currentMessage[index], sinceMs, waitsOn, suspended: true };
    }
    const control = controlOf(this.#plan.memory.control, thread);
    if (thread === 0 || Atomics.load(control, CONTROL_CURRENT) !== index + 1) return undefined;
    const sinceMs = nowMs - controlDoublesOf(this.#plan.memory.control, thread)[CONTROL_SINCE_F64];
    return { sequence: registry.currentMessage[index], sinceMs, waitsOn: [], suspended: false };
  }

  agents(
    filter: AgentFilter,
    capabilities: CapabilityTable,
    candidates: Iterable<number>,
    registry: Registry,
  ): readonly AgentImpedance[] {
    const { topology } = this.#view;
    const found: number[] = [];
    for (const index of candidates)
      if (matches(filter, registry, capabilities, topology, index)) found.push(index);
    if (filter.slow === true) found.sort((a, b) => registry.score[b] - registry.score[a]);
    return found
      .slice(0, filter.limit ?? 100)
      .map((index) => readRow(registry, topology, capabilities, index));
  }
}

function matches(
  filter: AgentFilter,
  registry: Registry,
  capabilities: CapabilityTable,
  topology: Topology,
  index: number,
): boolean {
  if (filter.state === "degraded") {
    const flagged = (registry.flags[index] & FLAG_DEGRADED) !== 0;
    if (registry.state[index] !== DEGRADED && !flagged) return false;
  } else if (
    filter.state !== undefined &&
    operationalState(registry.state[index]) !== filter.state
  ) {
    return false;
  }
  const row =
    filter.class === undefined && filter.capability === undefined
      ? undefined
      : readRow(registry, topology, capabilities, index);
  if (filter.class !== undefined && row?.agentClass !== filter.class) return false;
  return filter.capability === undefined || row?.capabilities.includes(filter.capability) === true;
}

function stateName(control: Int32Array, blocked: boolean): WorkerStatus["state"] {
  switch (Atomics.load(control, CONTROL_STATE)) {
    case ThreadState.RUNNING:
      if (blocked) return "blocked";
      if (Atomics.load(control, CONTROL_FROZEN) !== 0) return "frozen";
      return Atomics.load(control, CONTROL_PARKED) === 1 ? "parked" : "running";
    case ThreadState.LOST:
      return "restarting";
    case ThreadState.STARTING:
      return "starting";
    default:
      return "stopped";
  }
}
