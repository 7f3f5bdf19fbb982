import type { Behavior } from "../actors/behavior.ts";
import type { TellOptions } from "../actors/context.ts";
import type { Clock, Log } from "../actors/ports.ts";
import { REJECTED, type Receipt } from "../actors/receipt.ts";
import type { Target } from "../actors/ref.ts";
import type { BreakerSettings } from "../coordination/breaker-tree.ts";
import { bitsOf, type CapabilityTable } from "../coordination/capability.ts";
import type { Kpis } from "../coordination/kpis.ts";
import { RouteTable } from "../coordination/routes.ts";
import type { GlobalStats } from "../coordination/summary.ts";
import { controlOf } from "../mailbox/lanes.ts";
import { CONTROL_EPOCH } from "../mailbox/layout.ts";
import type { ConflictLog } from "./api/conflict-log.ts";
import type { Cut } from "./api/cut.ts";
import type { MeshStatus } from "./api/mesh-api.ts";
import { MeshListeners } from "./api/mesh-listeners.ts";
import type { OperatorOptions } from "./api/mode-api.ts";
import type { Traces } from "./api/trace-api.ts";
import { ConflictFacets } from "./conflicts/conflict-facets.ts";
import { isEnclosing } from "./dispatch/admittance.ts";
import { resolve } from "./dispatch/cell.ts";
import { Dispatcher, type MainSink } from "./dispatch/dispatcher.ts";
import type { ShardIncident } from "./dispatch/failures.ts";
import { ShardRequests } from "./dispatch/shard-requests.ts";
import { Entrance } from "./entrance.ts";
import { carriedOperations } from "./freeze/carried-operations.ts";
import { restoreCut } from "./freeze/cut-restorer.ts";
import { Freezer } from "./freeze/freezer.ts";
import { Population } from "./growth/population.ts";
import { Scaling } from "./growth/scaling.ts";
import { DeadLetterOffice } from "./inspection/dead-letters.ts";
import { Incidents } from "./inspection/incidents.ts";
import { MessageTraces } from "./inspection/message-traces.ts";
import { StatusReader } from "./inspection/status.ts";
import type { MeshJournal } from "./journal/journal.ts";
import { seededRandom } from "./machine/clock.ts";
import type { Later } from "./machine/later.ts";
import { MeshReader } from "./mesh-reader.ts";
import { NodeSide } from "./nodes/node-side.ts";
import { Delegations } from "./operations/delegations.ts";
import { Forecasts } from "./operations/forecasts.ts";
import { Gathers } from "./operations/gathers.ts";
import { LiveMesh } from "./operations/live.ts";
import { MeshRoutes } from "./operations/mesh-routes.ts";
import { MeshTasks } from "./operations/mesh-tasks.ts";
import { OperationHistory } from "./operations/operation-history.ts";
import { OperationJournal } from "./operations/operation-journal.ts";
import { OperationSpans } from "./operations/operation-spans.ts";
import { Orchestrator } from "./operations/orchestrator.ts";
import { PastOperations } from "./operations/past-operations.ts";
import { Resends } from "./operations/resends.ts";
import { Scorekeeper } from "./operations/scorekeeper.ts";
import { Selector } from "./operations/selection.ts";
import { approvalFrom, preserveIn } from "./operators.ts";
import { type MeshPlan, viewMemory } from "./plan/memory.ts";
import type { StorePlan } from "./plan/store-plan.ts";
import type { FailureWatch } from "./recovery/failure-watch.ts";
import { healCircuits } from "./recovery/heal-circuits.ts";
import { Interventions } from "./recovery/interventions.ts";
import { Safeguards } from "./recovery/safeguards.ts";
import type { Session } from "./trust/trust-plan.ts";
import { WorkerLosses } from "./workers/worker-losses.ts";

/** Who hosts the shards: a pool of worker threads, or the simulator. */
export interface WorkerHost {
  /** Times the worker of `thread` was replaced. */
  restartsOf(thread: number): number;
  /** Ends a worker by order: nobody is to blame. */
  kill(thread: number, reason: string): void;
  /** Starts a worker again that was given up; false when it was not. */
  revive(thread: number): boolean;
  /** Ends a worker whatever it does; a successor takes over and looks for who is to blame. */
  replace(thread: number, reason: string): void;
}

