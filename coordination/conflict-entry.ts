/**
 * What the log of conflicts consists of. Entries are only ever added; how a conflict, its quarantined data or a
 * question to people stands now is the last word that was said about it.
 */
import type {
  ConflictPriority,
  ConflictType,
  ResolutionMethod,
  ResolutionStrategy,
  StampedEvent,
} from "./conflict.ts";

/** The immutable record of a conflict (spec 5.1). */
export interface ConflictRecord {
  readonly conflictId: string;
  /** ms since the epoch by the mesh's clock: when the turn ended in conflict. */
  readonly atMs: number;
  /** Address of the agent that reported it. */
  readonly agent: string;
  /** Id of the message that was being handled. */
  readonly messageId: string;
  /** Who sent that message; absent when it came from outside the mesh. */
  readonly source?: string;
  /** How the message had come. */
  readonly via: "tell" | "ask" | "operation" | "signal";
  readonly type: ConflictType;
  readonly priority: ConflictPriority;
  /** By when it should be dealt with, ms since the epoch; absent when whenever it is convenient. */
  readonly dueMs?: number;
  readonly expected?: unknown;
  readonly received?: unknown;
  readonly contextHash?: string;
  readonly divergenceDepth?: number;
  readonly affectsAgentCount?: number;
  readonly expectedFrom?: readonly string[];
  readonly receivedFrom?: readonly string[];
  readonly events?: readonly StampedEvent[];
  /** Id of the message that brought it about. */
  readonly causationId: string;
  /** The mesh's Lamport stamp of the turn, or the one that the agent gave. */
  readonly lamport: number;
  /** Id of the operation that the message was of. */
  readonly operationId?: string;
  readonly strategy: ResolutionStrategy;
  /** SHA-256 of the quarantined data as it is written; absent when there is none. */
  readonly dataHash?: string;
  /** Why details or data are missing, where they are. */
  readonly missing?: string;
  /** Conflicts that this record stands for beside its own: they came faster than their details could be told. */
  readonly alsoUnnamed?: number;
}

/** How a conflict stands. */
export type ConflictState = "open" | "review" | "resolved";

export const CONFLICT_STATES: readonly ConflictState[] = Object.freeze([
  "open",
  "review",
  "resolved",
]);

/** What was done about a conflict, or that a person has to look at it. */
export interface Resolution {
  readonly conflictId: string;
  readonly atMs: number;
  readonly state: ConflictState;
  readonly method: ResolutionMethod;
  /** `mesh`, or the operator. */
  readonly by: string;
  /** One sentence. */
  readonly outcome: string;
  /** The value that holds from now on, where one was chosen. */
  readonly value?: unknown;
  /** What the strategy did and found, step by step. */
  readonly steps: readonly ResolutionStep[];
}

/** One step of a strategy. */
export interface ResolutionStep {
  readonly step: string;
  readonly found: string;
}

/** What became of quarantined data. */
export interface QuarantineNote {
  readonly conflictId: string;
  readonly atMs: number;
  readonly state: "released" | "discarded" | "evicted";
  readonly by: string;
  readonly outcome: string;
}

/** A question to people, or a word about one. */
export interface InboxNote {
  readonly itemId: string;
  readonly atMs: number;
  readonly act: "opened" | "approved" | "denied" | "commented" | "reminded" | "overdue";
  readonly by: string;
  /** What is asked, why, or the comment. */
  readonly text: string;
  /** Of an opening: what kind of question, what it is about, and the answer's deadline, ms since the epoch. */
  readonly kind?: string;
  readonly about?: unknown;
  readonly deadlineMs?: number;
}

/** How an operation went, when it had ended. Times are ms of the mesh clock. */
export interface OperationEntry {
  readonly operationId: string;
  readonly verb: string;
  readonly strategy: string;
  readonly createdMs: number;
  /** T; absent when it was to be as soon as possible. */
  readonly arrivalMs?: number;
  readonly endedMs: number;
  /** `reported` when all sectors had told their last. */
  readonly end: string;
  /** Agents that were selected; those of them that were READY, acted at T, were in CONFLICT, failed, were skipped. */
  readonly selected: number;
  readonly ready: number;
  readonly acted: number;
  readonly conflict: number;
  readonly failed: number;
  readonly skipped: number;
}

/** An entry of the log. */
export type LogEntry =
  | { readonly kind: "genesis"; readonly logId: string; readonly atMs: number }
  | { readonly kind: "conflict"; readonly record: ConflictRecord }
  | { readonly kind: "resolution"; readonly resolution: Resolution }
  | { readonly kind: "quarantine"; readonly note: QuarantineNote }
  | { readonly kind: "inbox"; readonly note: InboxNote }
  /** Only in a store that several nodes share. */
  | { readonly kind: "operation"; readonly operation: OperationEntry }
  /** Conflicts of which only the number is known: the log could not be written, and its buffer was full. */
  | { readonly kind: "gap"; readonly atMs: number; readonly lost: number; readonly reason: string }
  /** For a signature over the chain so far. */
  | {
      readonly kind: "checkpoint";
      readonly atMs: number;
      readonly count: number;
      readonly hash: string;
      readonly signature: string;
      readonly key: string;
    };
export type EntryKind = LogEntry["kind"];
