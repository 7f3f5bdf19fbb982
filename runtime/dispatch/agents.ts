import type { Behavior } from "../../actors/behavior.ts";
import { MeshError } from "../../actors/errors.ts";
import {
  ACTIVE,
  isOver,
  NOT_STARTED,
  OFFLINE,
  QUARANTINED,
  STARTING,
  STOPPED,
  VACANT_SEAT,
} from "../../coordination/agent-state.ts";
import {
  type CapabilityTable,
  createCapabilityTable,
  setCapabilities,
} from "../../coordination/capability.ts";
import { seedProfile } from "../../coordination/profile.ts";
import { FLAG_LOST } from "../../coordination/registry.ts";
import type { ChildBelonging } from "../../mailbox/belonging.ts";
import {
  CONTROL_BOOTED,
  CONTROL_CURRENT,
  CONTROL_CURRENT_SLOT,
  CONTROL_SINCE_F64,
  Count,
} from "../../mailbox/layout.ts";
import { EMPTY } from "../../mailbox/mailboxes.ts";
import type { FrameMemory } from "../../mailbox/ring.ts";
import { BehaviorSwap } from "./behavior-swap.ts";
import { AgentCell } from "./cell.ts";
import { Checkpoints } from "./checkpoints.ts";
import { Contexts } from "./contexts.ts";
import { DeadLetterCode } from "./dead-letter-code.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { Failures } from "./failures.ts";
import { sendOn } from "./gateway.ts";
import { Requests } from "./requests.ts";
import { Siblings } from "./siblings.ts";
import { SpawnPlaces } from "./spawn-places.ts";
import { Watches } from "./watches.ts";

/** Indices [from, to). */
interface Range {
  readonly from: number;
  readonly to: number;
}

const NONE: Range = { from: 0, to: 0 };

/** Why an incarnation ends. */
export type EndReason = "stopped" | "failed" | "killed" | "lost";