/** What main's side of a mesh needs from outside. */
export interface HeadquartersPorts {
  readonly plan: MeshPlan;
  readonly capabilities: CapabilityTable;
  readonly clock: Clock;
  readonly later: Later;
  readonly log: Log;
  readonly workers: WorkerHost;
  /** Opens main's session, where something is signed. */
  readonly openSession?: ((epoch: number) => Session) | undefined;
  /** Folder of what outlives the process; undefined when nothing does. */
  readonly dataDir?: string | undefined;
  /** A database for the log of conflicts, that several nodes share. */
  readonly store?: StorePlan | undefined;
  /** Thresholds of the circuit breakers; those that are not given are the specification's. */
  readonly breakers?: Partial<BreakerSettings>;
  readonly operators?: OperatorOptions | undefined;
  /** Where conflicts are kept; by default in the folder, or in memory where there is none. */
  readonly openConflictLog?: (() => Promise<ConflictLog>) | undefined;
  /** What of the mesh outlives the process, where something does. */
  readonly journal?: MeshJournal | undefined;
  /** By module, for what main has to know of agents that it does not run. */
  readonly behaviors?: readonly Behavior[];
  /** A frozen mesh to go on from. */
  readonly from?: Cut | undefined;
  /** It shares its sectors with other nodes: at first it has none of them. */
  readonly hasNodes?: boolean;
}

/**
 * Main's side of a mesh, put together: its dispatcher, orchestrator, delegations, offices and scores. It knows no
 * threads, timers or event loop: `mesh.ts` gives it those of the machine, the simulator its own.
 */
export class Headquarters {
  readonly dispatcher: Dispatcher;
  readonly gathers: Gathers;
  readonly selector: Selector;
  readonly route: MeshRoutes;
  readonly orchestrator: Orchestrator;
  readonly operations: OperationJournal | undefined;
  readonly delegations: Delegations;
  readonly scores: Scorekeeper;
  readonly live: LiveMesh;
  readonly history: OperationHistory;
  readonly past: PastOperations;
  readonly office: DeadLetterOffice;
  readonly incidents: Incidents;
  readonly losses: WorkerLosses;
  readonly reader: MeshReader;
  readonly interventions: Interventions;
  readonly freezer: Freezer;
  readonly scale: Scaling;
  readonly tasks: MeshTasks;
  readonly conflicts: ConflictFacets;
  readonly guards: Safeguards;
  /** Where other nodes are met; undefined where there are none. */
  readonly nodes: NodeSide | undefined;
  /** Where work comes in from outside, as the operating mode lets it. */
  readonly entrance: Entrance;
  readonly listeners: MeshListeners = new MeshListeners();
  readonly statusReader: StatusReader;
  /** True from when main cycles no more. */
  halted = false;
  readonly #clock: Clock;
  readonly #resends: Resends;
  #state: MeshStatus["state"] = "starting";
  /** Until its operations have been gone on with. */
  #from: Cut | undefined;

