/** The tallies of one span of time, from which its indicators are told when somebody asks. */
import { Histogram } from "./histogram.ts";
import {
  type Kpi,
  RECOVERY_SCOPES,
  RECOVERY_TARGETS_MS,
  type RecoveryScope,
  shareAtLeast,
  shareAtMost,
  timeAtMost,
} from "./kpi.ts";
import type { OperationRecord } from "./operation-record.ts";

/** The indicators of spec 11.1 over a span of time. */
export interface KpiSet {
  /** Operations with a quorum (scatter-gathers and cascades) that achieved it. */
  readonly coordinationSuccessRate: Kpi;
  /** Agents with a T that were READY by T or within the window after it. */
  readonly arrivalWindowHitRate: Kpi;
  /** Agents with a T that were READY within 50 ms of it, before or after. */
  readonly impedancePredictionAccuracy: Kpi;
  /** Answers (READY or CONFLICT) that were CONFLICT. */
  readonly conflictRate: Kpi;
  /** Measured time in which 95 % of the agents were active; its count is that time, ms. */
  readonly meshAvailability: Kpi;
  /** 95th percentile of the time to a cascade's quorum, or to the end of one that had none. */
  readonly cascadeLatencyP95: Kpi;
  /** The recovery that took most of what its scope allows: its time, against that scope's target. */
  readonly recoveryTime: Kpi;
  readonly arrivalErrorMs: ArrivalErrors;
}

/** |READY − T| over agents, ms; undefined over none. */
export interface ArrivalErrors {
  readonly count: number;
  readonly mean: number | undefined;
  readonly p50: number | undefined;
  readonly p90: number | undefined;
  readonly p99: number | undefined;
}

/** Recoveries of one scope, ms. */
export interface RecoveryTimes {
  readonly count: number;
  readonly mean: number | undefined;
  readonly longest: number | undefined;
  readonly target: number;
  /** Whether every one was within the target. */
  readonly met: boolean | undefined;
}

/** Counts what happened in a span of time. */
export class KpiPeriod {
  #operations = 0;
  #achieved = 0;
  #timed = 0;
  #hits = 0;
  #within50 = 0;
  #answers = 0;
  #conflicts = 0;
  #measuredMs = 0;
  #availableMs = 0;
  // A histogram is large, and most hours have no cascade.
  #errors: Histogram | undefined;
  #cascades: Histogram | undefined;
  readonly #recoveries: Record<RecoveryScope, { count: number; sumMs: number; longestMs: number }> =
    {
      agent: { count: 0, sumMs: 0, longestMs: 0 },
      cluster: { count: 0, sumMs: 0, longestMs: 0 },
      sector: { count: 0, sumMs: 0, longestMs: 0 },
      worker: { count: 0, sumMs: 0, longestMs: 0 },
    };

  addOperation(record: OperationRecord, errors: Histogram): void {
    if (record.kind === "scatter-gather" || record.kind === "cascade") {
      this.#operations++;
      if (record.achieved) this.#achieved++;
    }
    this.#timed += record.timed;
    this.#hits += record.hits;
    this.#within50 += record.within50;
    this.#answers += record.ready + record.conflict;
    this.#conflicts += record.conflict;
    if (errors.count > 0) {
      this.#errors ??= new Histogram();
      this.#errors.merge(errors);
    }
    if (record.kind === "cascade") {
      this.#cascades ??= new Histogram();
      this.#cascades.add(record.quorumMs ?? record.elapsedMs);
    }
  }

  /** |READY − T| of all agents; undefined while there is none. */
  get arrivalErrors(): Histogram | undefined {
    return this.#errors;
  }

  addAvailability(ms: number, available: boolean): void {
    this.#measuredMs += ms;
    if (available) this.#availableMs += ms;
  }

  addRecovery(scope: RecoveryScope, ms: number): void {
    const times = this.#recoveries[scope];
    times.count++;
    times.sumMs += ms;
    times.longestMs = Math.max(times.longestMs, ms);
  }

  kpis(): KpiSet {
    const cascadeMs = this.#cascades?.quantile(0.95) ?? 0;
    const cascades = this.#cascades?.count ?? 0;
    return {
      coordinationSuccessRate: shareAtLeast(
        "coordination_success_rate",
        0.99,
        this.#achieved,
        this.#operations,
      ),
      arrivalWindowHitRate: shareAtLeast("arrival_window_hit_rate", 0.95, this.#hits, this.#timed),
      impedancePredictionAccuracy: shareAtLeast(
        "impedance_prediction_accuracy",
        0.9,
        this.#within50,
        this.#timed,
      ),
      conflictRate: shareAtMost("conflict_rate", 0.01, this.#conflicts, this.#answers),
      meshAvailability: shareAtLeast(
        "mesh_availability",
        0.999,
        this.#availableMs,
        this.#measuredMs,
      ),
      cascadeLatencyP95: timeAtMost("cascade_latency_p95", 1000, cascadeMs, cascades),
      recoveryTime: this.#recoveryTime(),
      arrivalErrorMs: this.#arrivalErrors(),
    };
  }

  recoveries(): Readonly<Record<RecoveryScope, RecoveryTimes>> {
    return {
      agent: this.#recoveryTimes("agent"),
      cluster: this.#recoveryTimes("cluster"),
      sector: this.#recoveryTimes("sector"),
      worker: this.#recoveryTimes("worker"),
    };
  }

  #recoveryTimes(scope: RecoveryScope): RecoveryTimes {
    const { count, sumMs, longestMs } = this.#recoveries[scope];
    const target = RECOVERY_TARGETS_MS[scope];
    if (count === 0) return { count, mean: undefined, longest: undefined, target, met: undefined };
    return { count, mean: sumMs / count, longest: longestMs, target, met: longestMs <= target };
  }

  #recoveryTime(): Kpi {
    let count = 0;
    let worst: RecoveryScope = "cluster";
    for (const scope of RECOVERY_SCOPES) {
      count += this.#recoveries[scope].count;
      if (this.#usedShare(scope) > this.#usedShare(worst)) worst = scope;
    }
    const target = RECOVERY_TARGETS_MS[worst];
    return timeAtMost("recovery_time", target, this.#recoveries[worst].longestMs, count);
  }

  #usedShare(scope: RecoveryScope): number {
    return this.#recoveries[scope].longestMs / RECOVERY_TARGETS_MS[scope];
  }

  #arrivalErrors(): ArrivalErrors {
    const errors = this.#errors;
    return {
      count: errors?.count ?? 0,
      mean: errors?.mean,
      p50: errors?.quantile(0.5),
      p90: errors?.quantile(0.9),
      p99: errors?.quantile(0.99),
    };
  }
}
