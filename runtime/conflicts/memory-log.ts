import type {
  ConflictRecord,
  EntryKind,
  InboxNote,
  QuarantineNote,
  Resolution,
} from "../../coordination/conflict-entry.ts";
import {
  ChainCheck,
  type ChainHead,
  EMPTY_CHAIN,
  extendChain,
} from "../../coordination/log-chain.ts";
import { readValue } from "../../coordination/written-value.ts";
import type {
  Append,
  Conflict,
  ConflictFile,
  ConflictFilter,
  ConflictHistory,
  Held,
  RecordedOperation,
  Verification,
} from "../api/conflict-log.ts";
import { DEFAULT_LIMIT, dataHash, entryText, historyOf } from "../api/conflict-log.ts";
import { systemClock } from "../machine/clock.ts";

/** Entries kept; the oldest go, and with them what they say. */
const KEPT = 50_000;
/** Bytes of entries kept. */
const KEPT_BYTES = 64 * 1024 * 1024;

interface Kept {
  readonly number: number;
  readonly hash: string;
  readonly text: string;
}

interface Known {
  readonly record: ConflictRecord;
  readonly resolutions: Resolution[];
  readonly quarantine: QuarantineNote[];
}

/** The log of a mesh without a data folder: the same within bounds, and gone with the process. */
export class MemoryLog implements ConflictFile {
  #entries: Kept[] = [];
  #bytes = 0;
  /** Where the chain begins, now that older entries were let go. */
  #from: ChainHead = EMPTY_CHAIN;
  #head: ChainHead = EMPTY_CHAIN;
  readonly #conflicts = new Map<string, Known>();
  readonly #notes: InboxNote[] = [];
  readonly #held = new Map<string, Held>();
  readonly #counts = new Map<EntryKind, number>();

  append(entries: readonly Append[]): ChainHead {
    // Written first: an entry that cannot be must leave nothing behind.
    const texts = entries.map(entryText);
    entries.forEach(({ entry, data }, i) => {
      this.#head = extendChain(this.#head, texts[i]);
      this.#entries.push({ number: this.#head.count, hash: this.#head.hash, text: texts[i] });
      this.#bytes += texts[i].length;
      this.#counts.set(entry.kind, (this.#counts.get(entry.kind) ?? 0) + 1);
      this.#note(readValue(texts[i]) as Append["entry"], data);
    });
    this.#trim();
    return this.#head;
  }

