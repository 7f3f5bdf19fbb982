import { existsSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { MeshError } from "../../actors/errors.ts";
import { writeSynced } from "../machine/replaced-file.ts";
import { randomSecret, readKeyFile, type SealSecret } from "./sealed-file.ts";

/** Where the files of a key store lie in a data folder. */
export interface KeyPaths {
  readonly folder: string;
  /** The root's seed, sealed. Needed to issue sectors and to revoke; it may be kept elsewhere between times. */
  readonly root: string;
  /** The issuers' seeds, sealed. */
  readonly issuers: string;
  /** All certificates; public. */
  readonly identities: string;
  /** The list of what is revoked; public, and signed. */
  readonly revoked: string;
  readonly lock: string;
}

/** What the surroundings say of the secret that seals. */
export type KeyEnvironment = Readonly<Record<string, string | undefined>>;

export function keyPaths(dataDir: string): KeyPaths {
  const folder = join(dataDir, "keys");
  const named = (name: string): string => join(folder, name);
  return {
    folder,
    root: named("root.sealed"),
    issuers: named("issuers.sealed"),
    identities: named("identities"),
    revoked: named("revoked"),
    lock: named("lock"),
  };
}

/** True when a data folder has a key store. */
export function hasKeys(dataDir: string): boolean {
  return existsSync(keyPaths(dataDir).identities);
}

/** Where the key file is: MESH_KEYS_FILE, or beside what it seals. */
export function keyFileOf(folder: string, env: KeyEnvironment): string {
  return env.MESH_KEYS_FILE || join(folder, "seal.key");
}

/** The secret that seals this store: the passphrase in MESH_KEYS_PASSPHRASE, or else the key file. */
export function sealSecret(folder: string, env: KeyEnvironment): SealSecret {
  const passphrase = env.MESH_KEYS_PASSPHRASE;
  if (passphrase !== undefined && passphrase !== "") return { passphrase };
  return { key: readKeyFile(keyFileOf(folder, env)) };
}

/** The same for a new store: makes the key file when there is neither one nor a passphrase. */
export function newSealSecret(folder: string, env: KeyEnvironment): SealSecret {
  const path = keyFileOf(folder, env);
  if (!env.MESH_KEYS_PASSPHRASE && !existsSync(path)) writeNew(path, randomSecret());
  return sealSecret(folder, env);
}

/** Reads a file of a store; MESH_KEYS says which is missing. */
export function readKeys(path: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new MeshError("MESH_KEYS", `${path}: no such file: run keys init, or put it back`);
  }
}

function writeNew(path: string, bytes: Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeSynced(openSync(path, "wx", 0o600), bytes);
}
