import type { Behavior } from "../actors/behavior.ts";
import type { Log } from "../actors/ports.ts";
import { createCapabilityTable } from "../coordination/capability.ts";
import { impedanceClassName } from "../coordination/impedance-class.ts";
import type { Kpis } from "../coordination/kpis.ts";
import { placeIndices } from "../coordination/placement.ts";
import { createTopology, type Topology, type TopologyOptions } from "../coordination/topology.ts";
import { DEFAULT_BOUNDS } from "../mailbox/overflow.ts";
import type { DoneIds, LinkReceiver } from "../remote/link.ts";
import type { TraceMix } from "../remote/traces.ts";
import type { ConflictLog } from "../runtime/api/conflict-log.ts";
import type { MeshStatus } from "../runtime/api/mesh-api.ts";
import type { Dispatcher } from "../runtime/dispatch/dispatcher.ts";
import { Headquarters } from "../runtime/headquarters.ts";
import { turnOfEventLoop } from "../runtime/machine/later.ts";
import { createMemory, type MeshPlan, planLanes } from "../runtime/plan/memory.ts";
import { Watchdog } from "../runtime/workers/watchdog.ts";
import { completeSupervision } from "../supervisors/restart.ts";
import { Accounts } from "./accounts.ts";
import { type Books, bookkeeper } from "./bookkeeper.ts";
import { Chance } from "./chance.ts";
import { Chaos } from "./chaos.ts";
import { Disk } from "./disk.ts";
import { Elsewhere } from "./elsewhere.ts";
import { elsewhereAgent } from "./elsewhere-agent.ts";
import { Event, EventTrace } from "./event-trace.ts";
import {
  type Fault,
  type FaultCounts,
  type FaultProfile,
  noFaults,
  type ScriptedFault,
} from "./faults.ts";
import { Invariants, lookAtConflicts } from "./invariants.ts";
import { type LivePicture, measuredOf } from "./live-picture.ts";
import { Misdeeds } from "./misdeeds.ts";
import { Network } from "./network.ts";
import { Threads } from "./threads.ts";
import { Transitions } from "./transitions.ts";
import { VirtualTime } from "./virtual-time.ts";
import { type Violation, Witness } from "./witness.ts";
import { type Load, Workload } from "./workload.ts";

/** Module of each agent. */
const ELSEWHERE = 0;
const BOOKKEEPER = 1;
/** One of so many agents keeps books. */
const BOOKKEEPER_EVERY = 10;

/** Microtask turns after each step. */
const SETTLE_TURNS = 8;
const TICK_MS = 1000;
const WATCHDOG_MS = 2000;
const WATCHDOG_EVERY_MS = 500;
/** How long a mesh that nobody asks for anything may take to come to rest, ms. */
const REST_MS = 60_000;
/** Cycles between two looks at the counts; each of a small mesh is followed by one. */
const COUNTS_EVERY_LARGE = 64;
const LARGE_AGENTS = 5000;

/** What to simulate. */
export interface SimulationOptions {
  /** 0 to 2^53 − 1: everything that is left to chance follows from it. */
  readonly seed: number;
  readonly topology: TopologyOptions;
  readonly workers: number;
  /** Virtual time, ms; the mesh then comes to rest, which takes some more. */
  readonly forMs: number;
  readonly faults: FaultProfile;
  readonly script?: readonly ScriptedFault[];
  readonly load: Load;
  /** What agents elsewhere replay. */
  readonly traces: TraceMix;
  readonly custodyBytes?: number;
  /** Is told how far it is, in virtual ms, about once a virtual second. */
  readonly onProgress?: (elapsedMs: number) => void;
  /** Gets the event trace as it comes. */
  readonly onTrace?: (bytes: Uint8Array) => void;
  /** Puts something wrong into the mesh: for tests of the invariants. */
  readonly sabotage?: Sabotage;
  /** A mesh that runs, which the simulated one is to be like; nobody keeps books then. */
  readonly live?: LivePicture;
  /** Uses the mesh, instead of a load; the run ends with it. */
  readonly use?: (mesh: MeshInUse) => Promise<void>;
}

/** A simulated mesh as somebody outside uses it. */
export interface MeshInUse {
  readonly headquarters: Headquarters;
  /** Lets virtual time pass, ms. */
  readonly pause: (ms: number) => Promise<void>;
  /** Virtual time since the beginning, ms. */
  readonly elapsedMs: () => number;
  /** The use may take so long from now, ms, if it has no longer time than that. */
  readonly goOnFor: (ms: number) => void;
  /** Lets something go wrong now. */
  readonly inflict: (fault: Fault) => void;
  /** Whether an agent lies about its timing, with others, by then. */
  readonly misleads: (agent: number) => boolean;
}

