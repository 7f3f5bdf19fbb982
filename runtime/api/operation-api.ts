/** What people may ask of many agents at once, and what they are told: types of `mesh.scatterGather` and its kin. */
import type { AskOptions, Priority } from "../../actors/context.ts";
import type { MeshMessage, Verb } from "../../actors/message.ts";
import type { Answer, ConflictDetail, Trinary } from "../../actors/result.ts";
import type { ArrivalTime } from "../../coordination/arrival-time.ts";
import type { ImpedanceClass } from "../../coordination/impedance-class.ts";
import type { QuorumDecision } from "../../coordination/quorum.ts";

/** One coordinated act. */
export interface Operation<Payload = unknown> {
  readonly payload: Payload;
  /** Default "sync". */
  readonly verb?: Verb;
  /** Default "earliest-quorum". */
  readonly at?: ArrivalTime;
  /** Probability with which each agent shall be READY by then, 0.5 to 0.999. Default 0.95. */
  readonly readyBy?: number;
  /**
   * Whether agents that are READY early hold their result and act at that very time (`act` of their
   * behavior). Default: true when `at` is a time.
   */
  readonly hold?: boolean;
  /** Default 1. */
  readonly priority?: Priority;
  /** Work that has not begun this long after the sending is not begun any more, ms. Default: the deadline. */
  readonly ttlMs?: number;
  /** Complexity of the payload against a usual one. Default 1. */
  readonly payloadWeight?: number;
  /** Only agents with all of these are addressed; who lacks one answers CAPABILITY_MISMATCH. */
  readonly requiresCapabilities?: readonly string[];
  /** Default: the message's own id. */
  readonly correlationId?: string;
  readonly causationId?: string;
  /** Default 1. */
  readonly trinaryExpectation?: Trinary;
  /** Whether it may be tried a second time while the first is out. Default: by the verb. */
  readonly idempotent?: boolean;
}

export interface GatherOptions {
  /** `all`, an address, an impedance class or a capability. Default: all. */
  readonly select?: string;
  /** READY within this time of T counts, ms. Default 500. */
  readonly windowMs?: number;
  /** Share of the agents addressed that must be READY, 0 to 1. Default 0.95. */
  readonly quorum?: number;
  /** Share that may be in CONFLICT. Default 0.05. */
  readonly maxConflictRate?: number;
  /** Share that may be in TRANSIT before RETRY becomes WAIT. Default 0.1. */
  readonly maxTransitRate?: number;
  /** The latest end, ms from now. Default 5,000, or T and the window when that is later. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Gather what the agents answer, not only how. Default false. */
  readonly answers?: boolean;
  /**
   * The question has one right answer: whoever contradicts at least three peers, two thirds of all who answered, is
   * quarantined (spec 6.1 BYZANTINE_BEHAVIOR). Default false: opinions may differ. Implies `answers`.
   */
  readonly oneTruth?: boolean;
  readonly onProgress?: (progress: OperationProgress) => void;
}

export interface OperationProgress {
  readonly tier: "sectors" | "agents";
  /** Sectors that have said their last. */
  readonly sectors: number;
  readonly ready: number;
  readonly conflict: number;
  readonly failed: number;
  readonly skipped: number;
  readonly addressed: number;
}

/** Distribution of |actual − T| over agents, ms; NaN over none. */
export interface ErrorSummary {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  /** Share within ± 50 ms, and within the window. */
  readonly within50: number;
  readonly withinWindow: number;
}

/** What was planned for one agent (spec 3.1). */
export type AgentPlan =
  | {
      readonly status: "SCHEDULED";
      readonly address: string;
      readonly sendAtMs: number;
      readonly leadTimeMs: number;
      readonly expectedProcessingMs: number;
      readonly confidence: number;
    }
  | {
      readonly status: "SKIP";
      readonly address: string;
      readonly reason: "insufficient_lead_time";
      readonly wouldNeedMs: number;
      readonly availableMs: number;
    }
  | {
      readonly status: "SKIP";
      readonly address: string;
      /** The breaker of its cluster, its sector or the mesh keeps traffic from it. */
      readonly reason: "circuit_open";
    };

