// Main and a shard (or more) as dispatchers on one thread, none of which runs but by `cycle`: for what no test can
// do to real threads in time, such as changing their memory between two steps.
import { type Behavior, defineAgent } from "../actors/behavior.ts";
import { sectorsOfShard } from "../coordination/placement.ts";
import { createTopology, type TopologyOptions } from "../coordination/topology.ts";
import { CONTROL_EPOCH } from "../mailbox/layout.ts";
import { OperationFlag } from "../mailbox/operation-frame.ts";
import { DEFAULT_BOUNDS } from "../mailbox/overflow.ts";
import type { ConflictNewsItem } from "../runtime/dispatch/conflict-news.ts";
import { Dispatcher, type MainSink } from "../runtime/dispatch/dispatcher.ts";
import { seededRandom } from "../runtime/machine/clock.ts";
import type { GatherPlan } from "../runtime/operations/gather.ts";
import { Gathers } from "../runtime/operations/gathers.ts";
import {
  createMemory,
  type JournalPlan,
  type MeshPlan,
  planLanes,
  viewMemory,
} from "../runtime/plan/memory.ts";
import { completeSupervision } from "../supervisors/restart.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };

export interface TwoThreads {
  readonly main: Dispatcher;
  /** The first shard, and all of them. */
  readonly shard: Dispatcher;
  readonly shards: readonly Dispatcher[];
  readonly gathers: Gathers;
  /** What main was told of turns that ended in conflict, in the order of coming. */
  readonly conflicts: readonly { readonly agent: number; readonly news: ConflictNewsItem }[];
  /** The mesh clock; each reading moves it by a tenth of a millisecond. */
  readonly clock: { nowMs: number };
  /** Cycles all, or those that are given, until none has anything to do now. */
  settle(alive?: readonly Dispatcher[]): void;
}

/** What main and `workers` shards of such a mesh share. */
export function planThreads(
  topology: TopologyOptions,
  workers: number,
  custodyBytes: number,
  more: Partial<MeshPlan> = {},
): MeshPlan {
  const threads = workers + 1;
  const lanes = planLanes(threads, 65_536);
  return {
    topology,
    threads,
    lanes,
    bounds: DEFAULT_BOUNDS,
    maxPayloadBytes: 65_536,
    maxDeliveries: 3,
    heartbeatMs: 5000,
    supervision: completeSupervision(),
    restart: "transient",
    modules: [],
    moduleOptions: [],
    moduleMemory: [],
    capabilities: [],
    seed: 1,
    predictor: "arrival",
    memory: createMemory(createTopology(topology), threads, lanes, custodyBytes, "arrival"),
    ...more,
  };
}

/** An operation without a T, sent at `nowMs` and over `ttlMs` later. */
export function operationPlan(
  nowMs: number,
  payload: unknown,
  ttlMs = 5000,
  fields: Partial<GatherPlan> = {},
): GatherPlan {
  return {
    payload,
    facts: {
      messageId: "m",
      correlationId: "m",
      causationId: "m",
      strategy: "broadcast",
      verb: "sync",
      ttlMs,
      payloadWeight: 1,
      requiresCapabilities: [],
      trinaryExpectation: 1,
    },
    root: undefined,
    createdMs: nowMs,
    arrivalMs: 0,
    closeMs: nowMs + ttlMs,
    deadlineMs: nowMs + ttlMs,
    readyBy: 0.95,
    priority: 1,
    flags: OperationFlag.ROWS,
    threshold: 0,
    requiresLow: 0,
    requiresHigh: 0,
    ...fields,
  };
}

/**
 * Two sectors of four agents of this behavior, on one shard or shared out among `workers`; `heard` is what main makes
 * of what it is told.
 */
export async function twoThreads(
  behavior: Partial<Behavior>,
  heard: Partial<MainSink> = {},
  workers = 1,
  journal?: JournalPlan,
  custodyBytes: number = 1024 * 1024,
): Promise<TwoThreads> {
  const options = { sectors: 2, clustersPerSector: 2, agentsPerCluster: 2, spawnCapacity: 0 };
  const plan = planThreads(options, workers, custodyBytes, {
    capabilities: behavior.capabilities ?? [],
    ...(journal !== undefined && { journal }),
  });
  const topology = createTopology(options);
  const clock = { nowMs: 1_000_000 };
  let gathers: Gathers | undefined;
  const conflicts: { agent: number; news: ConflictNewsItem }[] = [];
  const dispatcherOf = (thread: number): Dispatcher => {
    const view = viewMemory(plan, thread, 1);
    view.control[CONTROL_EPOCH] = 1;
    return new Dispatcher(plan, view, {
      clock: { nowMs: () => (clock.nowMs += 0.1) },
      random: seededRandom(1),
      log: silent,
      sink: {
        onReport: (ring, word) => gathers?.onReport(ring, word),
        onResponse: (agent, operation, trinary, value) =>
          gathers?.onResponse(agent, operation, trinary, value),
        onIncidents() {},
        onDeadLetter() {},
        onConflict: (agent, news) => conflicts.push({ agent, news: news as ConflictNewsItem }),
        ...heard,
      },
    });
  };
  const main = dispatcherOf(0);
  const shards = Array.from({ length: workers }, (_, i) => dispatcherOf(i + 1));
  gathers = new Gathers(main);
  const whole = defineAgent({ init: () => ({}), receive() {}, ...behavior } as Behavior);
  for (const [i, shard] of shards.entries()) {
    const { from, to } = sectorsOfShard(topology.sectors, workers, i + 1);
    const { agentsPerSector } = topology;
    shard.arrivals.begin();
    await shard.agents.boot([whole], { from: from * agentsPerSector, to: to * agentsPerSector });
    shard.roles.begin(from, to - from);
    shard.commit();
  }
  const settle = (alive: readonly Dispatcher[] = [main, ...shards]): void => {
    for (let idle = 0, i = 0; idle < 3 && i < 10_000; i++) {
      const worked = alive.map((thread) => thread.cycle()).some(Boolean);
      idle = worked ? 0 : idle + 1;
    }
  };
  return { main, shard: shards[0], shards, gathers, conflicts, clock, settle };
}
