/**
 * What became of one operation, or of several one after another, as one document: counts are totals, times
 * of whole operations have quantiles over the operations. Quantiles over agents are those of the one
 * operation, or the medians of what they were in each.
 */
import type { Verb } from "../../actors/message.ts";
import type { ImpedanceClass } from "../../coordination/impedance-class.ts";
import type { QuorumDecision } from "../../coordination/quorum.ts";
import type {
  CascadeResult,
  CascadeStrategy,
  ConflictReport,
  ErrorSummary,
  GatherResult,
  TierReceipt,
} from "../../runtime/api/operation-api.ts";

/** Conflicts that a document names; all of them are counted. */
const MAX_CONFLICTS = 20;
const COUNTS = [
  "selected",
  "addressed",
  "ready",
  "conflict",
  "transit",
  "failed",
  "skipped",
] as const;

/** Quantiles of |actual − planned| over agents, ms; NaN where there were none. */
export interface ErrorQuantiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

/** One phase of the last priority-first cascade. */
export interface PhaseDocument {
  readonly class: ImpedanceClass;
  readonly threshold: number;
  readonly addressed: number;
  readonly ready: number;
  readonly degraded: boolean;
}

/** What `scatter --json` and `cascade --json` print. */
export interface OperationDocument {
  readonly command: "scatter" | "cascade";
  readonly verb: Verb;
  /** Of a cascade. */
  readonly strategy?: CascadeStrategy;
  /** How many operations these figures are of. */
  readonly count: number;
  /** How many of them reached their quorum. */
  readonly achieved: number;
  /** SUCCESS when all of them had it; else that of the last that had not. */
  readonly status: CascadeResult["status"];
  /** Of the same operation as the quorum below; `trace` follows it. */
  readonly operationId: string;
  /** Of the last operation that missed its quorum, or of the last. */
  readonly quorum: QuorumDecision;
  readonly selected: number;
  readonly addressed: number;
  readonly ready: number;
  readonly conflict: number;
  readonly transit: number;
  readonly failed: number;
  readonly skipped: number;
  /** READY ÷ addressed. */
  readonly responseRate: number;
  /**
   * From the start until the quorum was READY and T had come, over operations; of one that missed it, until its
   * end. What comes after is only to hear of stragglers.
   */
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  /** Until the last that was waited for, over operations. */
  readonly elapsedMs: { readonly p50: number; readonly p95: number; readonly p99: number };
  /** |READY − T|. */
  readonly arrivalErrorMs: ErrorQuantiles;
  /** |acting − T|, with READY-hold. */
  readonly actErrorMs: ErrorQuantiles;
  /** |release − planned release|. */
  readonly releaseErrorMs: ErrorQuantiles;
  /** Shares of the agents that were READY, and acted, within 50 ms of T. */
  readonly arrivalWithin50: number;
  readonly actWithin50: number;
  /** Share of the agents that were READY within the window. */
  readonly arrivalWithinWindow: number;
  /** Mean time that agents were READY before T, ms. */
  readonly idleMs: number;
  /** From sending to READY, over agents. */
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number };
  /** Of a cascade: totals; `elapsedMs` is the median of when the last of a tier had confirmed. */
  readonly tiers?: {
    readonly sectors: TierReceipt;
    readonly clusters: TierReceipt;
    readonly agents: TierReceipt;
  };
  readonly phases?: readonly PhaseDocument[];
  /** The first of them. */
  readonly conflicts: readonly ConflictReport[];
}

/** What the operations have in common. */
export type OperationHead = Pick<OperationDocument, "command" | "verb" | "strategy">;

