import {
  type Certificate,
  type CertificateKind,
  type FormFault,
  keyIdOf,
  readCertificate,
} from "./certificate.ts";
import { isRevoked, type RevocationList } from "./revocation.ts";
import type { Signatures, Verifier } from "./signatures.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Longest life of a certificate by kind, ms. */
export const LIFETIME_MS: Readonly<Record<CertificateKind, number>> = Object.freeze({
  root: 3_653 * DAY_MS,
  sector: 30 * DAY_MS,
  conductor: 30 * DAY_MS,
  agent: 30 * DAY_MS,
  session: HOUR_MS,
});

/** Who may issue what. */
const ISSUERS: Readonly<Record<CertificateKind, readonly CertificateKind[]>> = {
  root: ["root"],
  sector: ["root"],
  conductor: ["root"],
  agent: ["sector"],
  session: ["agent", "conductor"],
};
/** Root, sector, agent, session. */
export const MAX_CHAIN = 4;

/** Why a chain of certificates is refused; the order of the checks. */
export type ChainFault =
  | FormFault
  | "chain-length"
  | "mesh"
  | "issuer-kind"
  | "rows"
  | "lifetime"
  | "not-yet"
  | "expired"
  | "epoch"
  | "revoked"
  | "root"
  | "issuer"
  | "weak-key"
  | "signature";

/** What a chain is checked against. */
export interface ChainPolicy {
  readonly signatures: Signatures;
  readonly meshId: Uint8Array;
  /** The key that all trust begins at. */
  readonly rootKey: Uint8Array;
  readonly nowMs: number;
  readonly revoked: RevocationList;
  /** Least epoch that a session of this thread may have; nothing is below it when absent. */
  readonly epochFloor?: (thread: number) => number;
}

/** A chain that holds: its certificates from the root on, and the key that the last one is about. */
export interface TrustedChain {
  readonly certificates: readonly Certificate[];
  readonly last: Certificate;
  readonly verifier: Verifier;
}

/**
 * Checks certificates from the root's own to the last, cheap checks first: nothing is verified of a chain that fails
 * one of them. Answers what it found at fault, or the chain.
 */
export function checkChain(
  chain: readonly Uint8Array[],
  policy: ChainPolicy,
): TrustedChain | ChainFault {
  if (chain.length === 0 || chain.length > MAX_CHAIN) return "chain-length";
  const certificates: Certificate[] = [];
  for (const bytes of chain) {
    const certificate = readCertificate(bytes);
    if (typeof certificate === "string") return certificate;
    certificates.push(certificate);
  }
  for (const [place, certificate] of certificates.entries()) {
    const issuer = place === 0 ? certificate : certificates[place - 1];
    const fault = relationFault(certificate, issuer, place, policy);
    if (fault !== undefined) return fault;
  }
  if (!same(certificates[0].publicKey, policy.rootKey)) return "root";
  for (const [place, certificate] of certificates.entries()) {
    const issuer = certificates[Math.max(0, place - 1)];
    if (!same(certificate.issuerId, keyIdOf(issuer.publicKey))) return "issuer";
  }
  return verifyChain(certificates, policy.signatures);
}

function verifyChain(
  certificates: readonly Certificate[],
  { verifier }: Signatures,
): TrustedChain | ChainFault {
  let issuer = verifier(certificates[0].publicKey);
  for (const certificate of certificates) {
    if (issuer === undefined) return "weak-key";
    if (!issuer.verify(certificate.signedBytes, certificate.signature)) return "signature";
    issuer = verifier(certificate.publicKey);
  }
  if (issuer === undefined) return "weak-key";
  return {
    certificates,
    last: certificates[certificates.length - 1],
    verifier: issuer,
  };
}

function relationFault(
  certificate: Certificate,
  issuer: Certificate,
  place: number,
  { meshId, nowMs, revoked, epochFloor }: ChainPolicy,
): ChainFault | undefined {
  const { kind, notBeforeMs, notAfterMs } = certificate;
  if (!same(certificate.meshId, meshId)) return "mesh";
  if ((place === 0) !== (kind === "root") || !ISSUERS[kind].includes(issuer.kind))
    return "issuer-kind";
  if (certificate.from < issuer.from || certificate.to > issuer.to) return "rows";
  if (notAfterMs - notBeforeMs > LIFETIME_MS[kind]) return "lifetime";
  if (nowMs < notBeforeMs) return "not-yet";
  if (nowMs >= notAfterMs) return "expired";
  if (kind === "session" && certificate.epoch < (epochFloor?.(certificate.thread) ?? 0))
    return "epoch";
  if (isRevoked(revoked, certificate)) return "revoked";
  return undefined;
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
