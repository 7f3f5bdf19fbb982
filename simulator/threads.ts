import type { Behavior } from "../actors/behavior.ts";
import type { Log } from "../actors/ports.ts";
import { lieDown, standUp } from "../mailbox/doorbell.ts";
import { controlOf } from "../mailbox/lanes.ts";
import {
  CONTROL_BOOTED,
  CONTROL_CURRENT,
  CONTROL_EPOCH,
  CONTROL_PARKED,
  CONTROL_STATE,
  ThreadState,
} from "../mailbox/layout.ts";
import { Dispatcher, type Failpoint } from "../runtime/dispatch/dispatcher.ts";
import type { Death } from "../runtime/dispatch/succession.ts";
import type { WorkerHost } from "../runtime/headquarters.ts";
import { seededRandom } from "../runtime/machine/clock.ts";
import { type MeshPlan, viewMemory } from "../runtime/plan/memory.ts";
import { bootShard } from "../runtime/workers/shard-boot.ts";
import type { PoolListener } from "../runtime/workers/shard-pool.ts";
import type { Chance } from "./chance.ts";
import { Event, type EventTrace } from "./event-trace.ts";
import type { VirtualTime } from "./virtual-time.ts";
import type { Witness } from "./witness.ts";

/** How long a worker takes from its death until its successor begins with its agents, ms. */
const REPLACED_FROM_MS = 60;
const REPLACED_TO_MS = 300;
/** A thread that has work it cannot do looks again after this time, ms. */
const SPIN_MS = 0.05;

/** Thrown at a failpoint: the thread is no more. */
class ThreadDeath extends Error {}

/** What the threads of a simulated mesh need. */
export interface ThreadsPorts {
  readonly plan: MeshPlan;
  readonly behaviors: readonly Behavior[];
  readonly time: VirtualTime;
  readonly chance: Chance;
  readonly trace: EventTrace;
  readonly witness: Witness;
  readonly log: Log;
  /** Main's part in losses and returns. */
  readonly listener: () => PoolListener;
  /** The event loop of a thread is gone, and all that its agents awaited. */
  readonly onDeath: (thread: number) => void;
  /** Lets a test put something wrong into a thread that is about to begin. */
  readonly sabotage?: ((dispatcher: Dispatcher) => void) | undefined;
}

/** A thread of the mesh: a dispatcher that somebody else cycles. */
interface Thread {
  readonly index: number;
  readonly control: Int32Array;
  dispatcher: Dispatcher | undefined;
  restarts: number;
  /** Does nothing until then. */
  stalledUntilMs: number;
  /** Its successor is on its way. */
  lostMs: number;
  booting: boolean;
  /** When its wheels want it again, while it sleeps. */
  dueMs: number;
  /** It is to die at the next of these. */
  armed: Failpoint | undefined;
  /** How long its successor takes to come, ms; drawn when undefined. */
  absentMs: number | undefined;
  /** Ended by order. */
  blameless: boolean;
  /** What the world had for it while it stood still. */
  readonly missed: (() => void)[];
}

/**
 * All threads of a mesh on one: which of those that are awake or due goes through its duty cycle next is drawn.
 * They sleep and are woken by the doorbells of the real ones, die at any failpoint or between two cycles, stand
 * still, hang, and have successors.
 */
export class Threads implements WorkerHost {
  readonly #ports: ThreadsPorts;
  readonly #threads: Thread[] = [];
  readonly #runnable: Thread[] = [];

