import { addressOf } from "../coordination/address.ts";
import type { Load, Predictor } from "../coordination/prediction.ts";
import { openPredictor, outstandingWork } from "./arrivals.ts";
import type { MeshPlan, ThreadView } from "./memory.ts";
import type { AgentPlan, Forecast } from "./operation-api.ts";

/** Index of CLASS_F_HUMAN: people have their own deadlines, and no machine waits for them to be READY. */
const HUMAN = 5;

/** What an operation takes on its way to agents before any lead time counts, ms; and for each agent. */
const DISPATCH_MS = 2;
const DISPATCH_MS_AN_AGENT = 1e-4;

/** What a forecast is about. */
export interface Question {
  readonly agents: Int32Array;
  readonly nowMs: number;
  readonly readyBy: number;
  readonly weight: number;
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
  readonly #load: Load = { tMs: 0, weight: 1, queuedWork: 0 };

  constructor(plan: MeshPlan, view: ThreadView) {
    this.#view = view;
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

  /** Tells how it would go with T at `arrivalMs`; lists at most `limit` of those who would be skipped. */
  forecast(question: Question, arrivalMs: number | undefined, limit: number): Forecast {
    const { agents, nowMs } = question;
    const leads = this.#leads(question);
    const earliestQuorumMs = this.#earliest(question, leads);
    const atMs = arrivalMs ?? earliestQuorumMs;
    const availableMs = atMs - nowMs;
    const skips: { agent: number; leadMs: number }[] = [];
    let expectedInWindow = 0;
    let variance = 0;
    for (let i = 0; i < agents.length; i++) {
      if (leads[i] > availableMs) {
        skips.push({ agent: agents[i], leadMs: leads[i] });
        continue;
      }
      // It is sent at its lead time, not at once, so it has that and the window.
      const ready = this.#probabilityReady(agents[i], leads[i] + question.windowMs, question);
      expectedInWindow += ready;
      variance += ready * (1 - ready);
    }
    skips.sort((a, b) => b.leadMs - a.leadMs);
    const scheduled = agents.length - skips.length;
    return {
      arrivalMs: atMs,
      availableMs,
      selected: agents.length,
      scheduled,
      skipped: skips.length,
      // Each is sent so that it is READY by T with just that probability.
      expectedReady: question.readyBy * scheduled,
      expectedInWindow,
      quorumProbability:
        scheduled === 0 ? 0 : atLeast(question.quorum * scheduled, expectedInWindow, variance),
      earliestQuorumMs,
      skips: skips
        .slice(0, limit)
        .map(({ agent, leadMs }) => this.#skip(agent, leadMs, availableMs)),
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
    const load = this.#loadOf(agent, weight, nowMs);
    load.queuedWork = Math.max(load.queuedWork, out);
    return predictor.predict(agent - this.#firstAgents[thread], q, load);
  }

  #probabilityReady(agent: number, availableMs: number, { weight, nowMs }: Question): number {
    const thread = this.#view.placement[agent];
    const predictor = this.#predictors[thread];
    if (predictor === undefined) return 0;
    const load = this.#loadOf(agent, weight, nowMs);
    return predictor.probabilityReady(agent - this.#firstAgents[thread], availableMs, load);
  }

  #leads({ agents, readyBy, weight, nowMs }: Question): Float64Array {
    const leads = new Float64Array(agents.length);
    for (let i = 0; i < agents.length; i++)
      leads[i] = this.leadMs(agents[i], readyBy, weight, nowMs);
    return leads;
  }

  #loadOf(agent: number, weight: number, nowMs: number): Load {
    const load = this.#load;
    load.tMs = nowMs;
    load.weight = weight;
    load.queuedWork = outstandingWork(this.#view.registry, agent);
    return load;
  }

  #earliest({ agents, nowMs, quorum }: Question, leads: Float64Array): number {
    const classes = this.#view.registry.class;
    const machines = leads.filter((_, i) => classes[agents[i]] !== HUMAN);
    const counted = (machines.length > 0 ? machines : leads.slice()).sort();
    const place = Math.max(0, Math.ceil(quorum * counted.length) - 1);
    const dispatchMs = DISPATCH_MS + DISPATCH_MS_AN_AGENT * agents.length;
    return nowMs + (counted[place] ?? 0) + dispatchMs;
  }
}

/** Probability that a sum with this mean and variance, nearly normal, is at least `least`. */
function atLeast(least: number, mean: number, variance: number): number {
  if (variance === 0) return mean >= least ? 1 : 0;
  const z = (mean - least + 0.5) / Math.sqrt(variance);
  // Abramowitz and Stegun 26.2.17, good to 7.5e-8.
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const tail =
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429)))) *
    Math.exp((-z * z) / 2) *
    0.3989422804014327;
  return z >= 0 ? 1 - tail : tail;
}
