import { getPublicKey, hashes, sign, verify } from "@noble/ed25519";
import {
  checkSeed,
  isWeakKey,
  SIGNATURE_BYTES,
  type Signatures,
  type Signer,
  type Verifier,
} from "./signatures.ts";

/**
 * Ed25519 in JavaScript, for places without `node:crypto`: a browser, an agent elsewhere, and as the second opinion of
 * the tests. `sha512` is the platform's; it must be synchronous.
 *
 * Of keys that have a part of small order, which nobody who makes keys from seeds can have, the two implementations may
 * think differently (this one multiplies by the cofactor): within a mesh one of them verifies everything.
 */
export function portableSignatures(sha512: (message: Uint8Array) => Uint8Array): Signatures {
  hashes.sha512 = (message) => new Uint8Array(sha512(message));
  return Object.freeze({
    name: "portable",
    signer(seed: Uint8Array): Signer {
      const secret = plain(checkSeed(seed));
      return { publicKey: getPublicKey(secret), sign: (message) => sign(plain(message), secret) };
    },
    verifier(publicKey: Uint8Array): Verifier | undefined {
      if (isWeakKey(publicKey)) return undefined;
      const key = plain(publicKey);
      return {
        publicKey: key,
        verify(message, signature) {
          if (signature.length !== SIGNATURE_BYTES) return false;
          try {
            // RFC 8032 to the letter, as Node has it; the default takes more.
            return verify(plain(signature), plain(message), key, { zip215: false });
          } catch {
            return false;
          }
        },
      };
    },
  });
}

/** A copy that is no Buffer: a slice of one shares its memory, and what is reversed in a slice is reversed in it. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
