import { MeshError } from "../../actors/errors.ts";
import type { Append, ConflictLog } from "../api/conflict-log.ts";
import type { Later } from "../machine/later.ts";

/** Entries that wait to be written. */
const MAX_WAITING = 20_000;
/** Bytes of quarantined data that wait with them, counted in characters. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
/** Entries of one group commit. */
const A_COMMIT = 1000;
/** Waits between tries while the log cannot be written, ms: doubled from the first to the last. */
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 10_000;

/** What a recorder tells. */
export interface RecorderListener {
  /** The log cannot be written. Told once; what comes is kept meanwhile. */
  onTrouble(error: Error): void;
  /** It can again; so many conflicts are known by their number only. */
  onRecovery(lost: number): void;
}

interface Waiting {
  readonly append: Append;
  readonly done: (error?: Error) => void;
}

interface Group {
  readonly members: readonly Waiting[];
  readonly appends: readonly Append[];
  readonly lost: number;
}

/**
 * Writes entries in groups: while one group is on its way to the disk the next one gathers, so the cost of a sync is
 * shared by however many came meanwhile, and nobody waits who does not want to. When the log cannot be written,
 * entries are kept within bounds and tried again; beyond the bounds data goes first, and then whole entries, which
 * are counted and become one entry that says how many.
 */
export class ConflictRecorder {
  readonly #log: ConflictLog;
  readonly #nowMs: () => number;
  readonly #later: Later;
  readonly #listener: RecorderListener;
  #waiting: Waiting[] = [];
  #bytes = 0;
  /** Entries of the log as far as it is known. */
  #length = -1;
  /** The group that could not be written, or of which it is not known: it is tried again as it was. */
  #failedGroup: Group | undefined;
  #flushing: Promise<void> | undefined;
  /** Calls the next try off. */
  #retry: (() => void) | undefined;
  #retryMs = 0;
  #lost = 0;
  #lostReason = "";
  #recorded = 0;
  #closed = false;

  /** Tries again after a failure by `later`. */
  constructor(log: ConflictLog, nowMs: () => number, later: Later, listener: RecorderListener) {
    this.#log = log;
    this.#nowMs = nowMs;
    this.#later = later;
    this.#listener = listener;
  }

  /** The log is open, and has so many entries: what waits is written from now on. */
  begin(length: number): void {
    this.#length = length;
    if (this.#waiting.length > 0 && this.#flushing === undefined) this.#begin();
  }

  /** Entries on disk (in memory without a data folder), waiting, and lost for want of room while it failed. */
  get counts(): { readonly recorded: number; readonly waiting: number; readonly lost: number } {
    return { recorded: this.#recorded, waiting: this.#waiting.length, lost: this.#lost };
  }

  /**
   * Takes an entry; `done` is called when it is recorded, or with MESH_CONFLICTS_FULL when it could not be kept, or
   * with MESH_STOPPED when the mesh ends first.
   */
  add(append: Append, done: (error?: Error) => void = () => {}): void {
    const bytes = append.data?.length ?? 0;
    if (this.#closed) {
      done(new MeshError("MESH_STOPPED", "the mesh has stopped: nothing more is recorded"));
      return;
    }
    if (this.#waiting.length >= MAX_WAITING) {
      this.#lost += append.entry.kind === "conflict" ? 1 : 0;
      done(
        new MeshError("MESH_CONFLICTS_FULL", `the log cannot be written, and ${MAX_WAITING} wait`),
      );
      return;
    }
    if (this.#bytes + bytes > MAX_WAITING_BYTES) {
      this.#waiting.push({ append: withoutData(append), done });
    } else {
      this.#bytes += bytes;
      this.#waiting.push({ append, done });
    }
    if (this.#length >= 0 && this.#flushing === undefined && this.#retry === undefined)
      this.#begin();
  }

  /** Takes an entry, and resolves when it is recorded. */
  record(append: Append): Promise<void> {
    return new Promise((resolve, reject) => {
      this.add(append, (error) => (error === undefined ? resolve() : reject(error)));
    });
  }

  /** Resolves when all that waits now is recorded, or `withinMs` have passed. */
  async settle(withinMs: number): Promise<void> {
    const endMs = this.#nowMs() + withinMs;
    while (this.#waiting.length > 0 && this.#nowMs() < endMs) {
      await (this.#flushing ?? new Promise((resolve) => setTimeout(resolve, 10)));
    }
  }

  /** Writes what waits, if it can within `withinMs`, and takes no more. */
  async close(withinMs: number): Promise<void> {
    await this.settle(withinMs);
    this.#closed = true;
    this.#retry?.();
    for (const { done } of this.#waiting)
      done(new MeshError("MESH_STOPPED", "the mesh stopped before it was recorded"));
    this.#waiting = [];
  }

  #begin(): void {
    // After what is being handled now: what comes with it goes with it.
    this.#flushing = new Promise<void>((resolve) => setImmediate(resolve))
      .then(() => this.#flush())
      .finally(() => {
        this.#flushing = undefined;
        if (this.#waiting.length > 0 && this.#retry === undefined && !this.#closed) this.#begin();
      });
  }

  async #flush(): Promise<void> {
    const group = this.#failedGroup ?? this.#group();
    const { members, lost } = group;
    if (group.appends.length === 0) return;
    try {
      const again = this.#failedGroup === undefined ? undefined : this.#length;
      const { count } = await this.#log.append(group.appends, again);
      this.#length = count;
    } catch (error) {
      this.#failedGroup = group;
      this.#failed(error as Error);
      return;
    }
    this.#failedGroup = undefined;
    this.#waiting.splice(0, members.length);
    this.#lost -= lost;
    for (const { append } of members) this.#bytes -= append.data?.length ?? 0;
    this.#recorded += members.length;
    if (this.#retryMs > 0) {
      this.#retryMs = 0;
      this.#listener.onRecovery(lost);
    }
    for (const { done } of members) done();
  }

  /** What comes next, and before it how many were lost, if any were. */
  #group(): Group {
    const members = this.#waiting.slice(0, A_COMMIT);
    const appends = members.map(({ append }) => append);
    const lost = this.#lost;
    if (lost > 0) {
      const atMs = this.#nowMs();
      appends.unshift({ entry: { kind: "gap", atMs, lost, reason: this.#lostReason } });
    }
    return { members, appends, lost };
  }

  #failed(error: Error): void {
    this.#lostReason = error.message;
    if (this.#retryMs === 0) this.#listener.onTrouble(error);
    this.#retryMs = Math.min(LAST_RETRY_MS, this.#retryMs * 2 || FIRST_RETRY_MS);
    this.#retry = this.#later(this.#retryMs, () => {
      this.#retry = undefined;
      this.#begin();
    });
  }
}

function withoutData(append: Append): Append {
  const { entry } = append;
  if (entry.kind !== "conflict") return append;
  const missing = "its data found no room while the log could not be written";
  return { entry: { ...entry, record: { ...entry.record, missing } } };
}
