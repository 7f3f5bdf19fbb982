import { inspect } from "node:util";
import { addressOf } from "../../coordination/address.ts";
import { OFFLINE, VACANT_SEAT } from "../../coordination/agent-state.ts";
import { clusterOf, kindOf, sectorOf } from "../../coordination/topology.ts";
import { FRAME_OPERATION_F64, FRAME_SOURCE, FRAME_TARGET } from "../../mailbox/frame.ts";
import { SLOT_FRAME } from "../../mailbox/layout.ts";
import { EMPTY } from "../../mailbox/mailboxes.ts";
import type { FrameMemory } from "../../mailbox/ring.ts";
import type { FailureClass } from "../../supervisors/failure-classes.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { BY_OPERATOR } from "./failures.ts";
import { outsideAsk } from "./inbox.ts";
import { type HealRequest, Treatments } from "./treatments.ts";

/** A hook of a behavior that only looks, and what it is given. */
export type Look =
  | { readonly hook: "branch"; readonly context: unknown; readonly message: unknown }
  | { readonly hook: "resend"; readonly messageId: string }
  | { readonly hook: "provenance"; readonly value: unknown };

/** The snapshot of an agent. */
export type SavedState = readonly [agent: number, snapshot: unknown];

/** What one thread may ask of another, or main of a shard, on behalf of the operator. */
export type Request =
  | { readonly verb: "watch" | "unwatch"; readonly watcher: number }
  | { readonly verb: "inspect" }
  | { readonly verb: "restart"; readonly from: number; readonly to: number }
  | { readonly verb: "join" | "leave"; readonly from: number; readonly to: number }
  | {
      readonly verb: "move-in" | "move-out";
      readonly from: number;
      readonly to: number;
      readonly anew: boolean;
    }
  | { readonly verb: "states"; readonly from: number; readonly to: number }
  | {
      readonly verb: "adopt";
      readonly from: number;
      readonly to: number;
      readonly states: readonly SavedState[];
    }
  | { readonly verb: "withdraw"; readonly asks: readonly number[] }
  | { readonly verb: "kill" | "share-context" }
  | { readonly verb: "pause" | "resume"; readonly from: number; readonly to: number }
  | { readonly verb: "look"; readonly look: Look }
  | { readonly verb: "clock" }
  | { readonly verb: "disable"; readonly low: number; readonly high: number }
  | { readonly verb: "quarantine"; readonly reason: string; readonly failure: FailureClass }
  | { readonly verb: "give-up" }
  | ({ readonly verb: "heal" } & HealRequest)
  | { readonly verb: "renew" | "deputise"; readonly thread: number };

/** What a shard tells of one of its agents, in text. */
export interface InspectReply {
  readonly state: string;
  readonly children: readonly string[];
  /** Of the current turn. */
  readonly message?: string;
  readonly waitsFor?: string;
  /** The next in its mailbox. */
  readonly head?: string;
}

/** Longest text of a message that is shown. */
const MAX_MESSAGE_TEXT = 1024;
/** Longest text of a state that is shown. */
const MAX_STATE_TEXT = 8192;

