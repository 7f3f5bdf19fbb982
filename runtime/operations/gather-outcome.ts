import type { Compensation, MeshMessage } from "../../actors/message.ts";
import type { Trinary } from "../../actors/result.ts";
import { addressOf } from "../../coordination/address.ts";
import { decideQuorum, type QuorumThresholds } from "../../coordination/quorum.ts";
import type { Topology } from "../../coordination/topology.ts";
import {
  OperationFlag,
  ROW_ACT_ERROR,
  ROW_CONFIDENCE,
  ROW_FLOATS,
  ROW_LEAD,
  ROW_PROCESSING,
  ROW_READY_ERROR,
  ROW_RELEASE_ERROR,
  rowFloats,
} from "../../mailbox/operation-frame.ts";
import { ProgressMap } from "../../supervisors/sector-coordinator.ts";
import type {
  AgentOutcome,
  AgentPlan,
  GatherResult,
  OperationProgress,
  ResumeOptions,
} from "../api/operation-api.ts";
import { hexOf } from "../dispatch/shared-payloads.ts";
import { quantiles, summarizeErrors } from "./error-summary.ts";
import type { Gather, GatherCounts, SectorShare } from "./gather.ts";

/** What a result needs besides what its sectors have told. */
export interface OutcomeFacts {
  readonly topology: Topology;
  readonly windowMs: number;
  readonly thresholds: QuorumThresholds;
  /** Selected, and not sent to because their circuits are open. */
  readonly shut: Int32Array;
  readonly elapsedMs: number;
  /** From the start until the quorum was known to be READY, ms; undefined when it never was. */
  readonly quorumMs: number | undefined;
  readonly resume: (options: ResumeOptions | undefined) => Promise<GatherResult>;
}

/**
 * The result of an operation over what was gathered, in one gather or in those of its phases. Counts are as
 * of now; what takes a scan of all agents is made when it is read.
 */
export function gatherOutcome(gathers: readonly Gather[], facts: OutcomeFacts): GatherResult {
  const [{ plan }] = gathers;
  const counts = sumOf(gathers);
  const sentTo = gathers.reduce((sum, gather) => sum + gather.selected, 0);
  const addressed = sentTo - counts.skipped;
  const { ready, conflict, failed } = counts;
  const { shut } = facts;
  // Of nobody there is no quorum, and who was skipped why is in the plan.
  const quorum = decideQuorum(
    { addressed: Math.max(1, addressed), ready, conflict },
    facts.thresholds,
  );
  const timed = plan.arrivalMs > 0;
  const columns = new Columns(gathers, sentTo, timed);
  const { windowMs, topology } = facts;
  const errors = (column: number): Float64Array =>
    timed ? columns.of(column) : new Float64Array(0);
  return {
    status: quorum.achieved ? "SUCCESS" : "PARTIAL",
    operationId: plan.facts.messageId,
    arrivalMs: plan.arrivalMs || undefined,
    selected: sentTo + shut.length,
    addressed,
    ready,
    conflict,
    transit: addressed - ready - conflict,
    failed,
    skipped: counts.skipped + shut.length,
    responseRate: addressed === 0 ? 0 : ready / addressed,
    quorum,
    elapsedMs: facts.elapsedMs,
    quorumMs: facts.quorumMs,
    get message(): MeshMessage {
      return makeMessage(gathers, topology);
    },
    get arrival() {
      return summarizeErrors(errors(ROW_READY_ERROR), windowMs);
    },
    get acting() {
      return summarizeErrors(errors(ROW_ACT_ERROR), windowMs);
    },
    get release() {
      return summarizeErrors(errors(ROW_RELEASE_ERROR), windowMs);
    },
    get idleMs() {
      const all = errors(ROW_READY_ERROR);
      return all.reduce((sum, error) => sum + Math.max(0, -error), 0) / Math.max(1, all.length);
    },
    get latency() {
      return quantiles(columns.latencies());
    },
    get conflicts() {
      return gathers.flatMap(({ conflicts }) =>
        conflicts.map(({ agent, detail }) => ({ address: addressOf(topology, agent), detail })),
      );
    },
    plan: () => joined(plansOf(gathers, topology), shutPlans(shut, topology)),
    outcomes: () => joined(outcomesOf(gathers, topology), shutOutcomes(shut, topology)),
    resume: (options) => facts.resume(options),
  };
}

