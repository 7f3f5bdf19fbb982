import { weightOf } from "../../actors/behavior.ts";
import { PEOPLE } from "../../coordination/impedance-class.ts";
import { sectorsOfShard } from "../../coordination/placement.ts";
import {
  createPredictor,
  type Load,
  type Observation,
  type Predictor,
} from "../../coordination/prediction.ts";
import { FLAG_PROCESSING_MEASURED, type Registry } from "../../coordination/registry.ts";
import { ReleaseCalendar } from "../../coordination/release-calendar.ts";
import { StallAllowance } from "../../coordination/stall-allowance.ts";
import {
  FRAME_CREATED_F64,
  FRAME_SOURCE,
  FRAME_TYPE,
  FrameKind,
  frameKind,
} from "../../mailbox/frame.ts";
import { SLOT_FRAME } from "../../mailbox/layout.ts";
import {
  ROW_CONFIDENCE,
  ROW_LEAD,
  ROW_PROCESSING,
  ROW_READY_ERROR,
  ROW_RELEASE_ERROR,
} from "../../mailbox/operation-frame.ts";
import type { MeshPlan, ThreadView } from "../plan/memory.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { OwnWord } from "./own-word.ts";
import type { Part } from "./part.ts";

/** Copies that a thread sends in a millisecond: about half of what it can, for each is also answered. */
const RELEASES_A_MS = 64;

/** A message that began within this time of its sending has not waited for another, ms. */
const WAITED_MS = 5;

/** A predictor over what a thread knows of its agents, which are those from `from` on. */
export interface OpenPredictor {
  readonly predictor: Predictor;
  readonly from: number;
  readonly to: number;
}

/** Opens the estimates of a thread's agents; from any thread, but only theirs writes. */
export function openPredictor(plan: MeshPlan, view: ThreadView, thread: number): OpenPredictor {
  const { topology } = view;
  const sectors = sectorsOfShard(topology.sectors, plan.threads - 1, thread);
  const from = sectors.from * topology.agentsPerSector;
  const to = sectors.to * topology.agentsPerSector;
  const predictor = createPredictor({
    agents: to - from,
    classes: topology.classOf.subarray(from, to),
    clusterOf: (agent) => Math.floor(agent / topology.agentsPerCluster),
    kind: plan.predictor,
    buffer: plan.memory.arrivals[thread],
  });
  return { predictor, from, to };
}

/** An agent measured less often than this is hardly known. */
const KNOWN = 3;

/**
 * Whether an agent that is believed too slow is sent to all the same: as long as it is hardly known that belief
 * is of its class, or of a cold start, and who is never sent to stays unknown. Not people, whom it would cost hours.
 */
export function isTried(samples: number, classIndex: number, availableMs: number): boolean {
  return samples < KNOWN && classIndex !== PEOPLE && availableMs > 0;
}

/** Messages that an agent has to finish before it begins with one more, as its row has it. */
export function outstandingWork(registry: Registry, agent: number): number {
  return registry.queueDepth[agent] + (registry.currentSinceMs[agent] > 0 ? 1 : 0);
}

/** Asks a predictor about a message that finds nobody before it. */
const UNLADEN: Load = { tMs: 0, weight: 1, queuedWork: 0 };

/**
 * The same in messages like the one that is to be sent; `index` is the agent's number to the predictor. How long those
 * take of an agent of which no operation has been measured yet is not known from others of its class, who may do other
 * work: its own turns tell, where it has had some.
 */
export function queuedWork(
  registry: Registry,
  agent: number,
  predictor: Predictor,
  index: number,
): number {
  const messages = outstandingWork(registry, agent);
  if (messages === 0 || predictor.samples(index) > 0) return messages;
  if ((registry.flags[agent] & FLAG_PROCESSING_MEASURED) === 0) return messages;
  const usualMs = predictor.predict(index, 0.5, UNLADEN);
  return messages * Math.min(1, registry.processingMs[agent] / Math.max(usualMs, 1e-3));
}

/**
 * When a thread's agents will be READY, learned from when they were: the lead time of each agent before an
 * operation, and after it what really happened (design: predict, plan, release, gather, score).
 */
