/**
 * Whether enough agents are READY to go on (spec 5.2): enough +1, few −1, few 0. Rates are shares of the
 * agents *addressed*, not of those that answered, so that whoever is silent counts as TRANSIT instead of
 * dropping out of the sum.
 */
import { share } from "./check.ts";

/** What became of the agents addressed; the rest of them is in TRANSIT. */
export interface QuorumCounts {
  readonly addressed: number;
  readonly ready: number;
  readonly conflict: number;
}

/** Shares from 0 to 1. */
export interface QuorumThresholds {
  /** At least so many READY. Default 0.95. */
  readonly requiredReadyRate?: number;
  /** At most so many in CONFLICT. Default 0.05. */
  readonly maxConflictRate?: number;
  /** With more in TRANSIT it pays to wait. Default 0.1. */
  readonly maxTransitRate?: number;
}

interface Counted {
  readonly readyCount: number;
  readonly conflictCount: number;
  readonly transitCount: number;
  /** 0 to 1: the READY share less half of the CONFLICT share. */
  readonly confidence: number;
}

/** The decision, with its reason where it is not to proceed. */
export type QuorumDecision =
  | (Counted & { readonly achieved: true; readonly decision: "PROCEED" })
  | (Counted & {
      readonly achieved: false;
      readonly decision: "WAIT" | "RESOLVE_CONFLICTS" | "RETRY";
      readonly reason: string;
      readonly recommendation: string;
    });

/**
 * Decides on the quorum of an operation. RangeError when nobody was addressed, when there are more outcomes
 * than agents, or when a threshold is no share.
 */
export function decideQuorum(
  counts: QuorumCounts,
  thresholds: QuorumThresholds = {},
): QuorumDecision {
  const { addressed, ready, conflict } = counts;
  const requiredReadyRate = share("requiredReadyRate", thresholds.requiredReadyRate ?? 0.95);
  const maxConflictRate = share("maxConflictRate", thresholds.maxConflictRate ?? 0.05);
  const maxTransitRate = share("maxTransitRate", thresholds.maxTransitRate ?? 0.1);
  if (!(addressed > 0)) throw new RangeError(`addressed: expected at least 1, got ${addressed}`);
  const transit = addressed - ready - conflict;
  if (!(ready >= 0 && conflict >= 0 && transit >= 0)) {
    throw new RangeError(
      `ready and conflict: expected 0 or more and at most ${addressed} together, got ${ready} and ${conflict}`,
    );
  }
  const readyRate = ready / addressed;
  const conflictRate = conflict / addressed;
  const counted: Counted = {
    readyCount: ready,
    conflictCount: conflict,
    transitCount: transit,
    confidence: Math.max(0, readyRate - conflictRate * 0.5),
  };
  const enough = readyRate >= requiredReadyRate;
  if (enough && conflictRate <= maxConflictRate)
    return { ...counted, achieved: true, decision: "PROCEED" };
  if (!enough && transit / addressed > maxTransitRate) {
    return {
      ...counted,
      achieved: false,
      decision: "WAIT",
      reason: `${percent(transit / addressed)} of the agents are still in transit`,
      recommendation: "extend the arrival window",
    };
  }
  if (conflictRate > maxConflictRate) {
    return {
      ...counted,
      achieved: false,
      decision: "RESOLVE_CONFLICTS",
      reason: `the conflict rate ${percent(conflictRate)} exceeds ${percent(maxConflictRate)}`,
      recommendation: "run conflict resolution before proceeding",
    };
  }
  return {
    ...counted,
    achieved: false,
    decision: "RETRY",
    reason: `${percent(readyRate)} of the agents are ready, ${percent(requiredReadyRate)} are required`,
    recommendation: "retry with adjusted impedance compensation",
  };
}

function percent(rate: number): string {
  return `${(rate * 100).toFixed(1)}%`;
}
