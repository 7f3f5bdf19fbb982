import { MeshError, MeshStoppedError } from "../../actors/errors.ts";
import type { Random } from "../../actors/ports.ts";
import { contradicting, valueKey } from "../../coordination/disagreement.ts";
import {
  IMPEDANCE_CLASSES,
  type ImpedanceClass,
  PEOPLE,
} from "../../coordination/impedance-class.ts";
import type { OperationKind } from "../../coordination/operation-record.ts";
import { OperationFlag } from "../../mailbox/operation-frame.ts";
import type { CutGather } from "../api/cut.ts";
import type { BroadcastOptions, BroadcastResult } from "../api/mesh-api.ts";
import type {
  CascadeOptions,
  CascadePhase,
  CascadeResult,
  CascadeStrategy,
  Forecast,
  ForecastOptions,
  GatherOptions,
  GatherResult,
  Operation,
  ResumeOptions,
} from "../api/operation-api.ts";
import type { Dispatcher } from "../dispatch/dispatcher.ts";
import type { Later } from "../machine/later.ts";
import { readCarried } from "./carried-gather.ts";
import { cascadeOutcome } from "./cascade-outcome.ts";
import { type Forecasts, questionOf } from "./forecasts.ts";
import type { Gather, GatherEnd, GatherPlan, SectorShare } from "./gather.ts";
import {
  gatherOutcome,
  type OutcomeFacts,
  type Punctuality,
  progressOf,
  punctualityOf,
} from "./gather-outcome.ts";
import type { Gathers } from "./gathers.ts";
import { type Attempt, attemptAfter, attemptOf, journaledOf } from "./operation-attempt.ts";
import type { JournaledOperation, OperationJournal } from "./operation-journal.ts";
import {
  changes,
  factsOf,
  flagsOf,
  type GatherSettings,
  planGather,
  planOperation,
} from "./operation-plan.ts";
import type { Selector } from "./selection.ts";

/** Share of the sectors that must confirm before a wave goes on (spec 3.3), and how long that may take, ms. */
const SECTOR_THRESHOLD = 0.98;
const SECTOR_TIER_MS = 200;
/** How soon an operation for which the journal has no room is tried again, ms. */
const RETRY_MS = 1;
/** Required READY share of a parallel cascade, and of the classes of a priority-first one (spec 3.3). */
const PARALLEL_QUORUM = 0.9;
const PHASES: readonly (readonly [ImpedanceClass, number])[] = [
  ["CLASS_D_GPU", 0.99],
  ["CLASS_C_PERSISTENT", 0.98],
  ["CLASS_B_SERVERLESS", 0.95],
  ["CLASS_A_EDGE", 0.9],
  ["CLASS_E_LOCAL", 0.85],
];

/** What the orchestrator needs of its mesh. */
export interface OrchestratorPorts {
  readonly dispatcher: Dispatcher;
  readonly gathers: Gathers;
  readonly forecasts: Forecasts;
  readonly random: Random;
  readonly later: Later;
  readonly selector: Selector;
  /** Bits of these capabilities, low and high word. */
  readonly capabilityBits: (names: readonly string[]) => readonly [low: number, high: number];
  readonly isRunning: () => boolean;
  /** An operation has ended, with all that was heard of it. */
  readonly ended: (gather: Gather) => void;
  /** These contradict their peers on a question with one right answer. */
  readonly contradicted: (liars: readonly (readonly [agent: number, answer: string])[]) => void;
  /** Where operations that change something outlive the process; absent without a data folder. */
  readonly journal: OperationJournal | undefined;
  /** An operation has ended. */
  readonly score: (
    kind: OperationKind,
    result: GatherResult,
    punctuality: Punctuality,
    windowMs: number,
    endedMs: number,
  ) => void;
}

/** How an attempt ended: what was gathered, and the tiers on the way. */
export interface Ended {
  readonly gather: Gather;
  readonly end: GatherEnd;
  readonly startedMs: number;
  readonly endedMs: number;
  readonly sectors: { readonly confirmed: number; readonly openedMs: number };
  readonly facts: OutcomeFacts;
  readonly outcome: GatherResult;
}

/** Coordinates operations of many agents: when, who, in which order, and whether it was enough (spec part 3). */
export class Orchestrator {
  readonly #ports: OrchestratorPorts;
  readonly #tag: string;

