import { createHash } from "node:crypto";
import { KEY_ID_BYTES, keyIdOf, MESH_ID_BYTES } from "./certificate.ts";
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES, type Signer } from "./signatures.ts";

/**
 * One link of a capability token: whose key signed it lets the holder of another key have agents of a run of rows do
 * what these capabilities name, for a time. A token is a chain of links (`token-chain.ts`), each at most what the one
 * before it is.
 *
 * Big-endian; there is one way to write each link, names in rising order of their bytes and each once.
 *
 *   byte 0       4         5       6       8      24       32       40           72     76     80   84     88
 *        ├ magic ┼ version ┼ depth ┼ names ┼ mesh ┼ serial ┼ issuer ┼ holder key ┼ row ──┼ from ┼ to ┼ zero ┤
 *          "M3KT"  u8        u8      u16     16     u64      8        32           u32    u32    u32   u32
 *
 *   byte 88           96          104      136
 *        ├ not before ┼ not after ┼ parent ┼ names: length u8, UTF-8 each ┼ signature (64) ┤
 *          u64 ms       u64 ms      32
 *
 * `issuer` is the beginning of the SHA-256 of the key that signed; `row` the holder's; `from` to `to` (not included)
 * the rows that may be asked; `parent` the SHA-256 of the link before, zero in the first.
 */
const HEAD_BYTES = 136;
const PARENT_BYTES = 32;
const MAGIC = 0x4d334b54;
const VERSION = 1;
const DOMAIN: Uint8Array = Buffer.from("mesh30k/token/1\0", "latin1");
const NO_PARENT: Uint8Array = new Uint8Array(PARENT_BYTES);
/** Links of a token: root or sector, and three who pass it on. */
export const MAX_TOKEN_LINKS = 4;
/** Names in a link: as many as a mesh has capabilities. */
export const MAX_TOKEN_NAMES = 64;
/** Bytes of a name, UTF-8. */
export const MAX_NAME_BYTES = 255;
/** Longest life of a token, ms: who holds one asks for the next in time. */
export const TOKEN_LIFETIME_MS: number = 15 * 60_000;

/** What a link says, without its signature. */
export interface TokenBody {
  /** 16 bytes. */
  readonly meshId: Uint8Array;
  /** The issuer's own number of it, 1 to 2^53 − 1. */
  readonly serial: number;
  /** Place in its chain, from 0 to 3. */
  readonly depth: number;
  /** 32 bytes: only who has its secret can pass it on. */
  readonly holderKey: Uint8Array;
  /** Row of the holder: only what this row sends may bring it. */
  readonly holderRow: number;
  /** First row that may be asked with it. */
  readonly from: number;
  /** Behind the last of these. */
  readonly to: number;
  /** Names of capabilities, in any order. */
  readonly capabilities: readonly string[];
  /** Ms since 1970, whole. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** {@link tokenHash} of the link before; absent in the first. */
  readonly parent?: Uint8Array;
}

/** A link as it was read; nothing of it has been verified but its form. */
export interface TokenLink extends Required<TokenBody> {
  readonly issuerId: Uint8Array;
  /** All of its bytes, a copy. */
  readonly bytes: Uint8Array;
  readonly signature: Uint8Array;
  /** What the signature is over. */
  readonly signedBytes: Uint8Array;
}

/** Why bytes are no link. */
export type TokenFormFault = "length" | "magic" | "version" | "form";

/** SHA-256 of a link, by which the next one names it. */
export function tokenHash(link: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(link).digest());
}

/** Writes and signs a link; RangeError names a field that does not fit. */
export function writeTokenLink(body: TokenBody, issuer: Signer): Uint8Array {
  const names = sorted(body.capabilities);
  const length = HEAD_BYTES + names.reduce((sum, name) => sum + 1 + name.length, 0);
  const bytes = new Uint8Array(length + SIGNATURE_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC);
  view.setUint8(4, VERSION);
  view.setUint8(5, whole("depth", body.depth, 0, MAX_TOKEN_LINKS - 1));
  view.setUint16(6, names.length);
  bytes.set(sized("meshId", body.meshId, MESH_ID_BYTES), 8);
  view.setBigUint64(24, BigInt(whole("serial", body.serial, 1, Number.MAX_SAFE_INTEGER)));
  bytes.set(keyIdOf(issuer.publicKey), 32);
  bytes.set(sized("holderKey", body.holderKey, PUBLIC_KEY_BYTES), 40);
  view.setUint32(72, whole("holderRow", body.holderRow, 0, 0xfffffffe));
  view.setUint32(76, whole("from", body.from, 0, 0xfffffffe));
  view.setUint32(80, whole("to", body.to, body.from + 1, 0xffffffff));
  const latest = Number.MAX_SAFE_INTEGER;
  const { notBeforeMs } = body;
  view.setBigUint64(88, BigInt(whole("notBeforeMs", notBeforeMs, 0, latest)));
  view.setBigUint64(96, BigInt(whole("notAfterMs", body.notAfterMs, notBeforeMs + 1, latest)));
  bytes.set(sized("parent", body.parent ?? NO_PARENT, PARENT_BYTES), 104);
  let at = HEAD_BYTES;
  for (const name of names) {
    bytes[at] = name.length;
    bytes.set(name, at + 1);
    at += 1 + name.length;
  }
  bytes.set(issuer.sign(Buffer.concat([DOMAIN, bytes.subarray(0, length)])), length);
  return bytes;
}

