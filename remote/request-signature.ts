/**
 * Signatures of requests as Standard Webhooks has them (standardwebhooks.com), so that the other side checks them with
 * a library of its language: over `id.timestamp.body`, where the id is the idempotency key.
 */
import { createHmac, createPrivateKey, type KeyObject, sign } from "node:crypto";
import { InvalidOptionError } from "../actors/errors.ts";

/** Signs one attempt; `timestampS` is in whole seconds since the epoch. */
export type Signer = (id: string, timestampS: number, body: string) => string;

/** Shorter secrets can be found by trying. */
const MIN_SECRET_BYTES = 16;
const SEED_BYTES = 32;
/** What stands before the seed in the PKCS #8 form of an Ed25519 key (RFC 8410). */
const PKCS8_HEAD = Buffer.from("302e020100300506032b657004220420", "hex");

/**
 * The signer of a secret: HMAC-SHA256 (`v1,…`) for `whsec_…` and for text, Ed25519 (`v1a,…`) for `whsk_…` and for a
 * private key as PEM. InvalidOptionError, which does not repeat the secret, when it is none.
 */
export function createSigner(field: string, secret: string): Signer {
  if (secret.startsWith("whsk_") || secret.includes("PRIVATE KEY")) {
    const key = readPrivateKey(field, secret);
    return (id, timestampS, body) =>
      `v1a,${sign(null, Buffer.from(`${id}.${timestampS}.${body}`), key).toString("base64")}`;
  }
  const isEncoded = secret.startsWith("whsec_");
  const bytes = isEncoded ? Buffer.from(secret.slice(6), "base64") : Buffer.from(secret);
  if (bytes.length < MIN_SECRET_BYTES) {
    const expected = `a secret of at least ${MIN_SECRET_BYTES} bytes`;
    throw new InvalidOptionError(field, `${bytes.length} bytes`, expected);
  }
  return (id, timestampS, body) =>
    `v1,${createHmac("sha256", bytes).update(`${id}.${timestampS}.${body}`).digest("base64")}`;
}

function readPrivateKey(field: string, secret: string): KeyObject {
  try {
    const key = secret.startsWith("whsk_")
      ? createPrivateKey({ key: pkcs8Of(secret.slice(5)), format: "der", type: "pkcs8" })
      : createPrivateKey(secret);
    if (key.asymmetricKeyType === "ed25519") return key;
  } catch {
    // Said below, without the key.
  }
  throw new InvalidOptionError(
    field,
    "a private key",
    "an Ed25519 key, as PEM or as whsk_ with the base64 of its 32 bytes of seed",
  );
}

/** Some keep the public key behind the seed; it follows from it. */
function pkcs8Of(base64: string): Buffer {
  return Buffer.concat([PKCS8_HEAD, Buffer.from(base64, "base64").subarray(0, SEED_BYTES)]);
}
