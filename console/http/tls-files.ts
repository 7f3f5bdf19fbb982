/** Certificate and key of the HTTP face, read anew when they are renewed. */

import { readFileSync, statSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { ConfigError, sentenceOf } from "../terminal/exit.ts";

/** How often it is looked whether they were renewed, ms. */
export const RENEWAL_LOOK_MS: number = 60_000;

/** What TLS is spoken with. */
export interface TlsFiles {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** Reads both again; undefined while neither has changed, or while they do not fit together yet. */
  renewed(): { readonly cert: Buffer; readonly key: Buffer } | undefined;
}

/** Nothing older is spoken. */
export const TLS_VERSIONS = { minVersion: "TLSv1.3", maxVersion: "TLSv1.3" } as const;

/** Reads both files; ConfigError names the one that is wrong. */
export function readTls(certPath: string, keyPath: string): TlsFiles {
  const read = (): { cert: Buffer; key: Buffer } => {
    const pair = { cert: readFileSync(certPath), key: readFileSync(keyPath) };
    createSecureContext({ ...pair, ...TLS_VERSIONS });
    return pair;
  };
  let first: { cert: Buffer; key: Buffer };
  let seen: string;
  try {
    refuseOpenKey(keyPath);
    seen = stateOf(certPath, keyPath);
    first = read();
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError([
      `tls-cert, tls-key: expected a certificate chain and its private key as PEM in ${certPath} and ${keyPath}: ` +
        sentenceOf(error),
    ]);
  }
  return {
    ...first,
    renewed: () => {
      try {
        const state = stateOf(certPath, keyPath);
        if (state === seen) return undefined;
        const next = read();
        seen = state;
        return next;
      } catch {
        // One of the two is not written yet, or cannot be reached now; the old ones hold meanwhile.
        return undefined;
      }
    },
  };
}

function refuseOpenKey(path: string): void {
  const { mode } = statSync(path);
  if ((mode & 0o077) === 0 || process.platform === "win32") return;
  throw new ConfigError([
    "tls-key: expected a file that only its owner can read, got mode " +
      `${(mode & 0o777).toString(8)} (chmod 600 ${path})`,
  ]);
}

function stateOf(...paths: readonly string[]): string {
  const states = paths.map((path) => {
    const { mtimeMs, size, ino } = statSync(path, { throwIfNoEntry: false }) ?? {
      mtimeMs: 0,
      size: 0,
      ino: 0,
    };
    return `${mtimeMs} ${size} ${ino}`;
  });
  return states.join(" ");
}
