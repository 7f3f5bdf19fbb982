import { type Certificate, readCertificate } from "../../trust/certificate.ts";
import { checkChain } from "../../trust/certificate-chain.ts";
import { nativeSignatures } from "../../trust/native-signatures.ts";
import { NOTHING_REVOKED } from "../../trust/revocation.ts";
import type { Verifier } from "../../trust/signatures.ts";
import type { Refusal, TrustMemory, TrustPlan } from "./trust-plan.ts";

/** A session whose certificates hold up to the root. */
export interface KnownSession {
  readonly number: number;
  readonly epoch: number;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly verifier: Verifier;
}

/** Sessions of one thread kept verified: batches of the last incarnation may come while those of the next begin. */
const MOST_KEPT = 4;

/** The sessions of one thread, as another one verified them; each is verified once. */
export class SessionKeys {
  readonly #plan: TrustPlan;
  readonly #memory: TrustMemory;
  readonly #thread: number;
  #known: readonly KnownSession[] = [];

  constructor(plan: TrustPlan, memory: TrustMemory, thread: number) {
    this.#plan = plan;
    this.#memory = memory;
    this.#thread = thread;
  }

  /** The session of this number in this incarnation of the thread, or why there is none. */
  find(number: number, epoch: number, nowMs: number): KnownSession | Refusal {
    let session = this.#known.find((known) => known.number === number && known.epoch === epoch);
    if (session === undefined) {
      const found = this.#verify(number, epoch, nowMs);
      if (typeof found === "string") return found;
      session = found;
      this.#known = [session, ...this.#known].slice(0, MOST_KEPT);
    }
    return nowMs >= session.notBeforeMs && nowMs < session.notAfterMs ? session : "expired";
  }

  #verify(number: number, epoch: number, nowMs: number): KnownSession | Refusal {
    const posted = this.#memory.find(this.#thread, number);
    if (posted === undefined) return "unknown-key";
    const chain = checkChain([this.#plan.root, ...posted], {
      signatures: nativeSignatures,
      meshId: this.#plan.meshId,
      rootKey: (readCertificate(this.#plan.root) as Certificate).publicKey,
      nowMs,
      revoked: NOTHING_REVOKED,
    });
    if (chain === "expired" || chain === "not-yet") return "expired";
    if (typeof chain === "string") return "certificate";
    const { thread, epoch: certified, kind, notBeforeMs, notAfterMs } = chain.last;
    if (kind !== "session" || thread !== this.#thread || certified !== epoch) return "unknown-key";
    return { number, epoch, notBeforeMs, notAfterMs, verifier: chain.verifier };
  }
}
