import type { Behavior } from "../../actors/behavior.ts";
import { setCapabilities } from "../../coordination/capability.ts";
import type { AgentCell } from "./cell.ts";
import type { Dispatcher } from "./dispatcher.ts";

/** An agent as it was before its module changed over. */
interface Before {
  readonly cell: AgentCell;
  readonly behavior: Behavior;
  readonly state: unknown;
  /** What its version made of the state; undefined where it makes none. */
  readonly snapshot: unknown;
}

/**
 * Changes the agents of a module over to another version between two turns, their states kept: by `snapshot` of the
 * one and `restore` of the other where they have them, else the state as it is. All of them or none.
 */
export class BehaviorSwap {
  readonly #dispatcher: Dispatcher;
  /** By agent, since the last change: to go back to. */
  readonly #before = new Map<number, Before>();
  /** States of agents that are to be started again. */
  readonly #owed = new Map<number, unknown>();

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  /** Changes `agents` over; returns how many. Throws, with all as they were, when a state cannot be taken over. */
  forward(agents: Iterable<number>, next: Behavior): number {
    this.#before.clear();
    try {
      for (const agent of agents) this.#turnOver(agent, next);
    } catch (error) {
      for (const { cell, behavior, state } of this.#before.values()) {
        if (cell.extras !== undefined) delete cell.extras.nextBehavior;
        this.#set(cell, behavior, state);
      }
      this.#before.clear();
      throw error;
    }
    return this.#before.size;
  }

  /** Changes `agents` back to `old`: with what they have become, or else with what they were. */
  back(agents: Iterable<number>, old: Behavior): number {
    let changed = 0;
    for (const agent of agents) {
      const before = this.#before.get(agent);
      const cell = this.#dispatcher.agents.cellOf(agent);
      if (cell?.extras !== undefined) delete cell.extras.nextBehavior;
      if (before === undefined) {
        // Of a worker that began with the newer version.
        if (cell?.alive && !cell.busy && cell.behavior !== old)
          this.#set(
            cell,
            old,
            returned(cell, old, () => cell.state),
          );
        continue;
      }
      changed++;
      const was = (): unknown => kept(before, cell ?? before.cell);
      if (cell === undefined || !cell.alive) this.#owed.set(agent, was());
      else if (cell !== before.cell) this.#set(cell, old, was());
      else if (cell.behavior !== before.behavior) this.#set(cell, old, returned(cell, old, was));
    }
    this.#before.clear();
    return changed;
  }

  /** The new version stays. */
  settle(): void {
    this.#before.clear();
  }

  /** Whether the agent is to begin with a state of before: {@link owed} has it. */
  isOwed(agent: number): boolean {
    return this.#owed.has(agent);
  }

  /** That state, once. */
  owed(agent: number): unknown {
    const state = this.#owed.get(agent);
    this.#owed.delete(agent);
    return state;
  }

  /** The turn of an agent has ended that was to change over after it. */
  late(cell: AgentCell): void {
    const next = cell.extras?.nextBehavior;
    if (next === undefined || cell.extras === undefined) return;
    delete cell.extras.nextBehavior;
    if (!cell.alive) return;
    try {
      this.#set(cell, next, converted(cell, next));
    } catch (error) {
      // Not inside the turn that has just ended well.
      this.#dispatcher.standstill.whenGoing(() =>
        queueMicrotask(() => {
          if (cell.alive) this.#dispatcher.agents.fail(cell, error);
        }),
      );
    }
  }

  #turnOver(agent: number, next: Behavior): void {
    const cell = this.#dispatcher.agents.cellOf(agent);
    if (cell === undefined || !cell.alive) return;
    const { behavior, state } = cell;
    const snapshot = cell.busy ? undefined : structuredClone(behavior.snapshot?.(state));
    this.#before.set(agent, { cell, behavior, state, snapshot });
    if (cell.busy) cell.more.nextBehavior = next;
    else this.#set(cell, next, converted(cell, next));
  }

  #set(cell: AgentCell, behavior: Behavior, state: unknown): void {
    const { agents, view } = this.#dispatcher;
    cell.behavior = behavior;
    cell.state = state;
    setCapabilities(view.registry, cell.self, agents.capabilities, behavior.capabilities ?? []);
  }
}

/** The state of `cell` as another version has it. */
function converted(cell: AgentCell, next: Behavior): unknown {
  const { behavior, state } = cell;
  if (behavior.snapshot === undefined || next.restore === undefined) return state;
  return next.restore(structuredClone(behavior.snapshot(state)), cell);
}

/** What the agent has become, as `old` has it; where that fails, what it was. */
function returned(cell: AgentCell, old: Behavior, was: () => unknown): unknown {
  try {
    return converted(cell, old);
  } catch {
    return was();
  }
}

/** What the agent was. */
function kept({ behavior, state, snapshot }: Before, cell: AgentCell): unknown {
  return snapshot === undefined || behavior.restore === undefined
    ? state
    : behavior.restore(structuredClone(snapshot), cell);
}
