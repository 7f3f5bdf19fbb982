import { createHash } from "node:crypto";
import type { ConflictPriority, ConflictType } from "../../coordination/conflict.ts";
import type {
  ConflictRecord,
  ConflictState,
  EntryKind,
  InboxNote,
  LogEntry,
  OperationEntry,
  QuarantineNote,
  Resolution,
} from "../../coordination/conflict-entry.ts";
import type { ChainHead } from "../../coordination/log-chain.ts";
import { writeValue } from "../../coordination/written-value.ts";

/** An entry to be appended, with the quarantined data that goes with a conflict. */
export interface Append {
  readonly entry: LogEntry;
  /** Written value (`coordination/written-value.ts`) to be held in quarantine under the conflict's id. */
  readonly data?: string;
}

/** Which conflicts are wanted; all that is given must fit. */
export interface ConflictFilter {
  readonly agent?: string;
  readonly type?: ConflictType;
  /** Of this priority. */
  readonly priority?: ConflictPriority;
  readonly state?: ConflictState;
  /** From this time on, ms since the epoch. */
  readonly sinceMs?: number;
  /** Before this time, ms since the epoch. */
  readonly untilMs?: number;
  /** Only what this node recorded, in a store that several share. Default: what all of them did. */
  readonly own?: boolean;
  /** Default 100. */
  readonly limit?: number;
}

/** A conflict as it stands. */
export interface Conflict {
  readonly record: ConflictRecord;
  readonly state: ConflictState;
  /** The last word on it. */
  readonly resolution?: Resolution;
  /** The node that recorded it, when that is another one of a shared store. */
  readonly elsewhere?: string;
}

/** Quarantined data. */
export interface Held {
  readonly conflictId: string;
  readonly atMs: number;
  readonly bytes: number;
  /** As it was written. */
  readonly data: string;
}

/** How an operation went, as a log has it. */
export interface RecordedOperation extends OperationEntry {
  /** The node that recorded it, when that is another one of a shared store. */
  readonly elsewhere?: string;
}

/** What a look at the whole log found. */
export interface Verification {
  readonly ok: boolean;
  /** Entries found right. */
  readonly entries: number;
  readonly head: ChainHead;
  /** The chain of each node in a store that several share; absent of a log of one. */
  readonly chains?: readonly (ChainHead & { readonly node: string })[];
  /** What is wrong, and where it first is. */
  readonly fault?: string;
  readonly elapsedMs: number;
}

/** Everything that was said about one conflict. */
export interface ConflictHistory extends Conflict {
  readonly resolutions: readonly Resolution[];
  readonly quarantine: readonly QuarantineNote[];
}

/**
 * Where conflicts are kept (a port): appended, never changed. What {@link append} has resolved for is there after
 * any end of the process. Every implementation passes `test/conflict-log-contract.ts`.
 */
export interface ConflictLog {
  /**
   * Adds entries, all or none; resolves when they are safe. Rejects when they could not be written, or when it is not
   * known whether they were: then the same call with `after`, the length of the log before, adds them once.
   */
  append(entries: readonly Append[], after?: number): Promise<ChainHead>;
  /** How long the log is. */
  head(): Promise<ChainHead>;
  /** Newest first. */
  list(filter: ConflictFilter): Promise<readonly Conflict[]>;
  /** The conflict of this id and all that was said about it. */
  get(conflictId: string): Promise<ConflictHistory | undefined>;
  /** Questions to people: their notes in order; of those still open only, or of all. */
  inbox(openOnly: boolean): Promise<readonly InboxNote[]>;
  /** Quarantined data, newest first, without the data itself. */
  held(limit: number): Promise<readonly Omit<Held, "data">[]>;
  heldOf(conflictId: string): Promise<Held | undefined>;
  /** Drops quarantined data; what the log says of it stays. */
  drop(conflictIds: readonly string[]): Promise<void>;
  /** Makes room in the quarantine: ids of what would have to go, the oldest of resolved conflicts first. */
  surplus(maxCount: number, maxBytes: number): Promise<readonly string[]>;
  /** How operations went, newest first. */
  operations(limit: number): Promise<readonly RecordedOperation[]>;
  /** How many entries there are of a kind. */
  count(kind: EntryKind): Promise<number>;
  /** Follows the whole chain. */
  verify(): Promise<Verification>;
  close(): Promise<void>;
}

/** The same done at once, for the thread that owns the file and for memory. */
export type ConflictFile = {
  readonly [Name in keyof ConflictLog]: (
    ...args: Parameters<ConflictLog[Name]>
  ) => Awaited<ReturnType<ConflictLog[Name]>>;
};

export const LOG_VERBS: readonly (keyof ConflictLog)[] = Object.freeze([
  "append",
  "head",
  "list",
  "get",
  "inbox",
  "held",
  "heldOf",
  "drop",
  "surplus",
  "operations",
  "count",
  "verify",
  "close",
]);

/** The entry as it is written: a conflict's record says what its data hashes to. */
export function entryText({ entry, data }: Append): string {
  if (data === undefined || entry.kind !== "conflict") return writeValue(entry);
  return writeValue({ ...entry, record: { ...entry.record, dataHash: dataHash(data) } });
}

/** SHA-256 of quarantined data as it is written. */
export function dataHash(data: string): string {
  return createHash("sha256").update(data).digest("hex");
}

/** A conflict with all that was said about it. */
export function historyOf(
  record: ConflictRecord,
  resolutions: readonly Resolution[],
  quarantine: readonly QuarantineNote[],
): ConflictHistory {
  const resolution = resolutions[resolutions.length - 1];
  const state = resolution?.state ?? "open";
  return { record, state, ...(resolution && { resolution }), resolutions, quarantine };
}

/** Conflicts listed when no limit is given. */
export const DEFAULT_LIMIT = 100;

/** A log behind promises, from one that does it at once. */
export function promised(file: ConflictFile): ConflictLog {
  const log: Record<string, unknown> = {};
  for (const verb of LOG_VERBS) {
    const act = file[verb] as (...args: unknown[]) => unknown;
    log[verb] = async (...args: unknown[]) => act.apply(file, args);
  }
  return log as unknown as ConflictLog;
}
