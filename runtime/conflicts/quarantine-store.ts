import { MeshError } from "../../actors/errors.ts";
import type { Receipt } from "../../actors/receipt.ts";
import type { ConflictDetail } from "../../actors/result.ts";
import type { QuarantineNote } from "../../coordination/conflict-entry.ts";
import { readValue, writeValue } from "../../coordination/written-value.ts";
import type { Quarantine, QuarantinedData, QuarantinedItem, Release } from "../api/conflict-api.ts";
import type { ConflictLog } from "../api/conflict-log.ts";
import type { ConflictRecorder } from "./conflict-recorder.ts";

/** What is held in a quarantine that has no bounds of its own. */
const MAX_COUNT = 10_000;
const MAX_BYTES = 128 * 1024 * 1024;
/** How far above its bounds a quarantine may be before the oldest of resolved conflicts go. */
const ROOM_AT_ONCE = 0.05;
const DEFAULT_LIMIT = 100;

/** What the quarantine needs of its mesh. */
export interface QuarantinePorts {
  readonly log: ConflictLog;
  readonly recorder: ConflictRecorder;
  readonly nowMs: () => number;
  /** Tells an agent the message again. */
  readonly tell: (address: string, message: unknown) => Receipt;
  readonly maxCount?: number;
  readonly maxBytes?: number;
}

/** What is held of a conflict: its data, and whether that is the message itself. */
interface Content {
  readonly value: unknown;
  readonly isMessage: boolean;
}

interface Found {
  readonly conflictId: string;
  readonly atMs: number;
  readonly bytes: number;
  readonly agent: string;
  readonly messageId: string;
  readonly content: Content;
}

/** Conflicting data kept from the mesh: bounded, and what goes first is what no open conflict needs. */
export class QuarantineStore implements Quarantine {
  readonly #ports: QuarantinePorts;
  readonly #maxCount: number;
  readonly #maxBytes: number;
  /** Conflicts whose data is being let go. */
  readonly #claimed = new Set<string>();
  #held = 0;
  #bytes = 0;
  #turnedAway = 0;
  #making: Promise<void> | undefined;

  constructor(ports: QuarantinePorts) {
    this.#ports = ports;
    this.#maxCount = ports.maxCount ?? MAX_COUNT;
    this.#maxBytes = ports.maxBytes ?? MAX_BYTES;
  }

  /** Counts what the log holds. */
  async begin(): Promise<void> {
    const held = await this.#ports.log.held(Number.MAX_SAFE_INTEGER);
    this.#held = held.length;
    this.#bytes = 0;
    for (const { bytes } of held) this.#bytes += bytes;
  }

  /** The text that is to be held of a conflict, or why nothing is. */
  take(
    detail: ConflictDetail,
    message: unknown,
    hasMessage: boolean,
  ): { readonly data: string } | { readonly missing: string } | undefined {
    const isMessage = detail.conflictingData === undefined;
    if (isMessage && !hasMessage) return undefined;
    const value = isMessage ? message : detail.conflictingData;
    const data = writeValue({ value: value ?? null, isMessage } satisfies Content);
    if (this.#held >= this.#maxCount || this.#bytes + data.length > this.#maxBytes) {
      this.#turnedAway++;
      this.#makeRoom();
      return { missing: "the quarantine is full of data of conflicts that are open" };
    }
    this.#held++;
    this.#bytes += data.length;
    if (
      this.#held > this.#maxCount * (1 - ROOM_AT_ONCE) ||
      this.#bytes > this.#maxBytes * (1 - ROOM_AT_ONCE)
    )
      this.#makeRoom();
    return { data };
  }

