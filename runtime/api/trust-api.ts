import type { TokenWish } from "../../actors/context.ts";
import type { Evidence } from "../../trust/evidence.ts";

export type { Evidence };

/** Which messages are signed by their sender's thread and verified by their reader's. */
export type TrustLevel =
  /** Every message that crosses a thread. */
  | "all"
  /** What main sends: all that enters the process comes through it. */
  | "boundary"
  | "off";

/** Why a batch, or a frame of one, is refused; in the order of the checks. */
export type Refusal =
  /** Not of the form of a batch: lengths, counts, a header where a frame was to be. */
  | "form"
  /** It names another thread than the one whose lane it came by. */
  | "source"
  /** Of an incarnation before one that was seen already. */
  | "epoch"
  /** No session has its number, or the session is another thread's or incarnation's. */
  | "unknown-key"
  /** The certificates of the session do not hold. */
  | "certificate"
  /** The session has ended, or has not begun. */
  | "expired"
  /** Its sequence was seen already. */
  | "replay"
  | "signature"
  /** Its frames were moved in the ring after it was copied. */
  | "moved"
  /** A frame's sender does not live on the thread that signed it. */
  | "not-delegated"
  /** A frame's sender is revoked. */
  | "revoked"
  /** Too much of what came by this lane has failed: for a minute nothing of it is verified any more. */
  | "throttled";

/** What was signed, verified and refused since the mesh started. */
export interface TrustStatus {
  readonly level: TrustLevel;
  /** Hexadecimal. */
  readonly meshId: string;
  /** Fingerprint of the root's key. */
  readonly root: string;
  /** True when the keys are those of the data folder, false when they live as long as the process. */
  readonly kept: boolean;
  /** When identities are due next and renewed by themselves, ms since 1970; only where they are kept. */
  readonly nextRotationMs?: number;
  /** How many identities of those that are being renewed by themselves have been made. */
  readonly rotation?: { readonly made: number; readonly total: number };
  /** Batches, and so all messages in them. */
  readonly signed: number;
  readonly verified: number;
  /** Batches and frames that were not let in, by reason. */
  readonly refused: Readonly<Record<Refusal, number>>;
}

/** Signatures between threads (docs/semantics.md). */
export interface Trust {
  status(): TrustStatus;
  /** Reads the key store again: what was revoked since, and new keys, by which all sessions are renewed at once. */
  refresh(): void;
  /**
   * A token by which one agent may have others do what they guard (`guarded`, docs/agents.md): by the sector of those
   * others, or by the root. InvalidOptionError names what is wrong; MESH_KEYS where there is no key store, MESH_TOKEN
   * where the level is not `all`.
   */
  grant(wish: TokenWish): Uint8Array;
  /**
   * Waits for the next `tell` or `ask` from or to an actor that crosses a thread, and gives what proves it to an
   * outsider; undefined when there was none within `withinMs` (default 10,000).
   */
  evidence(
    address: string,
    options?: { readonly withinMs?: number },
  ): Promise<Evidence | undefined>;
}
