import { InvalidOptionError, MeshError, MeshStoppedError } from "../../actors/errors.ts";
import { clusterAddress } from "../../coordination/address.ts";
import { NOT_STARTED, VACANT_SEAT } from "../../coordination/agent-state.ts";
import {
  type ClusterPlaces,
  type PlacesView,
  planGrowth,
  planShrink,
  runsOf,
} from "../../coordination/growth-plan.ts";
import type {
  GrowOptions,
  GrowResult,
  Scale,
  ScaleOptions,
  ScaleProgress,
  ScaleStatus,
  ShrinkOptions,
  ShrinkResult,
} from "../api/scale-api.ts";
import type { Dispatcher } from "../dispatch/dispatcher.ts";
import { REQUEST_MS, type ShardRequests } from "../dispatch/shard-requests.ts";
import type { Later } from "../machine/later.ts";
import { selectRange } from "../operations/selection.ts";
import { Admission } from "./admission.ts";
import { Draining } from "./draining.ts";
import type { Population } from "./population.ts";

/** Longest lists of a result, and how many agents it shows as examples. */
const MAX_LISTED = 1_000;
const MAX_OUTSIDERS = 100;
const EXAMPLES = 10;
/** Orders that are out at once, each to the worker of one cluster. */
const ORDERS_AT_ONCE = 32;
/** How often agents whose workers did not answer are looked at, ms, and for how long they may take. */
const LOOK_MS = 20;
const START_MS = 60_000;

/** What scaling needs of its mesh. */
export interface ScalingPorts {
  readonly dispatcher: Dispatcher;
  readonly population: Population;
  readonly requests: ShardRequests;
  readonly later: Later;
  /** Throws while the mesh stands still. */
  readonly mustGo: (what: string) => void;
  readonly isFrozen: () => boolean;
  readonly isRunning: () => boolean;
  readonly inFlight: () => number;
  /** When the oldest operation that is still out began, ms of the mesh clock; Infinity when none is. */
  readonly oldestOperationMs: () => number;
}

/** Grows and shrinks a mesh while it runs; see {@link Scale}. */
export class Scaling implements Scale {
  readonly #ports: ScalingPorts;
  #under: ScaleProgress | undefined;
  /** By agent: conflicts that those who are on their way in have reported. */
  readonly #conflictsOf = new Map<number, number>();
  #watched: ReadonlySet<number> = new Set();

  constructor(ports: ScalingPorts) {
    this.#ports = ports;
  }

  status(): ScaleStatus {
    const { population, dispatcher } = this.#ports;
    const outsiders = population.outsiders();
    return {
      places: dispatcher.view.topology.agents,
      agents: population.agents,
      vacant: population.vacant,
      outside: outsiders.length,
      outsiders: outsiders.slice(0, MAX_OUTSIDERS).map((agent) => population.addressOf(agent)),
      ...(this.#under !== undefined && { under: this.#under }),
    };
  }

  /** An agent has reported a conflict. */
  conflicted(agent: number): void {
    if (this.#watched.has(agent))
      this.#conflictsOf.set(agent, (this.#conflictsOf.get(agent) ?? 0) + 1);
  }

  async add(count: number, options: GrowOptions = {}): Promise<GrowResult> {
    const { population } = this.#ports;
    const growth = readGrowth(options);
    checkCount(count);
    const only = this.#rangeOf(options.within);
    const plan = planGrowth(this.#places, count, only);
    const agents = plan.flatMap((cluster) => cluster.agents);
    if (agents.length < count) throw this.#noRoom(count, agents.length, options.within);
    const begun = this.#beginning(count, plan, options);
    if (options.dryRun === true) return { ...begun.grown("add"), complete: true };
    return this.#alone("add", options, async (tell) => {
      population.open(agents);
      await this.#start(agents, tell);
      return this.#admit("add", agents, growth, tell, begun);
    });
  }

  async admit(options: GrowOptions = {}): Promise<GrowResult> {
    const { population, dispatcher } = this.#ports;
    const growth = readGrowth(options);
    const { from, to } = this.#rangeOf(options.within);
    const agents = population.outsiders(from, to);
    const { agentsPerCluster } = dispatcher.view.topology;
    const clusters = new Set(agents.map((agent) => Math.floor(agent / agentsPerCluster)));
    const plan = [...clusters].map((cluster) => ({
      cluster,
      whole: false,
      agents: agents.filter((agent) => Math.floor(agent / agentsPerCluster) === cluster),
    }));
    const begun = this.#beginning(agents.length, plan, options);
    if (options.dryRun === true) return { ...begun.grown("admit"), complete: true };
    return this.#alone("admit", options, (tell) =>
      this.#admit("admit", agents, growth, tell, begun),
    );
  }