  constructor(ports: OrchestratorPorts) {
    this.#ports = ports;
    this.#tag = Math.floor(ports.random.next() * 2 ** 32).toString(36);
  }

  async forecast(operation: Operation, options: ForecastOptions = {}): Promise<Forecast> {
    const nowMs = this.#now();
    const plan = planOperation(operation, nowMs);
    const settings = planGather(options, 0.95);
    const agents = this.#ports.selector.routable(settings.select, plan.requiresCapabilities);
    const question = questionOf(plan, settings, agents, nowMs);
    const arrivalMs = plan.at.kind === "time" ? plan.at.atMs : undefined;
    const shut = this.#ports.selector.shut(settings.select, plan.requiresCapabilities);
    return this.#ports.forecasts.forecast(question, arrivalMs, options.limit ?? 100, shut);
  }

  /** Tells every agent of a selection, as soon as can be, and counts how it went. */
  broadcast(message: unknown, options: BroadcastOptions = {}): Promise<BroadcastResult> {
    const { gathers, dispatcher } = this.#ports;
    return new Promise((resolve, reject) => {
      const nowMs = this.#now();
      options.signal?.throwIfAborted();
      const attempt = this.#broadcastAttempt(message, options, nowMs);
      const abort = (): void => gathers.end(gather, "aborted");
      const onEnd = (ended: Gather, end: GatherEnd): void => {
        options.signal?.removeEventListener("abort", abort);
        if (end === "aborted") {
          reject(options.signal?.reason);
          return;
        }
        const { ready, conflict } = ended.counts;
        const addressed = ended.selected;
        const elapsedMs = dispatcher.ports.clock.nowMs() - nowMs;
        const transit = addressed - ready - conflict;
        if (end !== "mesh-stopped") this.#ports.ended(ended);
        const skipped = attempt.shut.length;
        resolve({ addressed, ready, conflict, transit, skipped, elapsedMs });
      };
      const operation = gathers.nextOperation();
      const shares = gathers.sharesOf(attempt.agents);
      const plan = { ...this.#planGather(attempt, operation, nowMs, shares.size), flags: 0 };
      const { kind, settings } = attempt;
      const about = { kind, windowMs: settings.windowMs, thresholds: settings.thresholds };
      const gather = gathers.scatter(operation, plan, shares, { about, onEnd });
      options.signal?.addEventListener("abort", abort, { once: true });
    });
  }

  #broadcastAttempt(message: unknown, options: BroadcastOptions, nowMs: number): Attempt {
    const { priority, ttlMs, select, timeoutMs } = options;
    const plan = planOperation(
      {
        payload: message,
        at: "now",
        ...(priority !== undefined && { priority }),
        ...(ttlMs !== undefined && { ttlMs }),
      },
      nowMs,
    );
    return {
      plan,
      settings: planGather({ ...(timeoutMs !== undefined && { timeoutMs }) }, 0.95),
      agents: this.#ports.selector.routable(select, []),
      shut: this.#ports.selector.shut(select, []),
      strategy: "broadcast",
      kind: "broadcast",
      isWave: false,
    };
  }

