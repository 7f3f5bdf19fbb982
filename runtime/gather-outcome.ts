import type { Compensation, MeshMessage } from "../actors/message.ts";
import type { Trinary } from "../actors/result.ts";
import { addressOf } from "../coordination/address.ts";
import {
  decideQuorum,
  type QuorumDecision,
  type QuorumThresholds,
} from "../coordination/quorum.ts";
import type { Topology } from "../coordination/topology.ts";
import {
  ROW_ACT_ERROR,
  ROW_CONFIDENCE,
  ROW_FLOATS,
  ROW_LEAD,
  ROW_PROCESSING,
  ROW_READY_ERROR,
  ROW_RELEASE_ERROR,
} from "../mailbox/operation-frame.ts";
import { ProgressMap } from "../supervisors/sector-coordinator.ts";
import { summarizeErrors } from "./error-summary.ts";
import type { Gather, GatherCounts, SectorShare } from "./gather.ts";
import type {
  AgentOutcome,
  AgentPlan,
  ConflictReport,
  ErrorSummary,
  GatherResult,
  ResumeOptions,
} from "./operation-api.ts";
import { hexOf } from "./shared-payloads.ts";

/** What a result needs besides what its sectors have told. */
export interface OutcomeFacts {
  readonly topology: Topology;
  readonly windowMs: number;
  readonly thresholds: QuorumThresholds;
  readonly elapsedMs: number;
  /** From the start until the quorum was known to be READY, ms; undefined when it never was. */
  readonly quorumMs: number | undefined;
  readonly resume: (options: ResumeOptions | undefined) => Promise<GatherResult>;
}

/** The result of an operation over what was gathered; what takes a scan of all agents is made when it is read. */
export class GatherOutcome implements GatherResult {
  readonly #gathers: readonly Gather[];
  readonly #facts: OutcomeFacts;
  readonly #counts: GatherCounts = { ready: 0, conflict: 0, failed: 0, skipped: 0, acted: 0 };
  readonly quorum: QuorumDecision;
  readonly elapsedMs: number;
  readonly quorumMs: number | undefined;
  #errors: Partial<Record<number, ErrorSummary>> = {};
  #message: MeshMessage | undefined;

  /** Over one gather, or over those of the phases of one operation. */
  constructor(gathers: readonly Gather[], facts: OutcomeFacts) {
    this.#gathers = gathers;
    this.#facts = facts;
    for (const { counts } of gathers) {
      for (const key of Object.keys(this.#counts) as (keyof GatherCounts)[])
        this.#counts[key] += counts[key];
    }
    this.elapsedMs = facts.elapsedMs;
    this.quorumMs = facts.quorumMs;
    const { ready, conflict } = this.#counts;
    // Nobody could be sent to in time: no quorum of nobody, and the reason is on the plan.
    const addressed = Math.max(1, this.addressed);
    this.quorum = decideQuorum({ addressed, ready, conflict }, facts.thresholds);
  }

  /** The phases of one operation as one. A resume of it tries all that is left. */
  static ofPhases(phases: readonly GatherOutcome[]): GatherOutcome {
    const sum = (of: (phase: GatherOutcome) => number): number =>
      phases.reduce((total, phase) => total + of(phase), 0);
    const isAchieved = phases.every(({ quorumMs }) => quorumMs !== undefined);
    return new GatherOutcome(
      phases.flatMap((phase) => phase.#gathers),
      {
        ...phases[0].#facts,
        elapsedMs: sum(({ elapsedMs }) => elapsedMs),
        quorumMs: isAchieved ? sum(({ quorumMs }) => quorumMs ?? 0) : undefined,
        resume: async (options) => {
          const resumed: GatherOutcome[] = [];
          for (const phase of phases) {
            if (phase.ready + phase.conflict < phase.selected)
              resumed.push((await phase.resume(options)) as GatherOutcome);
          }
          return resumed.length === 0 ? phases[0].resume(options) : GatherOutcome.ofPhases(resumed);
        },
      },
    );
  }

  get status(): "SUCCESS" | "PARTIAL" {
    return this.quorum.achieved ? "SUCCESS" : "PARTIAL";
  }

  get operationId(): string {
    return this.#first.plan.facts.messageId;
  }

  get arrivalMs(): number | undefined {
    return this.#first.plan.arrivalMs || undefined;
  }

  get #first(): Gather {
    return this.#gathers[0];
  }

  get selected(): number {
    return this.#gathers.reduce((sum, { selected }) => sum + selected, 0);
  }

  get addressed(): number {
    return this.selected - this.skipped;
  }

  get ready(): number {
    return this.#counts.ready;
  }

  get conflict(): number {
    return this.#counts.conflict;
  }

  get failed(): number {
    return this.#counts.failed;
  }

  get skipped(): number {
    return this.#counts.skipped;
  }

  get transit(): number {
    return this.addressed - this.ready - this.conflict;
  }

  get responseRate(): number {
    return this.addressed === 0 ? 0 : this.ready / this.addressed;
  }

  get arrival(): ErrorSummary {
    return this.#summary(ROW_READY_ERROR, this.arrivalMs !== undefined);
  }

  get acting(): ErrorSummary {
    return this.#summary(ROW_ACT_ERROR, true);
  }

  get release(): ErrorSummary {
    return this.#summary(ROW_RELEASE_ERROR, this.arrivalMs !== undefined);
  }

  #summary(column: number, applies: boolean): ErrorSummary {
    const known = this.#errors[column];
    if (known !== undefined) return known;
    const values = applies ? this.#column(column) : new Float64Array(0);
    const summary = summarizeErrors(values, this.#facts.windowMs);
    this.#errors[column] = summary;
    return summary;
  }

  get idleMs(): number {
    if (this.arrivalMs === undefined) return 0;
    const errors = this.#column(ROW_READY_ERROR);
    let idle = 0;
    for (const error of errors) idle += Math.max(0, -error);
    return errors.length === 0 ? 0 : idle / errors.length;
  }

  get latency(): { readonly p50: number; readonly p95: number; readonly p99: number } {
    const sorted = this.#latencies().sort();
    const at = (q: number): number =>
      sorted.length === 0
        ? Number.NaN
        : sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
    return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
  }

  /** READY after sending, by agent. */
  #latencies(): Float64Array {
    const errors = this.#column(ROW_READY_ERROR);
    if (this.arrivalMs === undefined) return errors;
    const leads = this.#column(ROW_LEAD, ROW_READY_ERROR);
    const releases = this.#column(ROW_RELEASE_ERROR, ROW_READY_ERROR);
    return errors.map((error, i) => error + leads[i] - releases[i]);
  }

  /** A column of all rows, of agents for which `present` is known. */
  #column(column: number, present: number = column): Float64Array {
    const values = new Float64Array(this.selected);
    let count = 0;
    for (const { shares } of this.#gathers) {
      for (const { rows } of shares.values()) {
        for (let at = 0; at < (rows?.length ?? 0); at += ROW_FLOATS) {
          const row = rows as Float32Array;
          if (!Number.isNaN(row[at + present])) values[count++] = row[at + column];
        }
      }
    }
    return values.subarray(0, count);
  }

