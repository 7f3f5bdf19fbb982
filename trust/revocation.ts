import type { CertificateBody } from "./certificate.ts";
import { MESH_ID_BYTES } from "./certificate.ts";
import { SIGNATURE_BYTES, type Signer, type Verifier } from "./signatures.ts";

/**
 * The list of what is revoked, signed by the root, in one way of writing; big-endian.
 *
 *   byte 0       4         5      8      24       32         40      44        44 + 16 n
 *        ├ magic ┼ version ┼ zero ┼ mesh ┼ number ┼ made ────┼ count ┼ entries ┼ signature (64) ┤
 *          "M3KR"  u8        3      16     u64      u64 ms     u32     16 each
 *
 * An entry is `from` u32, `to` u32, `before` u64: certificates whose rows all lie in from…to and whose serial is less
 * than `before` are dead. Entries are in the order of `from`, then `to`, and no two have both. `number` only grows.
 */
const HEAD_BYTES = 44;
const ENTRY_BYTES = 16;
const MAGIC = 0x4d334b52;
const VERSION = 1;
const DOMAIN: Uint8Array = Buffer.from("mesh30k/revoked/1\0", "latin1");
/** Entries that a list can have: enough to name each agent of a large mesh by itself. */
export const MAX_REVOCATIONS = 65_536;

/** Certificates of these rows that were issued before a serial are dead. */
export interface Revocation {
  readonly from: number;
  readonly to: number;
  readonly before: number;
}

/** What was revoked, as of `number`. */
export interface RevocationList {
  /** From 1; 0 is the list of a mesh in which nothing was ever revoked, and is not written. */
  readonly number: number;
  readonly madeMs: number;
  readonly entries: readonly Revocation[];
}

export const NOTHING_REVOKED: RevocationList = Object.freeze({
  number: 0,
  madeMs: 0,
  entries: Object.freeze([]),
});

/** True when the list says that a certificate is dead. */
export function isRevoked(list: RevocationList, { from, to, serial }: CertificateBody): boolean {
  for (const entry of list.entries) {
    if (from >= entry.from && to <= entry.to && serial < entry.before) return true;
  }
  return false;
}

/** The next list, with one more entry; RangeError when it would be longer than {@link MAX_REVOCATIONS}. */
export function revoke(list: RevocationList, entry: Revocation, madeMs: number): RevocationList {
  // What the new entry says better is let go.
  const kept = list.entries.filter(
    (old) => old.from < entry.from || old.to > entry.to || old.before > entry.before,
  );
  const entries = [...kept, entry].sort(inOrder);
  if (entries.length > MAX_REVOCATIONS)
    throw new RangeError(`revocations: expected at most ${MAX_REVOCATIONS}, got ${entries.length}`);
  return { number: list.number + 1, madeMs, entries };
}

/** Writes and signs a list. */
export function writeRevocations(
  list: RevocationList,
  meshId: Uint8Array,
  root: Signer,
): Uint8Array {
  const length = HEAD_BYTES + list.entries.length * ENTRY_BYTES;
  const bytes = new Uint8Array(length + SIGNATURE_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC);
  view.setUint8(4, VERSION);
  bytes.set(meshId.subarray(0, MESH_ID_BYTES), 8);
  view.setBigUint64(24, BigInt(list.number));
  view.setBigUint64(32, BigInt(list.madeMs));
  view.setUint32(40, list.entries.length);
  for (const [place, entry] of list.entries.entries()) {
    const at = HEAD_BYTES + place * ENTRY_BYTES;
    view.setUint32(at, entry.from);
    view.setUint32(at + 4, entry.to);
    view.setBigUint64(at + 8, BigInt(entry.before));
  }
  bytes.set(root.sign(Buffer.concat([DOMAIN, bytes.subarray(0, length)])), length);
  return bytes;
}

/** Why bytes are not a list of this root. */
export type RevocationFault = "length" | "magic" | "version" | "mesh" | "form" | "signature";

/** Reads a list and verifies that the root of this mesh signed it. */
export function readRevocations(
  bytes: Uint8Array,
  meshId: Uint8Array,
  root: Verifier,
): RevocationList | RevocationFault {
  if (bytes.length < HEAD_BYTES + SIGNATURE_BYTES) return "length";
  const own = new Uint8Array(bytes);
  const view = new DataView(own.buffer);
  if (view.getUint32(0) !== MAGIC) return "magic";
  if (view.getUint8(4) !== VERSION) return "version";
  for (let i = 0; i < MESH_ID_BYTES; i++) if (own[8 + i] !== meshId[i]) return "mesh";
  const count = view.getUint32(40);
  const length = HEAD_BYTES + count * ENTRY_BYTES;
  if (count > MAX_REVOCATIONS || own.length !== length + SIGNATURE_BYTES) return "length";
  const number = Number(view.getBigUint64(24));
  const madeMs = Number(view.getBigUint64(32));
  if (own[5] + own[6] + own[7] !== 0 || !(Number.isSafeInteger(number) && number > 0))
    return "form";
  if (!Number.isSafeInteger(madeMs)) return "form";
  const entries: Revocation[] = [];
  for (let place = 0; place < count; place++) {
    const at = HEAD_BYTES + place * ENTRY_BYTES;
    const entry = {
      from: view.getUint32(at),
      to: view.getUint32(at + 4),
      before: Number(view.getBigUint64(at + 8)),
    };
    const previous = entries[place - 1];
    if (entry.to <= entry.from || !Number.isSafeInteger(entry.before)) return "form";
    if (previous !== undefined && inOrder(previous, entry) >= 0) return "form";
    entries.push(entry);
  }
  const signed = Buffer.concat([DOMAIN, own.subarray(0, length)]);
  return root.verify(signed, own.subarray(length)) ? { number, madeMs, entries } : "signature";
}

function inOrder(a: Revocation, b: Revocation): number {
  return a.from - b.from || a.to - b.to;
}