  constructor(outside: HeadquartersPorts) {
    const { plan, capabilities, clock, later, log, workers, from, journal } = outside;
    this.#clock = clock;
    this.#from = from;
    if (from !== undefined) restoreCut(plan, from, clock.nowMs());
    // Main has one incarnation. Ids begin with the epoch, and 0 is no id.
    const epoch = ++controlOf(plan.memory.control, 0)[CONTROL_EPOCH];
    const view = viewMemory(plan, 0, epoch);
    const random = seededRandom(plan.seed);
    const session = outside.openSession?.(epoch);
    const main = { clock, random, log, sink: this.#sink(), ...(session && { session }) };
    const dispatcher = new Dispatcher(plan, view, main);
    this.dispatcher = dispatcher;
    this.gathers = new Gathers(dispatcher);
    this.nodes = outside.hasNodes === true ? this.#nodeSide(later) : undefined;
    this.#resends = new Resends(dispatcher, this.gathers);
    this.selector = new Selector(view.topology, view.registry, capabilities, view.routes);
    const routes = new RouteTable(view.routes, view.topology);
    this.route = new MeshRoutes(routes, capabilities, () => clock.nowMs());
    if (from !== undefined) this.route.adopt(from.routes);
    const ports = {
      dispatcher,
      forecasts: new Forecasts(plan, view, outside.behaviors ?? []),
      random,
      later,
      isRunning: () => this.isRunning,
      selector: this.selector,
      contradicted: (liars: Parameters<FailureWatch["contradicted"]>[0]) =>
        this.guards.failures.contradicted(liars),
    };
    this.scores = new Scorekeeper(clock.nowMs());
    this.live = new LiveMesh(view, this.gathers, this.scores, clock);
    this.history = new OperationHistory(view, this.gathers, clock);
    this.past = this.#watchOperations(outside);
    this.listeners.on("workerBack", ({ afterMs }) => this.scores.recovered(clock.nowMs(), afterMs));
    this.delegations = new Delegations({
      ...ports,
      score: (kind, answer, elapsedMs) =>
        this.scores.single(kind, answer, clock.nowMs(), elapsedMs),
    });
    this.operations = journal && new OperationJournal(dispatcher, journal);
    this.orchestrator = new Orchestrator({
      ...ports,
      journal: this.operations,
      isRunning: () => this.#mayOperate(),
      gathers: this.gathers,
      ended: (gather) => {
        this.guards.failures.gathered(gather);
        this.#resends.ended(gather);
      },
      capabilityBits: (names) => bitsOf(capabilities, names),
      score: (kind, result, punctuality, windowMs, endedMs) =>
        this.scores.operation(kind, result, punctuality, windowMs, endedMs),
    });
    this.incidents = new Incidents(log, (incident) => this.listeners.emit("incident", incident));
    this.office = new DeadLetterOffice({
      topology: view.topology,
      nowMs: () => clock.nowMs(),
      resend: async (letter) => (await this.tell(letter.target, letter.message)) === "accepted",
      onLetter: (letter) => this.listeners.emit("deadLetter", letter),
      onWindow: (counts, windowMs) => log.warn({ counts, windowMs }, "dead letters"),
    });
    this.statusReader = new StatusReader(plan, view, workers, clock);
    this.losses = new WorkerLosses({
      dispatcher,
      incidents: this.incidents,
      listeners: this.listeners,
      redelivered: (thread) => this.statusReader.redelivered(thread),
      replace: (thread, reason) => workers.replace(thread, reason),
    });
    this.reader = new MeshReader(view, capabilities, this.selector, this.statusReader);
    this.interventions = this.#intervene(outside);
    this.freezer = this.#freezing(outside);
    this.scale = this.#scaling(outside, routes);
    this.tasks = this.#meshTasks(outside);
    this.conflicts = this.#facetsOfConflicts(outside);
    this.guards = this.#safeguards(outside, routes);
    const { selector, orchestrator, delegations } = this;
    const parts = { modes: this.guards.modes, spans: dispatcher.spans };
    this.entrance = new Entrance({ ...parts, selector, orchestrator, delegations });
  }

  traces(): Traces {
    return new MessageTraces(this.dispatcher.view, {
      operation: (id, options) => this.history.trace(id, options),
      history: (limit) => this.past.list(limit),
    });
  }

  /** After `live`, of which it takes how one went. */
  #watchOperations({ store }: HeadquartersPorts): PastOperations {
    const { spans, view } = this.dispatcher;
    const past = new PastOperations(this.live, () => this.conflicts, store !== undefined);
    this.gathers.watch(past);
    this.gathers.watch(new OperationSpans(spans, view.topology));
    return past;
  }

