import type { ConflictRecord } from "../../coordination/conflict-entry.ts";

/** Conflicts that wait for their strategy; more of them stay open until somebody resolves them. */
export const MAX_QUEUED = 10_000;

/** The queue of what is to be resolved: the most urgent first, among those the one that is due first. */
export class ConflictQueue {
  /** By priority, each in the order of coming, which is that of being due. */
  readonly #byPriority: ConflictRecord[][] = [[], [], [], [], []];
  readonly #reported = new Set<string>();
  readonly #ids = new Set<string>();

  get size(): number {
    return this.#ids.size;
  }

  /** False when it is full of what is at least as urgent. What is there already is there once. */
  push(record: ConflictRecord): boolean {
    if (this.#ids.has(record.conflictId)) return true;
    if (this.#ids.size >= MAX_QUEUED) {
      const least = this.#byPriority.findIndex((queue) => queue.length > 0);
      if (least >= record.priority) return false;
      const latest = this.#byPriority[least].pop();
      if (latest !== undefined) this.#forget(latest);
    }
    this.#byPriority[record.priority].push(record);
    this.#ids.add(record.conflictId);
    return true;
  }

  /** Takes the next one out. */
  shift(): ConflictRecord | undefined {
    for (let priority = 4; priority >= 0; priority--) {
      const record = this.#byPriority[priority].shift();
      if (record === undefined) continue;
      this.#forget(record);
      return record;
    }
    return undefined;
  }

  #forget({ conflictId }: ConflictRecord): void {
    this.#ids.delete(conflictId);
    this.#reported.delete(conflictId);
  }

  /** Those whose time is over and of whom this was not said before. */
  overdue(nowMs: number): readonly ConflictRecord[] {
    const found: ConflictRecord[] = [];
    for (const queue of this.#byPriority) {
      for (const record of queue) {
        if ((record.dueMs ?? Number.POSITIVE_INFINITY) > nowMs) break;
        if (this.#reported.has(record.conflictId)) continue;
        this.#reported.add(record.conflictId);
        found.push(record);
      }
    }
    return found;
  }
}
