import type { MessagePort } from "node:worker_threads";
import type { Behavior } from "../actors/behavior.ts";
import type { Clock } from "../actors/ports.ts";
import { sectorsOfShard } from "../coordination/placement.ts";
import {
  CONTROL_BOOTED,
  CONTROL_COMMAND,
  CONTROL_CURRENT,
  CONTROL_STATE,
  Command,
  ThreadState,
} from "../mailbox/layout.ts";
import { loadBehaviors } from "./behavior-modules.ts";
import { seededRandom, systemClock } from "./clock.ts";
import { Dispatcher } from "./dispatcher.ts";
import { runDuty } from "./duty.ts";
import { createLog, type LogOptions } from "./log.ts";
import { type MeshPlan, viewMemory } from "./memory.ts";
import { succeed } from "./succession.ts";

/** What the pool passes to a shard. */
export interface ShardTask {
  readonly plan: MeshPlan;
  readonly thread: number;
  readonly epoch: number;
  readonly log: Omit<LogOptions, "thread">;
  /** Closes when the thread has really ended, however it ended: main waits for that. */
  readonly lifeline: MessagePort;
}

/** What a shard says when it has ended in good order. */
export interface ShardEnd {
  readonly epoch: number;
}

/**
 * The one task of a worker thread: take over what a predecessor left, make the agents ready, and run the
 * duty cycle until main says stop.
 */
export default async function runShard(task: ShardTask): Promise<ShardEnd> {
  const { plan, thread, epoch } = task;
  const clock: Clock = systemClock;
  const log = createLog({ ...task.log, thread: `worker-${thread}` });
  const view = viewMemory(plan, thread, epoch);
  const { control } = view;
  const random = seededRandom(plan.seed + thread * 7919 + epoch * 104_729);
  const dispatcher = new Dispatcher(plan, view, { clock, random, log });
  Atomics.store(control, CONTROL_BOOTED, 0);
  const behaviors: readonly Behavior[] = await loadBehaviors(plan.modules, plan.agentOptions);
  const estate = succeed(dispatcher);
  const { topology } = view;
  const sectors = sectorsOfShard(topology.sectors, plan.threads - 1, thread);
  const range = {
    from: sectors.from * topology.agentsPerSector,
    to: sectors.to * topology.agentsPerSector,
  };
  await dispatcher.agents.boot(behaviors, range);
  estate.redeliver();
  control[CONTROL_CURRENT] = 0;
  const clusters = topology.clustersPerSector;
  dispatcher.nowMs = clock.nowMs();
  dispatcher.heart.start(sectors.from * clusters, (sectors.to - sectors.from) * clusters);
  // The takeover becomes true without a turn: what hung or killed the predecessor must meet a thread that
  // the watchdog looks at, and whose death is not taken for one at boot.
  dispatcher.commit();
  Atomics.store(control, CONTROL_STATE, ThreadState.RUNNING);
  await runDuty(dispatcher, () => Atomics.load(control, CONTROL_COMMAND) === Command.STOP);
  Atomics.store(control, CONTROL_STATE, ThreadState.STOPPING);
  dispatcher.nowMs = clock.nowMs();
  dispatcher.agents.stopAll();
  dispatcher.commit();
  Atomics.store(control, CONTROL_STATE, ThreadState.STOPPED);
  task.lifeline.close();
  return { epoch };
}
