/**
 * How well the mesh does what it is for (spec 11): operations, arrivals, conflicts, availability, recoveries,
 * over all its life, by operation, by hour and by day. Time comes with what is told; nothing here has a clock.
 */
import { instant, share, wholeNumber } from "./check.ts";
import { Histogram } from "./histogram.ts";
import { AVAILABLE_SHARE, RECOVERY_SCOPES, type RecoveryScope } from "./kpi.ts";
import { KpiPeriod, type KpiSet, type RecoveryTimes } from "./kpi-period.ts";
import { checkRecord, type OperationKind, type OperationRecord } from "./operation-record.ts";
import { TimeSlots } from "./time-slots.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const HOURS = 48;
const DAYS = 90;

/** The indicators of an hour or a day (UTC). */
export interface PeriodKpis extends KpiSet {
  /** Its beginning, ms of the mesh clock. */
  readonly fromMs: number;
}

/** The indicators of one operation. */
export interface OperationKpis extends KpiSet {
  readonly kind: OperationKind;
  readonly endedMs: number;
  readonly elapsedMs: number;
  readonly addressed: number;
}

/** The indicators since the mesh began, and their history. */
export interface Kpis extends KpiSet {
  readonly recoveries: Readonly<Record<RecoveryScope, RecoveryTimes>>;
  /** The last operations, newest first; bounded. */
  readonly operations: readonly OperationKpis[];
  /** The last 48 hours in which anything was measured, oldest first. */
  readonly hourly: readonly PeriodKpis[];
  /** The last 90 days in which anything was measured, oldest first. */
  readonly daily: readonly PeriodKpis[];
}

/** A cumulative histogram of |READY − T| over agents. */
export interface ArrivalErrorCounts {
  readonly count: number;
  readonly sumMs: number;
  /** By bound. */
  readonly below: readonly number[];
}

/** Bounds of a book. */
export interface KpiBookOptions {
  /** Operations that are listed one by one, 0–10,000. Default 100. */
  readonly operations?: number;
  /**
   * How long an availability sample speaks for the time after it, ms; what is longer has not been measured (the
   * process slept). Default 60,000.
   */
  readonly sampleHoldsMs?: number;
}

/** Keeps the indicators. Its memory is bounded: about 20 kB an hour and a day in which there were cascades. */
export class KpiBook {
  readonly #overall = new KpiPeriod();
  readonly #hours = new TimeSlots(HOUR_MS, HOURS, () => new KpiPeriod());
  readonly #days = new TimeSlots(DAY_MS, DAYS, () => new KpiPeriod());
  readonly #operations: OperationKpis[] = [];
  readonly #maxOperations: number;
  readonly #sampleHoldsMs: number;
  readonly #scratch = new Histogram();
  #sampledMs = Number.NaN;
  #wasAvailable = false;

  constructor(options: KpiBookOptions = {}) {
    this.#maxOperations = wholeNumber("operations", options.operations ?? 100, 0, 10_000);
    this.#sampleHoldsMs = wholeNumber("sampleHoldsMs", options.sampleHoldsMs ?? 60_000, 1, DAY_MS);
  }

  /**
   * Counts an operation that has ended. `arrivalErrors` are READY − T of its agents, ms, early ones negative or
   * not; NaN for agents that never were READY. RangeError, and nothing counted, when anything cannot be.
   */
  addOperation(record: OperationRecord, arrivalErrors: ArrayLike<number> = []): void {
    checkRecord(record);
    const errors = this.#scratch;
    errors.clear();
    for (let i = 0; i < arrivalErrors.length; i++) {
      if (!Number.isNaN(arrivalErrors[i])) errors.add(Math.abs(arrivalErrors[i]));
    }
    for (const period of this.#periodsAt(record.endedMs)) period.addOperation(record, errors);
    if (this.#maxOperations === 0) return;
    const own = new KpiPeriod();
    own.addOperation(record, errors);
    if (this.#operations.length === this.#maxOperations) this.#operations.shift();
    const { kind, endedMs, elapsedMs, addressed } = record;
    this.#operations.push({ kind, endedMs, elapsedMs, addressed, ...own.kpis() });
  }

  /**
   * Notes the share of agents, 0 to 1, that are active at `nowMs`. It speaks for the time until the next sample; a
   * sample from before the last is passed over.
   */
  sampleAvailability(nowMs: number, activeShare: number): void {
    share("activeShare", activeShare);
    if (instant("nowMs", nowMs) < this.#sampledMs) return;
    const untilMs = Math.min(nowMs, this.#sampledMs + this.#sampleHoldsMs);
    // By whole hours, which are whole days too.
    for (let fromMs = this.#sampledMs; fromMs < untilMs; ) {
      const toMs = Math.min(untilMs, (Math.floor(fromMs / HOUR_MS) + 1) * HOUR_MS);
      for (const period of this.#periodsAt(fromMs))
        period.addAvailability(toMs - fromMs, this.#wasAvailable);
      fromMs = toMs;
    }
    this.#sampledMs = nowMs;
    this.#wasAvailable = activeShare >= AVAILABLE_SHARE;
  }

  /** Counts a recovery that was complete at `endedMs`, `ms` after the failure was found. */
  addRecovery(
    endedMs: number,
    recovery: { readonly scope: RecoveryScope; readonly ms: number },
  ): void {
    const { scope, ms } = recovery;
    if (!RECOVERY_SCOPES.includes(scope))
      throw new RangeError(`scope: expected one of ${RECOVERY_SCOPES.join(", ")}, got ${scope}`);
    if (!(ms >= 0 && ms < Number.POSITIVE_INFINITY))
      throw new RangeError(`ms: expected a duration from 0 ms, got ${ms}`);
    for (const period of this.#periodsAt(endedMs)) period.addRecovery(scope, ms);
  }

  /** How many arrivals were less than each of the rising `boundsMs` from T, since the mesh began. */
  arrivalErrorsBelow(boundsMs: readonly number[]): ArrivalErrorCounts {
    const errors = this.#overall.arrivalErrors ?? new Histogram();
    return { count: errors.count, sumMs: errors.sum, below: errors.countsBelow(boundsMs) };
  }

  /** Everything as it stands at `nowMs`. */
  kpis(nowMs: number): Kpis {
    return {
      ...this.#overall.kpis(),
      recoveries: this.#overall.recoveries(),
      operations: this.#operations.toReversed(),
      hourly: this.#hours.until(nowMs).map(periodKpis),
      daily: this.#days.until(nowMs).map(periodKpis),
    };
  }

  #periodsAt(timeMs: number): KpiPeriod[] {
    const periods = [this.#overall, this.#hours.at(timeMs), this.#days.at(timeMs)];
    return periods.filter((period) => period !== undefined);
  }
}

function periodKpis(slot: { readonly fromMs: number; readonly value: KpiPeriod }): PeriodKpis {
  return { fromMs: slot.fromMs, ...slot.value.kpis() };
}
