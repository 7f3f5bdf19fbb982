import { InvalidOptionError, MeshError } from "../../actors/errors.ts";
import { addressOf } from "../../coordination/address.ts";
import { ACTIVE, DEGRADED } from "../../coordination/agent-state.ts";
import { ringDoorbell } from "../../mailbox/doorbell.ts";
import { controlDoublesOf, controlOf } from "../../mailbox/lanes.ts";
import {
  CONTROL_COMMAND,
  CONTROL_CURRENT,
  CONTROL_CYCLES,
  CONTROL_FREEZE,
  CONTROL_FROZEN,
  CONTROL_QUIET,
  CONTROL_SINCE_F64,
  CONTROL_STATE,
  CONTROL_STOOD_F64,
  CONTROL_UNKEPT,
  Command,
  ThreadState,
} from "../../mailbox/layout.ts";
import { type Cut, checkCut } from "../api/cut.ts";
import type {
  FreezeOptions,
  FreezeResult,
  Frozen,
  LateWorker,
  Preserved,
  ThawResult,
} from "../api/freeze-api.ts";
import type { MeshStatus } from "../api/mesh-api.ts";
import type { MeshListeners } from "../api/mesh-listeners.ts";
import type { Dispatcher } from "../dispatch/dispatcher.ts";
import type { Later } from "../machine/later.ts";
import type { Interventions } from "../recovery/interventions.ts";
import { frozenFile, writeCut } from "./cut-file.ts";
import { type MainsShare, takeCut } from "./cut-taker.ts";
import { PausedParts } from "./paused-parts.ts";

/** How long a freeze waits for the workers, and a thaw, ms. */
const PATIENCE_MS = 10_000;
/** Cycles of a thread that stands still until all that others had sent it before is surely in its custody. */
const QUIET_CYCLES = 2;
const ALL = "all";

interface Thread {
  readonly thread: number;
  readonly control: Int32Array;
}

/** What freezing needs of its mesh. */
export interface FreezerPorts {
  readonly dispatcher: Dispatcher;
  readonly interventions: Interventions;
  /** Folder of what outlives the process; undefined when nothing does. */
  readonly dataDir: string | undefined;
  readonly later: Later;
  readonly mainsShare: () => MainsShare;
  /** Throws while the mesh as a whole is to stay frozen. */
  readonly mayThaw: () => void;
  readonly state: () => MeshStatus["state"];
  readonly become: (state: "frozen" | "running") => void;
  readonly listeners: MeshListeners;
}

/**
 * Stops a mesh as a whole between two messages and lets it go again (design: failure, freeze). Main gives the order
 * by one word of each thread, and they say that they stand by another; then main reads the cut out of their memory.
 */
export class Freezer {
  readonly #ports: FreezerPorts;
  readonly #parts: PausedParts;
  #number = 0;
  #frozen: Frozen | undefined;
  /** A freeze or a thaw is under way: the next one waits for nothing, it is refused. */
  #busy = false;

  constructor(ports: FreezerPorts) {
    this.#ports = ports;
    const { dispatcher, interventions } = ports;
    this.#parts = new PausedParts(dispatcher.view, interventions, () => this.#now());
  }

  /** What is frozen: the whole mesh first, then parts of it. */
  get frozen(): readonly Frozen[] {
    const parts = this.#parts;
    return this.#frozen === undefined ? parts.list() : [this.#frozen, ...parts.list()];
  }

  /** Whether the whole mesh stands still. */
  get standsStill(): boolean {
    return this.#frozen !== undefined;
  }

  /** Throws MESH_FROZEN while the whole mesh stands still. */
  mustGo(what: string): void {
    const { sinceMs } = this.#frozen ?? {};
    if (sinceMs === undefined) return;
    const since = new Date(sinceMs).toISOString();
    throw new MeshError("MESH_FROZEN", `${what}: the mesh is frozen since ${since}, thaw it first`);
  }