/** Carries out CONTROL requests; they travel on the urgent lane and are answered at once, between turns. */
export class Requests {
  readonly #dispatcher: Dispatcher;
  readonly #treatments: Treatments;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
    this.#treatments = new Treatments(dispatcher);
  }

  onControl(ring: FrameMemory, word: number): void {
    const { inbox, outbox, ports } = this.#dispatcher;
    const target = ring.words[word + FRAME_TARGET];
    const asker = ring.words[word + FRAME_SOURCE];
    const id = ring.doubles[(word >>> 1) + FRAME_OPERATION_F64];
    try {
      const request = inbox.decodeAt(ring.words, ring.bytes, word) as Request;
      const answer = this.#carryOut(target, request);
      if (id === 0) return;
      if (answer instanceof Promise) {
        answer
          .catch((error: unknown) => ({ error: String(error) }))
          .then((value) => {
            outbox.replyControl(target, asker, id, value);
            this.#dispatcher.nudge();
          });
      } else {
        outbox.replyControl(target, asker, id, answer);
      }
    } catch (error) {
      ports.log.error({ target, error: String(error) }, "a control request failed");
      if (id !== 0) outbox.replyControl(target, asker, id, { error: String(error) });
    }
  }

  #carryOut(target: number, request: Request): unknown {
    const { agents, turns } = this.#dispatcher;
    switch (request.verb) {
      case "watch":
        agents.watches.watch(request.watcher, target);
        return undefined;
      case "unwatch":
        agents.watches.unwatch(request.watcher, target);
        return undefined;
      case "renew":
        agents.watches.renew(request.thread);
        return undefined;
      case "deputise":
        this.#dispatcher.deputies.assume(request.thread);
        return undefined;
      case "heal":
        return this.#treatments.heal(request);
      case "share-context":
        return this.#treatments.share(target);
      case "give-up":
        return { adopted: this.#giveUp(target) };
      case "inspect":
        return this.#inspect(target);
      case "restart":
        return this.#restart(request.from, request.to);
      case "join":
        return this.#join(request.from, request.to);
      case "leave":
        for (let agent = request.from; agent < request.to; agent++) agents.leave(agent);
        return {};
      case "move-in":
        return this.#moveIn(request.from, request.to, request.anew);
      case "move-out":
        for (let agent = request.from; agent < request.to; agent++) agents.leave(agent, OFFLINE);
        return {};
      case "states":
        return { states: agents.checkpoints.statesOf(request.from, request.to) };
      case "adopt":
        return agents.checkpoints.adoptStates(request.from, request.to, request.states);
      case "withdraw":
        return this.#withdraw(target, new Set(request.asks));
      case "pause":
        return { suspended: this.#countSuspended(request.from, request.to) };
      case "resume":
        for (let agent = request.from; agent < request.to; agent++) turns.wake(agent);
        return {};
      case "look":
        return this.#look(target, request.look);
      case "clock":
        return { reading: this.#dispatcher.heart.clockReading(target) ?? null };
      case "disable": {
        const { registry } = this.#dispatcher.view;
        registry.capabilitiesLow[target] &= ~request.low;
        registry.capabilitiesHigh[target] &= ~request.high;
        return { disabled: true };
      }
      case "kill":
        return this.#kill(target);
      case "quarantine":
        agents.failures.quarantine(target, request.reason, request.failure);
        return undefined;
      default:
        request satisfies never;
        throw new Error(`unknown request ${inspect(request)}`);
    }
  }

  /** Of a role only its holder ends: another one takes it over. */
  #kill(target: number): { killed: string } {
    const { agents, roles, view } = this.#dispatcher;
    const { topology } = view;
    const kind = kindOf(topology, target);
    if (kind === "lead") roles.loseLead(clusterOf(topology, target), BY_OPERATOR);
    else if (kind === "coordinator") roles.loseCoordinator(sectorOf(topology, target), BY_OPERATOR);
    else agents.failures.kill(target);
    return { killed: addressOf(topology, target) };
  }

  /** By order of whoever keeps the circuits, or a person: another lead of the sector cares for the cluster. */
  #giveUp(lead: number): boolean {
    const { roles, view } = this.#dispatcher;
    const cluster = clusterOf(view.topology, lead);
    return view.seats.adopterOf(cluster) >= 0 || roles.adopt(cluster, "given up by order");
  }

  /** By now no other turn of theirs runs: requests are carried out between turns. */
  #countSuspended(from: number, to: number): number {
    let suspended = 0;
    for (let agent = from; agent < to; agent++)
      if (this.#dispatcher.agents.cellOf(agent)?.busy === true) suspended++;
    return suspended;
  }

  /** Between turns, over the state as it is: these hooks only look. */
  #look(agent: number, look: Look): { readonly found: unknown } | { readonly hookless: true } {
    const cell = this.#dispatcher.agents.cellOf(agent);
    if (cell?.alive !== true) return { hookless: true };
    const { behavior, state } = cell;
    switch (look.hook) {
      case "branch":
        if (behavior.branch === undefined) return { hookless: true };
        return { found: behavior.branch(state, look.context, look.message) };
      case "resend":
        if (behavior.resend === undefined) return { hookless: true };
        return { found: behavior.resend(state, look.messageId) };
      case "provenance":
        if (behavior.provenance === undefined) return { hookless: true };
        return { found: behavior.provenance(state, look.value) };
      default:
        look satisfies never;
        throw new Error(`unknown hook ${inspect(look)}`);
    }
  }

  /** Nobody waits for these asks any more: they leave the mailbox, and a turn that is at one of them ends. */
  #withdraw(agent: number, asks: ReadonlySet<number>): unknown {
    const { agents, inbox, view } = this.#dispatcher;
    const slot = agents.cellOf(agent)?.slot ?? 0;
    const running = slot === 0 ? 0 : outsideAsk(view, slot);
    inbox.withdraw(agent, new Set([...asks].filter((ask) => ask !== running)));
    if (!asks.has(running)) return { released: false };
    const ready = agents.renew(agent);
    return ready === undefined ? { released: true } : ready.then(() => ({ released: true }));
  }

  #join(from: number, to: number): unknown {
    const starting: Promise<void>[] = [];
    for (let agent = from; agent < to; agent++) {
      const ready = this.#dispatcher.agents.join(agent);
      if (ready !== undefined) starting.push(ready);
    }
    return starting.length === 0 ? {} : Promise.all(starting).then(() => ({}));
  }

  /** Agents that another node had, or nobody; `anew`: what this thread knows of their states is out of date. */
  #moveIn(from: number, to: number, anew: boolean): unknown {
    const { agents, view } = this.#dispatcher;
    const starting: Promise<void>[] = [];
    for (let agent = from; agent < to; agent++) {
      if (view.registry.state[agent] === VACANT_SEAT) continue;
      if (anew && agents.cellOf(agent)?.alive !== true) agents.checkpoints.forget(agent);
      const ready = agents.join(agent);
      if (ready !== undefined) starting.push(ready);
    }
    const { heart } = this.#dispatcher;
    const begun = (): object => {
      heart.refresh(clusterOf(view.topology, from));
      return {};
    };
    return starting.length === 0 ? begun() : Promise.all(starting).then(begun);
  }

  /** A promise when some of them take their time; `init` that fails is the supervisor's business. */
  #restart(from: number, to: number): unknown {
    const { agents, view } = this.#dispatcher;
    const starting: Promise<void>[] = [];
    let vacant = 0;
    for (let agent = from; agent < to; agent++) {
      if (view.registry.state[agent] === VACANT_SEAT) {
        vacant++;
        continue;
      }
      agents.failures.forgive(agent);
      agents.contexts.forget(agent);
      const ready = agents.restart(agent);
      if (ready !== undefined) starting.push(ready);
    }
    this.#bringHome(from, to);
    const answer = { restarted: to - from - vacant };
    return starting.length === 0 ? answer : Promise.all(starting).then(() => answer);
  }

  /** Clusters that begin anew as a whole have leads of their own again. */
  #bringHome(from: number, to: number): void {
    const { roles, view } = this.#dispatcher;
    const { agentsPerCluster, agents } = view.topology;
    const first = Math.ceil(from / agentsPerCluster);
    for (let cluster = first; (cluster + 1) * agentsPerCluster <= Math.min(to, agents); cluster++)
      roles.bringHome(cluster);
  }

  #inspect(agent: number): InspectReply {
    const { agents, view } = this.#dispatcher;
    const cell = agents.cellOf(agent);
    const children = agents.childrenOf(agent).map((child) => addressOf(view.topology, child));
    const head = this.#dispatcher.mailboxes.peek(agent);
    return {
      state: printed(cell?.state, MAX_STATE_TEXT),
      children,
      ...(cell !== undefined && cell.slot !== 0 && { message: this.#messageIn(cell.slot) }),
      ...(cell?.extras?.waitsFor !== undefined && { waitsFor: cell.extras.waitsFor }),
      ...(head !== EMPTY && { head: this.#messageIn(head) }),
    };
  }

  #messageIn(slot: number): string {
    const { words, bytes } = this.#dispatcher.view.custody;
    try {
      const message = this.#dispatcher.inbox.decodeAt(words, bytes, slot + SLOT_FRAME);
      return printed(message, MAX_MESSAGE_TEXT);
    } catch (error) {
      return `(cannot be read: ${error instanceof Error ? error.message : String(error)})`;
    }
  }
}

function printed(value: unknown, limit: number): string {
  const text = inspect(value, {
    depth: 3,
    maxArrayLength: 20,
    maxStringLength: 500,
    breakLength: 100,
  });
  return text.slice(0, limit);
}
