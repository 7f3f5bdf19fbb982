import type { AskOptions, TellOptions } from "../actors/context.ts";
import { REJECTED, type Receipt } from "../actors/receipt.ts";
import type { ActorRef, Target } from "../actors/ref.ts";
import type { Answer } from "../actors/result.ts";
import { addressOf } from "../coordination/address.ts";
import type { AgentImpedance } from "../coordination/agent-impedance.ts";
import { bitsOf, createCapabilityTable } from "../coordination/capability.ts";
import type { Kpis } from "../coordination/kpis.ts";
import { RouteTable } from "../coordination/routes.ts";
import type { ClusterSummary, GlobalStats, SectorSummary } from "../coordination/summary.ts";
import type { Topology } from "../coordination/topology.ts";
import { controlOf } from "../mailbox/lanes.ts";
import { CONTROL_EPOCH } from "../mailbox/layout.ts";
import { readBehaviors } from "./behavior-modules.ts";
import { resolve } from "./cell.ts";
import { seededRandom, systemClock } from "./clock.ts";
import type { Cut } from "./cut.ts";
import { restoreCut } from "./cut-restorer.ts";
import { DeadLetterOffice } from "./dead-letters.ts";
import { Delegations } from "./delegations.ts";
import { Dispatcher, type MainSink } from "./dispatcher.ts";
import { runDuty } from "./duty.ts";
import type { ShardIncident } from "./failures.ts";
import { Forecasts } from "./forecasts.ts";
import type { FreezeOptions, FreezeResult, ThawResult } from "./freeze-api.ts";
import { Freezer } from "./freezer.ts";
import { Gathers } from "./gathers.ts";
import { Incidents } from "./incidents.ts";
import { Interventions } from "./interventions.ts";
import { LiveMesh } from "./live.ts";
import type { Live } from "./live-api.ts";
import { createLog } from "./log.ts";
import { type MeshPlan, viewMemory } from "./memory.ts";
import type {
  AgentFilter,
  BroadcastOptions,
  BroadcastResult,
  DeadLetters,
  Incident,
  Inspection,
  Mesh,
  MeshEvents,
  MeshOptions,
  MeshStatus,
} from "./mesh-api.ts";
import { MeshListeners } from "./mesh-listeners.ts";
import { planMesh } from "./mesh-plan.ts";
import { MeshReader } from "./mesh-reader.ts";
import { MeshRoutes } from "./mesh-routes.ts";
import type {
  AskGroups,
  AskSelection,
  CascadeOptions,
  CascadeResult,
  DelegateOptions,
  DelegationResult,
  Forecast,
  ForecastOptions,
  GatherOptions,
  GatherResult,
  Operation,
  PipelineOptions,
  PipelineResult,
} from "./operation-api.ts";
import { readOptions, type Settings } from "./options.ts";
import { Orchestrator } from "./orchestrator.ts";
import { Scorekeeper } from "./scorekeeper.ts";
import { Selector } from "./selection.ts";
import { ShardPool } from "./shard-pool.ts";
import { StatusReader } from "./status.ts";
import { Watchdog } from "./watchdog.ts";
import { WhyReader } from "./why.ts";
import type { Why } from "./why-api.ts";
import { WorkerLosses } from "./worker-losses.ts";

/** How often the house is looked after: dead letters, the score, ms. */
const TICK_MS = 1000;
/** What shards get to stop their agents after the drain, ms. */
const STOP_GRACE_MS = 2000;
/** Main's cycles after the shards have ended: far more than their lanes can hold. */
const LAST_CYCLES = 10_000;

/**
 * Starts a mesh and resolves when all its agents are ready.
 *
 * @example
 * await using mesh = await createMesh({ agent: new URL("./counter.js", import.meta.url), topology: { sectors: 10 } });
 * const answer = await mesh.ask("sector-1/cluster-1/agent-1", { add: 2 });
 */
export async function createMesh(options: MeshOptions): Promise<Mesh> {
  options?.signal?.throwIfAborted();
  const settings = readOptions(options);
  const behaviors = await readBehaviors(settings.modules);
  const capabilities = createCapabilityTable(
    behaviors.flatMap((behavior) => behavior.capabilities ?? []),
  );
  const mesh = new ThreadedMesh(settings, options, capabilities.names);
  try {
    await mesh.start(options.onProgress);
  } catch (error) {
    await mesh.stop({ deadlineMs: 0 });
    throw error;
  }
  return mesh;
}