/** What an operation's predictions are judged by: nothing of one without T. Times are ms, early ones negative. */
export interface Punctuality {
  /** READY − T of all agents that were READY. */
  readonly ready: Float64Array;
  /** Arrival − T: of those that held, when they acted; otherwise when they were READY. */
  readonly arrival: Float64Array;
}

/** How punctual the agents of an operation were. */
export function punctualityOf(gather: Gather): Punctuality {
  const { arrivalMs, flags } = gather.plan;
  if (arrivalMs === 0) return { ready: new Float64Array(0), arrival: new Float64Array(0) };
  const columns = new Columns([gather], gather.selected, true);
  const ready = columns.of(ROW_READY_ERROR);
  const holds = (flags & OperationFlag.HOLD) !== 0;
  return { ready, arrival: holds ? columns.of(ROW_ACT_ERROR) : ready };
}

function sumOf(gathers: readonly Gather[]): GatherCounts {
  const sum: GatherCounts = { ready: 0, conflict: 0, failed: 0, skipped: 0, acted: 0 };
  for (const { counts } of gathers) {
    for (const key of Object.keys(sum) as (keyof GatherCounts)[]) sum[key] += counts[key];
  }
  return sum;
}

/** The rows of all agents, column by column. */
class Columns {
  readonly #gathers: readonly Gather[];
  readonly #agents: number;
  readonly #timed: boolean;

  constructor(gathers: readonly Gather[], agents: number, timed: boolean) {
    this.#gathers = gathers;
    this.#agents = agents;
    this.#timed = timed;
  }

