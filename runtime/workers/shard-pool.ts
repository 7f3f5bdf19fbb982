import { MessageChannel, type MessagePort } from "node:worker_threads";
import { Piscina } from "piscina";
import { MeshError } from "../../actors/errors.ts";
import type { Clock, Log } from "../../actors/ports.ts";
import { ringDoorbell } from "../../mailbox/doorbell.ts";
import { controlOf } from "../../mailbox/lanes.ts";
import {
  CONTROL_BOOTED,
  CONTROL_COMMAND,
  CONTROL_CURRENT,
  CONTROL_CYCLES,
  CONTROL_EPOCH,
  CONTROL_FROZEN,
  CONTROL_QUIET,
  CONTROL_STATE,
  Command,
  ThreadState,
} from "../../mailbox/layout.ts";
import type { AgentDesk } from "../api/agent-api.ts";
import type { LogOptions } from "../machine/log.ts";
import { sourceLoader } from "../machine/source-loader.ts";
import type { MeshPlan } from "../plan/memory.ts";
import type { Session } from "../trust/trust-plan.ts";
import { serveDesks } from "./desk-line.ts";
import type { ShardEnd, ShardTask } from "./shard.ts";

/**
 * The nursery of a worker's heap, three semi-spaces, MiB. Each small collection copies what lives in it while the
 * thread stands still, and thousands of turns are suspended at once: with V8's own 48 a release is late by 6.4 ms at
 * the 99th percentile, with 12 by 3.3, with 6 by 2.2 (bench `release`). With 6, a thousand asks under way fill it so
 * that two of five cycles are spent collecting: 0.98 M/s, against 1.55 M/s with 12 and no more with 48 (`ask.cross`).
 */
const YOUNG_GENERATION_MB = 12;

/** What the pool tells of its workers. */
export interface PoolListener {
  onLost(thread: number, reason: string): void;
  onBack(thread: number, afterMs: number): void;
  /** A shard could not be brought up; nothing will run there. */
  onHopeless(thread: number, error: Error): void;
}

/** Opens the session of a thread's new incarnation. */
export type SessionOpener = (thread: number, epoch: number) => Session;

interface Shard {
  readonly thread: number;
  readonly control: Int32Array;
  abort: AbortController;
  restarts: number;
  /** Ended in good order, or given up. */
  ended: boolean;
  failures: number;
  /** Its incarnation is being ended by an order. */
  blameless: boolean;
  running: Promise<void>;
  /** Main's end of the line to the incarnation that runs; undefined between two. */
  port: MessagePort | undefined;
}

/** A worker that dies this often in a row before its agents are ready is given up. */
const MAX_BOOT_FAILURES = 5;

/** Main's own desk: what agents of a thread ask of the mesh itself. */
export type OwnDesk = (thread: number, request: unknown) => Promise<unknown>;

/**
 * Hosts the shards on a piscina pool: one endless task for each thread. A task that rejects (crash) or is
 * aborted (hang, kill) is run again on a fresh worker with the same memory, in the next epoch, after the old
 * thread's exit was seen.
 */
export class ShardPool {
  readonly #plan: MeshPlan;
  readonly #pool: Piscina;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #logOptions: Omit<LogOptions, "thread">;
  readonly #listener: PoolListener;
  /** Main's side of the agents, by module. */
  readonly #desks: Promise<readonly AgentDesk[]>;
  /** By module, as reloads have it: the URL of the version that a worker begins with. */
  readonly #sources: readonly string[];
  readonly #shards: Shard[] = [];
  readonly #openSession: SessionOpener | undefined;
  readonly #call: OwnDesk | undefined;
  #stopping = false;

