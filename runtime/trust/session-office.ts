import { randomBytes } from "node:crypto";
import { MESH_ID_BYTES } from "../../trust/certificate.ts";
import { LIFETIME_MS } from "../../trust/certificate-chain.ts";
import {
  ALL_ROWS,
  issueConductor,
  issueRoot,
  issueSession,
  signerOf,
} from "../../trust/identity.ts";
import { nativeSignatures } from "../../trust/native-signatures.ts";
import type { Signer } from "../../trust/signatures.ts";
import { randomSecret } from "./sealed-file.ts";
import { SESSION_NUMBERS, type Session, type TrustMemory } from "./trust-plan.ts";

/** Who delegates to threads: the conductor of a key store, or one that lives as long as the process. */
export interface Conductor {
  readonly meshId: Uint8Array;
  readonly signer: Signer;
  /** The root's certificate and the conductor's. */
  readonly chain: readonly Uint8Array[];
}

/** A conductor of a mesh without a key store: its root is forgotten as soon as it has signed. */
export function passingConductor(nowMs: number): Conductor {
  const meshId = new Uint8Array(randomBytes(MESH_ID_BYTES));
  const root = signerOf(nativeSignatures, randomSecret());
  const signer = signerOf(nativeSignatures, randomSecret());
  const issue = { meshId, serial: 1, nowMs };
  const chain = [issueRoot(root, issue), issueConductor(signer.publicKey, root, issue)];
  return { meshId, signer, chain };
}

/**
 * Makes the sessions of threads: a key of the system's randomness, delegated by the conductor for an hour at most,
 * posted for those who verify, and handed to the thread alone.
 */
export class SessionOffice {
  readonly #memory: TrustMemory;
  #conductor: Conductor;
  #serial = 0;
  readonly #numbers = new Map<number, number>();

  constructor(memory: TrustMemory, conductor: Conductor) {
    this.#memory = memory;
    this.#conductor = conductor;
  }

  /** Delegates by another conductor of the same root from now on. */
  succeed(conductor: Conductor): void {
    this.#conductor = conductor;
  }

  /** A session for an incarnation of a thread. */
  open(thread: number, epoch: number, nowMs: number): Session {
    const { meshId, signer, chain } = this.#conductor;
    const number = ((this.#numbers.get(thread) ?? 0) % (SESSION_NUMBERS - 1)) + 1;
    this.#numbers.set(thread, number);
    const seed = randomSecret();
    const { publicKey } = nativeSignatures.signer(seed);
    const rows = { from: 0, to: ALL_ROWS };
    const issue = { meshId, serial: ++this.#serial, nowMs, thread, epoch, ...rows };
    this.#memory.post(thread, number, chain[1], issueSession(publicKey, signer, issue));
    return { number, seed };
  }
}

/** Sessions are renewed at half of their life, ms. */
export const RENEW_SESSION_MS: number = LIFETIME_MS.session / 2;
