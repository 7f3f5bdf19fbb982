/** The token that opens the HTTP face: made anew by each start, or kept in a file. */
import { randomBytes } from "node:crypto";
import { closeSync, fstatSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { ConsoleError, sentenceOf } from "../terminal/exit.ts";

const TOKEN_BYTES = 32;
/** Below this somebody could try them all. */
const MIN_LENGTH = 32;
const MAX_LENGTH = 512;

/** 256 random bits, as text that a URL can hold. */
export function randomToken(): string {
  return randomBytes(TOKEN_BYTES).toString("base64url");
}

/**
 * The token in a file that only its owner may open; one that does not exist is made, with a random token.
 * ConsoleError when others may read it, or it holds no token.
 */
export function tokenFromFile(path: string): string {
  const found = readIfThere(path);
  if (found === undefined) {
    const token = randomToken();
    try {
      writeFileSync(path, `${token}\n`, { mode: 0o600, flag: "wx" });
    } catch (error) {
      throw new ConsoleError("CONSOLE_TOKEN", `http-token-file: ${path}: ${sentenceOf(error)}`);
    }
    return token;
  }
  if ((found.mode & 0o077) !== 0 && process.platform !== "win32") {
    throw new ConsoleError(
      "CONSOLE_TOKEN",
      `http-token-file: expected a file that only its owner can read, got mode ` +
        `${(found.mode & 0o777).toString(8)} (chmod 600 ${path})`,
    );
  }
  const token = found.text.trim();
  if (!/^[\w.~+/=-]+$/.test(token) || token.length < MIN_LENGTH || token.length > MAX_LENGTH) {
    throw new ConsoleError(
      "CONSOLE_TOKEN",
      `http-token-file: expected a token of ${MIN_LENGTH} to ${MAX_LENGTH} letters, digits and ` +
        `-._~+/= in ${path}, got ${token.length} characters`,
    );
  }
  return token;
}

function readIfThere(path: string): { readonly text: string; readonly mode: number } | undefined {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new ConsoleError("CONSOLE_TOKEN", `http-token-file: ${path}: ${sentenceOf(error)}`);
  }
  try {
    // Of the file that was opened, not of what stands under its name by now.
    return { text: readFileSync(file, "utf8"), mode: fstatSync(file).mode };
  } finally {
    closeSync(file);
  }
}
