import {
  MAX_TOKEN_LINKS,
  readTokenLink,
  TOKEN_LIFETIME_MS,
  type TokenBody,
  type TokenFormFault,
  type TokenLink,
  tokenHash,
  writeTokenLink,
} from "./capability-token.ts";
import {
  CERTIFICATE_BYTES,
  type Certificate,
  type FormFault,
  keyIdOf,
  readCertificate,
} from "./certificate.ts";
import { type ChainFault, type ChainPolicy, checkChain } from "./certificate-chain.ts";
import type { Signer } from "./signatures.ts";

/**
 * A capability token: root or a sector grants, who holds it passes on a part of it.
 *
 *     root ──────────────┐
 *     root ─▶ sector ────┴▶ link 0 ─▶ link 1 ─▶ … at most four
 *                            holder    holder of less, whom the first holder's key named
 *
 * Every link names fewer or the same capabilities, rows and moments as the one before, is signed by the key that the
 * one before was given to, and is worth something only to its own holder. So it can be shown to everybody.
 *
 *   byte 0       4         5              6       7      8
 *        ├ magic ┼ version ┼ certificates ┼ links ┼ zero ┼ certificates behind the root's, 168 each ┼ links ┤
 *          "M3KG"  u8        u8: 0, 1       u8      u8                                                length u16, bytes
 */
const HEAD_BYTES = 8;
const MAGIC = 0x4d334b47;
const VERSION = 1;
/** Longest token, bytes: four links that name 64 capabilities of 255 bytes each. */
export const MAX_TOKEN_BYTES: number = HEAD_BYTES + CERTIFICATE_BYTES + 4 * (2 + 136 + 64 + 16_384);

/** Why a token is refused; in the order of the checks. */
export type TokenFault =
  | TokenFormFault
  | `issuer: ${ChainFault | FormFault}`
  | "issuer-kind"
  | "mesh"
  | "depth"
  | "widened"
  | "lifetime"
  | "not-yet"
  | "expired"
  | "revoked"
  | "issuer"
  | "weak-key"
  | "signature";

/** What a token is verified against. */
export interface TokenPolicy extends ChainPolicy {
  /** The root's own certificate, which tokens do not carry. */
  readonly root: Uint8Array;
  /** True when who was given the token is to be believed no more. */
  readonly isRevokedRow: (row: number) => boolean;
}

/** A token that holds. */
export interface TrustedToken {
  readonly capabilities: readonly string[];
  readonly holderRow: number;
  readonly holderKey: Uint8Array;
  readonly from: number;
  readonly to: number;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Rows of all who held it, the first one first. */
  readonly holders: readonly number[];
  /** Rows of the root or sector that granted it. */
  readonly issuer: { readonly kind: "root" | "sector"; readonly from: number; readonly to: number };
}

/** What a message asks for, and who sends it to whom. */
export interface TokenUse {
  /** Rows. */
  readonly sender: number;
  readonly target: number;
  /** Names of capabilities. */
  readonly needs: readonly string[];
  readonly nowMs: number;
}

/** Why a token that holds does not serve a message. */
export type TokenUseFault = "not-yet" | "expired" | "holder" | "audience" | "capability";

/** Whether a token that was found to hold serves this message: undefined when it does. */
export function useFault(token: TrustedToken, use: TokenUse): TokenUseFault | undefined {
  if (use.nowMs < token.notBeforeMs) return "not-yet";
  if (use.nowMs >= token.notAfterMs) return "expired";
  if (use.sender !== token.holderRow) return "holder";
  if (use.target < token.from || use.target >= token.to) return "audience";
  return use.needs.every((name) => token.capabilities.includes(name)) ? undefined : "capability";
}

/** What a new link is to be. */
export type TokenGrant = Omit<TokenBody, "depth" | "parent">;

/** A token by the root (no certificates) or by a sector (its own). RangeError names a field that does not fit. */
export function issueToken(
  grant: TokenGrant,
  issuer: Signer,
  certificates: readonly Uint8Array[] = [],
): Uint8Array {
  return packed(certificates, [writeTokenLink({ ...grant, depth: 0 }, issuer)]);
}

/**
 * Passes a part of a token on. Signed by `holder`, whose key the token names: by another key it holds nowhere. Nothing
 * is checked but the form and the depth; whoever is given what is no part will be refused.
 */
export function attenuateToken(
  token: Uint8Array,
  grant: TokenGrant,
  holder: Signer,
): Uint8Array | TokenFormFault | "depth" {
  const parts = unpacked(token);
  if (typeof parts === "string") return parts;
  const { certificates, links } = parts;
  if (links.length >= MAX_TOKEN_LINKS) return "depth";
  const parent = tokenHash(links[links.length - 1]);
  const next = writeTokenLink({ ...grant, depth: links.length, parent }, holder);
  return packed(certificates, [...links, next]);
}

/**
 * Checks a token, cheap checks first: nothing is verified of one that fails one of them. Answers what it found at
 * fault, or what the token grants. Never throws. Whether it is its holder who brings it, and whom it is brought to, is
 * for the caller to see.
 */