class ThreadedMesh implements Mesh {
  readonly topology: Topology;
  readonly deadLetters: DeadLetters;
  readonly route: MeshRoutes;
  readonly live: Live;
  readonly #plan: MeshPlan;
  readonly #dispatcher: Dispatcher;
  readonly #pool: ShardPool;
  readonly #watchdog: Watchdog;
  readonly #gathers: Gathers;
  readonly #orchestrator: Orchestrator;
  readonly #delegations: Delegations;
  readonly #scores: Scorekeeper;
  readonly #office: DeadLetterOffice;
  readonly #incidents: Incidents;
  readonly #losses: WorkerLosses;
  readonly #status: StatusReader;
  readonly #listeners = new MeshListeners();
  readonly #interventions: Interventions;
  readonly #selector: Selector;
  readonly #freezer: Freezer;
  readonly #reader: MeshReader;
  readonly #why: WhyReader;
  readonly #capabilities: ReturnType<typeof createCapabilityTable>;
  readonly #signal: AbortSignal | undefined;
  readonly #abort = (): unknown => this.stop({ deadlineMs: 0 });
  #state: MeshStatus["state"] = "starting";
  #duty: Promise<void> = Promise.resolve();
  #halted = false;
  #stopping: Promise<void> | undefined;
  #ticks: NodeJS.Timeout | undefined;

