import { createCipheriv, createDecipheriv, hkdfSync, randomBytes, scryptSync } from "node:crypto";
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { MeshError } from "../../actors/errors.ts";

/**
 * Secrets at rest: AES-256-GCM under a key that is made of a passphrase (scrypt) or of a key file (HKDF).
 *
 *   byte 0       4         5        6      8      24      36
 *        ├ magic ┼ version ┼ secret ┼ zero ┼ salt ┼ nonce ┼ ciphertext … ┼ tag (16) ┤
 *          "M3KS"  u8        u8       2      16     12
 *
 * `secret` is 1 for a passphrase, 2 for a key file. All that stands before the ciphertext is authenticated, and so is
 * the purpose, so that one sealed file cannot be put in another's place.
 */
const MAGIC = 0x4d334b53;
const VERSION = 1;
const HEAD_BYTES = 36;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
/** RFC 7914's parameters for a secret that is asked for once: 64 MiB and about a tenth of a second. */
const SCRYPT = { N: 2 ** 16, r: 8, p: 1, maxmem: 256 * 1024 * 1024 } as const;
const LEAST_PASSPHRASE = 8;

/** What a sealed file is opened with. */
export type SealSecret =
  | { readonly passphrase: string }
  /** 32 bytes, of a file that only its owner can read. */
  | { readonly key: Uint8Array };

/** Seals bytes for a purpose. */
export function seal(plain: Uint8Array, secret: SealSecret, purpose: string): Uint8Array {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(MAGIC, 0);
  head[4] = VERSION;
  head[5] = "passphrase" in secret ? 1 : 2;
  randomBytes(28).copy(head, 8);
  const cipher = createCipheriv("aes-256-gcm", keyOf(secret, head), head.subarray(24, HEAD_BYTES));
  cipher.setAAD(Buffer.concat([head, Buffer.from(purpose)]));
  const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([head, sealed, cipher.getAuthTag()]);
}

/** Opens what was sealed for this purpose; MESH_KEYS_SEALED says why it cannot be. */
export function unseal(sealed: Uint8Array, secret: SealSecret, purpose: string): Uint8Array {
  const bytes = Buffer.from(sealed);
  if (bytes.length < HEAD_BYTES + TAG_BYTES || bytes.readUInt32BE(0) !== MAGIC)
    throw new MeshError("MESH_KEYS_SEALED", `${purpose}: expected a sealed file, got another`);
  if (bytes[4] !== VERSION)
    throw new MeshError(
      "MESH_KEYS_SEALED",
      `${purpose}: expected version ${VERSION}, got ${bytes[4]}`,
    );
  const by = "passphrase" in secret ? 1 : 2;
  if (bytes[5] !== by) {
    const [expected, got] =
      by === 1 ? ["its key file", "a passphrase"] : ["its passphrase", "a key file"];
    throw new MeshError("MESH_KEYS_SEALED", `${purpose}: expected ${expected}, got ${got}`);
  }
  const head = bytes.subarray(0, HEAD_BYTES);
  const decipher = createDecipheriv("aes-256-gcm", keyOf(secret, head), head.subarray(24), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(Buffer.concat([head, Buffer.from(purpose)]));
  decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
  try {
    const plain = decipher.update(bytes.subarray(HEAD_BYTES, bytes.length - TAG_BYTES));
    return new Uint8Array(Buffer.concat([plain, decipher.final()]));
  } catch {
    throw new MeshError(
      "MESH_KEYS_SEALED",
      `${purpose}: cannot be opened: another passphrase or key file sealed it, or its bytes were changed`,
    );
  }
}

function keyOf(secret: SealSecret, head: Uint8Array): Uint8Array {
  const salt = head.subarray(8, 24);
  if ("passphrase" in secret) {
    const { passphrase } = secret;
    if (passphrase.length < LEAST_PASSPHRASE)
      throw new MeshError(
        "MESH_KEYS_SEALED",
        `passphrase: expected at least ${LEAST_PASSPHRASE} characters, got ${passphrase.length}`,
      );
    return scryptSync(passphrase.normalize("NFC"), salt, KEY_BYTES, SCRYPT);
  }
  return new Uint8Array(hkdfSync("sha256", secret.key, salt, "mesh30k/seal/1", KEY_BYTES));
}

/** 32 bytes of the system's randomness: a seed, or what a key file holds. */
export function randomSecret(): Uint8Array {
  return new Uint8Array(randomBytes(KEY_BYTES));
}

/** Reads a key file; MESH_KEYS_SEALED unless it is its owner's alone and holds 32 bytes. */
export function readKeyFile(path: string): Uint8Array {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === "ENOENT" ? "none" : String(error);
    throw new MeshError("MESH_KEYS_SEALED", `${path}: expected a key file, got ${why}`);
  }
  try {
    const { mode, uid } = fstatSync(file);
    if ((mode & 0o077) !== 0) {
      const written = (mode & 0o777).toString(8).padStart(4, "0");
      throw new MeshError(
        "MESH_KEYS_SEALED",
        `${path}: expected mode 0600 or less, got ${written}: others can read it`,
      );
    }
    const own = process.getuid?.();
    if (own !== undefined && own !== 0 && uid !== own)
      throw new MeshError(
        "MESH_KEYS_SEALED",
        `${path}: expected a file of user ${own}, got ${uid}'s`,
      );
    const key = new Uint8Array(readFileSync(file));
    if (key.length === KEY_BYTES) return key;
    throw new MeshError("MESH_KEYS_SEALED", `${path}: expected 32 bytes, got ${key.length}`);
  } finally {
    closeSync(file);
  }
}
