/** What signs the checkpoints of an audit log: a key of its own, whose seed lies sealed beside the log. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { replaceFile } from "../../runtime/machine/replaced-file.ts";
import { type KeyEnvironment, newSealSecret, readKeys } from "../../runtime/trust/key-files.ts";
import {
  randomSecret,
  readKeyFile,
  type SealSecret,
  seal,
  unseal,
} from "../../runtime/trust/sealed-file.ts";
import { signerOf } from "../../trust/identity.ts";
import { nativeSignatures } from "../../trust/native-signatures.ts";
import { PUBLIC_KEY_BYTES, type Signer } from "../../trust/signatures.ts";
import { ConsoleError, sentenceOf } from "../terminal/exit.ts";
import type { AuditPaths } from "./audit-file.ts";

const PURPOSE = "audit.sealed";
/** Byte of a sealed file that says what opens it; see sealed-file.ts. */
const SECRET_AT = 5;
const BY_KEY_FILE = 2;

/** The signer of a log; made when there is none. CONSOLE_AUDIT says why one that is there cannot be opened. */
export function auditSigner(paths: AuditPaths, env: KeyEnvironment): Signer {
  if (!existsSync(paths.signer)) {
    const seed = randomSecret();
    replaceFile(paths.signer, seal(seed, newSealSecret(paths.folder, env), PURPOSE));
    const signer = signerOf(nativeSignatures, seed);
    replaceFile(paths.publicKey, signer.publicKey);
    return signer;
  }
  const sealed = readKeys(paths.signer);
  try {
    return signerOf(nativeSignatures, unseal(sealed, secretOf(paths, sealed, env), PURPOSE));
  } catch (error) {
    throw new ConsoleError(
      "CONSOLE_AUDIT",
      `audit: ${paths.signer}: ${sentenceOf(error)}: give MESH_KEYS_PASSPHRASE or MESH_KEYS_FILE as it was when the ` +
        "log was begun, or move the folder away",
    );
  }
}

/** A log that was begun under a key file stays so when somebody sets a passphrase later. */
function secretOf({ folder }: AuditPaths, sealed: Uint8Array, env: KeyEnvironment): SealSecret {
  const beside = join(folder, "seal.key");
  if (sealed[SECRET_AT] === BY_KEY_FILE && existsSync(beside)) return { key: readKeyFile(beside) };
  return newSealSecret(folder, env);
}

/** The public key that is written beside a log; undefined when there is none, or it is no key. */
export function auditKey({ publicKey }: AuditPaths): Uint8Array | undefined {
  if (!existsSync(publicKey)) return undefined;
  const bytes = new Uint8Array(readFileSync(publicKey));
  return bytes.length === PUBLIC_KEY_BYTES ? bytes : undefined;
}
