import { type Behavior, weightOf } from "../../actors/behavior.ts";
import { addressOf } from "../../coordination/address.ts";
import { PEOPLE } from "../../coordination/impedance-class.ts";
import type { Load, Predictor } from "../../coordination/prediction.ts";
import {
  agentsFor,
  earliestArrivalMs,
  expectedReady,
  quorumProbability,
} from "../../coordination/schedule.ts";
import type { AgentPlan, Forecast } from "../api/operation-api.ts";
import { isTried, openPredictor, queuedWork } from "../dispatch/arrivals.ts";
import type { MeshPlan, ThreadView } from "../plan/memory.ts";
import { shutPlans } from "./gather-outcome.ts";
import type { GatherSettings, OperationPlan } from "./operation-plan.ts";

/** What an operation takes on its way to agents before any lead time counts, ms; and for each agent. */
const DISPATCH_MS = 2;
const DISPATCH_MS_AN_AGENT = 1e-4;

/** What a forecast is about. */
export interface Question {
  readonly agents: Int32Array;
  readonly nowMs: number;
  readonly readyBy: number;
  readonly weight: number;
  readonly payload: unknown;
  readonly quorum: number;
  /** READY within this time after T counts, ms. */
  readonly windowMs: number;
}

/**
 * What will probably happen, from the estimates that the threads keep of their agents in shared memory:
 * reading them costs the agents nothing and works while they hang.
 */
export class Forecasts {
  readonly #view: ThreadView;
  readonly #predictors: readonly (Predictor | undefined)[];
  readonly #firstAgents: readonly number[];
  #weighed = { payload: undefined as unknown, weights: new Map<object, number>() };
  readonly #load: Load = { tMs: 0, weight: 1, queuedWork: 0 };

  readonly #behaviorOf: (agent: number) => Pick<Behavior, "weigh"> | undefined;

  /** `behaviors` are by module, for what they say of weights. */
  constructor(plan: MeshPlan, view: ThreadView, behaviors: readonly Pick<Behavior, "weigh">[]) {
    this.#view = view;
    this.#behaviorOf = (agent) => behaviors[plan.moduleOf?.[agent] ?? 0];
    const opened = Array.from({ length: plan.threads }, (_, thread) =>
      thread === 0 ? undefined : openPredictor(plan, view, thread),
    );
    this.#predictors = opened.map((entry) => entry?.predictor);
    this.#firstAgents = opened.map((entry) => entry?.from ?? 0);
  }

  /**
   * The earliest T by which `quorum` of the agents are expected READY, ms of the mesh clock. People do not
   * count unless nobody else is asked.
   */
  earliestQuorumMs(question: Question): number {
    return this.#earliest(question, this.#leads(question));
  }