/** Ways to put something wrong into a simulated mesh. */
export interface Sabotage {
  readonly thread?: (dispatcher: Dispatcher) => void;
  readonly elsewhere?: (far: { receiver: LinkReceiver<unknown>; done: DoneIds }) => void;
  readonly headquarters?: (headquarters: Headquarters) => void;
  readonly disk?: (log: { append: ConflictLog["append"] }) => void;
}

/** How a run went. */
export interface SimulationOutcome {
  readonly seed: number;
  readonly violation: Violation | undefined;
  readonly kpis: Kpis;
  readonly faults: FaultCounts;
  readonly status: MeshStatus;
  readonly operations: number;
  /** Virtual ms, coming to rest included. */
  readonly elapsedMs: number;
  /** Duty cycles. */
  readonly steps: number;
  /** Records of the event trace, and their SHA-256. */
  readonly events: number;
  readonly digest: string;
}

/** Runs a mesh through virtual time. The same options give the same trace, byte for byte. */
export async function simulate(options: SimulationOptions): Promise<SimulationOutcome> {
  return new Simulation(options).run();
}

class Simulation {
  readonly #options: SimulationOptions;
  readonly #time = new VirtualTime();
  readonly #trace: EventTrace;
  readonly #witness: Witness;
  readonly #threads: Threads;
  readonly #headquarters: Headquarters;
  readonly #chaos: Chaos;
  readonly #workload: Workload;
  readonly #misdeeds: Misdeeds;
  readonly #accounts = new Accounts();
  readonly #invariants: Invariants;
  readonly #transitions: Transitions;
  readonly #watchdog: Watchdog;
  readonly #disk = new Disk(this.#time);
  readonly #counts = noFaults();
  readonly #bookkeepers: readonly number[];
  readonly #countsEvery: number;

  constructor(options: SimulationOptions) {
    this.#options = options;
    const { seed, faults: profile, load, sabotage } = options;
    const topology = createTopology(options.topology);
    const { agents } = topology;
    const time = this.#time;
    const trace = new EventTrace(options.onTrace);
    const witness = new Witness(seed, time, trace, agents);
    this.#trace = trace;
    this.#witness = witness;
    const counts = this.#counts;
    const chance = (name: string): Chance => new Chance(seed, name);
    const misdeeds = new Misdeeds({ seed, profile, chance: chance("agents"), counts, trace, time });
    this.#misdeeds = misdeeds;
    const network = new Network({
      time,
      chance: chance("network"),
      trace,
      profile,
      counts,
      agents,
    });
    const { live } = options;
    const moduleOf = live === undefined ? modulesOf(agents) : Uint16Array.from(live.skillsOf);
    const placement = placeIndices(topology, options.workers);
    const elsewhere = this.#elsewhere(network, topology, placement);
    const threadOf = (agent: number): number => placement[agent];
    const agentOf = (capabilities: readonly string[]): Behavior<never> =>
      elsewhereAgent({ elsewhere, misdeeds, witness, threadOf, capabilities }) as Behavior<never>;
    const behaviors = (
      live === undefined
        ? [agentOf(["elsewhere"]), bookkeeper(witness)]
        : live.skills.map((skills) => agentOf(skills))
    ) as readonly Behavior[];
    const plan = planOf(options, topology, behaviors, moduleOf);
    const threads = new Threads({
      plan,
      behaviors,
      time,
      chance: chance("threads"),
      trace,
      witness,
      log: SILENT,
      listener: () => this.#headquarters.losses,
      onDeath: (thread) => {
        for (let agent = 0; agent < agents; agent++)
          if (placement[agent] === thread) elsewhere.detach(agent);
      },
      sabotage: sabotage?.thread,
    });
    this.#threads = threads;
    const headquarters = new Headquarters({
      plan,
      capabilities: createCapabilityTable(plan.capabilities),
      clock: time,
      later: (delayMs, act) => time.later(delayMs, () => threads.inside(0, act)),
      log: SILENT,
      workers: threads,
      openConflictLog: async () => {
        const log = { ...this.#disk.log };
        sabotage?.disk?.(log);
        return log;
      },
    });
    this.#headquarters = headquarters;
    sabotage?.headquarters?.(headquarters);
    this.#watchdog = new Watchdog(plan, time, WATCHDOG_MS, (hang) =>
      headquarters.losses.onHang(hang),
    );
    this.#bookkeepers = live === undefined ? bookkeepersOf(moduleOf) : [];
    const keepers = new Set(this.#bookkeepers);
    const mayCrash = (agent: number): boolean => !keepers.has(agent);
    const world = { time, trace, threads, headquarters };
    const disk = this.#disk;
    const faults = { ...world, profile, counts, network, disk, misdeeds, mayCrash };
    this.#chaos = new Chaos({ ...faults, chance: chance("faults") });
    const use = { ...world, load, witness, accounts: this.#accounts };
    this.#workload = new Workload({
      ...use,
      chance: chance("load"),
      bookkeepers: this.#bookkeepers,
    });
    this.#invariants = new Invariants(headquarters.dispatcher, witness);
    this.#transitions = new Transitions(headquarters, time, witness);
    this.#countsEvery = agents > LARGE_AGENTS ? COUNTS_EVERY_LARGE : 1;
  }