  async freeze(scope: string = ALL, options: FreezeOptions = {}): Promise<FreezeResult> {
    const timeoutMs = options.timeoutMs ?? PATIENCE_MS;
    if (!(timeoutMs >= 0)) throw new InvalidOptionError("timeoutMs", timeoutMs, "ms from 0 up");
    this.mustGo("freeze");
    return this.#alone("freeze", () =>
      scope === ALL
        ? this.#freezeAll(options, timeoutMs)
        : this.#freezePart(scope, options, timeoutMs),
    );
  }

  async thaw(scope?: string): Promise<ThawResult> {
    return this.#alone("thaw", async () => {
      const parts = this.#parts;
      const whole = this.#frozen;
      if (scope !== undefined && scope !== ALL) {
        const result = await parts.thaw(scope, PATIENCE_MS);
        this.#ports.listeners.emit("thawed", result);
        return result;
      }
      this.#ports.mayThaw();
      if (whole === undefined && parts.list().length === 0)
        throw new MeshError("MESH_NOT_FROZEN", "thaw: nothing is frozen");
      for (const part of parts.list()) await parts.thaw(part.scope, whole ? 0 : PATIENCE_MS);
      const result = await this.#thawAll(whole);
      if (this.#ports.state() === "frozen") this.#ports.become("running");
      this.#ports.listeners.emit("thawed", result);
      return result;
    });
  }

  /** The cut of a mesh that stands still; MESH_NOT_FROZEN of one that does not. */
  cut(): Cut {
    const frozen = this.#frozen;
    if (frozen === undefined)
      throw new MeshError("MESH_NOT_FROZEN", "cut: only a frozen mesh has a state to take");
    const late = this.#late();
    if (late.length > 0) throw new MeshError("MESH_FREEZE_LATE", `cut: ${sentenceOf(late)}`);
    return this.#take(frozen.sinceMs);
  }

  async #alone<T>(what: string, act: () => Promise<T>): Promise<T> {
    const state = this.#ports.state();
    if (state !== "running" && state !== "frozen")
      throw new MeshError("MESH_NOT_RUNNING", `${what}: the mesh is ${state}`);
    if (this.#busy)
      throw new MeshError("MESH_FREEZE_BUSY", `${what}: a freeze or a thaw is under way`);
    this.#busy = true;
    try {
      return await act();
    } finally {
      this.#busy = false;
    }
  }

  async #freezePart(
    scope: string,
    { file }: FreezeOptions,
    timeoutMs: number,
  ): Promise<FreezeResult> {
    if (typeof file === "string")
      throw new InvalidOptionError(
        "file",
        file,
        "none: a part of a mesh goes on being sent to, so its state alone is none to start from",
      );
    const startMs = this.#now();
    const { frozen, suspended } = await this.#parts.pause(scope, startMs, timeoutMs);
    const result = { ...frozen, suspended, barrierMs: this.#now() - startMs };
    this.#ports.listeners.emit("frozen", frozen);
    return result;
  }

  async #freezeAll(options: FreezeOptions, timeoutMs: number): Promise<FreezeResult> {
    const { dispatcher } = this.#ports;
    const sinceMs = this.#now();
    const number = ++this.#number;
    // What main has sent must be on its way before the others stand, or it would be in nobody's custody.
    dispatcher.outbox.hold();
    dispatcher.commit();
    for (const { control } of this.#threads()) {
      Atomics.store(control, CONTROL_FREEZE, number);
      Atomics.store(control, CONTROL_COMMAND, Command.FREEZE);
      ringDoorbell(control);
    }
    const agents = this.#countAgents();
    this.#frozen = { scope: ALL, sinceMs, agents, late: [] };
    const reached = await this.#until(timeoutMs, (control) => control[CONTROL_FROZEN] === number);
    const barrierMs = this.#now() - sinceMs;
    const quiet = reached && (await this.#untilQuiet(number, sinceMs + timeoutMs));
    if (!quiet) {
      this.#frozen = { ...this.#frozen, late: this.#late() };
      this.#stands(this.#frozen);
      return { ...this.#frozen, barrierMs, suspended: this.#countSuspended() };
    }
    let preserved: Preserved;
    try {
      preserved = await this.#preserve(options.file, sinceMs);
    } catch (cause) {
      // Frozen all the same: whoever pulls the brake wants it pulled. They are told what is missing.
      this.#stands(this.#frozen);
      const reason = (cause as Error).message;
      throw new MeshError(
        "MESH_NOT_PRESERVED",
        `freeze: the mesh is frozen, but its state is not preserved: ${reason}`,
        { cause },
      );
    }
    const { file } = preserved;
    this.#frozen = { ...this.#frozen, ...(file !== undefined && { file }) };
    this.#stands(this.#frozen);
    return { ...this.#frozen, barrierMs, suspended: this.#countSuspended(), preserved };
  }

  #stands(frozen: Frozen): void {
    if (this.#ports.state() === "running") this.#ports.become("frozen");
    this.#ports.listeners.emit("frozen", frozen);
  }

  async #preserve(wanted: string | false | undefined, sinceMs: number): Promise<Preserved> {
    const { dataDir } = this.#ports;
    const file = wanted ?? (dataDir === undefined ? undefined : frozenFile(dataDir, sinceMs));
    const cut = this.#take(sinceMs);
    const { agents } = this.#ports.dispatcher.view.topology;
    const saved = cut.snapshots.filter(({ agent }) => agent < agents).length;
    const held = {
      snapshots: cut.snapshots.length,
      withoutSnapshot: Math.max(0, this.#countAgents() - saved),
      messages: cut.messages.length,
      timers: cut.belongings.filter(({ kind }) => kind === "timer").length,
      children: cut.belongings.filter(({ kind }) => kind === "child").length,
      unkept: this.#threads().reduce((sum, { control }) => sum + control[CONTROL_UNKEPT], 0),
      operations: cut.gathers.length,
    };
    if (file === undefined || file === false) return held;
    const startMs = this.#now();
    const bytes = await writeCut(file, cut);
    return { ...held, file, bytes, writeMs: this.#now() - startMs };
  }

  #take(sinceMs: number): Cut {
    const { dispatcher } = this.#ports;
    const { plan, view } = dispatcher;
    // What sectors had reported by then: of a part that is over, the report is all there is.
    while (!view.lanes.empty && dispatcher.drainLanes() > 0);
    const cut = takeCut(plan, view, this.#ports.mainsShare(), sinceMs);
    checkCut(cut);
    return cut;
  }

  async #thawAll(whole: Frozen | undefined): Promise<ThawResult> {
    const startMs = this.#now();
    if (whole === undefined) return { scope: ALL, agents: 0, stoodMs: 0, thawMs: 0 };
    const { dispatcher } = this.#ports;
    const stoodMs = startMs - whole.sinceMs;
    for (const { thread, control } of this.#threads()) {
      controlDoublesOf(dispatcher.plan.memory.control, thread)[CONTROL_STOOD_F64] = stoodMs;
      // A mesh that is stopping meanwhile must not be told to go on.
      Atomics.compareExchange(control, CONTROL_COMMAND, Command.FREEZE, Command.RUN);
      ringDoorbell(control);
    }
    await this.#until(PATIENCE_MS, (control) => control[CONTROL_FROZEN] === 0);
    this.#frozen = undefined;
    dispatcher.nowMs = this.#now();
    dispatcher.outbox.letGo(stoodMs);
    dispatcher.nudge();
    return { scope: ALL, agents: whole.agents, stoodMs, thawMs: this.#now() - startMs };
  }

  /** Waits until all workers are so; false when they are not in time. */
  async #until(
    timeoutMs: number,
    isSo: (control: Int32Array, place: number) => boolean,
  ): Promise<boolean> {
    const endMs = this.#now() + timeoutMs;
    const threads = this.#threads();
    for (;;) {
      if (threads.every(({ control }, place) => isSo(control, place))) return true;
      if (this.#now() >= endMs) return false;
      await new Promise<void>((resolve) => {
        this.#ports.later(1, resolve);
      });
    }
  }

  /** All stand still. What they had sent each other until then is taken in, wherever there is room for it. */
  #untilQuiet(number: number, endMs: number): Promise<boolean> {
    const marks = this.#threads().map(({ control }) => control[CONTROL_CYCLES]);
    const timeoutMs = Math.max(PATIENCE_MS / 10, endMs - this.#now());
    return this.#until(timeoutMs, (control, place) => {
      const cycles = (control[CONTROL_CYCLES] - marks[place]) | 0;
      // A sleeping thread looks at nothing; each ring is one more cycle.
      if (cycles < QUIET_CYCLES) ringDoorbell(control);
      return cycles >= QUIET_CYCLES && Math.abs(control[CONTROL_QUIET]) === number;
    });
  }

  #late(): LateWorker[] {
    const { plan, view } = this.#ports.dispatcher;
    const late: LateWorker[] = [];
    for (const { thread, control } of this.#threads()) {
      if (Atomics.load(control, CONTROL_FROZEN) === this.#number) continue;
      const current = Atomics.load(control, CONTROL_CURRENT);
      const since = controlDoublesOf(plan.memory.control, thread)[CONTROL_SINCE_F64];
      late.push({
        worker: `worker-${thread}`,
        ...(current > 0 && { address: addressOf(view.topology, current - 1) }),
        sinceMs: Math.max(0, this.#now() - since),
      });
    }
    return late;
  }

  /** Workers that have not ended or been given up. */
  #threads(): Thread[] {
    const { plan } = this.#ports.dispatcher;
    const threads: Thread[] = [];
    for (let thread = 1; thread < plan.threads; thread++)
      threads.push({ thread, control: controlOf(plan.memory.control, thread) });
    return threads.filter(({ control }) => control[CONTROL_STATE] !== ThreadState.STOPPED);
  }

  #countAgents(): number {
    const { registry, topology } = this.#ports.dispatcher.view;
    let agents = 0;
    for (let row = 0; row < topology.agents; row++)
      if (registry.state[row] === ACTIVE || registry.state[row] === DEGRADED) agents++;
    return agents;
  }

  #countSuspended(): number {
    const { registry, topology } = this.#ports.dispatcher.view;
    let suspended = 0;
    for (let row = 0; row < topology.agents; row++)
      if (registry.currentSinceMs[row] > 0) suspended++;
    return suspended;
  }

  #now(): number {
    return this.#ports.dispatcher.ports.clock.nowMs();
  }
}

/** Who is late, in words. */
export function sentenceOf(late: readonly LateWorker[]): string {
  return late
    .map(({ worker, address, sinceMs }) => {
      const who = address === undefined ? "" : `, held up by ${address}`;
      return `${worker} has not come to a boundary for ${Math.round(sinceMs)} ms${who}`;
    })
    .join("; ");
}