  counts(): { readonly held: number; readonly bytes: number; readonly turnedAway: number } {
    return { held: this.#held, bytes: this.#bytes, turnedAway: this.#turnedAway };
  }

  list(limit: number = DEFAULT_LIMIT): Promise<readonly QuarantinedItem[]> {
    return this.#ports.log.held(limit);
  }

  async show(conflictId: string): Promise<QuarantinedData | undefined> {
    const found = await this.#find(conflictId);
    if (found === undefined) return undefined;
    const { atMs, bytes, agent, messageId, content } = found;
    return { conflictId, atMs, bytes, agent, messageId, value: content.value };
  }

  async release(
    conflictId: string,
    options: { readonly to?: "agent" | "caller"; readonly by?: string } = {},
  ): Promise<Release> {
    const found = await this.#claim(conflictId);
    if (found === undefined)
      throw new MeshError("MESH_NOT_QUARANTINED", `nothing is held of ${conflictId}`);
    try {
      const { value, isMessage } = found.content;
      const { to = isMessage ? "agent" : "caller", by = "operator" } = options;
      if (to === "agent") {
        const status = await this.#ports.tell(found.agent, value);
        if (status !== "accepted") return { conflictId, delivery: "refused", value };
      }
      const outcome = to === "agent" ? `told to ${found.agent} again` : "handed out";
      await this.#end(found, "released", by, outcome);
      return { conflictId, delivery: to === "agent" ? "accepted" : "handed-out", value };
    } finally {
      this.#claimed.delete(conflictId);
    }
  }

  async discard(
    conflictId: string,
    options: { readonly by?: string; readonly reason?: string } = {},
  ): Promise<boolean> {
    const found = await this.#claim(conflictId);
    if (found === undefined) return false;
    try {
      const { by = "operator", reason = "thrown away" } = options;
      await this.#end(found, "discarded", by, reason);
      return true;
    } finally {
      this.#claimed.delete(conflictId);
    }
  }

  /** What is held, for one who lets it go: of two at once, the second finds nothing. */
  async #claim(conflictId: string): Promise<Found | undefined> {
    if (this.#claimed.has(conflictId)) return undefined;
    this.#claimed.add(conflictId);
    const found = await this.#find(conflictId).catch((error) => {
      this.#claimed.delete(conflictId);
      throw error;
    });
    if (found === undefined) this.#claimed.delete(conflictId);
    return found;
  }

  async #find(conflictId: string): Promise<Found | undefined> {
    const held = await this.#ports.log.heldOf(conflictId);
    const conflict = held && (await this.#ports.log.get(conflictId));
    if (held === undefined || conflict === undefined) return undefined;
    const { agent, messageId } = conflict.record;
    const content = readValue(held.data) as Content;
    return { conflictId, atMs: held.atMs, bytes: held.bytes, agent, messageId, content };
  }

  /** The note is on disk before the data goes: what a crash leaves is said to be gone, not the reverse. */
  async #end(
    { conflictId, bytes }: { readonly conflictId: string; readonly bytes: number },
    state: QuarantineNote["state"],
    by: string,
    outcome: string,
  ): Promise<void> {
    const { log, recorder, nowMs } = this.#ports;
    const note: QuarantineNote = { conflictId, atMs: nowMs(), state, by, outcome };
    await recorder.record({ entry: { kind: "quarantine", note } });
    await log.drop([conflictId]);
    this.#held--;
    this.#bytes -= bytes;
  }

  #makeRoom(): void {
    this.#making ??= this.#evict()
      // The log's own trouble is told by the recorder.
      .catch(() => {})
      .finally(() => {
        this.#making = undefined;
      });
  }

  async #evict(): Promise<void> {
    const { log, recorder, nowMs } = this.#ports;
    const share = 1 - 2 * ROOM_AT_ONCE;
    const surplus = await log.surplus(this.#maxCount * share, this.#maxBytes * share);
    if (surplus.length === 0) return;
    await Promise.all(
      surplus.map((conflictId) => {
        const outcome = "made room: its conflict was resolved";
        const note: QuarantineNote = {
          conflictId,
          atMs: nowMs(),
          state: "evicted",
          by: "mesh",
          outcome,
        };
        return recorder.record({ entry: { kind: "quarantine", note } });
      }),
    );
    await log.drop(surplus);
    await this.begin();
  }
}
