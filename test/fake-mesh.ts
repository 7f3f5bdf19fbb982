// A mesh without agents, for tests of the console: it answers as the contract says, remembers what it was
// asked to do, and does it only when the test wants it to.
import { InvalidOptionError, UndeliverableError, UnknownActorError } from "../actors/errors.ts";
import { ACCEPTED } from "../actors/receipt.ts";
import type { Answer } from "../actors/result.ts";
import { addressOf, indexOfAddress } from "../coordination/address.ts";
import { impedanceClassName } from "../coordination/impedance-class.ts";
import { KpiBook, type Kpis } from "../coordination/kpis.ts";
import { createTopology, type Topology } from "../coordination/topology.ts";
import type { Circuits } from "../runtime/api/circuit-api.ts";
import type { HealOptions, HealResult } from "../runtime/api/heal-api.ts";
import type {
  BroadcastResult,
  DeadLetter,
  DeadLetterReason,
  Inspection,
  Mesh,
  MeshEvents,
  MeshOptions,
  MeshStatus,
  WorkerStatus,
} from "../runtime/api/mesh-api.ts";
import type { Modes } from "../runtime/api/mode-api.ts";
import type {
  AskGroups,
  AskSelection,
  AvoidedRoute,
  CascadeOptions,
  CascadeResult,
  DelegationResult,
  Forecast,
  GatherOptions,
  GatherResult,
  Operation,
  PipelineResult,
  Routes,
} from "../runtime/api/operation-api.ts";
import type { ReloadOptions, ReloadResult } from "../runtime/api/reload-api.ts";
import type { Tasks } from "../runtime/api/task-api.ts";
import type { Threats } from "../runtime/api/threat-api.ts";
import { selectRange } from "../runtime/operations/selection.ts";
import { gatherOf } from "./fake-gather.ts";
import { nothingHealed } from "./fake-healing.ts";
import { FakeLive } from "./fake-live.ts";
import { fakeCircuits, fakeModes, fakeThreats } from "./fake-safeguards.ts";

type Row = ReturnType<Mesh["agents"]>[number];

/** What a test may set of a fake mesh, and what it did. */
export class FakeMesh {
  readonly topology: Topology;
  readonly options: MeshOptions | undefined;
  /** Calls that would have changed the mesh, in order: `tell sector-1/… {"add":1}`. */
  readonly calls: string[] = [];
  status_: Partial<MeshStatus> = {};
  answer: (message: unknown, signal: AbortSignal | undefined) => Promise<Answer> | Answer = (
    message,
  ) => ({ state: 1, value: { echo: message } });
  letters: DeadLetter[] = [];
  /** What differs from an operation that all agents were READY for, by the number of the operation from 0. */
  outcome: (nth: number) => Partial<CascadeResult> | Promise<Partial<CascadeResult>> = () => ({});
  broadcasted: Partial<BroadcastResult> = {};
  forecasted: Partial<Forecast> = {};
  groups: AskGroups["groups"] = [];
  /** What differs from a mesh in which nothing is wrong. */
  healed: Partial<HealResult> = {};
  reloaded: Partial<ReloadResult> = {};
  delegated: Partial<DelegationResult> = {};
  piped: Partial<PipelineResult> = {};
  readonly avoided: AvoidedRoute[] = [];
  readonly tasks: Tasks = {
    list: () => [],
    misassigned: () => [],
    reassign: async () => ({ tasks: [], released: [] }),
  };
  readonly live: FakeLive;
  readonly circuits: Circuits = fakeCircuits((address) => this.ref(address));
  readonly mode: Modes = fakeModes();
  readonly threats: Threats = fakeThreats();
  #operations = 0;
  readonly #listeners = new Map<string, Set<(detail: never) => void>>();

  constructor(options?: MeshOptions) {
    this.options = options;
    this.topology = createTopology(
      options?.topology ?? { sectors: 3, clustersPerSector: 2, agentsPerCluster: 4 },
    );
    this.live = new FakeLive(this.topology.sectors);
  }

  /** As what `createMesh` gives. */
  get mesh(): Mesh {
    return this as unknown as Mesh;
  }

