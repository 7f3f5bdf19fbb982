import { createHash } from "node:crypto";
import { MeshError } from "../../actors/errors.ts";
import type { RoutingStrategy, Verb } from "../../actors/message.ts";
import type { Trinary } from "../../actors/result.ts";
import { FRAME_DATA, FRAME_HASH, FRAME_PAYLOAD, FRAME_SOURCE } from "../../mailbox/frame.ts";
import { SLOT_FRAME } from "../../mailbox/layout.ts";
import { DIGEST_WORDS, OPERATION_DIGEST } from "../../mailbox/operation-frame.ts";
import type { Dispatcher } from "./dispatcher.ts";

/** What an operation carries besides its payload and its numbers; the same for all its agents. */
export interface OperationFacts {
  readonly messageId: string;
  readonly correlationId: string;
  readonly causationId: string;
  readonly strategy: RoutingStrategy;
  readonly verb: Verb;
  readonly ttlMs: number;
  readonly payloadWeight: number;
  readonly requiresCapabilities: readonly string[];
  readonly trinaryExpectation: Trinary;
  /** The span that it was sent in, as bytes; absent when in none. */
  readonly context?: Uint8Array;
}

/** The payload is not what was sent: its SHA-256 is another. */
export class HashMismatchError extends MeshError {
  readonly expected: string;
  readonly received: string;

  constructor(expected: string, received: string) {
    super("MESH_HASH_MISMATCH", `the payload's SHA-256 is ${received}, expected ${expected}`);
    this.expected = expected;
    this.received = received;
  }
}

/** Payloads that a thread keeps decoded; with more operations than that under way, some are decoded again. */
const MAX_KEPT = 256;

/** A payload as it was found: whole, or with another hash than it was sent with. */
interface Kept {
  /** Of this use of the slot. */
  readonly hash: number;
  readonly message: unknown;
  readonly facts: OperationFacts | undefined;
  readonly error: HashMismatchError | undefined;
}

/**
 * Payloads that another thread holds once for many agents. They are kept decoded, and frozen because all agents
 * of the thread share them; a hash is checked when its payload is decoded, once a thread.
 */
export class SharedPayloads {
  readonly #dispatcher: Dispatcher;
  /** By slot: only main holds payloads. */
  readonly #kept = new Map<number, Kept>();

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  /** The message of the OPERATION frame at `word`. Throws HashMismatchError, or when the payload is gone. */
  messageAt(words: Int32Array, word: number): unknown {
    return this.#read(words, word).message;
  }

  /** What the operation says of itself; throws as {@link messageAt} does. */
  factsAt(words: Int32Array, word: number): OperationFacts {
    return this.#read(words, word).facts as OperationFacts;
  }

  /** Forgets all: no operation is under way. */
  forget(): void {
    this.#kept.clear();
  }

  #read(words: Int32Array, word: number): Kept {
    const slot = words[word + FRAME_PAYLOAD];
    let kept = this.#kept.get(slot);
    // Not by its slot alone: main may have given that to another operation while this one still stands somewhere.
    if (kept?.hash !== words[word + FRAME_HASH]) {
      kept = this.#decode(words, word, slot);
      if (this.#kept.size >= MAX_KEPT) this.#kept.clear();
      this.#kept.set(slot, kept);
    }
    if (kept.error !== undefined) throw kept.error;
    return kept;
  }

  #decode(words: Int32Array, word: number, slot: number): Kept {
    const { view, codec } = this.#dispatcher;
    const thread = view.placement[words[word + FRAME_SOURCE]];
    const hash = words[word + FRAME_HASH];
    const held = view.custodyWords[thread];
    const bytes = view.custodyBytes[thread];
    const frame = slot + SLOT_FRAME;
    // Main gives the slot back when the operation is over: whoever comes later finds another hash.
    if (held[frame + FRAME_HASH] !== hash) {
      throw new MeshError(
        "MESH_OPERATION_OVER",
        "the operation's payload is gone: it was over before this agent's turn",
      );
    }
    const from = (frame + FRAME_DATA) * 4;
    const payload = bytes.subarray(from, from + Math.max(0, held[frame + FRAME_PAYLOAD]));
    const { length } = payload;
    // A copy: what is decoded must be what was checked, whoever writes to shared memory in between.
    const copy = new Uint8Array((length + 7) & ~7);
    copy.set(payload);
    const error = mismatch(words, word, copy.subarray(0, length));
    if (error !== undefined) return { hash, message: undefined, facts: undefined, error };
    const [message, facts] = codec.decode(new Int32Array(copy.buffer), copy, 0, length) as [
      unknown,
      OperationFacts,
    ];
    return { hash, message: deepFreeze(message), facts, error };
  }
}

function mismatch(
  words: Int32Array,
  word: number,
  payload: Uint8Array,
): HashMismatchError | undefined {
  const digest = digestOf(payload);
  for (let i = 0; i < DIGEST_WORDS; i++) {
    if (digest[i] === words[word + OPERATION_DIGEST + i]) continue;
    const expected = words.slice(word + OPERATION_DIGEST, word + OPERATION_DIGEST + DIGEST_WORDS);
    return new HashMismatchError(hexOf(expected), hexOf(digest));
  }
  return undefined;
}

/** SHA-256, as eight words. */
export function digestOf(bytes: Uint8Array): Int32Array {
  const digest = createHash("sha256").update(bytes).digest();
  return new Int32Array(digest.buffer.slice(digest.byteOffset, digest.byteOffset + 32));
}

/** The hexadecimal form of such a digest. */
export function hexOf(digest: Int32Array): string {
  return Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength).toString("hex");
}

function deepFreeze(value: unknown): unknown {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