/** What became of an operation at one agent. Times are relative to T, ms; negative is early. */
export interface AgentOutcome {
  readonly address: string;
  readonly state: Trinary;
  readonly skipped: boolean;
  readonly readyErrorMs?: number;
  readonly actErrorMs?: number;
  /** The handler threw. */
  readonly failed: boolean;
  /** With `answers: true`. */
  readonly value?: unknown;
}

export interface ConflictReport {
  readonly address: string;
  readonly detail: ConflictDetail;
}

/** What became of an operation (spec 3.2 GatherResult). */
export interface GatherResult {
  readonly status: "SUCCESS" | "PARTIAL";
  readonly operationId: string;
  /** The message as sent, with the whole plan in `compensationApplied` (made when it is read). */
  readonly message: MeshMessage;
  /** T, ms of the mesh clock; undefined when there was none (`at: "now"`). */
  readonly arrivalMs: number | undefined;
  /** Agents that the selection names and that nobody has routed around; those behind open circuits included. */
  readonly selected: number;
  /** Of these: those it was sent to. `addressed + skipped = selected`. */
  readonly addressed: number;
  readonly ready: number;
  readonly conflict: number;
  /** Addressed and not heard of by the end; includes `failed`. */
  readonly transit: number;
  readonly failed: number;
  /** Not sent to: they could not be READY by T, or are behind an open circuit. */
  readonly skipped: number;
  /** READY ÷ addressed. */
  readonly responseRate: number;
  readonly quorum: QuorumDecision;
  /** READY − T. */
  readonly arrival: ErrorSummary;
  /** Acting − T, with READY-hold. */
  readonly acting: ErrorSummary;
  /** Release − planned release: what the runtime adds. */
  readonly release: ErrorSummary;
  /** Mean time that agents were READY before T, ms. */
  readonly idleMs: number;
  readonly elapsedMs: number;
  /** From the start until the quorum was known to be READY (and T had come), ms; undefined when it never was. */
  readonly quorumMs: number | undefined;
  /** Times of READY after sending, ms: quantiles over agents. */
  readonly latency: { readonly p50: number; readonly p95: number; readonly p99: number };
  readonly conflicts: readonly ConflictReport[];
  /** The plan by agent, skipped ones included. */
  plan(): Iterable<AgentPlan>;
  outcomes(): Iterable<AgentOutcome>;
  /** Sends again, under the same id, to who was neither READY nor in CONFLICT: who is done is not asked twice. */
  resume(options?: ResumeOptions): Promise<GatherResult>;
}