  emit<E extends keyof MeshEvents>(event: E, detail: MeshEvents[E]): void {
    for (const listener of this.#listeners.get(event) ?? []) listener(detail as never);
  }

  on(event: string, listener: (detail: never) => void): () => void {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  status(): MeshStatus {
    const total = this.topology.agents;
    return {
      agents: { total, active: total, degraded: 0, offline: 0, quarantined: 0 },
      sectors: { total: this.topology.sectors, healthy: this.topology.sectors },
      meanImpedance: 127.4,
      p95Impedance: 412,
      heartbeats: 12_345,
      messages: {
        sent: 1_000,
        accepted: 1_000,
        handled: 990,
        expired: 0,
        deadLettered: 0,
        inFlight: 10,
        redelivered: 0,
        shed: [0, 0, 0],
        conflicts: 0,
        corrupt: 0,
      },
      lost: 0,
      restarts: { agents: 1, workers: 0 },
      workers: [worker("worker-1", "running"), worker("worker-2", "blocked")],
      uptimeMs: 61_000,
      state: "running",
      ...this.status_,
    };
  }

  sectors(): ReturnType<Mesh["sectors"]> {
    return Array.from({ length: this.topology.sectors }, (_, sector) => ({
      sectorId: `sector-${sector + 1}`,
      clusterCount: this.topology.clustersPerSector,
      totalAgents: this.topology.agentsPerSector,
      activeAgents: this.topology.agentsPerSector - (sector === 1 ? 1 : 0),
      meanImpedance: 100 + sector,
      healthiestCluster: `sector-${sector + 1}/cluster-1`,
      sickestCluster: null,
      lastUpdatedMs: 1,
    }));
  }

  clusters(sector: string): ReturnType<Mesh["clusters"]> {
    this.#place(sector);
    return Array.from({ length: this.topology.clustersPerSector }, (_, cluster) => ({
      clusterId: `${sector}/cluster-${cluster + 1}`,
      sectorId: sector,
      agentCount: this.topology.agentsPerCluster,
      activeCount: this.topology.agentsPerCluster,
      offlineCount: 0,
      quarantinedCount: 0,
      degradedCount: 1,
      unstableCount: 0,
      spikingCount: 0,
      meanImpedance: 100,
      p95Impedance: 200,
      slowestAgent: null,
      fastestAgent: null,
      lastUpdatedMs: 1,
    }));
  }

  agents(filter: Parameters<Mesh["agents"]>[0] = {}): readonly Row[] {
    const rows = Array.from({ length: this.topology.agents }, (_, index) => this.#row(index));
    const within = filter.within;
    const fitting = rows.filter(
      (row) =>
        (within === undefined || row.agentId.startsWith(`${within}/`)) &&
        (filter.class === undefined || row.agentClass === filter.class) &&
        (filter.state === undefined || row.operationalState === filter.state),
    );
    if (filter.slow) fitting.sort((one, other) => other.impedanceScore - one.impedanceScore);
    return fitting.slice(0, filter.limit ?? 100);
  }

  /** Of whom messages can be sent to: like the mesh, it refuses leads and coordinators. */
  select(selection: string): readonly number[] {
    const address = selection === "all" ? "orchestrator" : selection;
    return selectRange(this.topology, address).flatMap(({ from, to }) =>
      Array.from({ length: to - from }, (_, i) => from + i),
    );
  }

  address(index: number): string {
    return addressOf(this.topology, index);
  }

  ref(address: string): number {
    const index = this.#place(address);
    if (index >= this.topology.agents && index < this.topology.spawnBase)
      throw new UnknownActorError(address, "an address of an agent");
    return index;
  }

  #place(address: string): number {
    const index = indexOfAddress(this.topology, address);
    if (index < 0) throw new UnknownActorError(address, "an address of this mesh");
    return index;
  }

  async inspect(address: string): Promise<Inspection> {
    const index = this.#place(address);
    return {
      address,
      kind: "agent",
      worker: "worker-2",
      impedance: this.#row(Math.min(index, this.topology.agents - 1)),
      restarts: 2,
      generation: 3,
      handled: 1_234,
      failed: 3,
      current: {
        sequence: 7,
        sinceMs: 263_000,
        waitsOn: ["sector-1/cluster-1/agent-2"],
        suspended: false,
      },
      queue: { depth: 5, bytes: 2_048 },
      incidents: [
        {
          atMs: 1_000,
          subject: address,
          error: "Error: \u001b[2Jboom\nat line 1",
          decision: "restart",
          delayMs: 100,
        },
      ],
      state: { unavailable: "worker-2 is blocked" },
    };
  }

  tell(target: string, message: unknown, options: object = {}): PromiseLike<string> {
    this.ref(target);
    this.calls.push(`tell ${target} ${JSON.stringify(message)} ${JSON.stringify(options)}`);
    return ACCEPTED;
  }

  async ask(
    target: string | AskSelection,
    message: unknown,
    options: { signal?: AbortSignal } = {},
  ): Promise<Answer | AskGroups> {
    if (typeof target === "object") {
      this.#called("ask", target, message, options);
      const responses = this.groups.reduce((sum, { count }) => sum + count, 0);
      return { asked: target.sample ?? 100, responses, groups: this.groups };
    }
    this.ref(target);
    const { signal, ...rest } = options;
    this.calls.push(`ask ${target} ${JSON.stringify(message)} ${JSON.stringify(rest)}`);
    return this.answer(message, signal);
  }

  async broadcast(message: unknown, options: object = {}): Promise<BroadcastResult> {
    this.#called("broadcast", message, options);
    const addressed = this.topology.agents;
    const all = {
      addressed,
      ready: addressed,
      conflict: 0,
      transit: 0,
      skipped: 0,
      elapsedMs: 12.5,
    };
    return { ...all, ...this.broadcasted };
  }

  async forecast(operation: Operation, options: object = {}): Promise<Forecast> {
    this.#called("forecast", operation, options);
    const { agents } = this.topology;
    return {
      arrivalMs: 1_700_000_000_500,
      availableMs: 500,
      selected: agents,
      scheduled: agents,
      skipped: 0,
      expectedReady: agents * 0.95,
      expectedInWindow: agents * 0.99,
      quorumProbability: 0.982,
      earliestQuorumMs: 1_700_000_000_412,
      skips: [],
      ...this.forecasted,
    };
  }

  scatterGather(operation: Operation, options: GatherOptions = {}): Promise<GatherResult> {
    return this.#operate("scatterGather", operation, options) as Promise<GatherResult>;
  }

  cascade(operation: Operation, options: CascadeOptions = {}): Promise<CascadeResult> {
    return this.#operate("cascade", operation, options);
  }

  async delegate(task: unknown, options: object = {}): Promise<DelegationResult> {
    this.#called("delegate", task, options);
    const agent = "sector-3/cluster-2/agent-4";
    return {
      agent,
      answer: { state: 1, value: { done: task } },
      elapsedMs: 34_200,
      tried: [agent],
      hedged: false,
      ...this.delegated,
    };
  }

  async pipeline(
    message: unknown,
    stages: readonly string[],
    options: object = {},
  ): Promise<PipelineResult> {
    this.#called("pipeline", message, stages, options);
    return {
      answer: { state: 1, value: message },
      stages: stages.map((_, index) => ({
        agent: `sector-1/cluster-1/agent-${index + 1}`,
        state: 1,
        elapsedMs: 10 * (index + 1),
      })),
      elapsedMs: 31,
      ...this.piped,
    };
  }

  /** Of 200 operations, of which one missed its quorum. */
  kpis(): Kpis {
    const book = new KpiBook();
    for (let i = 0; i < 200; i++)
      book.addOperation(
        {
          endedMs: 1_700_000_000_000 + i,
          kind: "cascade",
          achieved: i > 0,
          addressed: 10,
          ready: i === 0 ? 6 : 10,
          conflict: i === 0 ? 4 : 0,
          transit: 0,
          timed: 10,
          hits: 9,
          within50: 9,
          elapsedMs: 20,
          quorumMs: 12,
        },
        Array(10).fill(20),
      );
    book.sampleAvailability(1_700_000_000_000, 1);
    book.sampleAvailability(1_700_000_000_200, 1);
    return book.kpis(1_700_000_001_000);
  }

  get route(): Routes {
    return {
      avoid: (target, { capability, reason } = {}) => {
        this.calls.push(`avoid ${target} ${capability} ${reason}`);
        const words = { ...(capability && { capability }), ...(reason && { reason }) };
        this.avoided.push({ target, sinceMs: 1_700_000_000_000, ...words });
      },
      allow: (target, { capability } = {}) => {
        this.calls.push(`allow ${target} ${capability}`);
        const place = this.avoided.findIndex((route) => route.target === target);
        if (place >= 0) this.avoided.splice(place, 1);
        return place >= 0;
      },
      list: () => this.avoided,
    };
  }

  #called(name: string, ...args: readonly unknown[]): void {
    // Signals and callbacks are not the console's words.
    const words = args.map((arg) =>
      JSON.stringify(arg, (key, value) => (key === "signal" ? undefined : value)),
    );
    this.calls.push([name, ...words].join(" "));
  }

  async #operate(
    name: string,
    operation: Operation,
    options: CascadeOptions,
  ): Promise<CascadeResult> {
    this.#called(name, operation, options);
    const nth = this.#operations++;
    const addressed = this.topology.agents;
    options.onProgress?.({
      tier: "agents",
      sectors: this.topology.sectors,
      ready: addressed / 2,
      conflict: 0,
      failed: 0,
      skipped: 0,
      addressed,
    });
    const counted = await this.outcome(nth);
    options.signal?.throwIfAborted();
    const made = { ...gatherOf(addressed, nth), ...counted };
    const { ready, conflict } = made;
    const counts = { readyCount: ready, conflictCount: conflict, transitCount: made.transit };
    const achieved = ready >= (options.quorum ?? 0.95) * made.addressed;
    const quorum = achieved
      ? { ...counts, confidence: 1, achieved, decision: "PROCEED" as const }
      : {
          ...counts,
          confidence: 0.5,
          achieved,
          decision: "RETRY" as const,
          reason: "too few agents are ready",
          recommendation: "retry with adjusted impedance compensation",
        };
    return { quorum, ...made, strategy: options.strategy ?? "wave" };
  }

