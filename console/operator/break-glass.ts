/**
 * Break-glass: when no authenticator is at hand, a passphrase and a code of an authenticator app open a session that
 * may look and freeze, nothing else. The TOTP secret (RFC 6238) lies sealed under the passphrase, by scrypt and
 * AES-256-GCM, so that the file alone gives neither.
 *
 *     operators/break-glass.json   { salt, nonce, sealed secret + tag, step of the last code that was taken }
 */
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from "node:crypto";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { replaceFile } from "../../runtime/machine/replaced-file.ts";
import { ConsoleError } from "../terminal/exit.ts";

/** A code is good for its own 30 s and those before and after: clocks of people differ. */
export const PERIOD_S = 30;
export const WINDOW = 1;
const DIGITS = 6;
const SECRET_BYTES = 20;
const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
/** RFC 7914: 64 MiB and about a tenth of a second, on a thread of Node's pool. */
const SCRYPT = { N: 2 ** 16, r: 8, p: 1, maxmem: 256 * 1_048_576 } as const;
/** Bits of the passphrase that is made: no trying reaches it. */
const PASSPHRASE_BYTES = 15;
const MAX_PASSPHRASE = 256;

interface Kept {
  readonly salt: string;
  readonly nonce: string;
  readonly sealed: string;
  /** Step of the last code that was taken, 30 s each since 1970: no earlier one is taken again. */
  readonly lastStep: number;
}

/** What somebody who sets it up is shown, once. */
export interface BreakGlassSecrets {
  readonly passphrase: string;
  /** `otpauth://…`, for an authenticator app. */
  readonly uri: string;
}

/** What was wrong. */
export type BreakGlassFault = "passphrase" | "code" | "replayed";

/** The break-glass of one mesh. */
export class BreakGlass {
  readonly #path: string | undefined;
  #kept: Kept | undefined;
  #busy = false;

  constructor(dataDir: string | undefined) {
    this.#path = dataDir === undefined ? undefined : join(dataDir, "operators", "break-glass.json");
    if (this.#path !== undefined && existsSync(this.#path)) this.#kept = readFrom(this.#path);
  }

  get isSet(): boolean {
    return this.#kept !== undefined;
  }

  /** Makes a passphrase and a TOTP secret; those of before are then worth nothing. */
  async set(label: string): Promise<BreakGlassSecrets> {
    const passphrase = wordsOf(randomBytes(PASSPHRASE_BYTES));
    const secret = randomBytes(SECRET_BYTES);
    const [salt, nonce] = [randomBytes(SALT_BYTES), randomBytes(NONCE_BYTES)];
    const cipher = createCipheriv("aes-256-gcm", await keyOf(passphrase, salt), nonce);
    const sealed = Buffer.concat([cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
    this.#keep({
      salt: salt.toString("base64"),
      nonce: nonce.toString("base64"),
      sealed: sealed.toString("base64"),
      lastStep: 0,
    });
    return { passphrase, uri: (await totpOf(secret, label)).toString() };
  }

  /** Takes it away. */
  clear(): void {
    this.#kept = undefined;
    if (this.#path !== undefined) rmSync(this.#path, { force: true });
  }

  /**
   * Checks both; undefined when they are right. A code is good once. `nowMs`: ms since 1970, as people's clocks show.
   */
  async check(
    passphrase: string,
    code: string,
    nowMs: number,
  ): Promise<BreakGlassFault | undefined> {
    const kept = this.#kept;
    if (kept === undefined)
      throw new ConsoleError("CONSOLE_BREAK_GLASS", "break-glass: it is not set up");
    if (this.#busy)
      throw new ConsoleError("CONSOLE_BUSY", "break-glass: another try is being checked");
    this.#busy = true;
    try {
      if (passphrase.length > MAX_PASSPHRASE) return "passphrase";
      const secret = await opened(kept, passphrase);
      if (secret === undefined) return "passphrase";
      if (!/^\d{6}$/.test(code)) return "code";
      const delta = (await totpOf(secret, "")).validate({
        token: code,
        timestamp: nowMs,
        window: WINDOW,
      });
      if (delta === null) return "code";
      const step = Math.floor(nowMs / 1_000 / PERIOD_S) + delta;
      // Also over a restart, and of two that come at once the second.
      if (step <= (this.#kept?.lastStep ?? 0)) return "replayed";
      this.#keep({ ...kept, lastStep: step });
      return undefined;
    } finally {
      this.#busy = false;
    }
  }

  #keep(kept: Kept): void {
    if (this.#path !== undefined)
      replaceFile(this.#path, Buffer.from(`${JSON.stringify({ version: 1, ...kept })}\n`));
    this.#kept = kept;
  }
}

/** The library is loaded when somebody first needs it. */
async function totpOf(secret: Uint8Array, label: string): Promise<import("otpauth").TOTP> {
  const { Secret, TOTP } = await import("otpauth");
  const key = new Secret({ buffer: new Uint8Array(secret).buffer });
  return new TOTP({ issuer: "mesh-30k", label, secret: key, digits: DIGITS, period: PERIOD_S });
}

async function opened(kept: Kept, passphrase: string): Promise<Uint8Array | undefined> {
  const [salt, nonce, sealed] = [kept.salt, kept.nonce, kept.sealed].map((each) =>
    Buffer.from(each, "base64"),
  );
  const key = await keyOf(passphrase, salt);
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    const plain = decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES));
    return Buffer.concat([plain, decipher.final()]);
  } catch {
    return undefined;
  }
}

function keyOf(passphrase: string, salt: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize("NFC"), salt, KEY_BYTES, SCRYPT, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
}

/** Letters and digits that are not taken for one another, in groups: 24 of them are 120 bits. */
function wordsOf(bytes: Uint8Array): string {
  const letters = "abcdefghjkmnpqrstuvwxyz023456789";
  let bits = 0n;
  for (const byte of bytes) bits = (bits << 8n) | BigInt(byte);
  let written = "";
  for (let i = 0; i < (bytes.length * 8) / 5; i++)
    written += letters[Number((bits >> BigInt(5 * i)) & 31n)];
  return (written.match(/.{1,6}/g) ?? []).join("-");
}

function readFrom(path: string): Kept {
  try {
    const { salt, nonce, sealed, lastStep } = JSON.parse(readFileSync(path, "utf8")) as Kept;
    const isWhole = [salt, nonce, sealed].every((each) => typeof each === "string");
    if (isWhole && Number.isSafeInteger(lastStep)) return { salt, nonce, sealed, lastStep };
  } catch {
    // Said below.
  }
  throw new ConsoleError(
    "CONSOLE_BREAK_GLASS",
    `${path}: expected what operators break-glass wrote`,
  );
}