  #nodeSide(later: Later): NodeSide {
    const { dispatcher, gathers } = this;
    return new NodeSide({ dispatcher, gathers, requests: this.#requests(), later });
  }

  #meshTasks({ capabilities, later }: HeadquartersPorts): MeshTasks {
    const { book } = this.delegations;
    const { dispatcher } = this;
    return new MeshTasks({ dispatcher, book, capabilities, requests: this.#requests(), later });
  }

  #freezing({ dataDir, later }: HeadquartersPorts): Freezer {
    return new Freezer({
      dispatcher: this.dispatcher,
      interventions: this.interventions,
      dataDir,
      later,
      mayThaw: () => this.guards.threats.mayThaw(),
      mainsShare: () => ({ routes: this.route.list(), gathers: this.gathers.carried() }),
      state: () => this.#state,
      become: (state) => this.become(state),
      listeners: this.listeners,
    });
  }

  #requests(): ShardRequests {
    return new ShardRequests(this.dispatcher, () => this.halted);
  }

  #scaling({ from, journal, later }: HeadquartersPorts, routes: RouteTable): Scaling {
    const { dispatcher, freezer, gathers } = this;
    const population = new Population({
      view: dispatcher.view,
      routes,
      file: journal?.population,
      isOfCut: from !== undefined && journal?.cut === undefined,
      changed: () => this.selector.forgetEveryone(),
    });
    return new Scaling({
      dispatcher,
      population,
      requests: this.#requests(),
      later,
      mustGo: (what) => freezer.mustGo(what),
      isFrozen: () => freezer.standsStill,
      isRunning: () => this.isRunning,
      inFlight: () => this.statusReader.inFlight(),
      oldestOperationMs: () => gathers.oldestMs,
    });
  }

  /** What people do to agents, roles and workers. */
  #intervene({ capabilities, workers }: HeadquartersPorts): Interventions {
    return new Interventions({
      dispatcher: this.dispatcher,
      status: this.statusReader,
      capabilities,
      isHalted: () => this.halted,
      pool: workers,
      workers: () => this.status().workers,
      deadLetters: this.office,
      circuits: () => healCircuits(this.guards.circuits),
      recovered: (endedMs, ms, scope) => this.scores.recovered(endedMs, ms, scope),
      mustGo: (what) => this.freezer.mustGo(what),
    });
  }

  #safeguards(outside: HeadquartersPorts, routes: RouteTable): Safeguards {
    return new Safeguards({
      dispatcher: this.dispatcher,
      routes,
      log: outside.log,
      listeners: this.listeners,
      onIncident: (incident) => this.incidents.add(incident),
      breakers: outside.breakers ?? {},
      later: outside.later,
      freeze: () => this.freezer.freeze(),
      standsStill: () => this.freezer.standsStill,
      isRunning: () => this.isRunning,
      operators: {
        approve: (request) => approvalFrom(this.conflicts.inbox, request),
        // Without a folder there is nothing to preserve it in, and the mode says so.
        ...(outside.dataDir !== undefined && { preserve: () => preserveIn(this.freezer) }),
        ...outside.operators,
      },
    });
  }

  #facetsOfConflicts(outside: HeadquartersPorts): ConflictFacets {
    const { dataDir, store, clock, later, log, capabilities, openConflictLog: openLog } = outside;
    const { dispatcher, interventions } = this;
    return new ConflictFacets({
      dataDir,
      store,
      later,
      openLog,
      view: dispatcher.view,
      nowMs: () => clock.nowMs(),
      incidents: this.incidents,
      lines: log,
      isRunning: () => this.#state === "running",
      route: this.route,
      capabilities,
      request: (target, request, timeoutMs) => interventions.request(target, request, timeoutMs),
      signal: (target, signal) => {
        dispatcher.nowMs = clock.nowMs();
        dispatcher.outbox.signal(dispatcher.view.topology.orchestrator, target, signal);
        dispatcher.nudge();
      },
      tell: (address, message) => this.tell(address, message),
      resend: (operation, agent, promised) => {
        dispatcher.nowMs = clock.nowMs();
        return this.#resends.again(operation, agent, promised);
      },
      delegate: (task, options) => this.delegations.delegate(task, options),
    });
  }

  #sink(): MainSink {
    return {
      onReport: (ring, word) => this.gathers.onReport(ring, word),
      onResponse: (agent, operation, trinary, value) =>
        this.gathers.onResponse(agent, operation, trinary, value),
      onIncidents: (incidents) => {
        for (const incident of incidents as readonly ShardIncident[])
          this.incidents.add(this.guards.take(incident));
      },
      onSilence: (agent) => this.guards.failures.silent(agent),
      onDeadLetter: (words, doubles, word, message) =>
        this.office.receive(words, doubles, word, message),
      onConflict: (agent, news) => {
        this.scale.conflicted(agent);
        this.conflicts.receive(agent, news);
      },
    };
  }

  /** Goes on with operations: those of the cut that the mesh began from, and those of the journal. */
  goOn(): void {
    const nowMs = this.#clock.nowMs();
    const from = this.#from;
    this.#from = undefined;
    if (from !== undefined) this.#carryOn(from, nowMs);
    this.operations?.goOn(nowMs, (each) => this.orchestrator.goOn(each));
  }

  #carryOn(from: Cut, nowMs: number): void {
    const { view, ports } = this.dispatcher;
    const { log } = ports;
    for (const { gather, shares } of carriedOperations(from, view.topology).operations) {
      const { operation, kind } = gather;
      log.info({ operation, kind, sectors: shares.size }, "operation goes on");
      this.orchestrator.carryOn(gather, shares, nowMs - from.takenMs).then(
        ({ operationId, status, ready, addressed }) =>
          log.info({ operation: operationId, kind, status, ready, addressed }, "operation ended"),
        (error) => log.warn({ operation, error: String(error) }, "operation could not go on"),
      );
    }
  }

  get state(): MeshStatus["state"] {
    return this.#state;
  }

  /** Whether it takes orders: it does until it begins to stop. */
  get isRunning(): boolean {
    return this.#state !== "stopping" && this.#state !== "stopped";
  }

  #mayOperate(): boolean {
    this.freezer.mustGo("operation");
    return this.#state === "running" || this.#state === "starting";
  }

  become(state: MeshStatus["state"]): void {
    this.#state = state;
    this.listeners.emit("state", state);
    if (state === "running") this.conflicts.goOn();
  }

  /** Looks after the house; called about once a second. */
  tick(): void {
    this.office.tick();
    this.conflicts.tick();
    const { agents, messages } = this.statusReader.read(this.#state, this.stats());
    const share = agents.active / agents.total;
    this.scores.tick(this.#clock.nowMs(), share, messages.conflicts);
    const [background, normal, high] = messages.shed;
    const { total } = this.office.summary();
    const dropped = total["mailbox-full"] + total["dropped-oldest"];
    const traffic = { sent: messages.sent, shed: background + normal + high, dropped };
    if (this.#state === "running") this.guards.tick(agents.active, agents.total, traffic);
  }

  stats(): GlobalStats {
    return this.reader.stats(this.#clock.nowMs());
  }

  status(): MeshStatus {
    const status = this.statusReader.read(this.#state, this.stats());
    const lastCascadeMs = this.scores.sinceCascadeMs(this.#clock.nowMs());
    return {
      ...status,
      mode: this.guards.modes.mode,
      conflictsLastHour: this.scores.conflictsLastHour(status.messages.conflicts),
      ...(lastCascadeMs !== undefined && { lastCascadeMs }),
      ...(this.freezer.frozen.length > 0 && { frozen: this.freezer.frozen }),
      store: this.conflicts.storeStatus(),
      ...(!this.guards.threats.isClear && { threats: this.guards.threats.status() }),
    };
  }

  kpis(): Kpis {
    return this.scores.kpis(this.#clock.nowMs());
  }

  /** Sends a message from outside the mesh. */
  tell<M>(target: Target<M>, message: M, options?: TellOptions): Receipt {
    if (!this.isRunning || !this.guards.modes.admits(options?.priority ?? 1)) return REJECTED;
    const { dispatcher } = this;
    dispatcher.nowMs = this.#clock.nowMs();
    const { orchestrator } = dispatcher.view.topology;
    const index = resolve(dispatcher, target);
    const way = isEnclosing(options) ? dispatcher.admittance : dispatcher.outbox;
    const receipt = dispatcher.spans.telling(index, () =>
      way.tell(orchestrator, index, message, options as TellOptions, undefined),
    );
    dispatcher.nudge();
    return receipt;
  }
}