export function checkToken(token: Uint8Array, policy: TokenPolicy): TrustedToken | TokenFault {
  const parts = unpacked(token);
  if (typeof parts === "string") return parts;
  const links: TokenLink[] = [];
  for (const bytes of parts.links) {
    const link = readTokenLink(bytes);
    if (typeof link === "string") return link;
    links.push(link);
  }
  const issuer = issuerOf(parts.certificates, policy);
  if (typeof issuer === "string") return issuer;
  for (const [place, link] of links.entries()) {
    const fault = relationFault(link, place === 0 ? issuer : links[place - 1], place, policy);
    if (fault !== undefined) return fault;
  }
  const chain = checkChain([policy.root, ...parts.certificates], policy);
  if (typeof chain === "string") return `issuer: ${chain}`;
  return verified(links, chain.last, policy);
}

/** The certificate of who granted, unverified; the cheap checks come before those of signatures. */
function issuerOf(
  certificates: readonly Uint8Array[],
  { root }: TokenPolicy,
): Certificate | TokenFault {
  const issuer = readCertificate(certificates[0] ?? root);
  if (typeof issuer === "string") return `issuer: ${issuer}`;
  return issuer.kind === (certificates.length === 0 ? "root" : "sector") ? issuer : "issuer-kind";
}

function relationFault(
  link: TokenLink,
  before: Certificate | TokenLink,
  place: number,
  { meshId, nowMs, isRevokedRow }: TokenPolicy,
): TokenFault | undefined {
  const { notBeforeMs, notAfterMs } = link;
  if (Buffer.compare(link.meshId, meshId) !== 0) return "mesh";
  if (link.depth !== place) return "depth";
  if (link.from < before.from || link.to > before.to) return "widened";
  if (notBeforeMs < before.notBeforeMs || notAfterMs > before.notAfterMs) return "widened";
  const key = "holderKey" in before ? before.holderKey : before.publicKey;
  if ("holderKey" in before) {
    const held = new Set(before.capabilities);
    if (!link.capabilities.every((name) => held.has(name))) return "widened";
    if (Buffer.compare(link.parent, tokenHash(before.bytes)) !== 0) return "issuer";
  }
  if (notAfterMs - notBeforeMs > TOKEN_LIFETIME_MS) return "lifetime";
  if (nowMs < notBeforeMs) return "not-yet";
  if (nowMs >= notAfterMs) return "expired";
  if (isRevokedRow(link.holderRow)) return "revoked";
  return Buffer.compare(link.issuerId, keyIdOf(key)) === 0 ? undefined : "issuer";
}

function verified(
  links: readonly TokenLink[],
  granter: Certificate,
  { signatures }: TokenPolicy,
): TrustedToken | TokenFault {
  let key = granter.publicKey;
  for (const { signedBytes, signature, holderKey } of links) {
    const verifier = signatures.verifier(key);
    if (verifier === undefined) return "weak-key";
    if (!verifier.verify(signedBytes, signature)) return "signature";
    key = holderKey;
  }
  const { capabilities, holderRow, holderKey, from, to, notBeforeMs, notAfterMs } =
    links[links.length - 1];
  const holders = links.map((link) => link.holderRow);
  const kind = granter.kind === "root" ? "root" : "sector";
  const issuer = { kind, from: granter.from, to: granter.to } as const;
  return { capabilities, holderRow, holderKey, from, to, notBeforeMs, notAfterMs, holders, issuer };
}

/** The last link of a token, of which nothing has been verified; undefined when the bytes are no token. */
export function lastLinkOf(token: Uint8Array): TokenLink | undefined {
  const parts = unpacked(token);
  if (typeof parts === "string") return undefined;
  const link = readTokenLink(parts.links[parts.links.length - 1]);
  return typeof link === "string" ? undefined : link;
}

function packed(certificates: readonly Uint8Array[], links: readonly Uint8Array[]): Uint8Array {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(MAGIC, 0);
  head.set([VERSION, certificates.length, links.length], 4);
  const pieces: Uint8Array[] = [head, ...certificates];
  for (const link of links) pieces.push(Uint8Array.of(link.length >>> 8, link.length & 255), link);
  return new Uint8Array(Buffer.concat(pieces));
}

function unpacked(
  token: Uint8Array,
): { certificates: readonly Uint8Array[]; links: readonly Uint8Array[] } | TokenFormFault {
  if (token.length < HEAD_BYTES || token.length > MAX_TOKEN_BYTES) return "length";
  // A copy: whoever gave the bytes may still change them.
  const bytes = Buffer.from(token);
  if (bytes.readUInt32BE(0) !== MAGIC) return "magic";
  if (bytes[4] !== VERSION) return "version";
  const [, certified, linked, zero] = bytes.subarray(4);
  if (certified > 1 || linked === 0 || linked > MAX_TOKEN_LINKS || zero !== 0) return "form";
  let at = HEAD_BYTES + certified * CERTIFICATE_BYTES;
  const certificates = certified === 0 ? [] : [bytes.subarray(HEAD_BYTES, at)];
  const links: Uint8Array[] = [];
  for (let i = 0; i < linked; i++) {
    if (at + 2 > bytes.length) return "length";
    const end = at + 2 + bytes.readUInt16BE(at);
    if (end > bytes.length) return "length";
    links.push(bytes.subarray(at + 2, end));
    at = end;
  }
  return at === bytes.length ? { certificates, links } : "length";
}
