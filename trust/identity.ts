/**
 * Where the keys of a mesh come from, and what its certificates say: everything follows from two secrets, the root's
 * seed and the issuers' seed, and from the serial number under which a certificate was issued.
 *
 *     issuers' seed ─┬─ conductor · serial
 *                    └─ sector · serial ── agent · row · serial
 *
 * So a store of 30,000 identities keeps 64 secret bytes, and a new serial is a new key. Who has a sector's seed can
 * make its agents' keys, and nobody else's.
 */
import { createHash, hkdfSync } from "node:crypto";
import { issueCertificate, NO_THREAD } from "./certificate.ts";
import { LIFETIME_MS } from "./certificate-chain.ts";
import { SEED_BYTES, type Signatures, type Signer } from "./signatures.ts";

/** Last row of all, not included: what the root and the conductor speak for. */
export const ALL_ROWS = 0xffffffff;
/** Hexadecimal digits of a fingerprint. */
const FINGERPRINT_DIGITS = 32;

/** Seed of the conductor that was issued under `serial`. */
export function conductorSeed(issuers: Uint8Array, meshId: Uint8Array, serial: number): Uint8Array {
  return derive(issuers, meshId, `mesh30k/conductor/1/${serial}`);
}

/** Seed of a sector (from 0) that was issued under `serial`. */
export function sectorSeed(
  issuers: Uint8Array,
  meshId: Uint8Array,
  sector: number,
  serial: number,
): Uint8Array {
  return derive(issuers, meshId, `mesh30k/sector/1/${sector}/${serial}`);
}

/** Seed of the agent at `row` that was issued under `serial` by the sector of this seed. */
export function agentSeed(
  sector: Uint8Array,
  meshId: Uint8Array,
  row: number,
  serial: number,
): Uint8Array {
  return derive(sector, meshId, `mesh30k/agent/1/${row}/${serial}`);
}

function derive(secret: Uint8Array, meshId: Uint8Array, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", secret, meshId, purpose, SEED_BYTES));
}

/** The fingerprint of a key, by which people compare it: 32 hexadecimal digits of its SHA-256. */
export function fingerprintOf(publicKey: Uint8Array): string {
  return createHash("sha256").update(publicKey).digest("hex").slice(0, FINGERPRINT_DIGITS);
}

/** What an issued certificate is about. */
export interface Issue {
  readonly meshId: Uint8Array;
  readonly serial: number;
  readonly nowMs: number;
}

/** The root's certificate, by itself. */
export function issueRoot(root: Signer, issue: Issue): Uint8Array {
  return issueLong("root", root.publicKey, root, 0, ALL_ROWS, issue);
}

/** Lets a key speak for threads. */
export function issueConductor(publicKey: Uint8Array, root: Signer, issue: Issue): Uint8Array {
  return issueLong("conductor", publicKey, root, 0, ALL_ROWS, issue);
}

/** Lets a key issue the agents of the rows from…to. */
export function issueSector(
  publicKey: Uint8Array,
  root: Signer,
  from: number,
  to: number,
  issue: Issue,
): Uint8Array {
  return issueLong("sector", publicKey, root, from, to, issue);
}

/** Makes a key the agent's at `row`. */
export function issueAgent(
  publicKey: Uint8Array,
  sector: Signer,
  row: number,
  issue: Issue,
): Uint8Array {
  return issueLong("agent", publicKey, sector, row, row + 1, issue);
}

function issueLong(
  kind: "root" | "conductor" | "sector" | "agent",
  publicKey: Uint8Array,
  issuer: Signer,
  from: number,
  to: number,
  { meshId, serial, nowMs }: Issue,
): Uint8Array {
  const notBeforeMs = Math.floor(nowMs);
  const notAfterMs = notBeforeMs + LIFETIME_MS[kind];
  const times = { notBeforeMs, notAfterMs };
  const whose = { kind, meshId, serial, from, to, publicKey };
  return issueCertificate({ ...whose, ...times, thread: NO_THREAD, epoch: 0 }, issuer);
}

/** What a session is for: an incarnation of a thread, or the word of one agent on it. */
export interface SessionIssue extends Issue {
  readonly from: number;
  readonly to: number;
  readonly thread: number;
  readonly epoch: number;
  /** Absent: the longest that a session may last. */
  readonly notAfterMs?: number;
}

/** Delegates to a session's key, for at most an hour. */
export function issueSession(
  publicKey: Uint8Array,
  issuer: Signer,
  { meshId, serial, nowMs, from, to, thread, epoch, notAfterMs }: SessionIssue,
): Uint8Array {
  const notBeforeMs = Math.floor(nowMs);
  const body = { kind: "session", meshId, serial, from, to, thread, epoch, publicKey } as const;
  const end = notAfterMs ?? notBeforeMs + LIFETIME_MS.session;
  return issueCertificate({ ...body, notBeforeMs, notAfterMs: end }, issuer);
}

/** Signs and verifies by seeds: the signer of one. */
export function signerOf(signatures: Signatures, seed: Uint8Array): Signer {
  const signer = signatures.signer(seed);
  seed.fill(0);
  return signer;
}
