import type { Verb } from "../../actors/message.ts";
import type { RecordedOperation } from "./conflict-log.ts";
import type { EndedOperation, LiveOperation } from "./live-api.ts";

export type { RecordedOperation };

/** One message of a chain. */
export interface Hop {
  /** Its sender and the number that the sender's thread gave it: `sector-1/cluster-2/agent-3#4711`. */
  readonly messageId: string;
  /** Address of its sender, or `outside`. */
  readonly from: string;
  readonly to: string;
  /** When it was sent, ms of the mesh clock. */
  readonly sentMs: number;
  /** From the sending of the message that brought it about, ms: that one's way, wait and turn. 0 for the first. */
  readonly afterMs: number;
}

/** What led to a message, and what it led to (spec 7.1). */
export interface Trace {
  /** What was asked for. */
  readonly target: string;
  /** From the first message of the chain to the one that was asked for, or the last that the agent was sent. */
  readonly hops: readonly Hop[];
  /** Whether the first was brought about by nothing, rather than by what is forgotten. */
  readonly reachedOrigin: boolean;
  /** What its turn has sent; the earliest, as many as are listed. */
  readonly effects: readonly Hop[];
  /** From the first message to the last, its effects not counted, ms. */
  readonly elapsedMs: number;
}

/**
 * How an agent came out of an operation: `planned` is still to be sent to, `transit` has been and is not heard of,
 * `acted` was READY and has acted at T.
 */
export type PathOutcome =
  | "planned"
  | "transit"
  | "ready"
  | "acted"
  | "conflict"
  | "failed"
  | "skipped";

/** An operation at one cluster's lead. Times are ms of the mesh clock, absent where they are not known. */
export interface ClusterHop {
  readonly address: string;
  /** Agents that were selected, and those that were READY. */
  readonly agents: number;
  readonly ready: number;
  /** When the first of its agents was sent to. */
  readonly sentMs?: number;
  /** When the last that has answered had: READY or CONFLICT. */
  readonly foldedMs?: number;
  /** When the last that has acted at T had. */
  readonly actedMs?: number;
}

/** An operation at one sector's coordinator. */
export interface SectorHop extends ClusterHop {
  /** When it had the operation from the orchestrator. */
  readonly takenMs?: number;
  /** When its leads had their parts; of a wave, after the gate has opened. */
  readonly plannedMs?: number;
  /** When it has told the orchestrator its last, and when that was there. */
  readonly reportedMs?: number;
  readonly arrivedMs?: number;
}

/** The way of an operation to one agent and back: orchestrator, sector, cluster, agent. */
export interface AgentPath {
  readonly address: string;
  readonly outcome: PathOutcome;
  readonly sector: SectorHop;
  readonly cluster: ClusterHop;
  /** When it was to be sent to; only of operations with a T. */
  readonly plannedMs?: number;
  readonly sentMs?: number;
  /** When it was READY, or in CONFLICT. */
  readonly readyMs?: number;
  readonly actedMs?: number;
}

/** An operation on its way down the tree and back. Times are ms of the mesh clock. */
export interface OperationTrace {
  readonly operationId: string;
  readonly verb: Verb;
  readonly strategy: LiveOperation["strategy"];
  /** How it has ended, unless it is out. */
  readonly state: "running" | EndedOperation["end"];
  readonly createdMs: number;
  /** T; absent when it was to be as soon as possible. */
  readonly arrivalMs?: number;
  /** When enough sectors of a wave had confirmed. */
  readonly gateMs?: number;
  readonly endedMs?: number;
  readonly selected: number;
  readonly ready: number;
  readonly sectors: number;
  readonly clusters: number;
  /**
   * Whether times of agents are known: a sector tells them with its last report, a broadcast has none, and of old
   * operations they are forgotten first.
   */
  readonly agentTimes: boolean;
  /** Paths that there are, of which the slowest are told. */
  readonly total: number;
  /** Those who have not answered first, then the last to be READY first, the skipped at the end. */
  readonly paths: readonly AgentPath[];
}

/** What of an operation's way is told. */
export interface OperationTraceOptions {
  /** Paths at most, 1 to 10,000. Default 20. */
  readonly limit?: number;
  /** Only agents of this address. */
  readonly within?: string;
}

/** What brought messages about, as far as it is remembered: the last 16,384 sends of each thread. */
export interface Traces {
  /**
   * The chain of the message of this id, or of the last one that was sent to the agent of this address. Reads shared
   * memory only. UnknownActorError when it is neither, MESH_NOT_TRACED when nothing of it is remembered.
   */
  of(target: string): Trace;
  /**
   * The way of an operation by its id (`operationId` of its result), or of the newest one as `last`: of those that are
   * out, and of the last 60 that have ended; of one that was tried again the newest try. MESH_NOT_TRACED when it is
   * not remembered, UnknownActorError and InvalidOptionError for what is wrong with the options.
   */
  operation(operationId: string, options?: OperationTraceOptions): OperationTrace;
  /**
   * How operations went, newest first, `limit` at most (1 to 10,000, default 50): with a `store` all that have ended,
   * of every node that shares it, without one the last 60 of this mesh. MESH_STORE when the store is out of reach.
   */
  history(limit?: number): Promise<readonly RecordedOperation[]>;
}
