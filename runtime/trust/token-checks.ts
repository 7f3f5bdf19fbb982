import { createHash } from "node:crypto";
import { type Certificate, readCertificate } from "../../trust/certificate.ts";
import { nativeSignatures } from "../../trust/native-signatures.ts";
import { NOTHING_REVOKED } from "../../trust/revocation.ts";
import { checkToken, type TokenPolicy, type TrustedToken } from "../../trust/token-chain.ts";
import { VerificationBudget } from "../../trust/verification-budget.ts";
import type { TrustMemory, TrustPlan } from "./trust-plan.ts";

/** Verified tokens that are kept: each serves messages for minutes. */
const MOST_KEPT = 1_024;
/** Senders whose failures are remembered. */
const MOST_BUDGETS = 1_024;

/** Why a token does not serve; a word or two for people. */
export type TokenRefusal = string;

/**
 * What one thread has found of tokens: each is verified once, by its hash, until whom the mesh no longer believes has
 * changed. Who brings tokens that do not hold has fewer and fewer of them verified.
 */
export class TokenChecks {
  readonly #policy: Omit<TokenPolicy, "nowMs">;
  readonly #memory: TrustMemory;
  readonly #known = new Map<string, TrustedToken>();
  readonly #budgets = new Map<number, VerificationBudget>();
  #revision = 0;

  constructor(plan: TrustPlan, memory: TrustMemory) {
    this.#memory = memory;
    this.#policy = {
      signatures: nativeSignatures,
      meshId: plan.meshId,
      root: plan.root,
      rootKey: (readCertificate(plan.root) as Certificate).publicKey,
      // Who is revoked stands in the memory that all threads share, by row.
      revoked: NOTHING_REVOKED,
      isRevokedRow: (row) => memory.isRevoked(row),
    };
  }

  /** The token that `sender` has brought, or why it is none; in its time it was when it was first verified. */
  check(token: Uint8Array, sender: number, nowMs: number): TrustedToken | TokenRefusal {
    if (this.#revision !== this.#memory.revision) {
      this.#revision = this.#memory.revision;
      this.#known.clear();
    }
    const name = createHash("sha256").update(token).digest("base64");
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const budget = this.#budgetOf(sender);
    if (budget.state(nowMs) !== "open") return "too many that did not hold";
    const found = checkToken(token, { ...this.#policy, nowMs });
    if (typeof found === "string" || this.#isRevokedIssuer(found)) {
      budget.failed(nowMs);
      return typeof found === "string" ? found : "issuer: revoked";
    }
    budget.succeeded();
    if (this.#known.size >= MOST_KEPT)
      this.#known.delete(this.#known.keys().next().value as string);
    this.#known.set(name, found);
    return found;
  }

  /** A sector is revoked with all that it has issued, and only then are all of its rows. */
  #isRevokedIssuer({ issuer }: TrustedToken): boolean {
    if (issuer.kind === "root") return false;
    for (let row = issuer.from; row < issuer.to; row++)
      if (!this.#memory.isRevoked(row)) return false;
    return true;
  }

  #budgetOf(sender: number): VerificationBudget {
    let budget = this.#budgets.get(sender);
    if (budget === undefined) {
      budget = new VerificationBudget();
      if (this.#budgets.size >= MOST_BUDGETS)
        this.#budgets.delete(this.#budgets.keys().next().value as number);
      this.#budgets.set(sender, budget);
    }
    return budget;
  }
}