/** Reads a link; a {@link TokenFormFault} when it is none, or is written in another way than the one. Never throws. */
export function readTokenLink(given: Uint8Array): TokenLink | TokenFormFault {
  if (given.length < HEAD_BYTES + SIGNATURE_BYTES) return "length";
  // A copy: whoever gave the bytes may still change them.
  const bytes = new Uint8Array(given);
  const view = new DataView(bytes.buffer);
  if (view.getUint32(0) !== MAGIC) return "magic";
  if (view.getUint8(4) !== VERSION) return "version";
  const end = bytes.length - SIGNATURE_BYTES;
  const capabilities = readNames(bytes, view.getUint16(6), end);
  if (capabilities === undefined) return "form";
  const link: TokenLink = {
    meshId: bytes.subarray(8, 24),
    serial: Number(view.getBigUint64(24)),
    depth: view.getUint8(5),
    issuerId: bytes.subarray(32, 32 + KEY_ID_BYTES),
    holderKey: bytes.subarray(40, 72),
    holderRow: view.getUint32(72),
    from: view.getUint32(76),
    to: view.getUint32(80),
    capabilities,
    notBeforeMs: Number(view.getBigUint64(88)),
    notAfterMs: Number(view.getBigUint64(96)),
    parent: bytes.subarray(104, HEAD_BYTES),
    bytes,
    signature: bytes.subarray(end),
    signedBytes: Buffer.concat([DOMAIN, bytes.subarray(0, end)]),
  };
  return view.getUint32(84) !== 0 || isIllFormed(link) ? "form" : link;
}

function isIllFormed(link: TokenLink): boolean {
  const { serial, depth, holderRow, from, to, notBeforeMs, notAfterMs, parent } = link;
  const safe = Number.isSafeInteger;
  if (!safe(serial) || serial === 0 || !safe(notBeforeMs) || !safe(notAfterMs)) return true;
  if (depth >= MAX_TOKEN_LINKS || holderRow === 0xffffffff) return true;
  if (to <= from || notAfterMs <= notBeforeMs) return true;
  return (depth === 0) !== parent.every((byte) => byte === 0);
}

function readNames(bytes: Uint8Array, count: number, end: number): string[] | undefined {
  if (count === 0 || count > MAX_TOKEN_NAMES) return undefined;
  const names: string[] = [];
  let before: Uint8Array | undefined;
  let at = HEAD_BYTES;
  for (let i = 0; i < count; i++) {
    const length = at < end ? bytes[at] : 0;
    if (length === 0 || at + 1 + length > end) return undefined;
    const name = bytes.subarray(at + 1, at + 1 + length);
    if (before !== undefined && Buffer.compare(before, name) >= 0) return undefined;
    const text = Buffer.from(name).toString("utf8");
    // Of bytes that are no UTF-8 two would read alike.
    if (Buffer.compare(Buffer.from(text, "utf8"), name) !== 0) return undefined;
    names.push(text);
    before = name;
    at += 1 + length;
  }
  return at === end ? names : undefined;
}

function sorted(capabilities: readonly string[]): readonly Buffer[] {
  const names = [...new Set(capabilities)].map((name) => Buffer.from(name, "utf8"));
  const wrong = names.find((name) => name.length === 0 || name.length > MAX_NAME_BYTES);
  if (wrong !== undefined || names.length === 0 || names.length > MAX_TOKEN_NAMES) {
    const expected = `1 to ${MAX_TOKEN_NAMES} names of 1 to ${MAX_NAME_BYTES} bytes`;
    const got = wrong === undefined ? `${names.length} names` : `one of ${wrong.length} bytes`;
    throw new RangeError(`capabilities: expected ${expected}, got ${got}`);
  }
  return names.sort(Buffer.compare);
}

function whole(field: string, value: number, least: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw new RangeError(`${field}: expected a whole number from ${least} to ${most}, got ${value}`);
}

function sized(field: string, bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length === length) return bytes;
  throw new RangeError(`${field}: expected ${length} bytes, got ${bytes.length}`);
}
