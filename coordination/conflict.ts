/**
 * Conflicts (spec 5.1): what an agent says of one, how urgent it is, by when it should be dealt with, and how.
 * A conflict is information to be kept and resolved, never an exception. Nothing here knows where it is kept.
 */

/** The five kinds of conflict of spec 5.1. */
export type ConflictType =
  | "CONTEXT_DIVERGENCE"
  | "DATA_CONTRADICTION"
  | "TEMPORAL_PARADOX"
  | "CAPABILITY_MISMATCH"
  | "HASH_MISMATCH";

export const CONFLICT_TYPES: readonly ConflictType[] = Object.freeze([
  "CONTEXT_DIVERGENCE",
  "DATA_CONTRADICTION",
  "TEMPORAL_PARADOX",
  "CAPABILITY_MISMATCH",
  "HASH_MISMATCH",
]);

/** An event as somebody has stamped it, for a TEMPORAL_PARADOX. */
export interface StampedEvent {
  /** Address of the agent whose clock gave `atMs`. */
  readonly agent: string;
  /** ms since the epoch by that clock. */
  readonly atMs: number;
  readonly lamport: number;
}

/** What an agent says of a conflict: information to be kept and resolved, never an exception. */
export interface ConflictDetail {
  readonly type: ConflictType;
  /** The value that the agent held. CAPABILITY_MISMATCH: the capability, or capabilities, that were needed. */
  readonly expected?: unknown;
  /** The value that came. */
  readonly received?: unknown;
  /** Hash of the agent's context at that moment, in whatever form the agent keeps it. */
  readonly contextHash?: string;
  /** CONTEXT_DIVERGENCE: how many steps ago the two contexts were one; more than 10 is urgent. */
  readonly divergenceDepth?: number;
  /** DATA_CONTRADICTION: how many agents hold one of the values; more than 100 is urgent. */
  readonly affectsAgentCount?: number;
  /** What goes into quarantine; by default the message itself. */
  readonly conflictingData?: unknown;
  /** Lamport stamp of what came, where its own system gives one; by default the mesh's of this turn. */
  readonly lamport?: number;
  /** Id of the message that brought this about; by default the one that was being handled. */
  readonly causationId?: string;
  /** Ids of the messages (`ctx.envelope.messageId`) from which the agent has the expected value. */
  readonly expectedFrom?: readonly string[];
  /** Ids of the messages from which the received value is; by default the one that was being handled. */
  readonly receivedFrom?: readonly string[];
  /** TEMPORAL_PARADOX: the events whose order makes no sense, each with its stamps. */
  readonly events?: readonly StampedEvent[];
}

/** 0 background, 1 low, 2 medium, 3 high, 4 critical (spec 5.1). */
export type ConflictPriority = 0 | 1 | 2 | 3 | 4;

/** From this priority on the sector's coordinator is told. */
export const SECTOR_PRIORITY = 3;
/** From this priority on the orchestrator is told too. */
export const MESH_PRIORITY = 4;

/** Contexts that parted longer ago than this are urgent. */
const DEEP = 10;
/** A contradiction that touches more agents than this is urgent. */
const MANY_AGENTS = 100;

/** How urgent a conflict is; what no agent should say, an unknown type, is medium (spec 5.1). */
export function conflictPriority(detail: ConflictDetail): ConflictPriority {
  switch (detail.type) {
    case "CONTEXT_DIVERGENCE":
      return (detail.divergenceDepth ?? 0) > DEEP ? 3 : 2;
    case "DATA_CONTRADICTION":
      return (detail.affectsAgentCount ?? 0) > MANY_AGENTS ? 3 : 2;
    case "TEMPORAL_PARADOX":
      return 4;
    case "CAPABILITY_MISMATCH":
      return 1;
    case "HASH_MISMATCH":
      return 4;
    default:
      return 2;
  }
}

/** How long a conflict of each priority may wait, ms; background waits for as long as it likes. */
export const DUE_WITHIN_MS: readonly number[] = Object.freeze([
  Number.POSITIVE_INFINITY,
  3_600_000,
  600_000,
  60_000,
  0,
]);

/** By when a conflict of `atMs` should be dealt with, ms of the same clock. */
export function dueMs(priority: ConflictPriority, atMs: number): number {
  return atMs + DUE_WITHIN_MS[priority];
}

/** The ways out of a conflict. */
export type ResolutionMethod =
  | "BRANCH_AND_RECONCILE"
  | "PROVENANCE_TRACE"
  | "CLOCK_RECONCILIATION"
  | "REROUTE"
  | "HOLD_AND_REREQUEST"
  | "HUMAN_REVIEW";

export const RESOLUTION_METHODS: readonly ResolutionMethod[] = Object.freeze([
  "BRANCH_AND_RECONCILE",
  "PROVENANCE_TRACE",
  "CLOCK_RECONCILIATION",
  "REROUTE",
  "HOLD_AND_REREQUEST",
  "HUMAN_REVIEW",
]);

/** How a conflict can be resolved (spec 5.1). */
export interface ResolutionStrategy {
  readonly method: ResolutionMethod;
  readonly steps: readonly string[];
  /** Whether it may run by itself: it only looks, or what it does can be taken back. */
  readonly automatic: boolean;
}

const STRATEGIES: Readonly<Record<ResolutionMethod, ResolutionStrategy>> = Object.freeze({
  BRANCH_AND_RECONCILE: strategy("BRANCH_AND_RECONCILE", true, [
    "Create parallel context branches",
    "Let both branches operate independently",
    "Identify convergence points",
    "Human review of irreconcilable differences",
  ]),
  PROVENANCE_TRACE: strategy("PROVENANCE_TRACE", true, [
    "Trace both values to origin",
    "Identify where divergence occurred",
    "Prefer value with stronger provenance",
    "Update weaker source",
  ]),
  CLOCK_RECONCILIATION: strategy("CLOCK_RECONCILIATION", true, [
    "Check Lamport timestamps",
    "Verify causal ordering",
    "Identify clock drift source",
    "Rebuild causal chain",
  ]),
  REROUTE: strategy("REROUTE", true, [
    "Take the capability off the agent that lacks it",
    "Give the task to an agent that has it",
  ]),
  HOLD_AND_REREQUEST: strategy("HOLD_AND_REREQUEST", true, [
    "Lead traffic around the source",
    "Request the payload again",
    "Compare its hash with what was promised",
    "Let the source go when they match",
  ]),
  HUMAN_REVIEW: strategy("HUMAN_REVIEW", false, ["Put it before a person"]),
});

/** How to resolve this conflict (spec 5.1). */
export function suggestStrategy(detail: ConflictDetail): ResolutionStrategy {
  switch (detail.type) {
    case "CONTEXT_DIVERGENCE":
      return STRATEGIES.BRANCH_AND_RECONCILE;
    case "DATA_CONTRADICTION":
      return STRATEGIES.PROVENANCE_TRACE;
    case "TEMPORAL_PARADOX":
      return STRATEGIES.CLOCK_RECONCILIATION;
    case "CAPABILITY_MISMATCH":
      return STRATEGIES.REROUTE;
    case "HASH_MISMATCH":
      return STRATEGIES.HOLD_AND_REREQUEST;
    default:
      return STRATEGIES.HUMAN_REVIEW;
  }
}

function strategy(
  method: ResolutionMethod,
  automatic: boolean,
  steps: readonly string[],
): ResolutionStrategy {
  return Object.freeze({ method, automatic, steps: Object.freeze(steps) });
}
