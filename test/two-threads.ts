// Main and one shard as two dispatchers on one thread, neither of which runs but by `cycle`: for what no test can
// do to real threads in time, such as changing their memory between two steps.
import { type Behavior, defineAgent } from "../actors/behavior.ts";
import { createTopology } from "../coordination/topology.ts";
import { CONTROL_EPOCH } from "../mailbox/layout.ts";
import { DEFAULT_BOUNDS } from "../mailbox/overflow.ts";
import { seededRandom } from "../runtime/clock.ts";
import type { ConflictNewsItem } from "../runtime/conflict-news.ts";
import { Dispatcher, type MainSink } from "../runtime/dispatcher.ts";
import { Gathers } from "../runtime/gathers.ts";
import { createMemory, type MeshPlan, planLanes, viewMemory } from "../runtime/memory.ts";
import { completeSupervision } from "../supervisors/restart.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };

export interface TwoThreads {
  readonly main: Dispatcher;
  readonly shard: Dispatcher;
  readonly gathers: Gathers;
  /** What main was told of turns that ended in conflict, in the order of coming. */
  readonly conflicts: readonly { readonly agent: number; readonly news: ConflictNewsItem }[];
  /** The mesh clock; each reading moves it by a tenth of a millisecond. */
  readonly clock: { nowMs: number };
  /** Cycles both until neither has anything to do now. */
  settle(): void;
}

/** Two sectors of four agents of this behavior, all on the shard. `heard` is what main makes of what it is told. */
export async function twoThreads(
  behavior: Partial<Behavior>,
  heard: Partial<MainSink> = {},
): Promise<TwoThreads> {
  const options = { sectors: 2, clustersPerSector: 2, agentsPerCluster: 2, spawnCapacity: 0 };
  const lanes = planLanes(2, 65_536);
  const topology = createTopology(options);
  const plan: MeshPlan = {
    topology: options,
    threads: 2,
    lanes,
    bounds: DEFAULT_BOUNDS,
    maxPayloadBytes: 65_536,
    maxDeliveries: 3,
    heartbeatMs: 5000,
    supervision: completeSupervision(),
    restart: "transient",
    modules: [],
    agentOptions: undefined,
    capabilities: behavior.capabilities ?? [],
    seed: 1,
    predictor: "arrival",
    memory: createMemory(topology, 2, lanes, 1024 * 1024, "arrival"),
  };
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
  const shard = dispatcherOf(1);
  gathers = new Gathers(main);
  shard.arrivals.begin();
  const whole = defineAgent({ init: () => ({}), receive() {}, ...behavior } as Behavior);
  await shard.agents.boot([whole], { from: 0, to: topology.agents });
  shard.commit();
  const settle = (): void => {
    for (let idle = 0, i = 0; idle < 3 && i < 10_000; i++) {
      const worked = [main.cycle(), shard.cycle()].some(Boolean);
      idle = worked ? 0 : idle + 1;
    }
  };
  return { main, shard, gathers, conflicts, clock, settle };
}