  #note(entry: Append["entry"], data: string | undefined): void {
    switch (entry.kind) {
      case "conflict": {
        const { record } = entry;
        this.#conflicts.set(record.conflictId, { record, resolutions: [], quarantine: [] });
        if (data === undefined) return;
        const { conflictId, atMs } = record;
        this.#held.set(conflictId, { conflictId, atMs, bytes: Buffer.byteLength(data), data });
        return;
      }
      case "resolution":
        this.#conflicts.get(entry.resolution.conflictId)?.resolutions.push(entry.resolution);
        return;
      case "quarantine":
        this.#conflicts.get(entry.note.conflictId)?.quarantine.push(entry.note);
        return;
      case "inbox":
        this.#notes.push(entry.note);
        return;
      default:
        return;
    }
  }

  /** In large steps, so that a flood does not move the whole list for each entry. */
  #trim(): void {
    if (this.#entries.length <= KEPT * 1.25 && this.#bytes <= KEPT_BYTES * 1.25) return;
    let from = Math.max(0, this.#entries.length - KEPT);
    let bytes = this.#bytes;
    for (let i = 0; i < this.#entries.length; i++) {
      if (i >= from && bytes <= KEPT_BYTES) break;
      bytes -= this.#entries[i].text.length;
      from = Math.max(from, i + 1);
    }
    this.#bytes = bytes;
    for (const { text } of this.#entries.slice(0, from)) {
      const entry = readValue(text) as Append["entry"];
      if (entry.kind === "conflict") {
        this.#conflicts.delete(entry.record.conflictId);
        this.#held.delete(entry.record.conflictId);
      }
      if (entry.kind === "inbox") this.#notes.shift();
    }
    const { number, hash } = this.#entries[from - 1];
    this.#from = { count: number, hash };
    this.#entries = this.#entries.slice(from);
  }

  head(): ChainHead {
    return this.#head;
  }

  list(filter: ConflictFilter): readonly Conflict[] {
    const { agent, type, priority, state, sinceMs, untilMs, limit = DEFAULT_LIMIT } = filter;
    const found: Conflict[] = [];
    for (const known of [...this.#conflicts.values()].reverse()) {
      if (found.length >= limit) break;
      const conflict = standing(known);
      const { record } = conflict;
      if (agent !== undefined && record.agent !== agent) continue;
      if (type !== undefined && record.type !== type) continue;
      if (priority !== undefined && record.priority !== priority) continue;
      if (state !== undefined && conflict.state !== state) continue;
      if (sinceMs !== undefined && record.atMs < sinceMs) continue;
      if (untilMs !== undefined && record.atMs >= untilMs) continue;
      found.push(conflict);
    }
    return found;
  }

  get(conflictId: string): ConflictHistory | undefined {
    const known = this.#conflicts.get(conflictId);
    return known && historyOf(known.record, [...known.resolutions], [...known.quarantine]);
  }

  inbox(openOnly: boolean): readonly InboxNote[] {
    if (!openOnly) return [...this.#notes];
    const closed = new Set<string>();
    for (const { act, itemId } of this.#notes)
      if (act === "approved" || act === "denied") closed.add(itemId);
    return this.#notes.filter(({ itemId }) => !closed.has(itemId));
  }

  held(limit: number): readonly Omit<Held, "data">[] {
    return [...this.#held.values()]
      .sort((a, b) => newerFirst(a, b))
      .slice(0, limit)
      .map(({ conflictId, atMs, bytes }) => ({ conflictId, atMs, bytes }));
  }

  heldOf(conflictId: string): Held | undefined {
    return this.#held.get(conflictId);
  }

  drop(conflictIds: readonly string[]): void {
    for (const conflictId of conflictIds) this.#held.delete(conflictId);
  }

  surplus(maxCount: number, maxBytes: number): readonly string[] {
    let count = this.#held.size;
    let bytes = 0;
    for (const held of this.#held.values()) bytes += held.bytes;
    const surplus: string[] = [];
    for (const held of [...this.#held.values()].sort((a, b) => newerFirst(b, a))) {
      if (count <= maxCount && bytes <= maxBytes) break;
      const known = this.#conflicts.get(held.conflictId);
      if (known === undefined || standing(known).state !== "resolved") continue;
      surplus.push(held.conflictId);
      count--;
      bytes -= held.bytes;
    }
    return surplus;
  }

  operations(limit: number): readonly RecordedOperation[] {
    const found: RecordedOperation[] = [];
    for (let i = this.#entries.length - 1; i >= 0 && found.length < limit; i--) {
      const entry = readValue(this.#entries[i].text) as Append["entry"];
      if (entry.kind === "operation") found.push(entry.operation);
    }
    return found;
  }

  count(kind: EntryKind): number {
    return this.#counts.get(kind) ?? 0;
  }

  verify(): Verification {
    const startMs = systemClock.nowMs();
    const check = new ChainCheck(this.#head, this.#from);
    for (const { number, text, hash } of this.#entries) if (!check.add(number, text, hash)) break;
    const fault = check.end() ?? this.#heldFault();
    const elapsedMs = systemClock.nowMs() - startMs;
    const found = { entries: check.head.count, head: check.head, elapsedMs };
    return fault === undefined ? { ok: true, ...found } : { ok: false, fault, ...found };
  }

  #heldFault(): string | undefined {
    for (const { conflictId, data } of this.#held.values()) {
      if (this.#conflicts.get(conflictId)?.record.dataHash !== dataHash(data))
        return `quarantined data of ${conflictId}: not what was recorded`;
    }
    return undefined;
  }

  close(): void {}
}

/** Of one moment, by their ids, as the other logs have them. */
function newerFirst(a: Held, b: Held): number {
  return b.atMs - a.atMs || (a.conflictId < b.conflictId ? 1 : -1);
}

function standing({ record, resolutions }: Known): Conflict {
  const resolution = resolutions[resolutions.length - 1];
  return { record, state: resolution?.state ?? "open", ...(resolution && { resolution }) };
}
