import type { ConflictDetail } from "../../actors/result.ts";
import {
  FRAME_CREATED_F64,
  FRAME_SEQUENCE_F64,
  FRAME_SOURCE,
  FRAME_TYPE,
  FrameKind,
  frameKind,
  framePriority,
} from "../../mailbox/frame.ts";
import { SLOT_FRAME } from "../../mailbox/layout.ts";
import { causationIdOf } from "../plan/message-id.ts";
import type { Dispatcher } from "./dispatcher.ts";

/** A turn that ended in CONFLICT, as its shard tells it to main. */
export interface ConflictNewsItem {
  readonly atMs: number;
  readonly detail: ConflictDetail;
  readonly via: "tell" | "ask" | "operation";
  /** Sender's index; negative or the orchestrator's when from outside. */
  readonly source: number;
  readonly sequence: number;
  readonly priority: number;
  readonly createdMs: number;
  readonly lamport: number;
  readonly causationId?: string;
  /** `messageId` of the operation that the message was of. */
  readonly operationId?: string;
  /** What the operation required, by name. */
  readonly requires?: readonly string[];
  readonly message?: unknown;
  /** Why details or message are missing. */
  readonly missing?: string;
  /** Conflicts before this one that could not be told at all. */
  readonly unnamed?: number;
}

/** Longest text that is kept of a detail that cannot be told as it is. */
const MAX_TEXT = 200;

/**
 * Tells main of conflicts: one frame each, made visible by the very commit that completes the turn, so that a worker's
 * death loses neither or both. Only when nobody has room any more is a conflict merely counted, and the count goes
 * with the next one that is told.
 */
export class ConflictNews {
  readonly #dispatcher: Dispatcher;
  #unnamed = 0;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  /** The agent's turn with the message in `slot` has ended in this conflict. */
  note(agent: number, slot: number, detail: ConflictDetail): void {
    this.#record(agent, this.#factsOf(agent, slot, detail), this.#messageOf(slot));
  }

  /** A message was refused before it was sent: `agent` is who was to get it. */
  unsent(
    agent: number,
    source: number,
    via: "tell" | "ask",
    message: unknown,
    detail: ConflictDetail,
  ): void {
    const { nowMs, outbox } = this.#dispatcher;
    const lamport = ++this.#dispatcher.lamport;
    const sequence = outbox.nextSequence();
    const whose = { source, sequence, priority: 1, createdMs: nowMs, lamport };
    this.#record(agent, { atMs: nowMs, detail: tellable(detail), via, ...whose }, { message });
  }

  #record(
    agent: number,
    facts: ConflictNewsItem,
    message: { readonly message: unknown } | { readonly missing: string },
  ): void {
    const { type } = facts.detail;
    // The whole story first; then what of it can be encoded and is short enough.
    const told =
      this.#tell(agent, { ...facts, ...message }) ??
      this.#tell(agent, { ...facts, missing: "the message is too long to go with its conflict" }) ??
      this.#tell(agent, { ...facts, detail: { type }, missing: "its details cannot be told" });
    if (told === true) this.#unnamed = 0;
    else this.#unnamed++;
  }

  /** Whether it was told; undefined when it cannot be as it is. */
  #tell(agent: number, item: ConflictNewsItem): boolean | undefined {
    const { outbox, ports, view } = this.#dispatcher;
    try {
      if (view.thread !== 0) return outbox.conflict(agent, item);
      ports.sink?.onConflict(agent, item);
      return true;
    } catch {
      return undefined;
    }
  }

  #factsOf(agent: number, slot: number, detail: ConflictDetail): ConflictNewsItem {
    const { view, nowMs } = this.#dispatcher;
    const { words, doubles } = view.custody;
    const at = slot + SLOT_FRAME;
    const kind = frameKind(words[at + FRAME_TYPE]);
    const source = words[at + FRAME_SOURCE];
    const sequence = doubles[(at >>> 1) + FRAME_SEQUENCE_F64];
    const isOperation = kind === FrameKind.OPERATION;
    const operation = isOperation ? this.#operationOf(slot, agent) : undefined;
    const causationId = isOperation
      ? operation?.causationId
      : causationIdOf(view, source, sequence);
    return {
      atMs: nowMs,
      detail: tellable(detail),
      via: isOperation ? "operation" : kind === FrameKind.ASK ? "ask" : "tell",
      source,
      sequence,
      priority: framePriority(words[at + FRAME_TYPE]),
      createdMs: doubles[(at >>> 1) + FRAME_CREATED_F64],
      lamport: ++this.#dispatcher.lamport,
      ...(causationId !== undefined && { causationId }),
      ...(operation && { operationId: operation.messageId, requires: operation.requires }),
      ...(this.#unnamed > 0 && { unnamed: this.#unnamed }),
    };
  }

  #operationOf(
    slot: number,
    agent: number,
  ): { messageId: string; causationId: string; requires: readonly string[] } | undefined {
    const { operations, payloads, view } = this.#dispatcher;
    if (!operations.has(slot)) return undefined;
    try {
      const facts = payloads.factsAt(view.custody.words, slot + SLOT_FRAME);
      const { messageId, causationId, requiresCapabilities } = facts;
      return { messageId, causationId, requires: requiresCapabilities };
    } catch {
      // The payload is not what was sent, and the names travel with it.
      const { operation } = operations.partIn(slot) ?? { operation: agent };
      return { messageId: `operation ${operation}`, causationId: "", requires: [] };
    }
  }

  #messageOf(slot: number): { readonly message: unknown } | { readonly missing: string } {
    try {
      return { message: this.#dispatcher.inbox.decodeSlot(slot) };
    } catch (error) {
      return { missing: `the message cannot be read: ${String(error).slice(0, MAX_TEXT)}` };
    }
  }
}

/** A detail that is one: behaviors in plain JavaScript return anything. */
function tellable(detail: ConflictDetail): ConflictDetail {
  if (typeof detail !== "object" || detail === null)
    return { type: String(detail).slice(0, MAX_TEXT) as ConflictDetail["type"] };
  return typeof detail.type === "string"
    ? detail
    : { ...detail, type: String(detail.type).slice(0, MAX_TEXT) as ConflictDetail["type"] };
}
