import type {
  ConflictPriority,
  ConflictType,
  ResolutionMethod,
} from "../../coordination/conflict.ts";
import type {
  ConflictRecord,
  ConflictState,
  QuarantineNote,
  Resolution,
  ResolutionStep,
} from "../../coordination/conflict-entry.ts";
import type { Conflict, ConflictFilter, ConflictHistory, Verification } from "./conflict-log.ts";

export type {
  Conflict as RecordedConflict,
  ConflictFilter,
  ConflictHistory,
  ConflictPriority,
  ConflictRecord,
  ConflictState,
  ConflictType,
  QuarantineNote,
  Resolution,
  ResolutionMethod,
  ResolutionStep,
  Verification,
};

/** What `mesh.conflicts.on` tells of. */
export interface ConflictEvents {
  /** A conflict is on disk (in memory, without a data folder): from now on it is there whatever happens. */
  recorded: ConflictRecord;
  /** A conflict of priority 3 or more was put before the sector's coordinator, of 4 before the orchestrator too. */
  escalated: { readonly record: ConflictRecord; readonly to: string };
  /** Something was done about a conflict, or it waits for a person. */
  resolution: Resolution;
  /** A conflict is still open though its time is over. */
  overdue: ConflictRecord;
}

/** How many conflicts there are, and how far the log is behind. */
export interface ConflictCounts {
  /** Told by agents since the mesh started. */
  readonly told: number;
  /** Entries of the log, of all kinds, since the mesh started. */
  readonly recorded: number;
  /** Entries that wait to be written. */
  readonly waiting: number;
  /** Known by their number only, and not in the log yet. */
  readonly lost: number;
  /** In the queue of those to be resolved by themselves. */
  readonly queued: number;
  /** Escalated since the mesh started. */
  readonly escalated: number;
}

/** How `resolve` goes about it. */
export interface ResolveOptions {
  /** Default: the one that was suggested when the conflict was recorded. */
  readonly method?: ResolutionMethod;
  /** With it the conflict is resolved as the operator says: no strategy runs, and this value holds. */
  readonly value?: unknown;
  /** With it the conflict is resolved as the operator says, in these words. */
  readonly outcome?: string;
  /** Who says so. Default `operator`. */
  readonly by?: string;
}

/** The conflicts of a mesh (spec 5.1). */
export interface Conflicts {
  /** Newest first, 100 unless told otherwise. */
  list(filter?: ConflictFilter): Promise<readonly Conflict[]>;
  /** A conflict and all that was said about it; undefined when there is none of this id. */
  get(conflictId: string): Promise<ConflictHistory | undefined>;
  /**
   * Runs a strategy, or takes the operator's word; what came of it is added to the log, never written over what was
   * there. Rejects with MESH_NO_CONFLICT when there is none of this id.
   */
  resolve(conflictId: string, options?: ResolveOptions): Promise<Resolution>;
  /** Follows the whole chain of the log, and says where it is not what it was. */
  verify(): Promise<Verification>;
  counts(): ConflictCounts;
  /** Resolves when all that is known now is recorded. */
  settled(): Promise<void>;
  on<E extends keyof ConflictEvents>(
    event: E,
    listener: (detail: ConflictEvents[E]) => void,
  ): () => void;
}

/** Data in quarantine, as it is listed. */
export interface QuarantinedItem {
  readonly conflictId: string;
  readonly atMs: number;
  /** As it is written. */
  readonly bytes: number;
}

/** The data itself. */
export interface QuarantinedData extends QuarantinedItem {
  readonly value: unknown;
  /** Who reported the conflict, and the message that it was handling. */
  readonly agent: string;
  readonly messageId: string;
}

/** What a release did. */
export interface Release {
  readonly conflictId: string;
  /** `accepted` when the agent was given the message again; `handed-out` when the value went to who asked. */
  readonly delivery: "accepted" | "handed-out" | "refused";
  readonly value: unknown;
}

/** What conflicts keep from the mesh until somebody decides (spec 5.1). */
export interface Quarantine {
  /** Newest first; at most 100 unless told otherwise. */
  list(limit?: number): Promise<readonly QuarantinedItem[]>;
  /** Undefined when nothing is held for this conflict. */
  show(conflictId: string): Promise<QuarantinedData | undefined>;
  /**
   * Lets the data go. `to: "agent"` (the default when it is the message itself) tells it to the agent again; `to:
   * "caller"` hands it out. It stays when the agent refuses it. MESH_NOT_QUARANTINED when nothing is held.
   */
  release(
    conflictId: string,
    options?: { readonly to?: "agent" | "caller"; readonly by?: string },
  ): Promise<Release>;
  /** Throws the data away; the record stays. False when nothing was held. */
  discard(
    conflictId: string,
    options?: { readonly by?: string; readonly reason?: string },
  ): Promise<boolean>;
  /** Items and bytes held now, and what did not find room because nothing that was resolved could make some. */
  counts(): { readonly held: number; readonly bytes: number; readonly turnedAway: number };
}

/** A question to people. */
export interface InboxItem {
  readonly itemId: string;
  /** `conflict-review`, `approval`, … */
  readonly kind: string;
  readonly text: string;
  readonly about: unknown;
  readonly openedMs: number;
  /** ms since the epoch; absent when it may wait for ever. */
  readonly deadlineMs?: number;
  readonly state: "open" | "approved" | "denied";
  readonly decidedBy?: string;
  readonly decidedMs?: number;
  readonly overdue: boolean;
  readonly comments: readonly {
    readonly atMs: number;
    readonly by: string;
    readonly text: string;
  }[];
}

/** A new question. */
export interface Question {
  readonly kind: string;
  readonly text: string;
  readonly about?: unknown;
  /** From now, ms; default never. */
  readonly withinMs?: number;
  /** Fixed by who asks, so that asking again finds the question that is there. */
  readonly itemId?: string;
}

/** What `mesh.inbox.on` tells of. */
export interface InboxEvents {
  opened: InboxItem;
  decided: InboxItem;
  /** Three quarters of its time are over. */
  reminder: InboxItem;
  overdue: InboxItem;
}

/** Questions to people. Nobody is held up: whoever asked goes on by the item's id when there is an answer. */
export interface HumanInbox {
  /** Open ones, those with the earliest deadline first; with `all`, the decided ones too. */
  list(options?: { readonly all?: boolean }): Promise<readonly InboxItem[]>;
  show(itemId: string): Promise<InboxItem | undefined>;
  /** Resolves when the question is recorded. MESH_INBOX_FULL when 10,000 are open. */
  open(question: Question): Promise<InboxItem>;
  /** Decides. MESH_NO_ITEM when there is none of this id, MESH_DECIDED when it was decided before. */
  approve(itemId: string, options?: Decision): Promise<InboxItem>;
  deny(itemId: string, options?: Decision): Promise<InboxItem>;
  comment(itemId: string, text: string, options?: { readonly by?: string }): Promise<InboxItem>;
  /** Resolves when it is decided, also by who decides after a restart. Rejects when there is none of this id. */
  decision(itemId: string): Promise<InboxItem>;
  on<E extends keyof InboxEvents>(event: E, listener: (item: InboxEvents[E]) => void): () => void;
}

/** Who decides, and why. */
export interface Decision {
  readonly by?: string;
  readonly comment?: string;
}
