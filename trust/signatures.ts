/**
 * Ed25519 (RFC 8032) behind one port, so that the hot path takes Node's own and a browser takes a portable one: the
 * same seed gives the same key and the same bytes of signature from both.
 */

/** Bytes of a seed, which is all there is of a private key. */
export const SEED_BYTES = 32;
export const PUBLIC_KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;

/** Holds a private key. */
export interface Signer {
  readonly publicKey: Uint8Array;
  /** 64 bytes; the same for the same message, always. */
  sign(message: Uint8Array): Uint8Array;
}

/** Holds a public key. */
export interface Verifier {
  readonly publicKey: Uint8Array;
  /** Never throws: whatever is no signature of this message by this key is false. */
  verify(message: Uint8Array, signature: Uint8Array): boolean;
}

/** One implementation of Ed25519. */
export interface Signatures {
  readonly name: "native" | "portable";
  /** `seed`: 32 bytes of good randomness; RangeError for any other length. */
  signer(seed: Uint8Array): Signer;
  /** Undefined for a key under which signatures prove nothing: see {@link isWeakKey}. */
  verifier(publicKey: Uint8Array): Verifier | undefined;
}

/** y of the points of small order that are written canonically, without the sign of x; little-endian. */
const SMALL_ORDER: ReadonlySet<string> = new Set([
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]);

/**
 * True for a public key that nobody has honestly made: of another length, of small order (one signature holds for many
 * messages), or written in a second way (y ≥ 2^255 − 19), about which implementations disagree.
 */
export function isWeakKey(publicKey: Uint8Array): boolean {
  if (publicKey.length !== PUBLIC_KEY_BYTES) return true;
  const last = publicKey[31] & 0x7f;
  if (last === 0x7f && publicKey[0] >= 0xed) {
    let full = true;
    for (let i = 1; i < 31; i++) full &&= publicKey[i] === 0xff;
    if (full) return true;
  }
  let text = "";
  for (let i = 0; i < 32; i++)
    text += (i === 31 ? last : publicKey[i]).toString(16).padStart(2, "0");
  return SMALL_ORDER.has(text);
}

/** Checks a seed; RangeError says its length, never the seed. */
export function checkSeed(seed: Uint8Array): Uint8Array {
  if (seed.length === SEED_BYTES) return seed;
  throw new RangeError(`seed: expected ${SEED_BYTES} bytes, got ${seed.length}`);
}