  get conflicts(): readonly ConflictReport[] {
    return this.#gathers.flatMap(({ conflicts }) =>
      conflicts.map(({ agent, detail }) => ({
        address: addressOf(this.#facts.topology, agent),
        detail,
      })),
    );
  }

  *plan(): Iterable<AgentPlan> {
    for (const { gather, share, bit, address, row } of this.#agents()) {
      const { arrivalMs, createdMs } = gather.plan;
      if (row === undefined || arrivalMs === 0) continue;
      const leadTimeMs = row[ROW_LEAD];
      if (share.has(ProgressMap.SKIPPED, bit)) {
        yield {
          status: "SKIP",
          address,
          reason: "insufficient_lead_time",
          wouldNeedMs: leadTimeMs,
          availableMs: arrivalMs - createdMs,
        };
      } else if (!Number.isNaN(leadTimeMs)) {
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

  *outcomes(): Iterable<AgentOutcome> {
    for (const { gather, share, bit, agent, address, row } of this.#agents()) {
      const { values, plan } = gather;
      const timed = plan.arrivalMs > 0;
      const failed = share.has(ProgressMap.FAILED, bit);
      const readyErrorMs = row === undefined ? Number.NaN : row[ROW_READY_ERROR];
      const actErrorMs = row === undefined ? Number.NaN : row[ROW_ACT_ERROR];
      yield {
        address,
        state: stateOf(share, bit),
        skipped: share.has(ProgressMap.SKIPPED, bit),
        failed,
        ...(timed && !Number.isNaN(readyErrorMs) && { readyErrorMs }),
        ...(!Number.isNaN(actErrorMs) && { actErrorMs }),
        ...(values?.has(agent) === true && { value: values.get(agent) }),
      };
    }
  }

  *#agents(): Iterable<{
    readonly gather: Gather;
    readonly share: SectorShare;
    readonly bit: number;
    readonly agent: number;
    readonly address: string;
    readonly row: Float32Array | undefined;
  }> {
    const { topology } = this.#facts;
    for (const gather of this.#gathers) {
      for (const share of gather.shares.values()) {
        let place = 0;
        for (const bit of share.bits()) {
          const agent = share.sector * topology.agentsPerSector + bit;
          const from = place++ * ROW_FLOATS;
          const row = share.rows?.subarray(from, from + ROW_FLOATS);
          yield { gather, share, bit, agent, address: addressOf(topology, agent), row };
        }
      }
    }
  }

  get message(): MeshMessage {
    this.#message ??= this.#makeMessage();
    return this.#message;
  }

  #makeMessage(): MeshMessage {
    const { plan, digest } = this.#first;
    const { facts } = plan;
    const compensationApplied: Record<string, Compensation> = {};
    for (const entry of this.plan()) {
      if (entry.status === "SKIP") continue;
      const { address, leadTimeMs, expectedProcessingMs, confidence } = entry;
      compensationApplied[address] = { leadTimeMs, expectedProcessingMs, confidence };
    }
    return Object.freeze({
      messageId: facts.messageId,
      correlationId: facts.correlationId,
      causationId: facts.causationId,
      sourceAgentId: "orchestrator",
      targetAgentIds: [...this.#agents()].map(({ address }) => address),
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

  resume(options?: ResumeOptions): Promise<GatherResult> {
    return this.#facts.resume(options);
  }
}

function stateOf(share: SectorShare, bit: number): Trinary {
  if (share.has(ProgressMap.CONFLICT, bit)) return -1;
  return share.has(ProgressMap.DONE, bit) && !share.has(ProgressMap.FAILED, bit) ? 1 : 0;
}