  constructor(settings: Settings, options: MeshOptions, capabilities: readonly string[]) {
    this.topology = settings.topology;
    this.#capabilities = createCapabilityTable(capabilities);
    this.#signal = options.signal;
    this.#plan = planMesh(settings, options, capabilities);
    const logOptions = { level: settings.log, file: options.logFile } as const;
    const log = createLog({ ...logOptions, thread: "main" });
    if (options.from !== undefined) restoreCut(this.#plan, options.from, systemClock.nowMs());
    // Main has one incarnation. Ids begin with the epoch, and 0 is no id.
    const epoch = ++controlOf(this.#plan.memory.control, 0)[CONTROL_EPOCH];
    const view = viewMemory(this.#plan, 0, epoch);
    this.#dispatcher = new Dispatcher(this.#plan, view, {
      clock: systemClock,
      random: seededRandom(this.#plan.seed),
      log,
      sink: this.#sink(),
    });
    this.#gathers = new Gathers(this.#dispatcher);
    this.#selector = new Selector(view.topology, view.registry, this.#capabilities, view.routes);
    this.route = new MeshRoutes(
      new RouteTable(view.routes, view.topology),
      this.#capabilities,
      () => systemClock.nowMs(),
    );
    if (options.from !== undefined) this.route.adopt(options.from.routes);
    const ports = {
      dispatcher: this.#dispatcher,
      forecasts: new Forecasts(this.#plan, view),
      random: this.#dispatcher.ports.random,
      isRunning: () => this.#state !== "stopping" && this.#state !== "stopped",
      selector: this.#selector,
    };
    this.#scores = new Scorekeeper(systemClock.nowMs());
    this.live = new LiveMesh(view, this.#gathers, this.#scores, systemClock);
    this.#listeners.on("workerBack", ({ afterMs }) =>
      this.#scores.recovered(systemClock.nowMs(), afterMs),
    );
    this.#delegations = new Delegations({
      ...ports,
      score: (kind, answer, elapsedMs) =>
        this.#scores.single(kind, answer, systemClock.nowMs(), elapsedMs),
    });
    this.#orchestrator = new Orchestrator({
      ...ports,
      isRunning: () => this.#mayOperate(),
      gathers: this.#gathers,
      capabilityBits: (names) => bitsOf(this.#capabilities, names),
      score: (kind, result, punctuality, windowMs, endedMs) =>
        this.#scores.operation(kind, result, punctuality, windowMs, endedMs),
    });
    this.#incidents = new Incidents(log, (incident) => this.#listeners.emit("incident", incident));
    this.#office = new DeadLetterOffice({
      topology: this.topology,
      nowMs: () => systemClock.nowMs(),
      resend: async (letter) => (await this.tell(letter.target, letter.message)) === "accepted",
      onLetter: (letter) => this.#listeners.emit("deadLetter", letter),
      onWindow: (counts, windowMs) => log.warn({ counts, windowMs }, "dead letters"),
    });
    this.deadLetters = this.#office;
    this.#losses = new WorkerLosses({
      dispatcher: this.#dispatcher,
      incidents: this.#incidents,
      listeners: this.#listeners,
      redelivered: (thread) => this.#status.redelivered(thread),
      replace: (thread, reason) => this.#pool.replace(thread, reason),
    });
    this.#pool = new ShardPool(this.#plan, systemClock, logOptions, log, this.#losses);
    this.#status = new StatusReader(this.#plan, view, this.#pool, systemClock);
    this.#reader = new MeshReader(view, this.#capabilities, this.#selector, this.#status);
    this.#interventions = new Interventions({
      dispatcher: this.#dispatcher,
      status: this.#status,
      capabilities: this.#capabilities,
      isHalted: () => this.#halted,
      mustGo: (what) => this.#freezer.mustGo(what),
      killWorker: (thread) => this.#pool.kill(thread, "killed by the operator"),
    });
    this.#freezer = new Freezer({
      dispatcher: this.#dispatcher,
      interventions: this.#interventions,
      dataDir: settings.dataDir,
      routes: () => this.route.list(),
      state: () => this.#state,
      become: (state) => this.#become(state),
      listeners: this.#listeners,
    });
    this.#why = new WhyReader(this.#plan, view, this.#status, this.#interventions);
    this.#watchdog = new Watchdog(this.#plan, systemClock, settings.watchdogMs, (hang) =>
      this.#losses.onHang(hang),
    );
  }

  /** What main does with frames that only it understands. */
  #sink(): MainSink {
    return {
      onReport: (ring, word) => this.#gathers.onReport(ring, word),
      onResponse: (agent, operation, trinary, value) =>
        this.#gathers.onResponse(agent, operation, trinary, value),
      onIncidents: (incidents) => {
        for (const incident of incidents as readonly ShardIncident[]) {
          this.#incidents.add({ ...incident, subject: this.address(incident.subject) });
        }
      },
      onDeadLetter: (words, doubles, word, message) =>
        this.#office.receive(words, doubles, word, message),
    };
  }

  /** Brings up main's duty and all shards; resolves when every agent is ready. */
  async start(onProgress: MeshOptions["onProgress"]): Promise<void> {
    this.#duty = runDuty(this.#dispatcher, () => this.#halted);
    this.#pool.start();
    this.#watchdog.start();
    const total = this.topology.agents;
    for (let reported = -1; !this.#pool.running; ) {
      this.#signal?.throwIfAborted();
      if (this.#losses.hopeless !== undefined) throw this.#losses.hopeless;
      const ready = Math.min(this.#pool.booted, total);
      if (ready !== reported) onProgress?.({ ready, total });
      reported = ready;
      await new Promise((resolveSoon) => setTimeout(resolveSoon, 5));
    }
    onProgress?.({ ready: total, total });
    this.#ticks = setInterval(() => this.#tick(), TICK_MS);
    this.#ticks.unref();
    this.#signal?.addEventListener("abort", this.#abort, { once: true });
    this.#become("running");
  }

  #tick(): void {
    this.#office.tick();
    const { agents, messages } = this.#status.read(this.#state, this.stats());
    this.#scores.tick(systemClock.nowMs(), agents.active / agents.total, messages.conflicts);
  }

  status(): MeshStatus {
    const status = this.#status.read(this.#state, this.stats());
    const lastCascadeMs = this.#scores.sinceCascadeMs(systemClock.nowMs());
    return {
      ...status,
      conflictsLastHour: this.#scores.conflictsLastHour(status.messages.conflicts),
      ...(lastCascadeMs !== undefined && { lastCascadeMs }),
      ...(this.#freezer.frozen.length > 0 && { frozen: this.#freezer.frozen }),
    };
  }

  stats(): GlobalStats {
    return this.#reader.stats(systemClock.nowMs());
  }

  tell<M>(target: Target<M>, message: M, options?: TellOptions): Receipt {
    if (this.#state === "stopping" || this.#state === "stopped") return REJECTED;
    const dispatcher = this.#dispatcher;
    dispatcher.nowMs = systemClock.nowMs();
    const receipt = dispatcher.outbox.tell(
      this.topology.orchestrator,
      resolve(dispatcher, target),
      message,
      options,
      undefined,
    );
    dispatcher.nudge();
    return receipt;
  }

  ask<M, A>(target: Target<M, A>, message: M, options?: AskOptions): Promise<Answer<A>>;
  ask<Value>(
    selection: AskSelection,
    message: unknown,
    options?: AskOptions,
  ): Promise<AskGroups<Value>>;
  ask(
    target: Target | AskSelection,
    message: unknown,
    options?: AskOptions,
  ): Promise<Answer | AskGroups> {
    return typeof target === "object"
      ? this.#delegations.askMany(target, message, options)
      : this.#delegations.ask(target, message, options);
  }

  forecast(operation: Operation, options?: ForecastOptions): Promise<Forecast> {
    return this.#orchestrator.forecast(operation, options);
  }

  scatterGather(operation: Operation, options?: GatherOptions): Promise<GatherResult> {
    return this.#orchestrator.scatterGather(operation, options);
  }

  cascade(operation: Operation, options?: CascadeOptions): Promise<CascadeResult> {
    return this.#orchestrator.cascade(operation, options);
  }

  delegate<Value>(task: unknown, options?: DelegateOptions): Promise<DelegationResult<Value>> {
    return this.#delegations.delegate(task, options);
  }

  pipeline<Value>(
    message: unknown,
    stages: readonly string[],
    options?: PipelineOptions,
  ): Promise<PipelineResult<Value>> {
    return this.#delegations.pipeline(message, stages, options);
  }

  broadcast(message: unknown, options?: BroadcastOptions): Promise<BroadcastResult> {
    return this.#orchestrator.broadcast(message, options);
  }

  kpis(): Kpis {
    return this.#scores.kpis(systemClock.nowMs());
  }

  select(selection: string): readonly ActorRef[] {
    return [...this.#selector.named(selection)];
  }

  ref(address: string): ActorRef {
    return resolve(this.#dispatcher, address);
  }

  address(ref: ActorRef): string {
    return addressOf(this.topology, ref);
  }

  inspect(address: string): Promise<Inspection> {
    return this.#interventions.inspect(address, this.#incidents.of(address));
  }

  why(address: string): Promise<Why> {
    return this.#why.read(address);
  }

  agents(filter?: AgentFilter): readonly AgentImpedance[] {
    return this.#reader.agents(filter);
  }

  clusters(sector: string): readonly ClusterSummary[] {
    return this.#reader.clusters(sector);
  }

  sectors(): readonly SectorSummary[] {
    return this.#reader.sectors();
  }

  findBestAgents(capability: string, count: number, maxImpedance?: number): readonly string[] {
    return this.#reader.findBestAgents(capability, count, maxImpedance);
  }

  incidents(): readonly Incident[] {
    return this.#incidents.list();
  }

  restart(address: string): Promise<{ readonly restarted: number }> {
    return this.#interventions.restart(address);
  }

  kill(target: string): Promise<void> {
    return this.#interventions.kill(target);
  }

  freeze(scope?: string, options?: FreezeOptions): Promise<FreezeResult> {
    return this.#freezer.freeze(scope, options);
  }

  thaw(scope?: string): Promise<ThawResult> {
    return this.#freezer.thaw(scope);
  }

  cut(): Cut {
    return this.#freezer.cut();
  }

  on<E extends keyof MeshEvents>(event: E, listener: (detail: MeshEvents[E]) => void): () => void {
    return this.#listeners.on(event, listener);
  }

  stop(options: { readonly deadlineMs?: number } = {}): Promise<void> {
    this.#stopping ??= this.#stop(options.deadlineMs ?? 10_000);
    return this.#stopping;
  }

  async #stop(deadlineMs: number): Promise<void> {
    this.#become("stopping");
    // Who stands still finishes nothing: what is in flight is in the file.
    if (!this.#freezer.standsStill) await this.#drain(systemClock.nowMs() + deadlineMs);
    // Before the shards are told: what found room now would be accepted, and handled by nobody.
    this.#dispatcher.outbox.abandon();
    this.#signal?.removeEventListener("abort", this.#abort);
    this.#watchdog.stop();
    clearInterval(this.#ticks);
    await this.#pool.stop(STOP_GRACE_MS);
    // What the shards said last: answers, dead letters.
    for (let i = 0; i < LAST_CYCLES && this.#dispatcher.cycle(); i++);
    this.#dispatcher.asks.abandon();
    this.#gathers.abandon();
    this.#halted = true;
    this.#dispatcher.nudge();
    await this.#duty;
    this.#become("stopped");
  }

  /** Waits until nothing is in flight, or the deadline. Twice in a row, for the threads are not read at one moment. */
  async #drain(deadlineMs: number): Promise<void> {
    const { outbox } = this.#dispatcher;
    for (let still = 0; still < 2 && systemClock.nowMs() < deadlineMs; ) {
      const idle = !this.#dispatcher.busy && outbox.waiting === 0 && this.#status.inFlight() === 0;
      still = idle ? still + 1 : 0;
      await new Promise((resolveSoon) => setTimeout(resolveSoon, 2));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #mayOperate(): boolean {
    this.#freezer.mustGo("operation");
    return this.#state === "running" || this.#state === "starting";
  }

  #become(state: MeshStatus["state"]): void {
    this.#state = state;
    this.#listeners.emit("state", state);
  }
}
