import type { Behavior } from "../../actors/behavior.ts";
import { QUARANTINED, STOPPED } from "../../coordination/agent-state.ts";
import {
  type Belonging,
  belongingIn,
  type ChildBelonging,
  keepBelonging,
  type TimerBelonging,
  type WatchBelonging,
} from "../../mailbox/belonging.ts";
import { CONTROL_UNKEPT } from "../../mailbox/layout.ts";
import { FULL } from "../../mailbox/ring.ts";
import type { AgentCell } from "./cell.ts";
import { CellTimers } from "./cell-timers.ts";
import type { Dispatcher } from "./dispatcher.ts";

/** Where a behavior is to be had in another process: the index of an agent module, and the name of its export. */
export interface Origin {
  readonly module: number;
  readonly name: string;
}

/** The behaviors that the mesh's agent modules export, and where; and by place, `module name`. */
export interface Breeds {
  readonly origins: ReadonlyMap<Behavior, Origin>;
  readonly behaviors: ReadonlyMap<string, Behavior>;
}

const NO_BREEDS: Breeds = { origins: new Map(), behaviors: new Map() };

/** The key of {@link Breeds.behaviors}. */
export function breedKey({ module, name }: Origin): string {
  return `${module} ${name}`;
}

/**
 * Timers, children and death watches of a thread's agents: they live in its heap, and stand in custody only while the
 * thread stands still. There main finds them for a cut; and whoever begins with them, the first of a mesh that starts
 * from a cut or the successor of one that died while it stood, gives them back to their agents.
 */
export class Belongings {
  readonly #dispatcher: Dispatcher;
  /** What spawned children can be made of elsewhere. */
  breeds: Breeds = NO_BREEDS;
  /** Slots of what is kept, or was found. */
  #slots: number[] = [];
  readonly #timers = new Map<number, TimerBelonging[]>();
  readonly #children = new Map<number, ChildBelonging>();
  #watches: WatchBelonging[] = [];

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  /** Keeps a copy of everything, parents before their children; what cannot be kept is counted for main. */
  keep(): void {
    const { agents, view } = this.#dispatcher;
    this.letGo();
    let unkept = 0;
    const unborn = new Set<number>();
    const cells = [...agents.living()];
    // Children come behind all others, each behind its parent.
    for (let i = 0; i < cells.length; i++) {
      const cell = cells[i];
      unkept += this.#keepTimers(cell);
      for (const child of agents.childrenOf(cell.self).toReversed()) {
        const born = agents.cellOf(child);
        // The open turn has not happened: it will spawn its children again.
        if (born === undefined || born.bornIn === cell.turn) unborn.add(child);
        else if (this.#keepChild(born)) cells.push(born);
        else unkept++;
      }
    }
    for (const [watcher, watched] of agents.watches.ofThisThread())
      if (!unborn.has(watcher) && !unborn.has(watched))
        this.#keep({ kind: "watch", watcher, watched });
    view.control[CONTROL_UNKEPT] = unkept;
    this.#dispatcher.touch();
  }

  /** How many timers of the agent could not be kept. */
  #keepTimers(cell: AgentCell): number {
    const waiting = cell.extras?.timers?.waiting() ?? [];
    const { codec, nowMs } = this.#dispatcher;
    let unkept = 0;
    for (const { message, periodMs, dueMs } of waiting) {
      const length = codec.encode(message);
      const bytes = codec.bytes.slice(0, length);
      const leftMs = dueMs - nowMs;
      if (!this.#keep({ kind: "timer", agent: cell.self, leftMs, periodMs, bytes })) unkept++;
    }
    return unkept;
  }

  #keepChild({ self, parent, origin }: AgentCell): boolean {
    const state = this.#dispatcher.view.registry.state[self];
    if (state === QUARANTINED || state === STOPPED) return false;
    const from = this.breeds.origins.get(origin);
    return from !== undefined && this.#keep({ kind: "child", child: self, parent, ...from });
  }

  #keep(belonging: Belonging): boolean {
    const { view, ledger } = this.#dispatcher;
    const slot = keepBelonging(view.custody, belonging, ledger.cycle);
    if (slot === FULL) return false;
    this.#slots.push(slot);
    return true;
  }

  /** Gives the copies' room back: the thread goes on, or has given all to its agents. */
  letGo(): void {
    for (const slot of this.#slots) this.#dispatcher.giveBack(slot);
    this.#slots = [];
  }

  /** Takes over what was found in custody. */
  adopt(slots: readonly number[]): void {
    this.#slots = [];
    for (const slot of slots) {
      const belonging = belongingIn(this.#dispatcher.view.custody, slot);
      if (belonging.kind === "sent") {
        this.#dispatcher.sends.adopt(slot, belonging);
        continue;
      }
      this.#slots.push(slot);
      switch (belonging.kind) {
        case "timer": {
          const others = this.#timers.get(belonging.agent);
          if (others === undefined) this.#timers.set(belonging.agent, [belonging]);
          else others.push(belonging);
          break;
        }
        case "child":
          this.#children.set(belonging.child, belonging);
          break;
        case "watch":
          this.#watches.push(belonging);
          break;
        default:
          belonging satisfies never;
      }
    }
  }

  /** Whether a spawned child that was found is to live on. */
  brings(child: number): boolean {
    return this.#children.has(child);
  }

  /** The children that were found, each behind its parent and its elder siblings. */
  get children(): Iterable<ChildBelonging> {
    return this.#children.values();
  }

  /** The behavior of a child; undefined when no agent module exports it any more. */
  behaviorOf(child: ChildBelonging): Behavior | undefined {
    return this.breeds.behaviors.get(breedKey(child));
  }

  /** The agent has begun: it gets its timers, unless it has started timers of its own. */
  onReady(cell: AgentCell): void {
    if (this.#timers.size === 0) return;
    const timers = this.#timers.get(cell.self);
    if (timers === undefined) return;
    this.#timers.delete(cell.self);
    if (cell.extras?.timers?.begun === true) return;
    const { codec, ports } = this.#dispatcher;
    const { more } = cell;
    more.timers ??= new CellTimers(cell);
    for (const { leftMs, periodMs, bytes } of timers) {
      try {
        codec.adopt(bytes, bytes.length);
        more.timers.resume(leftMs, periodMs, codec.decodeOwn(bytes.length));
      } catch (error) {
        ports.log.warn({ actor: cell.address, error: String(error) }, "a timer cannot be read");
      }
    }
  }

  /** All agents have begun: watches are asked for again, and nothing is left over. */
  settle(): void {
    const { agents } = this.#dispatcher;
    for (const { watcher, watched } of this.#watches)
      if (agents.cellOf(watcher)?.alive === true) agents.watches.watch(watcher, watched);
    this.#watches = [];
    this.#timers.clear();
    this.#children.clear();
    this.letGo();
  }
}