  constructor(
    plan: MeshPlan,
    clock: Clock,
    logOptions: Omit<LogOptions, "thread">,
    log: Log,
    listener: PoolListener,
    desks: Promise<readonly AgentDesk[]>,
    sources: readonly string[],
    openSession?: SessionOpener,
    call?: OwnDesk,
  ) {
    this.#call = call;
    this.#openSession = openSession;
    this.#clock = clock;
    this.#plan = plan;
    this.#log = log;
    this.#logOptions = logOptions;
    this.#listener = listener;
    this.#desks = desks;
    this.#sources = sources;
    const isSource = import.meta.url.endsWith(".ts");
    const workers = plan.threads - 1;
    this.#pool = new Piscina({
      filename: new URL(isSource ? "./shard.ts" : "./shard.js", import.meta.url).href,
      execArgv: isSource ? sourceLoader() : [],
      minThreads: workers,
      maxThreads: workers,
      concurrentTasksPerWorker: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      // The default parks idle workers in Atomics.wait, which would stop their timers and sockets.
      atomics: "disabled",
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
      recordTiming: false,
    });
    // Without a listener an error of the pool itself would end the process.
    this.#pool.on("error", (error: Error) => log.error({ error: error.message }, "worker pool"));
  }

  /** Starts every shard; agents are ready when {@link booted} says so. */
  start(): void {
    for (let thread = 1; thread < this.#plan.threads; thread++) {
      const shard: Shard = {
        thread,
        control: controlOf(this.#plan.memory.control, thread),
        abort: new AbortController(),
        restarts: 0,
        ended: false,
        failures: 0,
        blameless: false,
        running: Promise.resolve(),
        port: undefined,
      };
      this.#shards.push(shard);
      shard.running = this.#host(shard);
    }
  }

  /** Lines to the workers that run now. */
  get lines(): readonly MessagePort[] {
    return this.#shards.flatMap(({ port }) => port ?? []);
  }

  /** Times the worker of `thread` was replaced. */
  restartsOf(thread: number): number {
    return this.#shards[thread - 1]?.restarts ?? 0;
  }

  /** Agents that are ready on all workers. */
  get booted(): number {
    let booted = 0;
    for (const shard of this.#shards) booted += Atomics.load(shard.control, CONTROL_BOOTED);
    return booted;
  }

  /** True when every worker has its agents ready and serves. */
  get running(): boolean {
    return this.#shards.every(
      (shard) => Atomics.load(shard.control, CONTROL_STATE) === ThreadState.RUNNING,
    );
  }

  /** Ends a worker at once, whatever it does; a successor takes over and looks for who is to blame. */
  replace(thread: number, reason: string): void {
    this.#shards[thread - 1]?.abort.abort(new Error(reason));
  }

  /** The same by order: nobody is to blame. */
  kill(thread: number, reason: string): void {
    const shard = this.#shards[thread - 1];
    if (shard === undefined || shard.abort.signal.aborted) return;
    shard.blameless = true;
    shard.abort.abort(new Error(reason));
  }

  /** Has a worker sign with another session's key. */
  renew(thread: number, session: Session): void {
    this.#shards[thread - 1]?.port?.postMessage({ kind: "session", session });
  }

  /** Starts a worker again that was given up, as often as any other; false when it was not. */
  revive(thread: number): boolean {
    const shard = this.#shards[thread - 1];
    if (shard === undefined || !shard.ended || this.#stopping) return false;
    shard.ended = false;
    shard.failures = 0;
    shard.restarts++;
    shard.abort = new AbortController();
    Atomics.store(shard.control, CONTROL_STATE, ThreadState.LOST);
    shard.running = this.#host(shard);
    return true;
  }

  /** Tells all shards to stop their agents and return; kills those that have not within `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    for (const shard of this.#shards) {
      Atomics.store(shard.control, CONTROL_COMMAND, Command.STOP);
      ringDoorbell(shard.control);
    }
    const timer = setTimeout(() => {
      for (const shard of this.#shards) {
        if (!shard.ended) shard.abort.abort(new Error("did not stop in time"));
      }
    }, graceMs);
    await Promise.all(this.#shards.map((shard) => shard.running));
    clearTimeout(timer);
    await this.#pool.destroy();
  }

  /** Runs a shard and its successors until it ends in good order or is given up. */
  async #host(shard: Shard): Promise<void> {
    for (;;) {
      const lostMs = shard.restarts === 0 ? 0 : this.#clock.nowMs();
      const end = await this.#runOnce(shard, lostMs);
      if (end === undefined || this.#stopping) break;
      Atomics.store(shard.control, CONTROL_STATE, ThreadState.LOST);
      const neverReady = Atomics.load(shard.control, CONTROL_CYCLES) === 0 || shard.failures > 0;
      // An error of main's own class is one that the shard has reported: its modules cannot be loaded.
      if (end instanceof MeshError || (neverReady && shard.failures >= MAX_BOOT_FAILURES)) {
        this.#listener.onHopeless(shard.thread, end);
        break;
      }
      this.#log.error(
        { worker: shard.thread, reason: end.message },
        "worker lost; a successor takes over",
      );
      shard.restarts++;
      shard.abort = new AbortController();
      this.#listener.onLost(shard.thread, end.message);
    }
    shard.ended = true;
    Atomics.store(shard.control, CONTROL_STATE, ThreadState.STOPPED);
  }

  /** One incarnation: resolves when its thread is really gone; to the error, or undefined for a good end. */
  async #runOnce(shard: Shard, lostMs: number): Promise<Error | undefined> {
    const { port1, port2 } = new MessageChannel();
    const exited = new Promise<void>((resolve) => port1.once("close", () => resolve()));
    const call = this.#call;
    serveDesks(port1, this.#desks, call && { call: (asked) => call(shard.thread, asked) });
    shard.port = port1;
    // The successor is told, not left to read it: what stands there from now on is its own doing.
    const current = Atomics.exchange(shard.control, CONTROL_CURRENT, 0);
    const epoch = Atomics.add(shard.control, CONTROL_EPOCH, 1) + 1;
    Atomics.store(shard.control, CONTROL_STATE, ThreadState.STARTING);
    // A predecessor may have stood still; this one has not been told yet.
    Atomics.store(shard.control, CONTROL_FROZEN, 0);
    Atomics.store(shard.control, CONTROL_QUIET, 0);
    const session = this.#openSession?.(shard.thread, epoch);
    const task: ShardTask = {
      ...(session && { session }),
      plan: this.#plan,
      thread: shard.thread,
      epoch,
      sources: [...this.#sources],
      first: shard.restarts === 0,
      death: { blameless: shard.blameless, current },
      log: this.#logOptions,
      lifeline: port2,
    };
    shard.blameless = false;
    const watch = lostMs === 0 ? undefined : this.#watchReturn(shard, lostMs);
    try {
      const how = { transferList: [port2], signal: shard.abort.signal };
      const { unloadable } = (await this.#pool.run(task, how)) as ShardEnd;
      return unloadable && new MeshError(unloadable.code, unloadable.sentence);
    } catch (error) {
      if (Atomics.load(shard.control, CONTROL_STATE) === ThreadState.STARTING) shard.failures++;
      else shard.failures = 0;
      const { signal } = shard.abort;
      return signal.aborted ? (signal.reason as Error) : (error as Error);
    } finally {
      clearInterval(watch);
      shard.port = undefined;
      // A task that throws leaves its thread alive; the port then has to be closed from here.
      const gone = setTimeout(() => port1.close(), 1000);
      await exited;
      clearTimeout(gone);
    }
  }

  #watchReturn(shard: Shard, lostMs: number): NodeJS.Timeout {
    const timer = setInterval(() => {
      if (Atomics.load(shard.control, CONTROL_STATE) !== ThreadState.RUNNING) return;
      clearInterval(timer);
      this.#listener.onBack(shard.thread, this.#clock.nowMs() - lostMs);
    }, 5);
    return timer;
  }
}