/** The agents of a thread: their incarnations from start to end. */
export class Agents {
  readonly capabilities: CapabilityTable;
  readonly checkpoints: Checkpoints;
  readonly failures: Failures;
  readonly watches: Watches;
  readonly contexts: Contexts;
  readonly swap: BehaviorSwap;
  readonly #dispatcher: Dispatcher;
  readonly #requests: Requests;
  readonly #cells: (AgentCell | undefined)[] = [];
  /** By place in the spawn range. */
  readonly #spawned: (AgentCell | undefined)[] = [];
  #behaviors: Behavior[] = [];
  #range: Range = NONE;
  readonly #places: SpawnPlaces;
  #siblings = new Siblings(0, 0);
  /** What async `stopped` handlers still do. */
  readonly #farewells = new Set<Promise<void>>();
  #stopping = false;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
    this.capabilities = createCapabilityTable(dispatcher.plan.capabilities);
    this.checkpoints = new Checkpoints(dispatcher);
    this.failures = new Failures(dispatcher);
    this.watches = new Watches(dispatcher);
    this.contexts = new Contexts(dispatcher);
    this.swap = new BehaviorSwap(dispatcher);
    this.#requests = new Requests(dispatcher);
    this.#places = new SpawnPlaces(dispatcher.view);
  }

  /** Why a message to a stopped agent is dead. */
  get stoppedCode(): number {
    return this.#stopping ? DeadLetterCode.MESH_STOPPING : DeadLetterCode.STOPPED;
  }

  /** The agents of the topology that live on this thread. */
  get range(): Range {
    return this.#range;
  }

  /** The live or last incarnation; undefined before the first. */
  cellOf(agent: number): AgentCell | undefined {
    return agent < this.#range.to
      ? this.#cells[agent - this.#range.from]
      : this.#spawned[agent - this.#places.from];
  }

  /**
   * Makes all agents of this thread ready, in order; behaviors by module index. A successor finds the
   * snapshots in the checkpoints.
   */
  async boot(behaviors: readonly Behavior[], range: Range): Promise<void> {
    const { view, plan } = this.#dispatcher;
    this.#behaviors = [...behaviors];
    this.#range = range;
    if (plan.threads > 1 && view.thread > 0) {
      this.#places.survey();
      this.#siblings = new Siblings(this.#places.from, this.#places.to);
    }
    const pending: Promise<void>[] = [];
    for (let agent = range.from; agent < range.to; agent++) {
      // Another node has it.
      if (view.placement[agent] !== view.thread) continue;
      // What was quarantined, had stopped or was vacant under a predecessor stays so.
      if (isOver(view.registry.state[agent])) continue;
      if (view.registry.generation[agent] === 0)
        seedProfile(view.registry, agent, view.topology.classOf[agent]);
      const starting = this.#start(agent, this.#behaviorOf(agent));
      if (starting !== undefined) pending.push(starting);
    }
    await Promise.all(pending);
    await this.#bringUpChildren();
  }

  /** The children that were found with their parents' states, for the parents that have spawned none themselves. */
  async #bringUpChildren(): Promise<void> {
    const { belongings, ports } = this.#dispatcher;
    const bereft = new Map<number, boolean>();
    const pending: (Promise<void> | undefined)[] = [];
    for (const belonging of belongings.children) {
      const { child, parent } = belonging;
      if (!bereft.has(parent)) bereft.set(parent, this.childrenOf(parent).length === 0);
      const behavior = belongings.behaviorOf(belonging);
      if (behavior !== undefined && bereft.get(parent) && this.cellOf(parent)?.alive === true) {
        this.#siblings.add(parent, child);
        pending.push(this.#start(child, behavior, parent));
        continue;
      }
      ports.log.debug({ actor: child, parent, name: belonging.name }, "a child is not brought up");
      this.#giveUpChild(belonging);
    }
    belongings.settle();
    await Promise.all(pending);
  }

  #giveUpChild({ child }: ChildBelonging): void {
    const { registry } = this.#dispatcher.view;
    registry.state[child] = STOPPED;
    registry.flags[child] |= FLAG_LOST;
    this.checkpoints.forget(child);
  }

  /** The agents of the topology that have an incarnation. */
  *living(): Iterable<AgentCell> {
    for (const cell of this.#cells) if (cell?.alive === true) yield cell;
  }

  /**
   * Starts an agent in a place that was vacant; what was measured of one before it there is forgotten. Undefined when
   * it is ready at once, or when there is one already.
   */
  join(agent: number): Promise<void> | undefined {
    const { view } = this.#dispatcher;
    if (this.cellOf(agent)?.alive === true) return undefined;
    this.failures.forgive(agent);
    this.contexts.forget(agent);
    seedProfile(view.registry, agent, view.topology.classOf[agent]);
    return this.#start(agent, this.#behaviorOf(agent));
  }

  /**
   * Stops an agent of the topology, and leaves its place vacant, or offline where another node goes on with it: nothing
   * starts it again here but {@link join}.
   */
  leave(agent: number, state: number = VACANT_SEAT): void {
    const { registry } = this.#dispatcher.view;
    if (registry.state[agent] === VACANT_SEAT) return;
    const cell = this.cellOf(agent);
    if (cell !== undefined) this.stop(cell, "stopped");
    this.#cells[agent - this.#range.from] = undefined;
    this.checkpoints.forget(agent);
    registry.capabilitiesLow[agent] = 0;
    registry.capabilitiesHigh[agent] = 0;
    registry.flags[agent] = 0;
    registry.state[agent] = state;
  }

  /**
   * Changes the agents of a module over to another version; returns how many. `back` to the one of before. Throws, with
   * nothing changed, when a state cannot be taken over to a new one.
   */
  change(module: number, behavior: Behavior, back: boolean): number {
    const own = this.#agentsOf(module);
    const changed = back ? this.swap.back(own, behavior) : this.swap.forward(own, behavior);
    this.#behaviors[module] = behavior;
    this.#dispatcher.nudge();
    return changed;
  }

  *#agentsOf(module: number): Iterable<number> {
    const { moduleOf } = this.#dispatcher.plan;
    for (let agent = this.#range.from; agent < this.#range.to; agent++)
      if ((moduleOf?.[agent] ?? 0) === module) yield agent;
  }

  #behaviorOf(agent: number): Behavior {
    return this.#behaviors[this.#dispatcher.plan.moduleOf?.[agent] ?? 0];
  }

  /** Makes a new incarnation. Undefined when it is ready at once, else a promise that never rejects. */
  #start(
    agent: number,
    behavior: Behavior,
    parent = -1,
    bornIn = Number.NaN,
  ): Promise<void> | undefined {
    const { registry } = this.#dispatcher.view;
    const cell = new AgentCell(this.#dispatcher, agent, behavior);
    cell.parent = parent;
    cell.bornIn = bornIn;
    if (agent < this.#range.to) this.#cells[agent - this.#range.from] = cell;
    else this.#spawned[agent - this.#places.from] = cell;
    registry.generation[agent]++;
    registry.currentSinceMs[agent] = 0;
    registry.waitsOn[agent] = -1;
    registry.state[agent] = STARTING;
    if (behavior.capabilities !== undefined)
      setCapabilities(registry, agent, this.capabilities, behavior.capabilities);
    let state: unknown;
    const named = this.#name(agent);
    try {
      const saved = behavior.restore !== undefined && this.checkpoints.has(agent);
      if (this.swap.isOwed(agent)) state = this.swap.owed(agent);
      else state = saved ? this.checkpoints.restore(cell) : behavior.init(cell);
    } catch (error) {
      if (named) this.#dispatcher.view.control[CONTROL_CURRENT] = 0;
      this.#failedToStart(cell, error);
      return undefined;
    }
    if (named) this.#dispatcher.view.control[CONTROL_CURRENT] = 0;
    if (state instanceof Promise) return this.#startLater(cell, state);
    cell.state = state;
    this.#ready(cell);
    return undefined;
  }

  /**
   * Lets the watchdog know whose `init` runs; false inside of a turn, whose agent answers for what it spawns
   * and for what its failure restarts.
   */
  #name(agent: number): boolean {
    const { view, ports } = this.#dispatcher;
    if (view.control[CONTROL_CURRENT] !== 0) return false;
    view.controlDoubles[CONTROL_SINCE_F64] = ports.clock.nowMs();
    view.control[CONTROL_CURRENT_SLOT] = 0;
    view.control[CONTROL_CURRENT] = agent + 1;
    return true;
  }

  #startLater(cell: AgentCell, state: Promise<unknown>): Promise<void> {
    cell.busy = true;
    return state.then(
      (value) => {
        if (!cell.alive) return;
        cell.busy = false;
        cell.state = value;
        this.#ready(cell);
        this.#dispatcher.nudge();
      },
      (error) => {
        this.#dispatcher.standstill.whenGoing(() => {
          if (cell.alive) this.#failedToStart(cell, error);
        });
      },
    );
  }

  #ready(cell: AgentCell): void {
    const { view, mailboxes, runQueue } = this.#dispatcher;
    view.registry.state[cell.self] = ACTIVE;
    view.control[CONTROL_BOOTED]++;
    this.#dispatcher.belongings.onReady(cell);
    if (!this.contexts.isWhole(cell)) return;
    this.#dispatcher.roles.started(cell.self);
    if (mailboxes.depth[cell.self] > 0) runQueue.push(cell.self);
  }

  #failedToStart(cell: AgentCell, error: unknown): void {
    this.#dispatcher.view.control[CONTROL_BOOTED]++;
    this.failures.fail(cell, error);
  }

  /** See {@link Failures.fail}. */
  fail(cell: AgentCell, error: unknown): void {
    this.failures.fail(cell, error);
  }

  /** See {@link Checkpoints.take}. */
  checkpoint(cell: AgentCell, durably: boolean): void {
    this.checkpoints.take(cell, durably);
  }

  onControl(ring: FrameMemory, word: number): void {
    this.#requests.onControl(ring, word);
  }

  /**
   * Ends the incarnation, if there is one, and begins the next with a new state and the same mailbox. The
   * promise, if there is one, is that of its `init`.
   */
  restart(agent: number): Promise<void> | undefined {
    const cell = this.cellOf(agent);
    const isOfTopology = agent >= this.#range.from && agent < this.#range.to;
    if (cell === undefined && !isOfTopology) return undefined;
    const { ledger, view } = this.#dispatcher;
    if (view.registry.state[agent] === VACANT_SEAT) return undefined;
    if (cell !== undefined) this.end(cell, "restarted");
    this.checkpoints.forget(agent);
    view.registry.restarts[agent]++;
    ledger.counts[Count.RESTARTS]++;
    this.#dispatcher.touch();
    const behavior = isOfTopology ? this.#behaviorOf(agent) : (cell as AgentCell).origin;
    return this.#start(agent, behavior, cell?.parent, cell?.bornIn);
  }

  /**
   * Ends the incarnation and begins the next where the last one was committed, as after the death of a worker; without
   * a snapshot with a new state. The promise, if there is one, is that of its start.
   */
  renew(agent: number): Promise<void> | undefined {
    const cell = this.cellOf(agent);
    if (cell?.alive !== true) return undefined;
    this.end(cell, "relieved of its task");
    this.#dispatcher.view.registry.restarts[agent]++;
    this.#dispatcher.ledger.counts[Count.RESTARTS]++;
    this.#dispatcher.touch();
    return this.#start(agent, cell.behavior, cell.parent);
  }

  /** Takes an agent out of service until its delayed restart; its mailbox goes on filling within bounds. */
  suspend(agent: number): void {
    const cell = this.cellOf(agent);
    if (cell === undefined) return;
    this.end(cell, "restarting");
    this.#dispatcher.view.registry.state[agent] = OFFLINE;
  }

  /** The children that an agent has spawned, the youngest first. */
  childrenOf(agent: number): readonly number[] {
    return this.#siblings.youngestFirst(agent);
  }

  /** Ends the current incarnation: its turn, timers, children and signal. The mailbox stays. */
  end(cell: AgentCell, reason: string): void {
    if (!cell.alive) return;
    const { turns } = this.#dispatcher;
    const { extras } = cell;
    // The running turn's message was begun: it counts as failed, and whoever asked is told.
    turns.spend(cell, reason);
    cell.alive = false;
    cell.busy = false;
    this.#dispatcher.view.registry.currentSinceMs[cell.self] = 0;
    for (const child of this.childrenOf(cell.self)) this.stopIndex(child, "stopped");
    if (extras === undefined) return;
    const error = new MeshError(
      "MESH_INCARNATION_ENDED",
      `this incarnation of ${cell.address} was ${reason}`,
    );
    extras.controller?.abort(error);
    extras.timers?.end(error);
    turns.unstashAll(cell);
  }

  /** Stops for good: `stopped` runs, waiting messages become dead letters, watchers hear of it. */
  stop(cell: AgentCell, reason: EndReason): void {
    // One that waits for its restart (offline) has no incarnation to end, but a mailbox and watchers.
    if (!cell.alive && this.#dispatcher.view.registry.state[cell.self] !== OFFLINE) return;
    if (cell.alive) this.#runStopped(cell);
    this.end(cell, reason);
    this.#close(cell, STOPPED, this.stoppedCode, reason);
    if (cell.parent >= 0) this.#forgetChild(cell.parent, cell.self);
  }

  /** Keeps an agent from work until a person lets it go; its messages become dead letters. */
  quarantine(agent: number, reason: EndReason): void {
    const cell = this.cellOf(agent);
    if (cell !== undefined) {
      this.end(cell, "quarantined");
      this.#close(cell, QUARANTINED, DeadLetterCode.QUARANTINED, reason);
    }
  }

  stopIndex(agent: number, reason: EndReason): void {
    const cell = this.cellOf(agent);
    if (cell !== undefined) this.stop(cell, reason);
  }

  #runStopped(cell: AgentCell): void {
    if (cell.behavior.stopped === undefined) return;
    const complain = (error: unknown): void =>
      this.#dispatcher.ports.log.warn(
        { actor: cell.address, error: String(error) },
        "stopped() threw",
      );
    try {
      const ending = cell.behavior.stopped(cell.state, cell);
      if (ending instanceof Promise) this.#bidFarewell(ending.catch(complain));
    } catch (error) {
      complain(error);
    }
  }

  #bidFarewell(ending: Promise<void>): void {
    this.#farewells.add(ending);
    ending.then(() => this.#farewells.delete(ending));
  }

  #close(cell: AgentCell, state: number, code: number, reason: EndReason): void {
    const { view, mailboxes, operations, burials } = this.#dispatcher;
    const isElsewhere = view.placement[cell.self] !== view.thread;
    view.registry.state[cell.self] = state;
    // With the mesh its agents stop, and begin at its next start where they were.
    if (this.#stopping) this.checkpoints.leave(cell.self);
    else this.checkpoints.forget(cell.self);
    for (let slot = mailboxes.pop(cell.self); slot !== EMPTY; slot = mailboxes.pop(cell.self)) {
      if (operations.has(slot)) operations.skip(slot, cell.self);
      else if (!isElsewhere || !sendOn(this.#dispatcher, slot)) burials.bury(slot, code);
    }
    // Who goes on elsewhere has not ended.
    if (!isElsewhere) this.watches.ended(cell.self, reason);
    this.#dispatcher.touch();
    if (!this.#stopping) this.#dispatcher.roles.ended(cell.self);
  }

  /** Stops after the current turn, or at once between turns. */
  stopSoon(cell: AgentCell): void {
    if (cell.slot === 0) this.failures.ended(cell);
    else cell.more.stopping = true;
  }

  stopChild(parent: AgentCell, child: number): void {
    if (this.cellOf(child)?.parent !== parent.self) {
      throw new MeshError(
        "MESH_NOT_A_CHILD",
        `${parent.address} did not spawn actor ${child}: only a parent stops a child`,
      );
    }
    this.stopIndex(child, "stopped");
  }

  spawn(parent: AgentCell, behavior: Behavior): number {
    const { view } = this.#dispatcher;
    const index = this.#places.take();
    this.#siblings.add(parent.self, index);
    seedProfile(view.registry, index, view.registry.class[parent.self]);
    view.registry.state[index] = NOT_STARTED;
    this.#start(index, behavior, parent.self, parent.turn);
    return index;
  }

  #forgetChild(parent: number, child: number): void {
    this.#siblings.remove(parent, child);
    this.#spawned[child - this.#places.from] = undefined;
  }

  /** Stops all, in reverse order of start; resolves when the last `stopped` is through, which main bounds. */
  async stopAll(): Promise<void> {
    this.#stopping = true;
    for (let i = this.#spawned.length - 1; i >= 0; i--) {
      const cell = this.#spawned[i];
      if (cell !== undefined) this.stop(cell, "stopped");
    }
    for (let i = this.#cells.length - 1; i >= 0; i--) {
      const cell = this.#cells[i];
      if (cell !== undefined) this.stop(cell, "stopped");
    }
    this.#dispatcher.commit();
    await Promise.all(this.#farewells);
  }

  watch(watcher: number, watched: number): void {
    this.watches.watch(watcher, watched);
  }

  unwatch(watcher: number, watched: number): void {
    this.watches.unwatch(watcher, watched);
  }
}