/** Sums operations up. */
export class OperationTally {
  readonly #head: OperationHead;
  readonly #results: Columns = {
    elapsedMs: [],
    quorumMs: [],
    idleMs: [],
    p50: [],
    p95: [],
    p99: [],
  };
  readonly #counts: Record<(typeof COUNTS)[number], number> = {
    selected: 0,
    addressed: 0,
    ready: 0,
    conflict: 0,
    transit: 0,
    failed: 0,
    skipped: 0,
  };
  readonly #arrival = new ErrorTally();
  readonly #acting = new ErrorTally();
  readonly #release = new ErrorTally();
  readonly #tiers = {
    sectors: new TierTally(),
    clusters: new TierTally(),
    agents: new TierTally(),
  };
  readonly #conflicts: ConflictReport[] = [];
  #achieved = 0;
  #last: GatherResult | CascadeResult | undefined;
  #missed: GatherResult | CascadeResult | undefined;

  constructor(head: OperationHead) {
    this.#head = head;
  }

  /** Takes the next result. */
  add(result: GatherResult | CascadeResult): void {
    this.#last = result;
    if (result.quorum.achieved) this.#achieved++;
    else this.#missed = result;
    for (const name of COUNTS) this.#counts[name] += result[name];
    const { elapsedMs, idleMs, latency } = result;
    const { quorumMs = elapsedMs } = result;
    for (const [name, figure] of Object.entries({ elapsedMs, quorumMs, idleMs, ...latency })) {
      if (figure !== undefined) this.#results[name as keyof Columns].push(figure);
    }
    this.#arrival.add(result.arrival);
    this.#acting.add(result.acting);
    this.#release.add(result.release);
    if ("strategy" in result) {
      this.#tiers.sectors.add(result.sectors);
      this.#tiers.clusters.add(result.clusters);
      this.#tiers.agents.add(result.agents);
    }
    this.#conflicts.push(...result.conflicts.slice(0, MAX_CONFLICTS - this.#conflicts.length));
  }

  /** The document of all that were taken; RangeError when there was none. */
  document(): OperationDocument {
    const last = this.#last;
    if (last === undefined) throw new RangeError("operations: expected at least one, got 0");
    const told = this.#missed ?? last;
    const { elapsedMs, quorumMs, idleMs, p50, p95, p99 } = this.#results;
    const { ready, addressed } = this.#counts;
    return {
      ...this.#head,
      count: elapsedMs.length,
      achieved: this.#achieved,
      status: told.status,
      operationId: told.operationId,
      quorum: told.quorum,
      ...this.#counts,
      responseRate: ready / addressed,
      p50Ms: quantileOf(quorumMs, 0.5),
      p95Ms: quantileOf(quorumMs, 0.95),
      p99Ms: quantileOf(quorumMs, 0.99),
      elapsedMs: {
        p50: quantileOf(elapsedMs, 0.5),
        p95: quantileOf(elapsedMs, 0.95),
        p99: quantileOf(elapsedMs, 0.99),
      },
      arrivalErrorMs: this.#arrival.quantiles(),
      actErrorMs: this.#acting.quantiles(),
      releaseErrorMs: this.#release.quantiles(),
      arrivalWithin50: this.#arrival.within50(),
      actWithin50: this.#acting.within50(),
      arrivalWithinWindow: this.#arrival.withinWindow(),
      idleMs: quantileOf(idleMs, 0.5),
      latencyMs: {
        p50: quantileOf(p50, 0.5),
        p95: quantileOf(p95, 0.5),
        p99: quantileOf(p99, 0.5),
      },
      ...("strategy" in last && {
        tiers: {
          sectors: this.#tiers.sectors.receipt(),
          clusters: this.#tiers.clusters.receipt(),
          agents: this.#tiers.agents.receipt(),
        },
        phases: last.phases.map(({ class: name, threshold, result, degraded }) => ({
          class: name,
          threshold,
          addressed: result.addressed,
          ready: result.ready,
          degraded,
        })),
      }),
      conflicts: this.#conflicts,
    };
  }
}

/** One entry an operation. */
interface Columns {
  readonly elapsedMs: number[];
  readonly quorumMs: number[];
  readonly idleMs: number[];
  readonly p50: number[];
  readonly p95: number[];
  readonly p99: number[];
}

/** Error summaries of several operations. */
class ErrorTally {
  readonly #p50: number[] = [];
  readonly #p90: number[] = [];
  readonly #p99: number[] = [];
  #count = 0;
  #within50 = 0;
  #withinWindow = 0;

  add({ count, p50, p90, p99, within50, withinWindow }: ErrorSummary): void {
    // An operation without a T, or that nobody was READY for, says nothing of errors.
    if (count === 0) return;
    this.#p50.push(p50);
    this.#p90.push(p90);
    this.#p99.push(p99);
    this.#count += count;
    this.#within50 += within50 * count;
    this.#withinWindow += withinWindow * count;
  }

  quantiles(): ErrorQuantiles {
    return {
      p50: quantileOf(this.#p50, 0.5),
      p90: quantileOf(this.#p90, 0.5),
      p99: quantileOf(this.#p99, 0.5),
    };
  }

  within50(): number {
    return this.#within50 / this.#count;
  }

  withinWindow(): number {
    return this.#withinWindow / this.#count;
  }
}

/** Receipts of one tier. */
class TierTally {
  readonly #elapsedMs: number[] = [];
  #expected = 0;
  #reached = 0;

  add({ expected, reached, elapsedMs }: TierReceipt): void {
    this.#expected += expected;
    this.#reached += reached;
    this.#elapsedMs.push(elapsedMs);
  }

  receipt(): TierReceipt {
    const elapsedMs = quantileOf(this.#elapsedMs, 0.5);
    return { expected: this.#expected, reached: this.#reached, elapsedMs };
  }
}

/** The nearest-rank quantile: the least figure that `share` of all do not exceed; NaN of none. */
function quantileOf(figures: readonly number[], share: number): number {
  const sorted = [...figures].sort((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