export class Arrivals {
  readonly #dispatcher: Dispatcher;
  readonly #load: Load = { tMs: 0, weight: 1, queuedWork: 0 };
  readonly #observation: Observation = { tMs: 0, weight: 1, queuedWork: 0, delayMs: 0 };
  readonly #calendar = new ReleaseCalendar(RELEASES_A_MS);
  readonly #allowance = new StallAllowance();
  /** What the agents themselves say of it. */
  readonly ownWord: OwnWord;
  #predictor: Predictor | undefined;
  #firstAgent = 0;
  #lastAgent = 0;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
    this.ownWord = new OwnWord(dispatcher);
  }

  /** Takes up the estimates of this thread's agents, which an earlier incarnation may have learned. */
  begin(): void {
    const { plan, view } = this.#dispatcher;
    const { predictor, from, to } = openPredictor(plan, view, view.thread);
    this.#predictor = predictor;
    this.#firstAgent = from;
    this.#lastAgent = to;
    this.ownWord.begin(from, to);
  }

  /** Whether anything is known of when this agent is READY. */
  knows(agent: number): boolean {
    return (this.#predictor?.samples(agent - this.#firstAgent) ?? 1) > 0;
  }

  /**
   * Plans one agent's copy: fills its row and returns when it is to be sent, ms of the mesh clock; Infinity
   * when that would have been before the operation was made (spec 3.1 SKIP).
   */
  plan(part: Part, bit: number): number {
    const agent = part.firstAgent + bit;
    const load = this.#loadOf(part, agent);
    if (part.loads !== undefined) part.loads[bit] = load.queuedWork;
    const ownMs = this.#predict(agent, part.readyBy, load);
    const leadMs = ownMs + this.#allowance.ms;
    const { nowMs, view } = this.#dispatcher;
    part.row(bit, ROW_PROCESSING, view.registry.processingMs[agent]);
    part.row(bit, ROW_LEAD, leadMs);
    const availableMs = part.arrivalMs - part.createdMs;
    // By its own lead alone, as main has planned T: for its thread's lateness it is sent earlier where it can be. Left
    // out for that, all agents of the thread would be, and nothing would ever be seen of its lateness again.
    if (ownMs > availableMs) {
      const samples = this.#predictor?.samples(agent - this.#firstAgent) ?? 0;
      if (!isTried(samples, view.registry.class[agent], availableMs))
        return Number.POSITIVE_INFINITY;
      const leftMs = part.arrivalMs - nowMs;
      part.row(bit, ROW_LEAD, leftMs);
      part.row(bit, ROW_CONFIDENCE, this.#probabilityReady(agent, leftMs, load));
      return nowMs;
    }
    const sendAtMs = this.#calendar.reserve(part.arrivalMs - leadMs, nowMs);
    part.row(bit, ROW_LEAD, part.arrivalMs - sendAtMs);
    part.row(bit, ROW_CONFIDENCE, part.readyBy);
    return sendAtMs;
  }

  /** The agent's copy goes out: how far from its plan, and what waits before it. */
  released(part: Part, bit: number, nowMs: number): void {
    if (part.rows === undefined) return;
    const errorMs = nowMs - (part.arrivalMs - part.at(bit, ROW_LEAD));
    part.row(bit, ROW_RELEASE_ERROR, errorMs);
    const load = this.#loadOf(part, part.firstAgent + bit);
    if (part.loads !== undefined) part.loads[bit] = load.queuedWork;
  }

  /** The agent is READY, or in CONFLICT: it has arrived. */
  arrived(part: Part, bit: number, nowMs: number): void {
    part.row(bit, ROW_READY_ERROR, nowMs - (part.arrivalMs || part.createdMs));
    if (part.arrivalMs > 0) this.#learn(part, bit, nowMs);
  }

  /** The agent's time is over though it was at work: it would have taken at least as long as it has. */
  gaveUp(part: Part, bit: number, nowMs: number): void {
    if (part.arrivalMs > 0) this.#learn(part, bit, nowMs);
  }

  /** The part is over: how many of its agents were late, whoever's fault it was. */
  closed(part: Part): void {
    const { rows, stride } = part;
    if (rows === undefined || part.arrivalMs === 0) return;
    let all = 0;
    let late = 0;
    for (let at = 0; at < rows.length; at += stride) {
      if (Number.isNaN(rows[at + ROW_RELEASE_ERROR])) continue;
      all++;
      // Also who is not READY yet.
      if (!(rows[at + ROW_READY_ERROR] <= 0)) late++;
    }
    const whole = this.#lastAgent - this.#firstAgent;
    this.#allowance.observe(late, all, 1 - part.readyBy, all / whole);
  }

  #learn(part: Part, bit: number, nowMs: number): void {
    const releaseError = part.at(bit, ROW_RELEASE_ERROR);
    // Sent by a predecessor, or never: nobody knows when.
    if (Number.isNaN(releaseError)) return;
    const sentMs = part.arrivalMs - part.at(bit, ROW_LEAD) + releaseError;
    const agent = part.firstAgent + bit;
    const queuedWork = part.loads?.[bit] ?? 0;
    if (queuedWork === 0) this.ownWord.seen(agent, "operation", nowMs - sentMs);
    this.observe(agent, nowMs - sentMs, this.#weightAt(part, agent), queuedWork);
  }

  /**
   * An agent that had been at work since `sinceMs` has finished the message in `slot`. Asked from outside, and
   * begun without having waited, that tells as much of it as an operation does.
   */
  answered(agent: number, slot: number, sinceMs: number): void {
    const { view, nowMs } = this.#dispatcher;
    const { words, doubles } = view.custody;
    const at = slot + SLOT_FRAME;
    if (frameKind(words[at + FRAME_TYPE]) !== FrameKind.ASK) return;
    if (words[at + FRAME_SOURCE] !== view.topology.orchestrator) return;
    const createdMs = doubles[(at >>> 1) + FRAME_CREATED_F64];
    if (sinceMs - createdMs >= WAITED_MS) return;
    const behavior = this.#dispatcher.agents.cellOf(agent)?.behavior;
    // Read again only where it has a weight: who was asked has it no more.
    const message =
      behavior?.weigh && this.#dispatcher.inbox.decodeAt(words, view.custody.bytes, at);
    this.ownWord.seen(agent, "ask", nowMs - createdMs);
    this.observe(agent, nowMs - createdMs, weightOf(behavior, message), 0);
  }

  /** How heavy the operation's payload is to this agent: as its caller says, else as the agent does. */
  #weightAt(part: Part, agent: number): number {
    if (part.weight !== 1) return part.weight;
    const { agents, payloads, view } = this.#dispatcher;
    const behavior = agents.cellOf(agent)?.behavior;
    if (behavior?.weigh === undefined) return 1;
    let weight = part.weights.get(behavior);
    if (weight === undefined) {
      weight = weightOf(behavior, payloads.messageAt(view.custody.words, part.slot + SLOT_FRAME));
      part.weights.set(behavior, weight);
    }
    return weight;
  }

  /** Notes that an agent was READY `delayMs` after a message of `weight` was sent to it. */
  observe(agent: number, delayMs: number, weight: number, queuedWork: number): void {
    if (agent < this.#firstAgent || agent >= this.#lastAgent) return;
    const seen = this.#observation;
    seen.tMs = this.#dispatcher.nowMs;
    seen.weight = weight;
    seen.queuedWork = queuedWork;
    seen.delayMs = delayMs;
    this.#predictor?.observe(agent - this.#firstAgent, seen);
  }

  #loadOf(part: Part, agent: number): Load {
    const load = this.#load;
    load.tMs = this.#dispatcher.nowMs;
    load.weight = this.#weightAt(part, agent);
    const { registry } = this.#dispatcher.view;
    const predictor = this.#predictor;
    load.queuedWork =
      predictor === undefined
        ? outstandingWork(registry, agent)
        : queuedWork(registry, agent, predictor, agent - this.#firstAgent);
    return load;
  }

  #probabilityReady(agent: number, availableMs: number, load: Load): number {
    return this.#predictor?.probabilityReady(agent - this.#firstAgent, availableMs, load) ?? 0;
  }

  #predict(agent: number, q: number, load: Load): number {
    return this.#predictor?.predict(agent - this.#firstAgent, q, load) ?? 0;
  }
}
