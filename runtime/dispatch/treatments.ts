import { serialize } from "node:v8";
import {
  ACTIVE,
  DEGRADED,
  QUARANTINED,
  STARTING,
  VACANT_SEAT,
} from "../../coordination/agent-state.ts";
import { clusterOf } from "../../coordination/topology.ts";
import type { AgentCell } from "./cell.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { digestOf } from "./shared-payloads.ts";

/** A context on its way from a healthy agent to those that have lost theirs. */
export interface SharedContext {
  readonly context: unknown;
  /** Of the context as a receiver has it. */
  readonly hash: number;
}

/** Why there is none: the agent has none to share at this moment, or its module has no such thing. */
export interface NoContext {
  readonly none: "now" | "ever";
}

/** What main asks a shard to heal: the agents [from, to) of one cluster that are of one behavior module. */
export interface HealRequest {
  readonly from: number;
  readonly to: number;
  readonly module: number;
  readonly shared?: SharedContext;
}

/** Which agents, by their index less `from`, got what. */
export interface Treated {
  readonly restarted: readonly number[];
  readonly replaced: readonly number[];
  readonly informed: readonly number[];
  /** Of the restarted and replaced: their context is not what was shared with them. */
  readonly misinformed: readonly number[];
  readonly broughtHome: boolean;
}

type Places = Record<"restarted" | "replaced" | "informed" | "misinformed", number[]>;

/** Heals the agents of this thread that main names, and lends their contexts. */
export class Treatments {
  readonly #dispatcher: Dispatcher;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  /**
   * Begins every agent of the range anew that is not up, with a clean record, and gives its cluster a lead of its
   * own again. Resolves when each `init` has settled; whether that went well is for the caller to see.
   */
  async heal(request: HealRequest): Promise<Treated> {
    const { view, plan, agents, roles } = this.#dispatcher;
    const { from, to, module, shared } = request;
    const { state } = view.registry;
    const treated: Places = { restarted: [], replaced: [], informed: [], misinformed: [] };
    const starting: Promise<void>[] = [];
    for (let agent = from; agent < to; agent++) {
      if ((plan.moduleOf?.[agent] ?? 0) !== module || isUp(state[agent])) continue;
      if (state[agent] === VACANT_SEAT) continue;
      (state[agent] === QUARANTINED ? treated.replaced : treated.restarted).push(agent - from);
      agents.failures.forgive(agent);
      // Whatever it loads or is lent now is what it is to have.
      agents.contexts.forget(agent);
      const ready = agents.restart(agent);
      // Before its first turn: requests are answered between turns, and this follows its `init` at once.
      const inform = (): void => this.#inform(agent, shared, agent - from, treated);
      if (ready === undefined) inform();
      else starting.push(ready.then(inform));
    }
    const broughtHome = roles.bringHome(clusterOf(view.topology, from));
    await Promise.all(starting);
    return { ...treated, broughtHome };
  }

  /** Lends the context of an agent, or says why not. */
  share(agent: number): SharedContext | NoContext {
    const { agents, view, answers } = this.#dispatcher;
    const cell = agents.cellOf(agent);
    const { context: contextOf, adoptContext } = cell?.behavior ?? {};
    if (cell !== undefined && (contextOf === undefined || adoptContext === undefined))
      return { none: "ever" };
    // One that is in the middle of a turn has a state in the middle of a change.
    if (cell?.alive !== true || cell.busy || view.registry.state[agent] !== ACTIVE)
      return { none: "now" };
    const context = answers.copyOf(cell.behavior.context?.(cell.state));
    if (context === undefined) return { none: "now" };
    return { context, hash: hashOf(context) };
  }

  #inform(agent: number, shared: SharedContext | undefined, place: number, treated: Places): void {
    const cell = this.#dispatcher.agents.cellOf(agent);
    if (shared === undefined || cell?.behavior.adoptContext === undefined || !cell.alive) return;
    try {
      (this.#adopt(cell, shared) ? treated.informed : treated.misinformed).push(place);
    } catch (error) {
      this.#dispatcher.agents.fail(cell, error);
      treated.misinformed.push(place);
    }
  }

  /** False when the context that the agent then has is not the one that it was given. */
  #adopt(cell: AgentCell, { context, hash }: SharedContext): boolean {
    const { answers, agents } = this.#dispatcher;
    const { behavior } = cell;
    // Each has a copy of its own.
    cell.state = behavior.adoptContext?.(cell.state, answers.copyOf(context), cell);
    const held = hashOf(answers.copyOf(behavior.context?.(cell.state)));
    agents.contexts.forget(cell.self);
    if (behavior.snapshot !== undefined) agents.checkpoint(cell, false);
    return held === hash;
  }
}

function isUp(state: number): boolean {
  return state === ACTIVE || state === DEGRADED || state === STARTING;
}

/** Low word of the SHA-256 of a value that has been encoded and decoded. */
function hashOf(context: unknown): number {
  return digestOf(serialize(context))[0] >>> 0;
}