  async restart(address: string): Promise<{ restarted: number }> {
    this.#place(address);
    this.calls.push(`restart ${address}`);
    return { restarted: 1 };
  }

  async heal(target = "auto", options: HealOptions = {}): Promise<HealResult> {
    if (target !== "auto" && !target.startsWith("worker-")) this.#place(target);
    if (options.dryRun !== true) this.calls.push(`heal ${target}`);
    return { ...nothingHealed(target, options.dryRun === true), ...this.healed };
  }

  async reload(module = "all", { windowMs }: ReloadOptions = {}): Promise<readonly ReloadResult[]> {
    if (module === "none.js") throw new InvalidOptionError("module", module, "one of agent.js");
    this.calls.push(`reload ${module}${windowMs === undefined ? "" : ` ${windowMs}`}`);
    return [{ module: "file:///agent.js", outcome: "reloaded", agents: 12, ...this.reloaded }];
  }

  async kill(target: string): Promise<void> {
    if (!target.startsWith("worker-")) this.ref(target);
    this.calls.push(`kill ${target}`);
  }

  async stop(options: { deadlineMs?: number } = {}): Promise<void> {
    this.calls.push(`stop ${options.deadlineMs}`);
  }

  get deadLetters(): Mesh["deadLetters"] {
    const counts = { expired: 2 } as Record<DeadLetterReason, number>;
    return {
      list: ({ reason, limit = 50 } = {}) =>
        this.letters
          .filter((letter) => reason === undefined || letter.reason === reason)
          .slice(0, limit),
      summary: () => ({ total: counts, window: counts, windowMs: 60_000 }),
      replay: async (id) => {
        this.calls.push(`replay ${id}`);
        if (id === 2) throw new UndeliverableError("sector-1", "stopped");
        return id === 1;
      },
    };
  }

  #row(index: number): Row {
    return {
      agentId: addressOf(this.topology, index),
      agentClass: impedanceClassName(index % 6),
      sectorId: "",
      clusterId: "",
      currentLatencyMs: index,
      currentProcessingMs: 100 - index,
      currentQueueDepth: index % 5,
      lastHeartbeat: null,
      impedanceScore: index * 10,
      reliabilityScore: 1 - index / 100,
      driftCoefficient: 0.1,
      operationalState: index === 3 ? "degraded" : "active",
      currentContextHash: "",
      capabilities: [],
    };
  }
}

function worker(name: string, state: WorkerStatus["state"]): WorkerStatus {
  const quiet = { name, state, agents: 12, turns: 34, restarts: 0 };
  if (state !== "blocked") return quiet;
  return { ...quiet, current: { address: "sector-1/cluster-1/agent-2", sinceMs: 3_200 } };
}
