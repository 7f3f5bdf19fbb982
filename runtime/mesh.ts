import type { AskOptions, TellOptions } from "../actors/context.ts";
import type { Receipt } from "../actors/receipt.ts";
import type { ActorRef, Target } from "../actors/ref.ts";
import type { Answer } from "../actors/result.ts";
import { addressOf } from "../coordination/address.ts";
import type { AgentImpedance } from "../coordination/agent-impedance.ts";
import { createCapabilityTable } from "../coordination/capability.ts";
import type { Kpis } from "../coordination/kpis.ts";
import type { ClusterSummary, GlobalStats, SectorSummary } from "../coordination/summary.ts";
import type { Topology } from "../coordination/topology.ts";
import type { Circuits } from "./api/circuit-api.ts";
import type { Conflicts, HumanInbox, Quarantine } from "./api/conflict-api.ts";
import type { Cut } from "./api/cut.ts";
import type { FailureReport } from "./api/failure-api.ts";
import type { FreezeOptions, FreezeResult, ThawResult } from "./api/freeze-api.ts";
import type { HealOptions, HealResult } from "./api/heal-api.ts";
import type { Incident } from "./api/incident-api.ts";
import type { Live } from "./api/live-api.ts";
import type {
  AgentFilter,
  BroadcastOptions,
  BroadcastResult,
  DeadLetters,
  Inspection,
  Mesh,
  MeshEvents,
  MeshOptions,
  MeshStatus,
} from "./api/mesh-api.ts";
import type { Modes } from "./api/mode-api.ts";
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
  Routes,
} from "./api/operation-api.ts";
import type { ReloadOptions, ReloadResult } from "./api/reload-api.ts";
import type { Roles } from "./api/roles-api.ts";
import type { Scale } from "./api/scale-api.ts";
import type { Tasks } from "./api/task-api.ts";
import type { Threats } from "./api/threat-api.ts";
import type { Traces } from "./api/trace-api.ts";
import type { Trust } from "./api/trust-api.ts";
import type { Why } from "./api/why-api.ts";
import { resolve } from "./dispatch/cell.ts";
import { Headquarters } from "./headquarters.ts";
import type { MeshJournal } from "./journal/journal.ts";
import { systemClock } from "./machine/clock.ts";
import { systemLater } from "./machine/later.ts";
import { createLog } from "./machine/log.ts";
import { openTelemetry } from "./machine/telemetry.ts";
import { MeshNodes } from "./mesh-nodes.ts";
import type { MeshPlan } from "./plan/memory.ts";
import { planMesh } from "./plan/mesh-plan.ts";
import type { Settings } from "./plan/options.ts";
import { passOn, TrustDesk } from "./trust/trust-desk.ts";
import { WhyReader } from "./why.ts";
import { AgentDesks } from "./workers/agent-desks.ts";
import type { MainModule } from "./workers/behavior-modules.ts";
import { runDuty } from "./workers/duty.ts";
import { Reloads } from "./workers/reloads.ts";
import { ShardPool } from "./workers/shard-pool.ts";
import { Watchdog } from "./workers/watchdog.ts";

/** How often the house is looked after: dead letters, the score, ms. */
const TICK_MS = 1000;
/** What shards get to stop their agents after the drain, ms. */
const STOP_GRACE_MS = 2000;
/** Main's cycles after the shards have ended: far more than their lanes can hold. */
const LAST_CYCLES = 10_000;

/** What a mesh is made of, besides its options. */
export interface MeshParts {
  readonly modules: readonly MainModule[];
  readonly capabilities: readonly string[];
  readonly journal: MeshJournal | undefined;
}

/** The mesh on threads; `createMesh` makes it. */
export class ThreadedMesh implements Mesh {
  readonly topology: Topology;
  readonly dataDir: string | undefined;
  readonly modules: readonly string[];
  readonly agentOptions: unknown;
  readonly traces: Traces;
  readonly journal: MeshJournal | undefined;
  readonly #plan: MeshPlan;
  readonly #headquarters: Headquarters;
  readonly #desks: AgentDesks;
  readonly #reloads: Reloads;
  readonly #pool: ShardPool;
  readonly #watchdog: Watchdog;
  readonly #why: WhyReader;
  readonly #trust: TrustDesk | undefined;
  readonly nodes: MeshNodes | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #watch: ReloadOptions | undefined;
  readonly #abort = (): unknown => this.stop({ deadlineMs: 0 });
  #duty: Promise<void> = Promise.resolve();
  #stopping: Promise<void> | undefined;
  #ticks: NodeJS.Timeout | undefined;