  async remove(count: number, options: ShrinkOptions = {}): Promise<ShrinkResult> {
    const { population, dispatcher } = this.#ports;
    checkCount(count);
    const drainMs = whole("drainMs", options.drainMs ?? 30_000, 1, 86_400_000);
    const only = this.#rangeOf(options.within);
    const plan = planShrink(this.#places, count, only, population.latest);
    const agents = plan.flatMap((cluster) => cluster.agents);
    if (agents.length < count || agents.length === population.agents)
      throw this.#tooFew(count, agents.length, options.within);
    const begun = this.#beginning(count, plan, options);
    const shrunk = { ...begun.planned(), action: "remove" as const };
    if (options.dryRun === true) return { ...shrunk, removed: 0, busy: [], complete: true };
    return this.#alone("remove", options, async (tell) => {
      const draining = new Draining({ ...this.#ports, wait: (ms) => this.#wait(ms), tell });
      const { quiet, busy } = await draining.drain(agents, drainMs);
      const gone = await this.#stop(quiet, tell);
      population.closed(gone);
      const left = [...busy, ...quiet.filter((agent) => !population.isVacant(agent))];
      population.keepOutside(left, false);
      const { queueDepth } = dispatcher.view.registry;
      return {
        ...begun.planned(),
        action: "remove" as const,
        removed: gone.length,
        busy: left
          .slice(0, MAX_LISTED)
          .map((agent) => ({ address: population.addressOf(agent), waiting: queueDepth[agent] })),
        complete: left.length === 0,
      };
    });
  }

  /** One change of size at a time, on a mesh that goes. */
  async #alone<T>(
    action: ScaleProgress["action"],
    { onProgress }: ScaleOptions,
    act: (tell: (progress: ScaleProgress) => void) => Promise<T>,
  ): Promise<T> {
    if (this.#under !== undefined) {
      const { action: other, phase, done, total } = this.#under;
      throw new MeshError(
        "MESH_SCALING",
        `scale: expected to be alone, but ${other} is ${phase}: ${done} of ${total} agents`,
      );
    }
    this.#ports.mustGo("scale");
    this.#under = { action, phase: "starting", done: 0, total: 0, conflicts: 0 };
    try {
      return await act((progress) => {
        this.#under = progress;
        onProgress?.(progress);
      });
    } finally {
      this.#under = undefined;
      this.#watched = new Set();
      this.#conflictsOf.clear();
    }
  }