  async scatterGather(operation: Operation, options: GatherOptions = {}): Promise<GatherResult> {
    const attempt = this.#attempt(operation, options, 0.95, "scatter-gather", false);
    return (await this.#run(attempt)).outcome;
  }

  async cascade(operation: Operation, options: CascadeOptions = {}): Promise<CascadeResult> {
    const { strategy = "wave" } = options;
    switch (strategy) {
      case "wave":
      case "parallel": {
        const quorum = strategy === "parallel" ? PARALLEL_QUORUM : 0.95;
        const attempt = this.#attempt(operation, options, quorum, "cascade", strategy === "wave");
        const ended = await this.#run(attempt);
        return this.#cascadeOf(strategy, [ended], []);
      }
      case "priority-first":
        return this.#cascadeByPriority(operation, options);
      default:
        throw new MeshError(
          "MESH_INVALID_OPTION",
          `strategy: expected wave, parallel or priority-first, got ${strategy}`,
        );
    }
  }

  /** Class after class; one that misses its threshold is noted, and the next begins all the same. */
  async #cascadeByPriority(operation: Operation, options: CascadeOptions): Promise<CascadeResult> {
    const whole = this.#attempt(operation, options, 0.95, "cascade", false);
    const classes = this.#ports.dispatcher.view.registry.class;
    const people = this.#askPeople(whole, options.peopleTimeoutMs);
    const ended: Ended[] = [];
    const phases: CascadePhase[] = [];
    for (const [name, threshold] of PHASES) {
      const place = IMPEDANCE_CLASSES.findIndex((entry) => entry.name === name);
      const agents = whole.agents.filter((agent) => classes[agent] === place);
      if (agents.length === 0) continue;
      const thresholds = { ...whole.settings.thresholds, requiredReadyRate: threshold };
      const phase = await this.#run({
        ...whole,
        agents,
        shut: whole.shut.filter((agent) => classes[agent] === place),
        settings: { ...whole.settings, thresholds },
      });
      ended.push(phase);
      const result = phase.outcome;
      phases.push({ class: name, threshold, result, degraded: result.status !== "SUCCESS" });
    }
    if (ended.length === 0)
      throw new MeshError("MESH_NOBODY", "select: expected agents of the classes A to E, got none");
    return this.#cascadeOf("priority-first", ended, phases, people);
  }

  /** Asks the people of a selection, who have a deadline of their own. */
  #askPeople(whole: Attempt, timeoutMs: number | undefined): Promise<GatherResult> | undefined {
    if (timeoutMs === undefined) return undefined;
    const classes = this.#ports.dispatcher.view.registry.class;
    const agents = whole.agents.filter((agent) => classes[agent] === PEOPLE);
    if (agents.length === 0) return undefined;
    const { settings, plan } = whole;
    const people = this.#run({
      ...whole,
      agents,
      shut: whole.shut.filter((agent) => classes[agent] === PEOPLE),
      kind: "scatter-gather",
      plan: { ...plan, at: { kind: "now" }, hold: false },
      settings: { ...settings, timeoutMs },
    }).then(({ outcome }) => outcome);
    // Who does not look at it is not to be ended by it.
    people.catch(() => {});
    return people;
  }

  #cascadeOf(
    strategy: CascadeStrategy,
    ended: readonly Ended[],
    phases: readonly CascadePhase[],
    people?: Promise<GatherResult>,
  ): CascadeResult {
    return cascadeOutcome(strategy, ended, phases, people, this.#ports.dispatcher.view.topology);
  }

  #now(): number {
    const { dispatcher, isRunning } = this.#ports;
    if (!isRunning()) throw new MeshStoppedError();
    const nowMs = dispatcher.ports.clock.nowMs();
    dispatcher.nowMs = nowMs;
    return nowMs;
  }

  #attempt(
    operation: Operation,
    options: GatherOptions,
    quorum: number,
    kind: OperationKind,
    isWave: boolean,
  ): Attempt {
    const plan = planOperation(operation, this.#now());
    const settings = planGather(options, quorum);
    settings.signal?.throwIfAborted();
    const agents = this.#ports.selector.routable(settings.select, plan.requiresCapabilities);
    const shut = this.#ports.selector.shut(settings.select, plan.requiresCapabilities);
    const strategy = kind === "cascade" ? "broadcast" : "scatter-gather";
    return { plan, settings, agents, shut, kind, isWave, strategy };
  }

  /** Goes on with what the process before had begun, as far as there is time left; nobody waits for it any more. */
  async goOn(journaled: JournaledOperation): Promise<GatherResult> {
    return (await this.#run(attemptOf(journaled, this.#now()))).outcome;
  }

  /**
   * Goes on with what another process had begun when it was frozen, with the time that was left: T and all else is as
   * much later as `shiftMs`. Nobody waits for the result but who looks at `mesh.live`, the KPIs and the log.
   */
  async carryOn(
    carried: CutGather,
    shares: ReadonlyMap<number, SectorShare>,
    shiftMs: number,
  ): Promise<GatherResult> {
    this.#now();
    const { dispatcher, capabilityBits, journal } = this.#ports;
    const { attempt, plan } = readCarried(carried, shares, {
      codec: dispatcher.codec,
      agentsPerSector: dispatcher.view.topology.agentsPerSector,
      capabilityBits,
      shiftMs,
    });
    const { operation, kind } = carried;
    const root = plan.root ?? operation;
    // Where there is no room at once, it is not promised to outlive this process too.
    const isPromised = kind !== "broadcast" && changes(attempt.plan);
    const isKept = isPromised && journal?.open(journaledOf(attempt, root, plan)) === true;
    const flags = plan.flags | (isKept ? OperationFlag.JOURNALED : 0);
    const { outcome } = await this.#gather(attempt, operation, { ...plan, flags }, shares);
    if (isKept) await journal?.close(root);
    return outcome;
  }

  async #run(attempt: Attempt): Promise<Ended> {
    const { gathers, journal, later } = this.#ports;
    const operation = gathers.nextOperation();
    const shares = gathers.sharesOf(attempt.agents);
    const plan = this.#planGather(attempt, operation, this.#now(), shares.size);
    if (journal === undefined || !changes(attempt.plan))
      return this.#gather(attempt, operation, plan, shares);
    const root = plan.root ?? operation;
    while (!journal.open(journaledOf(attempt, root, plan))) {
      await new Promise<void>((resolve) => later(RETRY_MS, resolve));
      this.#now();
    }
    let ended: Ended;
    try {
      const flags = plan.flags | OperationFlag.JOURNALED;
      ended = await this.#gather(attempt, operation, { ...plan, flags }, shares);
    } catch (error) {
      // What the end of the mesh cuts off is gone on with at its next start.
      if (!(error instanceof MeshStoppedError)) journal.forget(root);
      throw error;
    }
    await journal.close(root);
    return ended;
  }

  #gather(
    attempt: Attempt,
    operation: number,
    gatherPlan: GatherPlan,
    shares: ReadonlyMap<number, SectorShare>,
  ): Promise<Ended> {
    const { gathers, dispatcher, later } = this.#ports;
    const { settings } = attempt;
    const startedMs = gatherPlan.createdMs;
    return new Promise<Ended>((resolve, reject) => {
      let quorumMs: number | undefined;
      let gather: Gather;
      let callOffTier: (() => void) | undefined;
      const abort = (): void => gathers.end(gather, "aborted");
      const look = (): void => {
        quorumMs ??= this.#quorumSince(gather, settings, startedMs);
        settings.onProgress?.(progressOf(gather));
      };
      const onEnd = (ended: Gather, end: GatherEnd): void => {
        callOffTier?.();
        settings.signal?.removeEventListener("abort", abort);
        const failure = this.#failureOf(attempt, ended, end);
        if (failure !== undefined) {
          reject(failure);
          return;
        }
        look();
        if (end !== "gate-failed") this.#heard(attempt, ended);
        const endedMs = dispatcher.ports.clock.nowMs();
        const { confirmed, openedMs } = gathers.gateOf(ended);
        const facts: OutcomeFacts = {
          topology: dispatcher.view.topology,
          windowMs: settings.windowMs,
          thresholds: settings.thresholds,
          shut: attempt.shut,
          elapsedMs: endedMs - startedMs,
          quorumMs,
          resume: (options) => this.#resume(attempt, ended, options),
        };
        const outcome = gatherOutcome([ended], facts);
        const punctuality = punctualityOf(ended);
        if (attempt.kind !== "broadcast")
          this.#ports.score(attempt.kind, outcome, punctuality, settings.windowMs, endedMs);
        const sectors = { confirmed, openedMs };
        resolve({ gather: ended, end, startedMs, endedMs, sectors, facts, outcome });
      };
      const { windowMs, thresholds } = settings;
      const about = { kind: attempt.kind, windowMs, thresholds };
      gather = gathers.scatter(operation, gatherPlan, shares, { about, onReport: look, onEnd });
      settings.signal?.addEventListener("abort", abort, { once: true });
      // A timer of the event loop, and not of the wheel: what it ends is itself only about this thread.
      if (attempt.isWave) callOffTier = later(SECTOR_TIER_MS, () => gathers.failGate(gather));
    });
  }

  #heard({ settings }: Attempt, gather: Gather): void {
    this.#ports.ended(gather);
    if (!settings.oneTruth || gather.values === undefined) return;
    const answers = Array.from(
      gather.values,
      ([agent, value]) => [agent, valueKey(value)] as const,
    );
    const said = new Map(answers);
    const liars = contradicting(answers);
    if (liars.length > 0)
      this.#ports.contradicted(liars.map((agent) => [agent, said.get(agent) ?? ""]));
  }

  /** Why there is no result; undefined when there is one. */
  #failureOf(attempt: Attempt, gather: Gather, end: GatherEnd): unknown {
    if (end === "aborted") return attempt.settings.signal?.reason;
    if (end === "mesh-stopped") return new MeshStoppedError();
    return end !== "gate-failed" && gather.addressed === 0 ? this.#nobody(attempt) : undefined;
  }

  /** Time from the start until now, if the quorum is READY and its moment has come. */
  #quorumSince(gather: Gather, settings: GatherSettings, startedMs: number): number | undefined {
    const { ready, conflict } = gather.counts;
    const { addressed, plan } = gather;
    const nowMs = this.#ports.dispatcher.nowMs;
    const { requiredReadyRate, maxConflictRate } = settings.thresholds;
    if (nowMs < plan.arrivalMs || addressed === 0) return undefined;
    if (ready < requiredReadyRate * addressed || conflict > maxConflictRate * addressed)
      return undefined;
    return nowMs - startedMs;
  }

  #planGather(attempt: Attempt, operation: number, nowMs: number, sectors: number): GatherPlan {
    const { plan, settings } = attempt;
    const arrivalMs = this.#arrivalMs(attempt, nowMs);
    const windowEndMs = arrivalMs + settings.windowMs;
    const latestMs = nowMs + settings.timeoutMs;
    const closeMs = arrivalMs === 0 ? latestMs : windowEndMs;
    const deadlineMs = Math.min(closeMs, nowMs + plan.ttlMs);
    const messageId =
      attempt.root?.messageId ?? `${Math.floor(nowMs).toString(36)}-${this.#tag}-${operation}`;
    const ttlMs = deadlineMs - nowMs;
    const context = this.#ports.dispatcher.spans.telemetry?.activeBytes();
    const [requiresLow, requiresHigh] = this.#ports.capabilityBits(plan.requiresCapabilities);
    return {
      payload: plan.payload,
      facts: factsOf(plan, messageId, attempt.strategy, ttlMs, context),
      root: attempt.root?.operation,
      createdMs: nowMs,
      arrivalMs,
      closeMs,
      deadlineMs,
      readyBy: plan.readyBy,
      priority: plan.priority,
      flags: flagsOf(plan, settings, attempt.isWave),
      // Of the sectors that have agents in it, so many must confirm.
      threshold: attempt.isWave ? Math.ceil(SECTOR_THRESHOLD * sectors) : 0,
      requiresLow,
      requiresHigh,
    };
  }

  #arrivalMs({ plan, settings, agents }: Attempt, nowMs: number): number {
    switch (plan.at.kind) {
      case "now":
        return 0;
      case "time":
        return plan.at.atMs;
      case "earliest-quorum":
        return this.#ports.forecasts.earliestQuorumMs(questionOf(plan, settings, agents, nowMs));
    }
  }

  /** Nobody could be sent to in time: says when somebody could. */
  #nobody({ plan, settings, agents }: Attempt): MeshError {
    const nowMs = this.#ports.dispatcher.ports.clock.nowMs();
    const question = questionOf(plan, settings, agents, nowMs);
    const earliestMs = this.#ports.forecasts.earliestQuorumMs(question);
    const needMs = Math.ceil(earliestMs - nowMs);
    return new MeshError(
      "MESH_NOBODY_IN_TIME",
      `at: none of ${agents.length} agents can be READY by then; the quorum needs ${needMs} ms from now`,
    );
  }

  /** Tries again for those that were neither READY nor in CONFLICT, under the id of the first attempt. */
  async #resume(
    attempt: Attempt,
    gather: Gather,
    options: ResumeOptions = {},
  ): Promise<GatherResult> {
    const { dispatcher, selector } = this.#ports;
    const { agentsPerSector } = dispatcher.view.topology;
    const isRoutable = (agent: number): boolean => selector.isRoutable(agent, []);
    const next = attemptAfter(attempt, gather, options, {
      nowMs: this.#now(),
      agentsPerSector,
      isRoutable,
    });
    const again = async (): Promise<GatherResult> => (await this.#run(next)).outcome;
    return dispatcher.spans.run({ name: "mesh resume" }, again);
  }
}