  constructor(ports: ThreadsPorts) {
    this.#ports = ports;
    for (let index = 0; index < ports.plan.threads; index++) {
      this.#threads.push({
        index,
        control: controlOf(ports.plan.memory.control, index),
        dispatcher: undefined,
        restarts: 0,
        stalledUntilMs: 0,
        lostMs: 0,
        booting: false,
        dueMs: 0,
        armed: undefined,
        absentMs: undefined,
        blameless: false,
        missed: [],
      });
    }
  }

  /** Takes main's dispatcher in and brings all shards up. */
  async start(main: Dispatcher): Promise<void> {
    this.#threads[0].dispatcher = main;
    for (const thread of this.#threads.slice(1)) await this.#boot(thread);
  }

  /** The dispatcher of a thread; undefined while it is dead. */
  dispatcherOf(index: number): Dispatcher | undefined {
    return this.#threads[index].dispatcher;
  }

  /** True when the thread is alive and its agents are up. */
  isUp(index: number): boolean {
    const { dispatcher, booting } = this.#threads[index];
    return dispatcher !== undefined && !booting;
  }

  /** Whether the thread could do something now. */
  #canRun(thread: Thread, nowMs: number): boolean {
    if (thread.dispatcher === undefined || thread.booting || thread.stalledUntilMs > nowMs)
      return false;
    return Atomics.load(thread.control, CONTROL_PARKED) === 0 || thread.dueMs <= nowMs;
  }

  /** Lets one of those that can run go through one cycle; false when none can. */
  step(): boolean {
    const { time, chance } = this.#ports;
    const nowMs = time.currentMs;
    this.#runnable.length = 0;
    for (const thread of this.#threads)
      if (this.#canRun(thread, nowMs)) this.#runnable.push(thread);
    const { length } = this.#runnable;
    if (length === 0) return false;
    this.#cycle(this.#runnable[length === 1 ? 0 : chance.below(length)]);
    return true;
  }

  #cycle(thread: Thread): void {
    const { time, trace, witness } = this.#ports;
    const dispatcher = thread.dispatcher as Dispatcher;
    standUp(thread.control);
    let worked: boolean;
    try {
      worked = dispatcher.cycle();
    } catch (error) {
      // It has died at a failpoint; all else is a bug of the runtime, or of the simulator.
      if (!(error instanceof ThreadDeath)) this.#accuse(thread.index, error);
      return;
    }
    witness.step++;
    trace.note(time.elapsedMs, Event.cycle, thread.index, worked ? 1 : 0);
    if (thread.dispatcher !== dispatcher) return;
    dispatcher.clockStale = true;
    if (worked) return;
    lieDown(thread.control);
    const nowMs = time.currentMs;
    // As in `duty.ts`: a thread that lies down looks once more. One that cannot do its work now looks again soon.
    thread.dueMs = dispatcher.busy
      ? nowMs + SPIN_MS
      : nowMs + Math.min(dispatcher.wheel.nextDueMs(nowMs), dispatcher.releases.nextDueMs(nowMs));
  }

  #accuse(index: number, error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#ports.witness.accuse("sound", `thread ${index}: ${text}`);
  }

  /** When the next thread wakes by itself, ms of the virtual clock. */
  get nextMs(): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const { dispatcher, booting, stalledUntilMs, dueMs } of this.#threads) {
      if (dispatcher === undefined || booting) continue;
      nextMs = Math.min(nextMs, Math.max(dueMs, stalledUntilMs));
    }
    return nextMs;
  }

  /** Nobody can run: whoever has work all the same was not woken. */
  lookForSleepers(): void {
    const nowMs = this.#ports.time.currentMs;
    for (const { index, dispatcher, booting, stalledUntilMs, dueMs } of this.#threads) {
      if (dispatcher === undefined || booting || stalledUntilMs > nowMs) continue;
      if (dueMs <= nowMs + SPIN_MS || !dispatcher.busy) continue;
      const untilMs = (dueMs - nowMs).toFixed(3);
      this.#ports.witness.accuse(
        "sleeper",
        `thread ${index} sleeps for another ${untilMs} ms and has work`,
      );
    }
  }

  /** Does something in the event loop of a thread: at once, or when it moves again. Lost when it dies. */
  inside(index: number, act: () => void): void {
    const thread = this.#threads[index];
    if (thread.dispatcher === undefined) return;
    if (thread.stalledUntilMs > this.#ports.time.currentMs) thread.missed.push(act);
    else act();
  }

  /** Stands still for a while: its turn hangs, or the machine has no time for it. */
  stall(index: number, ms: number): void {
    const { time } = this.#ports;
    const thread = this.#threads[index];
    if (thread.dispatcher === undefined) return;
    const untilMs = time.currentMs + ms;
    thread.stalledUntilMs = Math.max(thread.stalledUntilMs, untilMs);
    if (ms === Number.POSITIVE_INFINITY) return;
    const { dispatcher } = thread;
    time.at(untilMs, () => {
      if (thread.dispatcher !== dispatcher || thread.stalledUntilMs > time.currentMs) return;
      for (const act of thread.missed.splice(0)) act();
    });
  }

  restartsOf(index: number): number {
    return this.#threads[index].restarts;
  }

  kill(index: number, reason: string): void {
    this.#threads[index].blameless = true;
    this.#condemn(index, reason);
  }

  replace(index: number, reason: string): void {
    this.#condemn(index, reason);
  }

  /** Ends a worker whose successor comes only after this time. */
  lose(index: number, absentMs: number): void {
    this.#threads[index].absentMs = absentMs;
    this.kill(index, "lost for a while");
  }

  /** Here no worker is ever given up. */
  revive(): boolean {
    return false;
  }

  /** A death by order is carried out by nobody who is in a cycle. */
  #condemn(index: number, reason: string): void {
    const { dispatcher } = this.#threads[index];
    const { time } = this.#ports;
    time.at(time.currentMs, () => {
      if (this.#threads[index].dispatcher === dispatcher) this.die(index, reason);
    });
  }

  /** Lets the thread die the next time that it comes by this point, or within `withinMs` anyway. */
  arm(index: number, point: Failpoint, withinMs: number): void {
    const { time } = this.#ports;
    const thread = this.#threads[index];
    const { dispatcher } = thread;
    if (dispatcher === undefined) return;
    thread.armed = point;
    time.later(withinMs, () => {
      if (thread.dispatcher === dispatcher && thread.armed === point) this.die(index, "crashed");
    });
  }

  /** The thread is gone, with all that it had not committed and all promises of its agents. */
  die(index: number, reason: string): void {
    const { time, chance, trace, listener } = this.#ports;
    const thread = this.#threads[index];
    const { dispatcher } = thread;
    if (dispatcher === undefined || index === 0) return;
    thread.dispatcher = undefined;
    thread.armed = undefined;
    thread.stalledUntilMs = 0;
    thread.missed.length = 0;
    thread.lostMs = time.currentMs;
    silence(dispatcher);
    this.#ports.onDeath(index);
    thread.restarts++;
    trace.note(time.elapsedMs, Event["thread-lost"], index, thread.restarts);
    Atomics.store(thread.control, CONTROL_STATE, ThreadState.LOST);
    // Both are main's doing, which may stand still itself.
    this.inside(0, () => listener().onLost(index, reason));
    const absentMs = thread.absentMs ?? chance.between(REPLACED_FROM_MS, REPLACED_TO_MS);
    thread.absentMs = undefined;
    time.later(absentMs, () =>
      this.inside(0, () => {
        this.#boot(thread).catch((error) => this.#accuse(index, error));
      }),
    );
  }

  async #boot(thread: Thread): Promise<void> {
    const { plan, time, log, behaviors, trace, listener, sabotage } = this.#ports;
    const { control, index } = thread;
    // As the pool does for a worker, and a worker for itself.
    const current = Atomics.exchange(control, CONTROL_CURRENT, 0);
    const epoch = Atomics.add(control, CONTROL_EPOCH, 1) + 1;
    Atomics.store(control, CONTROL_STATE, ThreadState.STARTING);
    Atomics.store(control, CONTROL_BOOTED, 0);
    const death: Death = { blameless: thread.blameless, current };
    thread.blameless = false;
    const dispatcher = new Dispatcher(plan, viewMemory(plan, index, epoch), {
      clock: time,
      random: seededRandom(plan.seed + index * 7919 + epoch * 104_729),
      log,
      failpoint: (point) => this.#pass(thread, dispatcher, point),
    });
    thread.dispatcher = dispatcher;
    thread.booting = true;
    sabotage?.(dispatcher);
    try {
      await bootShard(dispatcher, behaviors, death);
    } catch (error) {
      if (!(error instanceof ThreadDeath)) throw error;
      return;
    }
    if (thread.dispatcher !== dispatcher) return;
    thread.booting = false;
    thread.dueMs = time.currentMs;
    standUp(control);
    if (epoch === 1) return;
    trace.note(time.elapsedMs, Event["thread-back"], index, epoch);
    this.inside(0, () => listener().onBack(index, time.currentMs - thread.lostMs));
  }

  #pass(thread: Thread, dispatcher: Dispatcher, point: Failpoint): void {
    // Its own continuations, which run on after a death: they are nobody's.
    if (thread.dispatcher !== dispatcher) throw new ThreadDeath();
    if (thread.armed !== point || thread.booting) return;
    this.die(thread.index, `crashed at ${point}`);
    throw new ThreadDeath();
  }
}

/** Ends the agents of a dead thread, whose promises may still be settled: what goes on in them must touch nothing. */
function silence(dispatcher: Dispatcher): void {
  const { agents, view } = dispatcher;
  const { topology } = view;
  const { from, to } = agents.range;
  for (let agent = from; agent < to; agent++) hush(dispatcher, agent);
  for (let agent = topology.spawnBase; agent < topology.rows; agent++)
    if (view.placement[agent] === view.thread) hush(dispatcher, agent);
}

function hush(dispatcher: Dispatcher, agent: number): void {
  const cell = dispatcher.agents.cellOf(agent);
  if (cell !== undefined) cell.alive = false;
}
