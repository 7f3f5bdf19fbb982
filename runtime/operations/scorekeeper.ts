import type { Answer } from "../../actors/result.ts";
import type { RecoveryScope } from "../../coordination/kpi.ts";
import { type ArrivalErrorCounts, KpiBook, type Kpis } from "../../coordination/kpis.ts";
import type { OperationKind } from "../../coordination/operation-record.ts";
import type { GatherResult } from "../api/operation-api.ts";
import type { Punctuality } from "./gather-outcome.ts";

/** Samples of the count of conflicts: one a minute, for the last hour. */
const SAMPLE_MS = 60_000;
const SAMPLES = 60;
/** How near to T is near (spec 11.1). */
const CLOSE_MS = 50;

/** Keeps the score of a mesh: what became of its operations, how available it was, how fast it recovered. */
export class Scorekeeper {
  readonly #book = new KpiBook();
  /** Conflicts since the start, as of each of the last minutes; the oldest first. */
  readonly #conflicts: number[] = [0];
  #sampledMs: number;
  #cascadeMs: number | undefined;

  constructor(nowMs: number) {
    this.#sampledMs = nowMs;
  }

  /** An operation of many agents has ended at `endedMs`. */
  operation(
    kind: OperationKind,
    result: GatherResult,
    punctuality: Punctuality,
    windowMs: number,
    endedMs: number,
  ): void {
    const { addressed, ready, conflict, transit } = result;
    const timed = result.arrivalMs === undefined ? 0 : addressed;
    let hits = 0;
    let within50 = 0;
    for (const error of punctuality.ready) if (error <= windowMs) hits++;
    for (const error of punctuality.arrival) if (Math.abs(error) <= CLOSE_MS) within50++;
    this.#book.addOperation(
      {
        endedMs,
        kind,
        achieved: result.quorum.achieved,
        addressed,
        ready,
        conflict,
        transit,
        timed,
        hits,
        within50,
        elapsedMs: result.elapsedMs,
        quorumMs: result.quorumMs,
      },
      punctuality.ready,
    );
    if (kind === "cascade") this.#cascadeMs = endedMs;
  }

  /** One agent was asked, from outside, or given a task; undefined when it failed. */
  single(
    kind: "ask" | "delegate",
    answer: Answer | undefined,
    endedMs: number,
    elapsedMs: number,
  ): void {
    const state = answer?.state ?? 0;
    this.#book.addOperation({
      endedMs,
      kind,
      achieved: state === 1,
      addressed: 1,
      ready: state === 1 ? 1 : 0,
      conflict: state === -1 ? 1 : 0,
      transit: state === 0 ? 1 : 0,
      timed: 0,
      hits: 0,
      within50: 0,
      elapsedMs,
    });
  }

  /** A worker with the sectors on it, or what else was lost, is back after `ms`. */
  recovered(endedMs: number, ms: number, scope: RecoveryScope = "worker"): void {
    this.#book.addRecovery(endedMs, { scope, ms });
  }

  /** How the mesh stands, about once a second. */
  tick(nowMs: number, activeShare: number, conflicts: number): void {
    this.#book.sampleAvailability(nowMs, activeShare);
    if (nowMs - this.#sampledMs < SAMPLE_MS) return;
    this.#sampledMs = nowMs;
    this.#conflicts.push(conflicts);
    if (this.#conflicts.length > SAMPLES) this.#conflicts.shift();
  }

  /** Conflicts of the last hour, of `conflicts` in all. */
  conflictsLastHour(conflicts: number): number {
    return conflicts - this.#conflicts[0];
  }

  /** How long ago the last cascade ended, ms; undefined when there was none. */
  sinceCascadeMs(nowMs: number): number | undefined {
    return this.#cascadeMs === undefined ? undefined : nowMs - this.#cascadeMs;
  }

  arrivalErrorsBelow(boundsMs: readonly number[]): ArrivalErrorCounts {
    return this.#book.arrivalErrorsBelow(boundsMs);
  }

  kpis(nowMs: number): Kpis {
    return this.#book.kpis(nowMs);
  }
}