  /** A column, of the agents for which `present` is known. */
  of(column: number, present: number = column): Float64Array {
    const values = new Float64Array(this.#agents);
    let count = 0;
    for (const { shares } of this.#gathers) {
      for (const { rows = NO_ROWS } of shares.values()) {
        for (let at = 0; at < rows.length; at += rowFloats(this.#timed)) {
          if (!Number.isNaN(rows[at + present])) values[count++] = rows[at + column];
        }
      }
    }
    return values.subarray(0, count);
  }

  /** READY after sending, by agent. */
  latencies(): Float64Array {
    // Without T a row is just that.
    if (!this.#timed) return this.of(0).slice();
    const errors = this.of(ROW_READY_ERROR);
    const leads = this.of(ROW_LEAD, ROW_READY_ERROR);
    const releases = this.of(ROW_RELEASE_ERROR, ROW_READY_ERROR);
    return errors.map((error, i) => error + leads[i] - releases[i]);
  }
}

const NO_ROWS = new Float32Array(0);

interface AgentShare {
  readonly gather: Gather;
  readonly share: SectorShare;
  readonly bit: number;
  readonly agent: number;
  readonly address: string;
  readonly row: Float32Array | undefined;
}

function* agentsOf(gathers: readonly Gather[], topology: Topology): Iterable<AgentShare> {
  for (const gather of gathers) {
    const timed = gather.plan.arrivalMs > 0;
    for (const share of gather.shares.values()) {
      let place = 0;
      for (const bit of share.bits()) {
        const agent = share.sector * topology.agentsPerSector + bit;
        const from = place++ * ROW_FLOATS;
        const row = timed ? share.rows?.subarray(from, from + ROW_FLOATS) : undefined;
        yield { gather, share, bit, agent, address: addressOf(topology, agent), row };
      }
    }
  }
}

function* plansOf(gathers: readonly Gather[], topology: Topology): Iterable<AgentPlan> {
  for (const { gather, share, bit, address, row } of agentsOf(gathers, topology)) {
    const { arrivalMs, createdMs } = gather.plan;
    if (row === undefined || arrivalMs === 0 || Number.isNaN(row[ROW_LEAD])) continue;
    const leadTimeMs = row[ROW_LEAD];
    if (share.has(ProgressMap.SKIPPED, bit)) {
      yield {
        status: "SKIP",
        address,
        reason: "insufficient_lead_time",
        wouldNeedMs: leadTimeMs,
        availableMs: arrivalMs - createdMs,
      };
    } else {
      yield {
        status: "SCHEDULED",
        address,
        sendAtMs: arrivalMs - leadTimeMs,
        leadTimeMs,
        expectedProcessingMs: row[ROW_PROCESSING],
        confidence: row[ROW_CONFIDENCE],
      };
    }
  }
}

function* outcomesOf(gathers: readonly Gather[], topology: Topology): Iterable<AgentOutcome> {
  for (const { gather, share, bit, agent, address, row } of agentsOf(gathers, topology)) {
    const { values, plan } = gather;
    const readyErrorMs = row?.[ROW_READY_ERROR] ?? Number.NaN;
    const actErrorMs = row?.[ROW_ACT_ERROR] ?? Number.NaN;
    yield {
      address,
      state: stateOf(share, bit),
      skipped: share.has(ProgressMap.SKIPPED, bit),
      failed: share.has(ProgressMap.FAILED, bit),
      ...(plan.arrivalMs > 0 && !Number.isNaN(readyErrorMs) && { readyErrorMs }),
      ...(!Number.isNaN(actErrorMs) && { actErrorMs }),
      ...(values?.has(agent) === true && { value: values.get(agent) }),
    };
  }
}

function* joined<T>(first: Iterable<T>, second: Iterable<T>): Iterable<T> {
  yield* first;
  yield* second;
}

/** The plans of agents behind open circuits. */
export function* shutPlans(
  agents: Iterable<number>,
  topology: Topology,
): Iterable<Extract<AgentPlan, { readonly status: "SKIP" }>> {
  for (const agent of agents)
    yield { status: "SKIP", address: addressOf(topology, agent), reason: "circuit_open" };
}

function* shutOutcomes(agents: Iterable<number>, topology: Topology): Iterable<AgentOutcome> {
  for (const agent of agents)
    yield { address: addressOf(topology, agent), state: 0, skipped: true, failed: false };
}

function stateOf(share: SectorShare, bit: number): Trinary {
  if (share.has(ProgressMap.CONFLICT, bit)) return -1;
  return share.has(ProgressMap.DONE, bit) && !share.has(ProgressMap.FAILED, bit) ? 1 : 0;
}

function makeMessage(gathers: readonly Gather[], topology: Topology): MeshMessage {
  const [{ plan, digest }] = gathers;
  const { facts } = plan;
  const compensationApplied: Record<string, Compensation> = {};
  for (const entry of plansOf(gathers, topology)) {
    if (entry.status === "SKIP") continue;
    const { address, leadTimeMs, expectedProcessingMs, confidence } = entry;
    compensationApplied[address] = { leadTimeMs, expectedProcessingMs, confidence };
  }
  return Object.freeze({
    messageId: facts.messageId,
    correlationId: facts.correlationId,
    causationId: facts.causationId,
    sourceAgentId: "orchestrator",
    targetAgentIds: Array.from(agentsOf(gathers, topology), ({ address }) => address),
    routingStrategy: facts.strategy,
    createdAt: new Date(plan.createdMs).toISOString(),
    ...(plan.arrivalMs > 0 && { targetArrivalTime: new Date(plan.arrivalMs).toISOString() }),
    ttlMs: facts.ttlMs,
    priority: plan.priority as MeshMessage["priority"],
    payloadWeight: facts.payloadWeight,
    requiresCapabilities: facts.requiresCapabilities,
    compensationApplied,
    verb: facts.verb,
    payload: plan.payload,
    payloadHash: hexOf(digest),
    trinaryExpectation: facts.trinaryExpectation,
  });
}

/** How far an operation is. */
export function progressOf(gather: Gather): OperationProgress {
  const { counts, addressed } = gather;
  const tier = gather.finals > 0 || counts.ready > 0 ? "agents" : "sectors";
  const { ready, conflict, failed, skipped } = counts;
  return { tier, sectors: gather.finals, ready, conflict, failed, skipped, addressed };
}
