import { CERTIFICATE_BYTES } from "../../trust/certificate.ts";
import type { Refusal, TrustLevel } from "../api/trust-api.ts";

export type { Refusal, TrustLevel };

export const TRUST_LEVELS: readonly TrustLevel[] = ["all", "boundary", "off"];

/** Refusals in the order of the checks, which is that of their counts. */
export const REFUSALS: readonly Refusal[] = [
  "form",
  "source",
  "epoch",
  "unknown-key",
  "certificate",
  "expired",
  "replay",
  "signature",
  "moved",
  "not-delegated",
  "revoked",
  "throttled",
];

/** What all threads of a mesh know of its trust; cloneable. */
export interface TrustPlan {
  readonly level: Exclude<TrustLevel, "off">;
  readonly meshId: Uint8Array;
  /** The root's own certificate. */
  readonly root: Uint8Array;
  readonly memory: SharedArrayBuffer;
  /** See `evidence-tap.ts`. */
  readonly tap: SharedArrayBuffer;
}

/*
 * The shared memory of trust
 *
 *   word 0                        64 · threads       …                      …
 *        ├ counts, 64 words a thread ┼ slots of sessions by thread ┼ a bit for each row: revoked ┤
 *          signed verified refused…    32 of 344 bytes each
 *
 * A thread writes its own counts, main all the rest. A slot holds the number of the session, and its certificate behind
 * the conductor's. Nothing here is believed: certificates are verified by who reads them, up to the root of its plan.
 */
export const TRUST_COUNT_WORDS = 64;
export const COUNT_SIGNED = 0;
export const COUNT_VERIFIED = 1;
/** Then one for each of {@link REFUSALS}. */
export const COUNT_REFUSED = 2;
/** Of main's own counts: how often whom the mesh believes has changed. */
const REVISION = TRUST_COUNT_WORDS - 1;
/** Sessions of one thread that can be looked up: of a thread that dies and dies again, and of hours of renewals. */
export const SESSION_SLOTS = 32;
const SLOT_WORDS = 2 + (2 * CERTIFICATE_BYTES) / 4;

/** One view of it. */
export class TrustMemory {
  /** By thread. */
  readonly counts: Int32Array;
  readonly #slots: Int32Array;
  readonly #revoked: Int32Array;

  constructor(memory: SharedArrayBuffer, threads: number, rows: number) {
    const slots = threads * TRUST_COUNT_WORDS * 4;
    this.counts = new Int32Array(memory, 0, threads * TRUST_COUNT_WORDS);
    this.#slots = new Int32Array(memory, slots, threads * SESSION_SLOTS * SLOT_WORDS);
    const marks = slots + this.#slots.byteLength;
    this.#revoked = new Int32Array(memory, marks, (rows + 31) >>> 5);
  }

  static bytes(threads: number, rows: number): number {
    const slots = threads * (TRUST_COUNT_WORDS + SESSION_SLOTS * SLOT_WORDS) * 4;
    return slots + ((rows + 31) >>> 5) * 4;
  }

  /** Another number after each change of who is revoked. */
  get revision(): number {
    return Atomics.load(this.counts, REVISION);
  }

  /** Says, behind the marks, that they have changed. */
  revise(): void {
    Atomics.add(this.counts, REVISION, 1);
  }

  /** Puts a session's certificates where its readers look. */
  post(thread: number, number: number, conductor: Uint8Array, session: Uint8Array): void {
    const word = this.#slotOf(thread, number);
    // Not to be found while half of it is another's; and if it were, its signature would not hold.
    Atomics.store(this.#slots, word, 0);
    const bytes = this.#bytesAt(word);
    bytes.set(conductor);
    bytes.set(session, CERTIFICATE_BYTES);
    Atomics.store(this.#slots, word, number);
  }

  /** Copies of the certificates of a session, the conductor's first; undefined when there is none of that number. */
  find(thread: number, number: number): readonly [Uint8Array, Uint8Array] | undefined {
    const word = this.#slotOf(thread, number);
    if (number === 0 || Atomics.load(this.#slots, word) !== number) return undefined;
    const bytes = new Uint8Array(this.#bytesAt(word));
    return [bytes.subarray(0, CERTIFICATE_BYTES), bytes.subarray(CERTIFICATE_BYTES)];
  }

  setRevoked(row: number, revoked: boolean): void {
    const bit = 1 << (row & 31);
    if (revoked) Atomics.or(this.#revoked, row >>> 5, bit);
    else Atomics.and(this.#revoked, row >>> 5, ~bit);
  }

  isRevoked(row: number): boolean {
    return ((this.#revoked[row >>> 5] >>> (row & 31)) & 1) === 1;
  }

  #slotOf(thread: number, number: number): number {
    return (thread * SESSION_SLOTS + (number % SESSION_SLOTS)) * SLOT_WORDS;
  }

  #bytesAt(word: number): Uint8Array {
    const { buffer, byteOffset } = this.#slots;
    return new Uint8Array(buffer, byteOffset + (word + 2) * 4, 2 * CERTIFICATE_BYTES);
  }
}

/** The secret of a session, for the thread that signs with it; it is never written down. */
export interface Session {
  /** 1 to 65535, then again from 1. */
  readonly number: number;
  readonly seed: Uint8Array;
}

/** Sessions are numbered modulo this in the header of a batch. */
export const SESSION_NUMBERS = 65_536;