  constructor(
    settings: Settings,
    options: MeshOptions,
    { modules, capabilities, journal }: MeshParts,
  ) {
    this.journal = journal;
    this.topology = settings.topology;
    this.dataDir = settings.dataDir;
    this.modules = settings.modules;
    this.agentOptions = options.agentOptions;
    this.#signal = options.signal;
    this.#watch = settings.watch;
    const trust = this.#trustDesk(settings);
    this.#trust = trust;
    this.#plan = planMesh(
      settings,
      options,
      { capabilities, memory: modules.map(({ shared }) => shared) },
      journal?.plan,
      trust?.plan,
    );
    const logOptions = { level: settings.log, file: options.logFile } as const;
    const log = createLog({ ...logOptions, thread: "main" });
    this.#desks = new AgentDesks(modules, settings.moduleOptions, log);
    this.#headquarters = new Headquarters({
      plan: this.#plan,
      capabilities: createCapabilityTable(capabilities),
      clock: systemClock,
      later: systemLater,
      dataDir: settings.dataDir,
      store: settings.store,
      from: options.from,
      journal,
      behaviors: modules.map(({ behavior }) => behavior),
      hasNodes: options.nodes !== undefined,
      breakers: settings.breakers,
      operators: options.operators,
      openSession: trust && ((epoch) => trust.openSession(0, epoch)),
      log,
      workers: {
        restartsOf: (thread) => this.#pool.restartsOf(thread),
        kill: (thread, reason) => this.#pool.kill(thread, reason),
        replace: (thread, reason) => this.#pool.replace(thread, reason),
        revive: (thread) => this.#pool.revive(thread),
      },
    });
    if (options.nodes !== undefined)
      this.nodes = new MeshNodes({
        options: options.nodes,
        headquarters: this.#headquarters,
        maxPayloadBytes: settings.maxPayloadBytes,
        clock: systemClock,
        log,
      });
    const { losses, dispatcher, statusReader, interventions } = this.#headquarters;
    this.traces = this.#headquarters.traces();
    this.#why = new WhyReader(this.#plan, dispatcher.view, statusReader, interventions);
    const sources = [...settings.modules];
    this.#pool = new ShardPool(
      this.#plan,
      systemClock,
      logOptions,
      log,
      losses,
      this.#desks.opened,
      sources,
      trust?.openSession,
      async (thread, request) => passOn(trust, thread, request),
    );
    this.#reloads = new Reloads(
      {
        plan: this.#plan,
        log,
        lines: () => this.#pool.lines,
        onResult: (result) => this.#headquarters.listeners.emit("reload", result),
        onIncident: (listener) => this.#headquarters.listeners.on("incident", listener),
        mustGo: (what) => this.#headquarters.freezer.mustGo(what),
      },
      sources,
    );
    this.#watchdog = new Watchdog(this.#plan, systemClock, settings.watchdogMs, (hang) =>
      losses.onHang(hang),
    );
  }

  #trustDesk({ trust, topology, workers, dataDir }: Settings): TrustDesk | undefined {
    if (trust === "off") return undefined;
    const options = { level: trust, topology, threads: workers + 1, dataDir, env: process.env };
    return new TrustDesk(options, {
      clock: systemClock,
      hand: (thread, session) => {
        if (thread === 0) this.#headquarters.dispatcher.trust?.renew(session);
        else this.#pool.renew(thread, session);
      },
      threadOf: (row) => this.#headquarters.dispatcher.view.placement[row],
      ref: (address) => this.ref(address),
    });
  }

  get trust(): Trust | undefined {
    return this.#trust?.trust;
  }

  get conflicts(): Conflicts {
    return this.#headquarters.conflicts.conflicts;
  }

  get quarantine(): Quarantine {
    return this.#headquarters.conflicts.quarantine;
  }

  get inbox(): HumanInbox {
    return this.#headquarters.conflicts.inbox;
  }

  get circuits(): Circuits {
    return this.#headquarters.guards.circuits;
  }

  get mode(): Modes {
    return this.#headquarters.guards.modes;
  }

  get failures(): FailureReport {
    return this.#headquarters.guards.failures;
  }

  get threats(): Threats {
    return this.#headquarters.guards.threats;
  }

  get roles(): Roles {
    return this.#headquarters.interventions.roles;
  }

  get scale(): Scale {
    return this.#headquarters.scale;
  }

  get tasks(): Tasks {
    return this.#headquarters.tasks;
  }

  get deadLetters(): DeadLetters {
    return this.#headquarters.office;
  }

  get route(): Routes {
    return this.#headquarters.route;
  }

  /** Brings up main's duty and all shards; resolves when every agent is ready. */
  async start(onProgress: MeshOptions["onProgress"]): Promise<void> {
    const telemetry = await openTelemetry();
    this.#headquarters.dispatcher.spans.telemetry = telemetry;
    await (telemetry?.outside(() => this.#start(onProgress)) ?? this.#start(onProgress));
  }

  async #start(onProgress: MeshOptions["onProgress"]): Promise<void> {
    await this.nodes?.open();
    const logOpen = this.#headquarters.conflicts.open();
    // It is waited for below; until then its failure is nobody's surprise.
    logOpen.catch(() => {});
    this.#duty = runDuty(this.#headquarters.dispatcher, () => this.#headquarters.halted);
    this.journal?.begin(this.#plan, this.#headquarters.dispatcher.ports.log);
    this.#pool.start();
    this.#watchdog.start();
    const total = this.#headquarters.scale.status().agents;
    for (let reported = -1; !this.#pool.running; ) {
      this.#signal?.throwIfAborted();
      const { hopeless } = this.#headquarters.losses;
      if (hopeless !== undefined) throw hopeless;
      const ready = Math.min(this.#pool.booted, total);
      if (ready !== reported) onProgress?.({ ready, total });
      reported = ready;
      await new Promise((resolveSoon) => setTimeout(resolveSoon, 5));
    }
    await logOpen;
    await this.nodes?.join(this.#signal);
    onProgress?.({ ready: total, total });
    const { log } = this.#headquarters.dispatcher.ports;
    this.#ticks = setInterval(() => {
      this.#headquarters.tick();
      this.#trust?.tick(log);
    }, TICK_MS);
    this.#ticks.unref();
    this.#signal?.addEventListener("abort", this.#abort, { once: true });
    this.#desks.open(this);
    if (this.#watch !== undefined) this.#reloads.watch(this.#watch);
    this.#headquarters.become("running");
    this.#headquarters.goOn();
  }

  status(): MeshStatus {
    const trust = this.trust?.status();
    const nodes = this.nodes?.statusNow;
    return { ...this.#headquarters.status(), ...(trust && { trust }), ...(nodes && { nodes }) };
  }

  stats(): GlobalStats {
    return this.#headquarters.stats();
  }

  tell<M>(target: Target<M>, message: M, options?: TellOptions): Receipt {
    return this.#headquarters.tell(target, message, options);
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
    return this.#headquarters.entrance.ask(target, message, options);
  }

  forecast(operation: Operation, options?: ForecastOptions): Promise<Forecast> {
    return this.#headquarters.orchestrator.forecast(operation, options);
  }

  scatterGather(operation: Operation, options?: GatherOptions): Promise<GatherResult> {
    return this.#headquarters.entrance.scatterGather(operation, options);
  }

  cascade(operation: Operation, options?: CascadeOptions): Promise<CascadeResult> {
    return this.#headquarters.entrance.cascade(operation, options);
  }

  delegate<Value>(task: unknown, options?: DelegateOptions): Promise<DelegationResult<Value>> {
    return this.#headquarters.entrance.delegate(task, options);
  }

  pipeline<Value>(
    message: unknown,
    stages: readonly string[],
    options?: PipelineOptions,
  ): Promise<PipelineResult<Value>> {
    return this.#headquarters.entrance.pipeline(message, stages, options);
  }

  broadcast(message: unknown, options?: BroadcastOptions): Promise<BroadcastResult> {
    return this.#headquarters.entrance.broadcast(message, options);
  }

  get live(): Live {
    return this.#headquarters.live;
  }

  kpis(): Kpis {
    return this.#headquarters.kpis();
  }

  select(selection: string): readonly ActorRef[] {
    return [...this.#headquarters.selector.named(selection)];
  }

  ref(address: string): ActorRef {
    return resolve(this.#headquarters.dispatcher, address);
  }

  address(ref: ActorRef): string {
    return addressOf(this.topology, ref);
  }

  inspect(address: string): Promise<Inspection> {
    return this.#headquarters.interventions.inspect(
      address,
      this.#headquarters.incidents.of(address),
    );
  }

  why(address: string): Promise<Why> {
    return this.#why.read(address);
  }

  agents(filter?: AgentFilter): readonly AgentImpedance[] {
    return this.#headquarters.reader.agents(filter);
  }

  clusters(sector: string): readonly ClusterSummary[] {
    return this.#headquarters.reader.clusters(sector);
  }

  sectors(): readonly SectorSummary[] {
    return this.#headquarters.reader.sectors();
  }

  findBestAgents(capability: string, count: number, maxImpedance?: number): readonly string[] {
    return this.#headquarters.reader.findBestAgents(capability, count, maxImpedance);
  }

  incidents(): readonly Incident[] {
    return this.#headquarters.incidents.list();
  }

  restart(address: string): Promise<{ readonly restarted: number }> {
    return this.#headquarters.interventions.restart(address);
  }

  async reload(module?: string, options?: ReloadOptions): Promise<readonly ReloadResult[]> {
    return this.#reloads.reload(module, options);
  }

  kill(target: string): Promise<void> {
    return this.#headquarters.interventions.kill(target);
  }

  heal(target = "auto", options?: HealOptions): Promise<HealResult> {
    return this.#headquarters.interventions.heal(target, options);
  }

  freeze(scope?: string, options?: FreezeOptions): Promise<FreezeResult> {
    return this.#headquarters.freezer.freeze(scope, options);
  }

  thaw(scope?: string): Promise<ThawResult> {
    return this.#headquarters.freezer.thaw(scope);
  }

  cut(): Cut {
    return this.#headquarters.freezer.cut();
  }

  on<E extends keyof MeshEvents>(event: E, listener: (detail: MeshEvents[E]) => void): () => void {
    return this.#headquarters.listeners.on(event, listener);
  }

  stop(options: { readonly deadlineMs?: number } = {}): Promise<void> {
    this.#stopping ??= this.#stop(options.deadlineMs ?? 10_000);
    return this.#stopping;
  }

  async #stop(deadlineMs: number): Promise<void> {
    this.#headquarters.become("stopping");
    this.#headquarters.guards.modes.abandon();
    await this.nodes?.leave(deadlineMs);
    // Who stands still finishes nothing: what is in flight is in the file.
    if (!this.#headquarters.freezer.standsStill)
      await this.#drain(systemClock.nowMs() + deadlineMs);
    // Before the shards are told: what found room now would be accepted, and handled by nobody.
    this.#headquarters.dispatcher.outbox.abandon();
    this.#signal?.removeEventListener("abort", this.#abort);
    this.#watchdog.stop();
    this.#reloads.close();
    clearInterval(this.#ticks);
    await this.nodes?.close();
    await this.#pool.stop(STOP_GRACE_MS);
    // What the shards said last: answers, dead letters.
    for (let i = 0; i < LAST_CYCLES && this.#headquarters.dispatcher.cycle(); i++);
    this.#headquarters.dispatcher.asks.abandon();
    this.#headquarters.gathers.abandon();
    this.#headquarters.halted = true;
    this.#headquarters.dispatcher.nudge();
    await this.#duty;
    await this.journal?.stop(this.#headquarters.dispatcher.journal);
    await this.#desks.close();
    await this.#headquarters.conflicts.close();
    this.#headquarters.become("stopped");
  }

  /** Waits until nothing is in flight, or the deadline. Twice in a row, for the threads are not read at one moment. */
  async #drain(deadlineMs: number): Promise<void> {
    const { outbox, journal } = this.#headquarters.dispatcher;
    for (let still = 0; still < 2 && systemClock.nowMs() < deadlineMs; ) {
      const idle =
        !this.#headquarters.dispatcher.busy &&
        outbox.waiting === 0 &&
        journal?.isWaiting !== true &&
        this.#headquarters.statusReader.inFlight() === 0;
      still = idle ? still + 1 : 0;
      await new Promise((resolveSoon) => setTimeout(resolveSoon, 2));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
