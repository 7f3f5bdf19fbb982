import { type MessagePort, threadId } from "node:worker_threads";
import type { Behavior } from "../../actors/behavior.ts";
import { MeshError } from "../../actors/errors.ts";
import type { Clock } from "../../actors/ports.ts";
import {
  CONTROL_BOOTED,
  CONTROL_COMMAND,
  CONTROL_STATE,
  CONTROL_THREAD_ID,
  Command,
  ThreadState,
} from "../../mailbox/layout.ts";
import type { AgentHost } from "../api/agent-api.ts";
import { Dispatcher } from "../dispatch/dispatcher.ts";
import type { Death } from "../dispatch/succession.ts";
import { seededRandom, systemClock } from "../machine/clock.ts";
import { createLog, type LogOptions } from "../machine/log.ts";
import { openTelemetry } from "../machine/telemetry.ts";
import { type MeshPlan, viewMemory } from "../plan/memory.ts";
import type { Session } from "../trust/trust-plan.ts";
import { loadBehavior, loadBehaviors, loadBreeds } from "./behavior-modules.ts";
import { DeskLine, MAIN_DESK } from "./desk-line.ts";
import { runDuty } from "./duty.ts";
import { bootShard } from "./shard-boot.ts";
import { serveVersions, type VersionOrder } from "./version-line.ts";

/** Cycles after the agents have stopped: far more than the lanes can hold. */
const LAST_CYCLES = 10_000;

/** What the pool passes to a shard. */
export interface ShardTask {
  readonly plan: MeshPlan;
  readonly thread: number;
  readonly epoch: number;
  /** By module: the URL of the version that holds. */
  readonly sources: readonly string[];
  /** It is the first of this process, not the successor of one that died. */
  readonly first: boolean;
  /** What it signs with; where nothing is signed, absent. Another comes by the lifeline when this is half over. */
  readonly session?: Session;
  /** How the previous incarnation ended. */
  readonly death: Death;
  readonly log: Omit<LogOptions, "thread">;
  /** Closes when the thread has really ended, however it ended: main waits for that. Agents call main over it. */
  readonly lifeline: MessagePort;
}

/** What a shard says when it has ended in good order. */
export interface ShardEnd {
  readonly epoch: number;
  /** It has not even begun: its modules could not be loaded, which trying again does not heal. */
  readonly unloadable?: { readonly code: string; readonly sentence: string };
}

/**
 * The one task of a worker thread: take over what a predecessor left, make the agents ready, and run the
 * duty cycle until main says stop.
 */
export default function runShard(task: ShardTask): Promise<ShardEnd> {
  return serve(task).catch((error) => endThread(error));
}

/**
 * A task that fails would leave its thread alive, and with it the timers and sockets of agents that write
 * to memory which is the successor's by then. So the thread goes down with it.
 */
function endThread(error: unknown): Promise<never> {
  setImmediate(() => {
    throw error;
  });
  return new Promise(() => {});
}

async function serve(task: ShardTask): Promise<ShardEnd> {
  const { plan, thread, epoch } = task;
  const clock: Clock = systemClock;
  const log = createLog({ ...task.log, thread: `worker-${thread}` });
  const view = viewMemory(plan, thread, epoch);
  const { control } = view;
  const random = seededRandom(plan.seed + thread * 7919 + epoch * 104_729);
  const { session, lifeline } = task;
  const line = new DeskLine(lifeline);
  const call = (request: unknown): Promise<unknown> => line.call(MAIN_DESK, request);
  const ports = { clock, random, log, call, ...(session && { session }) };
  const dispatcher = new Dispatcher(plan, view, ports);
  lifeline.on("message", (said: { readonly kind: string; readonly session: Session }) => {
    if (said.kind === "session") dispatcher.trust?.renew(said.session);
  });
  Atomics.store(control, CONTROL_BOOTED, 0);
  Atomics.store(control, CONTROL_THREAD_ID, threadId);
  const hostOf = (place: number): AgentHost => ({
    thread,
    topology: view.topology,
    clock,
    shared: plan.moduleMemory[place],
    call: (request) => line.call(place, request),
  });
  let behaviors: readonly Behavior[];
  try {
    behaviors = await loadBehaviors({ ...plan, modules: task.sources }, hostOf);
    dispatcher.belongings.breeds = await loadBreeds(task.sources);
    // After the modules, one of which may have registered it.
    dispatcher.spans.telemetry = await openTelemetry();
  } catch (error) {
    if (!task.first || !(error instanceof MeshError)) throw error;
    task.lifeline.close();
    // As a value, because a thrown error loses its class, and here its code is wanted, on the way to main.
    return { epoch, unloadable: { code: error.code, sentence: error.message } };
  }
  const booted = bootShard(dispatcher, behaviors, task.death);
  const sources = [...task.sources];
  serveVersions(task.lifeline, async (order) => {
    await booted;
    return changeVersion(dispatcher, order, sources, hostOf);
  });
  await booted;
  await runDuty(dispatcher, () => Atomics.load(control, CONTROL_COMMAND) === Command.STOP);
  Atomics.store(control, CONTROL_STATE, ThreadState.STOPPING);
  dispatcher.nowMs = clock.nowMs();
  await dispatcher.journal?.flushAll();
  await dispatcher.agents.stopAll();
  dispatcher.agents.failures.report();
  // What still comes in finds its agent stopped, and what waited for room finds none: dead letters, all counted.
  dispatcher.outbox.abandon();
  for (let i = 0; i < LAST_CYCLES && dispatcher.cycle(); i++);
  dispatcher.commit();
  Atomics.store(control, CONTROL_STATE, ThreadState.STOPPED);
  task.lifeline.close();
  return { epoch };
}

/** Carries out what main orders: on this thread between two cycles, which the event loop is given. */
async function changeVersion(
  { agents, belongings, plan }: Dispatcher,
  { module, url, back, settle }: VersionOrder,
  sources: string[],
  hostOf: (place: number) => AgentHost,
): Promise<number> {
  if (settle) {
    agents.swap.settle();
    return 0;
  }
  const behavior = await loadBehavior(url, plan.moduleOptions[module], hostOf(module));
  const changed = agents.change(module, behavior, back);
  sources[module] = url;
  // Children that live are of the version that spawned them.
  const { origins, behaviors } = await loadBreeds(sources);
  const known = belongings.breeds.origins;
  belongings.breeds = { origins: new Map([...known, ...origins]), behaviors };
  return changed;
}