  #elsewhere(network: Network, topology: Topology, placement: Uint8Array): Elsewhere {
    return new Elsewhere({
      time: this.#time,
      network,
      witness: this.#witness,
      traces: this.#options.traces,
      agents: topology.agents,
      classOf: (agent) => impedanceClassName(topology.classOf[agent]),
      measuredOf: (agent) => measuredOf(this.#options.live, agent),
      inside: (agent, act) => this.#threads.inside(placement[agent], act),
      sabotage: this.#options.sabotage?.elsewhere,
    });
  }

  async run(): Promise<SimulationOutcome> {
    const { forMs, script = [] } = this.#options;
    await this.#threads.start(this.#headquarters.dispatcher);
    await this.#headquarters.conflicts.open();
    this.#headquarters.become("running");
    this.#listen();
    this.#transitions.begin();
    this.#tick();
    this.#watch();
    const beginMs = this.#time.currentMs;
    for (const { atMs, fault } of script)
      this.#time.at(beginMs + atMs, () => this.#chaos.inflict(fault));
    this.#chaos.begin();
    await this.#beUsed(beginMs + forMs);
    const kpis = this.#headquarters.kpis();
    await this.#rest();
    const status = this.#headquarters.status();
    return {
      seed: this.#options.seed,
      violation: this.#witness.violation,
      kpis,
      faults: { ...this.#counts },
      status,
      operations: this.#workload.operations,
      elapsedMs: this.#time.elapsedMs,
      steps: this.#witness.step,
      events: this.#trace.length,
      digest: this.#trace.digest(),
    };
  }

  /** By the load until then, or by whoever is to use it. */
  async #beUsed(untilMs: number): Promise<void> {
    const { use } = this.#options;
    if (use === undefined) {
      this.#workload.begin();
      await this.#passUntil(untilMs, () => false);
      return;
    }
    const time = this.#time;
    let endMs = untilMs;
    let end: { readonly error?: unknown } | undefined;
    use({
      headquarters: this.#headquarters,
      pause: (ms) =>
        new Promise((resolve) => {
          time.later(ms, resolve);
        }),
      elapsedMs: () => time.elapsedMs,
      goOnFor: (ms) => {
        endMs = Math.max(endMs, time.currentMs + ms);
      },
      inflict: (fault) => this.#chaos.inflict(fault),
      misleads: (agent) => this.#misdeeds.conspires(agent),
    }).then(
      () => {
        end = {};
      },
      (error) => {
        end = { error };
      },
    );
    const goesOn = (): boolean => end === undefined && time.currentMs < endMs;
    while (goesOn() && this.#witness.violation === undefined)
      await this.#passUntil(endMs, () => end !== undefined);
    if (end !== undefined && "error" in end) throw end.error;
    if (end === undefined && this.#witness.violation === undefined)
      this.#witness.accuse("settles", "the mesh is still being used when its time is over");
  }

  /** Lets time pass until then, until it is done, or until something is not as it must be. */
  async #passUntil(untilMs: number, isDone: () => boolean): Promise<void> {
    const time = this.#time;
    const threads = this.#threads;
    const witness = this.#witness;
    let steps = 0;
    let loopMs = 0;
    while (time.currentMs < untilMs && witness.violation === undefined) {
      // The process that runs this has other things to do, such as to tell how far it is.
      if (time.currentMs - loopMs >= TICK_MS) {
        await turnOfEventLoop();
        loopMs = time.currentMs;
      }
      const happened = time.happen();
      const stepped = threads.step();
      if (stepped || happened > 0) {
        // As in `duty.ts`: awaiting handlers go on before the next cycle. What takes more turns goes on after it.
        for (let i = 0; i < SETTLE_TURNS; i++) await undefined;
        if (++steps % this.#countsEvery === 0) this.#invariants.lookAtCounts();
        continue;
      }
      threads.lookForSleepers();
      if (isDone()) return;
      time.jumpTo(Math.min(untilMs, time.nextMs, threads.nextMs));
    }
  }

  /** Nothing goes wrong and nothing is asked for any more: what is under way must come to its end. */
  async #rest(): Promise<void> {
    this.#chaos.end();
    this.#workload.end();
    let quietSinceMs = 0;
    const endMs = Math.max(this.#time.currentMs + REST_MS, this.#workload.latestMs + TICK_MS);
    await this.#passUntil(endMs, () => {
      this.#invariants.lookAtCounts();
      const { waiting } = this.#headquarters.conflicts.conflicts.counts();
      const isQuiet = this.#workload.open === 0 && this.#invariants.inFlight === 0 && waiting === 0;
      if (!isQuiet) quietSinceMs = 0;
      else if (quietSinceMs === 0) quietSinceMs = this.#time.currentMs;
      return isQuiet && this.#time.currentMs - quietSinceMs > TICK_MS;
    });
    if (this.#witness.violation !== undefined) return;
    if (this.#workload.open > 0)
      this.#witness.accuse("settles", `${this.#workload.open} things asked for never end`);
    this.#invariants.lookAtEnd();
    lookAtConflicts(this.#headquarters.conflicts.conflicts.counts(), this.#disk, this.#witness);
    this.#audit();
  }

  #audit(): void {
    const books = new Map<number, Books>();
    const { placement } = this.#headquarters.dispatcher.view;
    for (const agent of this.#bookkeepers) {
      const cell = this.#threads.dispatcherOf(placement[agent])?.agents.cellOf(agent);
      if (cell?.alive === true) books.set(agent, cell.state as Books);
    }
    const { total } = this.#headquarters.office.summary();
    const all = Object.values(total).reduce((sum, count) => sum + count, 0);
    this.#accounts.audit(books, all - this.#trace.count("dead-letter"), this.#witness);
  }

  #listen(): void {
    const { listeners } = this.#headquarters;
    listeners.on("deadLetter", (letter) => {
      this.#trace.note(this.#time.elapsedMs, Event["dead-letter"], letter.id, letter.sequence);
      this.#accounts.dead(letter);
    });
    listeners.on("threat", ({ id, kind, state, evidence }) => {
      // Nobody operates a simulated mesh, and nobody lies in it by chance without being told to.
      const { byzantineShare } = this.#options.faults;
      const isFalse =
        (kind === "orchestrator_compromise" && this.#options.use === undefined) ||
        (kind === "timing_attack" && byzantineShare === 0 && this.#counts["timing-attack"] === 0);
      if (isFalse && state === "open")
        this.#witness.accuse("threats", `${id}: ${kind}: ${evidence}`);
    });
    listeners.on("incident", ({ delayMs }) =>
      this.#trace.note(this.#time.elapsedMs, Event.incident, delayMs, 0),
    );
  }

  #tick(): void {
    this.#time.later(TICK_MS, () => {
      this.#tick();
      this.#threads.inside(0, () => this.#headquarters.tick());
      this.#invariants.lookAtTree(this.#time.currentMs);
      this.#transitions.look();
      this.#options.onProgress?.(this.#time.elapsedMs);
    });
  }