  /**
   * Tells how it would go with T at `arrivalMs`; lists at most `limit` of those who would be skipped. `shut` are
   * selected too, and behind open circuits.
   */
  forecast(
    question: Question,
    arrivalMs: number | undefined,
    limit: number,
    shut: Int32Array,
  ): Forecast {
    const { agents, nowMs } = question;
    const leads = this.#leads(question);
    const earliestQuorumMs = this.#earliest(question, leads);
    const atMs = arrivalMs ?? earliestQuorumMs;
    const availableMs = atMs - nowMs;
    const skips: { agent: number; leadMs: number }[] = [];
    const inWindow: number[] = [];
    let byT = 0;
    for (let i = 0; i < agents.length; i++) {
      const isLate = leads[i] > availableMs;
      if (isLate && !this.#isTried(agents[i], availableMs)) {
        skips.push({ agent: agents[i], leadMs: leads[i] });
        continue;
      }
      // It is sent at its lead time, not at once, so it has that and the window.
      const hasMs = isLate ? availableMs : leads[i];
      byT += isLate ? this.#probabilityReady(agents[i], hasMs, question) : question.readyBy;
      inWindow.push(this.#probabilityReady(agents[i], hasMs + question.windowMs, question));
    }
    skips.sort((a, b) => b.leadMs - a.leadMs);
    const scheduled = agents.length - skips.length;
    return {
      arrivalMs: atMs,
      availableMs,
      selected: agents.length + shut.length,
      scheduled,
      skipped: skips.length + shut.length,
      expectedReady: byT,
      expectedInWindow: expectedReady(inWindow),
      quorumProbability:
        scheduled === 0 ? 0 : quorumProbability(inWindow, agentsFor(question.quorum, scheduled)),
      earliestQuorumMs,
      skips: [
        ...shutPlans(shut.subarray(0, limit), this.#view.topology),
        ...skips
          .slice(0, Math.max(0, limit - shut.length))
          .map(({ agent, leadMs }) => this.#skip(agent, leadMs, availableMs)),
      ],
    };
  }

  #skip(
    agent: number,
    wouldNeedMs: number,
    availableMs: number,
  ): Extract<AgentPlan, { readonly status: "SKIP" }> {
    const address = addressOf(this.#view.topology, agent);
    const reason = "insufficient_lead_time";
    return { status: "SKIP", address, reason, wouldNeedMs, availableMs };
  }

  /**
   * How long a message to `agent` takes until it is READY, with probability `q`, ms. `out` is how many the
   * asker knows to be on their way there.
   */
  leadMs(agent: number, q: number, weight: number, nowMs: number, out = 0): number {
    const thread = this.#view.placement[agent];
    const predictor = this.#predictors[thread];
    if (predictor === undefined) return 0;
    const index = agent - this.#firstAgents[thread];
    const load = this.#loadOf(agent, predictor, index, weight, nowMs);
    load.queuedWork = Math.max(load.queuedWork, out);
    return predictor.predict(index, q, load);
  }

  /** Whether an agent that is believed too slow is sent to all the same, as its shard would. */
  #isTried(agent: number, availableMs: number): boolean {
    const thread = this.#view.placement[agent];
    const samples = this.#predictors[thread]?.samples(agent - this.#firstAgents[thread]) ?? 0;
    return isTried(samples, this.#view.registry.class[agent], availableMs);
  }

  /** How heavy `payload` is to `agent`; `weight` is what its sender says, 1 for nothing. */
  weightFor(agent: number, payload: unknown, weight = 1): number {
    const behavior = this.#behaviorOf(agent);
    if (weight !== 1 || behavior?.weigh === undefined) return weight;
    // Of one payload thousands of agents are asked in a row.
    if (payload !== this.#weighed.payload) this.#weighed = { payload, weights: new Map() };
    let own = this.#weighed.weights.get(behavior);
    if (own === undefined) {
      own = weightOf(behavior, payload);
      this.#weighed.weights.set(behavior, own);
    }
    return own;
  }

  #probabilityReady(agent: number, availableMs: number, question: Question): number {
    const { weight, payload, nowMs } = question;
    const thread = this.#view.placement[agent];
    const predictor = this.#predictors[thread];
    if (predictor === undefined) return 0;
    const index = agent - this.#firstAgents[thread];
    const own = this.weightFor(agent, payload, weight);
    const load = this.#loadOf(agent, predictor, index, own, nowMs);
    return predictor.probabilityReady(index, availableMs, load);
  }

  #leads({ agents, readyBy, weight, payload, nowMs }: Question): Float64Array {
    const leads = new Float64Array(agents.length);
    // The same object may have become heavier since it was asked about last.
    this.#weighed = { payload: undefined, weights: new Map() };
    for (let i = 0; i < agents.length; i++) {
      const load = this.weightFor(agents[i], payload, weight);
      leads[i] = this.leadMs(agents[i], readyBy, load, nowMs);
    }
    return leads;
  }

  #loadOf(agent: number, predictor: Predictor, index: number, weight: number, nowMs: number): Load {
    const load = this.#load;
    load.tMs = nowMs;
    load.weight = weight;
    load.queuedWork = queuedWork(this.#view.registry, agent, predictor, index);
    return load;
  }

  #earliest({ agents, nowMs, quorum }: Question, leads: Float64Array): number {
    const classes = this.#view.registry.class;
    const machines = leads.filter((_, i) => classes[agents[i]] !== PEOPLE);
    const counted = machines.length > 0 ? machines : leads.slice();
    const dispatchMs = DISPATCH_MS + DISPATCH_MS_AN_AGENT * agents.length;
    return earliestArrivalMs(nowMs, counted, quorum) + dispatchMs;
  }
}

/** When could they be READY, of agents that an operation is planned for. */
export function questionOf(
  plan: OperationPlan,
  { thresholds, windowMs }: GatherSettings,
  agents: Int32Array,
  nowMs: number,
): Question {
  const { readyBy, weight, payload } = plan;
  const quorum = thresholds.requiredReadyRate;
  return { agents, nowMs, readyBy, weight, payload, windowMs, quorum };
}
