import { createHash } from "node:crypto";
import { PUBLIC_KEY_BYTES, type Signer } from "./signatures.ts";

/**
 * A certificate: who signed it says that a key may speak for a run of rows of one mesh, for a time.
 *
 *     root ─┬─▶ sector ──▶ agent ──▶ session          an agent's word, provable to an outsider
 *           └─▶ conductor ─────────▶ session          a thread's word for all its rows
 *
 * Fixed, big-endian, 168 bytes; there is one way to write each certificate.
 *
 *   byte 0       4         5      6        8      24       32     36   40      44     48           56          64
 *        ├ magic ┼ version ┼ kind ┼ thread ┼ mesh ┼ serial ┼ from ┼ to ┼ epoch ┼ zero ┼ not before ┼ not after ┤
 *          "M3KC"  u8        u8     u16      16     u64      u32    u32  u32     u32    u64 ms       u64 ms
 *
 *   byte 64      96          104         168
 *        ├ key ──┼ issuer id ┼ signature ┤
 *
 * `from` to `to` (not included) are the rows that the key speaks for. `thread` and `epoch` name the incarnation of a
 * thread in a session, and are 65535 and 0 in all others. `issuer id` is the beginning of the SHA-256 of the issuer's
 * key. The signature is over a domain string and the first 104 bytes.
 */
export const CERTIFICATE_BYTES = 168;
const BODY_BYTES = 104;
const MAGIC = 0x4d334b43;
const VERSION = 1;
const DOMAIN: Uint8Array = Buffer.from("mesh30k/certificate/1\0", "latin1");
/** `thread` of what is no session. */
export const NO_THREAD = 0xffff;
export const MESH_ID_BYTES = 16;
export const KEY_ID_BYTES = 8;

/** What a certificate makes of a key; the order is that of the wire, from 1. */
export type CertificateKind = "root" | "sector" | "agent" | "session" | "conductor";
const KINDS: readonly CertificateKind[] = ["root", "sector", "agent", "session", "conductor"];

/** What a certificate says, without its signature. */
export interface CertificateBody {
  readonly kind: CertificateKind;
  /** 16 bytes. */
  readonly meshId: Uint8Array;
  /** Grows with each certificate that one key store issues; 1 to 2^53 − 1. */
  readonly serial: number;
  /** First row, 0 to 2^32 − 2. */
  readonly from: number;
  /** Behind the last row. */
  readonly to: number;
  /** Of a session: 0 to 65534. {@link NO_THREAD} otherwise. */
  readonly thread: number;
  /** Of a session: incarnation of the thread, from 1. 0 otherwise. */
  readonly epoch: number;
  /** Ms since 1970, whole. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** {@link keyIdOf} the issuer's key. */
  readonly issuerId: Uint8Array;
}

/** A certificate as it was read; nothing of it has been verified but its form. */
export interface Certificate extends CertificateBody {
  readonly signature: Uint8Array;
  /** What the signature is over. */
  readonly signedBytes: Uint8Array;
}

/** Why bytes are no certificate. */
export type FormFault = "length" | "magic" | "version" | "kind" | "form";

/** The first 8 bytes of the SHA-256 of a public key. */
export function keyIdOf(publicKey: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(publicKey).digest().subarray(0, KEY_ID_BYTES));
}

/** Writes and signs a certificate; RangeError names a field that does not fit. */
export function issueCertificate(
  body: Omit<CertificateBody, "issuerId">,
  issuer: Signer,
  issuerId: Uint8Array = keyIdOf(issuer.publicKey),
): Uint8Array {
  const bytes = new Uint8Array(CERTIFICATE_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC);
  view.setUint8(4, VERSION);
  view.setUint8(5, 1 + KINDS.indexOf(body.kind));
  view.setUint16(6, whole("thread", body.thread, 0, NO_THREAD));
  bytes.set(sized("meshId", body.meshId, MESH_ID_BYTES), 8);
  view.setBigUint64(24, BigInt(whole("serial", body.serial, 1, Number.MAX_SAFE_INTEGER)));
  view.setUint32(32, whole("from", body.from, 0, 0xfffffffe));
  view.setUint32(36, whole("to", body.to, body.from + 1, 0xffffffff));
  view.setUint32(40, whole("epoch", body.epoch, 0, 0xffffffff));
  const { notBeforeMs, notAfterMs } = body;
  view.setBigUint64(48, BigInt(whole("notBeforeMs", notBeforeMs, 0, Number.MAX_SAFE_INTEGER)));
  const latest = Number.MAX_SAFE_INTEGER;
  view.setBigUint64(56, BigInt(whole("notAfterMs", notAfterMs, notBeforeMs + 1, latest)));
  bytes.set(sized("publicKey", body.publicKey, PUBLIC_KEY_BYTES), 64);
  bytes.set(sized("issuerId", issuerId, KEY_ID_BYTES), 96);
  const fault = formFault(readFields(bytes));
  if (fault) throw new RangeError(`thread, epoch: not those of a ${body.kind} certificate`);
  bytes.set(issuer.sign(signedBytesOf(bytes)), BODY_BYTES);
  return bytes;
}

/** Reads a certificate; a {@link FormFault} when it is none, or is written in another way than the one. */
export function readCertificate(bytes: Uint8Array): Certificate | FormFault {
  if (bytes.length !== CERTIFICATE_BYTES) return "length";
  // A copy: whoever gave the bytes may still change them.
  const own = new Uint8Array(bytes);
  const view = new DataView(own.buffer);
  if (view.getUint32(0) !== MAGIC) return "magic";
  if (view.getUint8(4) !== VERSION) return "version";
  if (KINDS[view.getUint8(5) - 1] === undefined) return "kind";
  const body = readFields(own);
  if (view.getUint32(44) !== 0 || formFault(body)) return "form";
  const signature = own.subarray(BODY_BYTES);
  return { ...body, signature, signedBytes: signedBytesOf(own) };
}

function readFields(bytes: Uint8Array): CertificateBody {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    kind: KINDS[view.getUint8(5) - 1],
    thread: view.getUint16(6),
    meshId: bytes.subarray(8, 24),
    serial: Number(view.getBigUint64(24)),
    from: view.getUint32(32),
    to: view.getUint32(36),
    epoch: view.getUint32(40),
    notBeforeMs: Number(view.getBigUint64(48)),
    notAfterMs: Number(view.getBigUint64(56)),
    publicKey: bytes.subarray(64, 96),
    issuerId: bytes.subarray(96, 104),
  };
}

/** True when fields contradict each other or leave their ranges. */
function formFault(body: CertificateBody): boolean {
  const { kind, thread, epoch, from, to, serial, notBeforeMs, notAfterMs } = body;
  const session = kind === "session";
  if (session ? thread === NO_THREAD || epoch === 0 : thread !== NO_THREAD || epoch !== 0)
    return true;
  if (kind === "agent" && to !== from + 1) return true;
  const safe = Number.isSafeInteger;
  if (!safe(serial) || !safe(notBeforeMs) || !safe(notAfterMs)) return true;
  return serial === 0 || to <= from || notAfterMs <= notBeforeMs;
}

function signedBytesOf(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([DOMAIN, bytes.subarray(0, BODY_BYTES)]);
}

function whole(field: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new RangeError(`${field}: expected a whole number from ${least} to ${most}, got ${value}`);
}

function sized(field: string, bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length === length) return bytes;
  throw new RangeError(`${field}: expected ${length} bytes, got ${bytes.length}`);
}