  async #admit(
    action: "add" | "admit",
    agents: readonly number[],
    { beats, timeoutMs }: Growth,
    tell: (progress: ScaleProgress) => void,
    begun: Beginning,
  ): Promise<GrowResult> {
    const { population } = this.#ports;
    this.#watched = new Set(agents);
    const admission = new Admission(
      { ...this.#ports, conflictsOf: this.#conflictsOf, tell, wait: (ms) => this.#wait(ms) },
      action,
    );
    const { admitted, heldBack, halted } = await admission.admit(agents, beats, timeoutMs);
    const { state } = this.#ports.dispatcher.view.registry;
    return {
      ...begun.grown(action),
      started: agents.filter((agent) => state[agent] !== NOT_STARTED).length,
      admitted: admitted.length,
      heldBack: [...heldBack]
        .slice(0, MAX_LISTED)
        .map(([agent, why]) => ({ address: population.addressOf(agent), why })),
      ...(halted !== undefined && { halted }),
      conflicts: [...this.#conflictsOf.values()].reduce((sum, each) => sum + each, 0),
      complete: admitted.length === agents.length,
    };
  }

  /** Has their workers start these. A worker that dies meanwhile has a successor, which starts them by itself. */
  async #start(agents: readonly number[], tell: (progress: ScaleProgress) => void): Promise<void> {
    const { state } = this.#ports.dispatcher.view.registry;
    const isDone = (agent: number): boolean => state[agent] !== NOT_STARTED;
    const total = agents.length;
    await this.#order("join", agents, isDone, (done) =>
      tell({ action: "add", phase: "starting", done, total, conflicts: 0 }),
    );
  }

  /** Has their workers stop these for good; those that are gone. */
  async #stop(
    agents: readonly number[],
    tell: (progress: ScaleProgress) => void,
  ): Promise<readonly number[]> {
    const { state } = this.#ports.dispatcher.view.registry;
    const isDone = (agent: number): boolean => state[agent] === VACANT_SEAT;
    const total = agents.length;
    await this.#order("leave", agents, isDone, (done) =>
      tell({ action: "remove", phase: "stopping", done, total, conflicts: 0 }),
    );
    return agents.filter(isDone);
  }

  /** Orders, again as long as something is not done: the worker that was asked may have died before it was. */
  async #order(
    verb: "join" | "leave",
    agents: readonly number[],
    isDone: (agent: number) => boolean,
    told: (done: number) => void,
  ): Promise<void> {
    const { requests } = this.#ports;
    const { agentsPerCluster } = this.#ports.dispatcher.view.topology;
    let left = agents;
    for (let waitedMs = 0; left.length > 0 && waitedMs < START_MS; ) {
      const runs = runsOf(left).flatMap((run) => cut(run, agentsPerCluster));
      for (let first = 0; first < runs.length; first += ORDERS_AT_ONCE) {
        const batch = runs.slice(first, first + ORDERS_AT_ONCE);
        await Promise.all(
          batch.map((run) => requests.ask(run.from, { verb, ...run }, REQUEST_MS).catch(() => {})),
        );
        told(agents.filter(isDone).length);
      }
      left = left.filter((agent) => !isDone(agent));
      if (left.length === 0) return;
      await this.#wait(LOOK_MS);
      waitedMs += LOOK_MS;
    }
  }

  /** While the mesh is frozen nothing beats and nothing ends: that time does not count. */
  async #wait(ms: number): Promise<void> {
    const { later, isFrozen } = this.#ports;
    do {
      await new Promise<void>((resolve) => later(isFrozen() ? LOOK_MS : ms, resolve));
      if (!this.#ports.isRunning()) throw new MeshStoppedError();
    } while (isFrozen());
  }

  get #places(): PlacesView {
    const { population, dispatcher } = this.#ports;
    const { topology, sectors } = dispatcher.view;
    return {
      topology,
      isVacant: (agent) => population.isVacant(agent),
      loadOf: (sector) => sectors.meanImpedance[sector],
    };
  }

  #rangeOf(within: string | undefined): { readonly from: number; readonly to: number } {
    const { topology } = this.#ports.dispatcher.view;
    if (within === undefined || within === "orchestrator") return { from: 0, to: topology.agents };
    const [range] = selectRange(topology, within);
    if (range.from < topology.agents) return range;
    throw new InvalidOptionError("within", within, "the address of a sector or a cluster");
  }

  #beginning(asked: number, plan: readonly ClusterPlaces[], options: ScaleOptions): Beginning {
    const { population, dispatcher, inFlight } = this.#ports;
    const { clock } = dispatcher.ports;
    const { topology } = dispatcher.view;
    const beganMs = clock.nowMs();
    const agents = plan.flatMap((cluster) => cluster.agents);
    const before = inFlight();
    const planned = (): Planned => ({
      dryRun: options.dryRun === true,
      asked,
      clusters: plan.map(({ cluster, agents: added, whole: isWhole }) => ({
        cluster: clusterAddress(topology, cluster),
        agents: added.length,
        whole: isWhole,
      })),
      examples: agents.slice(0, EXAMPLES).map((agent) => population.addressOf(agent)),
      inFlight: before,
      vacant: population.vacant,
      elapsedMs: clock.nowMs() - beganMs,
    });
    return {
      planned,
      grown: (action) => ({
        ...planned(),
        action,
        started: 0,
        admitted: 0,
        heldBack: [],
        conflicts: 0,
        complete: false,
      }),
    };
  }

  #noRoom(count: number, free: number, within: string | undefined): MeshError {
    const { topology } = this.#ports.dispatcher.view;
    const where = within ?? "the mesh";
    const cure =
      topology.growth === 0
        ? "it was started without a reserve: start it with --growth N (topology.growth)"
        : `its reserve of ${topology.growth} (topology.growth) is filled that far`;
    return new MeshError(
      "MESH_NO_ROOM",
      `scale: count: expected at most ${free}, for so many places of ${where} are free, got ${count}; ${cure}`,
    );
  }

  #tooFew(count: number, found: number, within: string | undefined): MeshError {
    const most = within === undefined ? Math.max(0, found - 1) : found;
    return new MeshError(
      "MESH_NO_ROOM",
      `scale: count: expected at most ${most}, for ${within ?? "the mesh"} has ${found} agents and one must ` +
        `be left in the mesh, got ${count}`,
    );
  }
}

type Planned = Pick<
  GrowResult,
  "dryRun" | "asked" | "clusters" | "examples" | "inFlight" | "vacant" | "elapsedMs"
>;

/** A change as it was planned; what it tells of places and time is of the moment when it is asked. */
interface Beginning {
  readonly planned: () => Planned;
  readonly grown: (action: "add" | "admit") => GrowResult;
}

interface Growth {
  readonly beats: number;
  readonly timeoutMs: number;
}

function readGrowth({ stableBeats = 3, timeoutMs = 600_000 }: GrowOptions): Growth {
  return {
    beats: whole("stableBeats", stableBeats, 1, 1_000),
    timeoutMs: whole("timeoutMs", timeoutMs, 1, 86_400_000),
  };
}

function checkCount(count: number): void {
  whole("count", count, 1, 10_000_000);
}

function whole(field: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new InvalidOptionError(field, value, `a whole number from ${least} to ${most}`);
}

/** A run, cut where a cluster ends: an order is for one lead's agents. */
function cut(
  { from, to }: { readonly from: number; readonly to: number },
  agentsPerCluster: number,
): readonly { readonly from: number; readonly to: number }[] {
  const runs: { from: number; to: number }[] = [];
  for (let first = from; first < to; ) {
    const end = Math.min(to, (Math.floor(first / agentsPerCluster) + 1) * agentsPerCluster);
    runs.push({ from: first, to: end });
    first = end;
  }
  return runs;
}