export interface ResumeOptions {
  readonly at?: ArrivalTime;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export type CascadeStrategy = "wave" | "parallel" | "priority-first";

export interface CascadeOptions extends Omit<GatherOptions, "quorum"> {
  /** Default "wave". */
  readonly strategy?: CascadeStrategy;
  /** Default: that of the strategy; parallel 0.90, else 0.95. */
  readonly quorum?: number;
  /**
   * Of priority-first: how long people (class F) of the selection have, ms. They are asked at once, and not waited
   * for: see `people` of the result. Default: they are not asked.
   */
  readonly peopleTimeoutMs?: number;
}

/** How far a tier was reached, and when the last of it confirmed, ms after the start. */
export interface TierReceipt {
  readonly expected: number;
  readonly reached: number;
  readonly elapsedMs: number;
}

/** One phase of a priority-first cascade. */
export interface CascadePhase {
  readonly class: ImpedanceClass;
  readonly threshold: number;
  readonly result: GatherResult;
  readonly degraded: boolean;
}

export interface CascadeResult extends Omit<GatherResult, "status"> {
  readonly status: "SUCCESS" | "PARTIAL" | "FAILED_AT_SECTOR";
  readonly strategy: CascadeStrategy;
  readonly sectors: TierReceipt;
  readonly clusters: TierReceipt;
  readonly agents: TierReceipt;
  /** Of priority-first, in order; otherwise none. */
  readonly phases: readonly CascadePhase[];
  /** What becomes of the people who were asked, by their own deadline; undefined when none were. */
  readonly people: Promise<GatherResult> | undefined;
}

export interface ForecastOptions {
  readonly select?: string;
  readonly quorum?: number;
  /** READY within this time of T counts for the quorum, ms. Default 500. */
  readonly windowMs?: number;
  /** How many of the skipped are listed. Default 100. */
  readonly limit?: number;
}

/** What will probably happen, told before anything is sent. */
export interface Forecast {
  readonly arrivalMs: number;
  /** T − now. */
  readonly availableMs: number;
  readonly selected: number;
  readonly scheduled: number;
  readonly skipped: number;
  /** Expected number READY by T, of those scheduled. */
  readonly expectedReady: number;
  /** Expected number READY within the window after T, of those scheduled. */
  readonly expectedInWindow: number;
  /** Probability that the quorum of those scheduled is READY within the window. */
  readonly quorumProbability: number;
  /**
   * The earliest T at which the quorum of those selected can be scheduled, ms of the mesh clock. People do not
   * count unless nobody else is selected: they have their own deadlines.
   */
  readonly earliestQuorumMs: number;
  /** Why agents are skipped, those behind open circuits and then those who would need longest; bounded by `limit`. */
  readonly skips: readonly Extract<AgentPlan, { readonly status: "SKIP" }>[];
}

/** Whom to ask when any of several agents will do. */
export interface AskSelection {
  /** As for `select`. */
  readonly select?: string;
  readonly capability?: string;
  /** How many of them, drawn at random. Default 100. */
  readonly sample?: number;
  /**
   * The question has one right answer: whoever contradicts at least three peers, two thirds of all who answered, is
   * quarantined (spec 6.1 BYZANTINE_BEHAVIOR). Default false: opinions may differ.
   */
  readonly oneTruth?: boolean;
}

/** Answers grouped by value, the largest group first (spec 7.1 `ask`). */
export interface AskGroups<Value = unknown> {
  readonly asked: number;
  readonly responses: number;
  readonly groups: readonly {
    readonly count: number;
    readonly outcome: Answer<Value> | { readonly error: string };
    /** At most ten of them. */
    readonly agents: readonly string[];
  }[];
}

export interface DelegateOptions extends Omit<AskOptions, "timeoutMs"> {
  /** `best_available`, an impedance class, a capability, an address. Default best_available. */
  readonly to?: string;
  /** Default 300,000 (spec 7.1). */
  readonly timeoutMs?: number;
  readonly requiresCapabilities?: readonly string[];
  /** Work that may be done twice: a straggler gets a competitor, and the first answer counts. Default false. */
  readonly idempotent?: boolean;
}

export interface DelegationResult<Value = unknown> {
  /** Who answered. */
  readonly agent: string;
  readonly answer: Answer<Value>;
  readonly elapsedMs: number;
  /** All who were tried, in order. */
  readonly tried: readonly string[];
  readonly hedged: boolean;
}

export interface PipelineOptions {
  /** Of the whole pipeline, ms. Default 5,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface PipelineResult<Value = unknown> {
  readonly answer: Answer<Value>;
  readonly stages: readonly {
    readonly agent: string;
    readonly state: Trinary;
    readonly elapsedMs: number;
  }[];
  readonly elapsedMs: number;
}

/** Whom traffic goes around, and whom not. Not the agents themselves: those go on working. */
export interface Routes {
  /**
   * From now on no operation, delegation or sample reaches `target`, an address or a class; with `capability`,
   * which takes a class, none for that capability. InvalidOptionError when it is none of these.
   */
  avoid(target: string, options?: { readonly capability?: string; readonly reason?: string }): void;
  /** Takes it back; true when it was avoided. */
  allow(target: string, options?: { readonly capability?: string }): boolean;
  list(): readonly AvoidedRoute[];
}

export interface AvoidedRoute {
  readonly target: string;
  readonly capability?: string;
  readonly reason?: string;
  readonly sinceMs: number;
}
