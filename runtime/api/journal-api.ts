/** What outlives the process, as people see it. */
export interface JournalStatus {
  /** `failing`: the disk cannot be written, and nothing durable is accepted until it can. */
  readonly state: "running" | "failing" | "stopped";
  /** Why it is failing. */
  readonly error?: string;
  /** Which run of the mesh on its folder this is, from 1. */
  readonly run: number;
  /** Batches written by this run; each waits for the disk once. */
  readonly batches: number;
  /** Of all segments, rounded up to whole KiB. */
  readonly bytes: number;
  /** With what this run began. */
  readonly restored: JournalRestored;
}

/** What a mesh found in its journal when it started. */
export interface JournalRestored {
  /** Agents that came back with their state. */
  readonly agents: number;
  /** Messages that were delivered again. */
  readonly messages: number;
  /** Operations that were gone on with. */
  readonly operations: number;
  /** Time that reading took, ms. */
  readonly elapsedMs: number;
  /** Bytes of a batch that was never finished, and promised to nobody. */
  readonly tornBytes: number;
  /** The run before stopped in good order; true when there was none. */
  readonly cleanly: boolean;
}

/** `mesh.journal`: undefined on a mesh without a `dataDir`. */
export interface Journal {
  status(): JournalStatus;
  /** Resolves when all that was handed over until now is on disk; rejects (MESH_JOURNAL_DISK) when it cannot be. */
  flushed(): Promise<void>;
}