  #watch(): void {
    this.#time.later(WATCHDOG_EVERY_MS, () => {
      this.#watch();
      this.#threads.inside(0, () => this.#watchdog.look());
    });
  }
}

const SILENT: Log = Object.freeze({ debug() {}, info() {}, warn() {}, error() {} });

function planOf(
  options: SimulationOptions,
  topology: Topology,
  behaviors: readonly Behavior[],
  moduleOf: Uint16Array,
): MeshPlan {
  const threads = options.workers + 1;
  const maxPayloadBytes = 64 * 1024;
  const lanes = planLanes(threads, maxPayloadBytes);
  const custodyBytes = options.custodyBytes ?? 64 * 1024 * 1024;
  return {
    topology: options.topology,
    threads,
    lanes,
    bounds: DEFAULT_BOUNDS,
    maxPayloadBytes,
    maxDeliveries: 3,
    heartbeatMs: 5000,
    supervision: completeSupervision(),
    restart: "transient",
    modules: [],
    moduleOf,
    moduleOptions: [],
    moduleMemory: [],
    capabilities: behaviors.flatMap(({ capabilities = [] }) => capabilities),
    seed: options.seed,
    predictor: "arrival",
    memory: createMemory(topology, threads, lanes, custodyBytes, "arrival"),
  };
}

function modulesOf(agents: number): Uint16Array {
  return Uint16Array.from({ length: agents }, (_, agent) =>
    agent % BOOKKEEPER_EVERY === BOOKKEEPER_EVERY - 1 ? BOOKKEEPER : ELSEWHERE,
  );
}

function bookkeepersOf(moduleOf: Uint16Array): number[] {
  const bookkeepers: number[] = [];
  moduleOf.forEach((module, agent) => {
    if (module === BOOKKEEPER) bookkeepers.push(agent);
  });
  return bookkeepers;
}
