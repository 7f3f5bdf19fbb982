import { chmodSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, test } from "vitest";
import { randomToken, tokenFromFile } from "./http-token.ts";

const folder = mkdtempSync(join(tmpdir(), "mesh-token-"));

test("random tokens have 256 bits, and no two are alike", () => {
  const tokens = new Set(Array.from({ length: 100 }, randomToken));
  assert.equal(tokens.size, 100);
  for (const token of tokens) assert.equal(Buffer.from(token, "base64url").length, 32);
});

test("a file that is not there is made, for its owner only, and read again", () => {
  const path = join(folder, "made");
  const token = tokenFromFile(path);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(readFileSync(path, "utf8"), `${token}\n`);
  assert.equal(tokenFromFile(path), token);
});

test("a file that others may read is refused, with the cure", () => {
  const path = join(folder, "open");
  writeFileSync(path, randomToken());
  chmodSync(path, 0o644);
  assert.throws(() => tokenFromFile(path), /got mode 644 \(chmod 600 /);
});

test("a file without a token is refused", () => {
  for (const [name, text] of [
    ["short", "x".repeat(31)],
    ["long", "x".repeat(513)],
    ["spaced", `${"x".repeat(31)} ${"x".repeat(31)}`],
  ]) {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    assert.throws(() => tokenFromFile(path), /http-token-file: expected a token of 32 to 512/);
  }
  assert.throws(() => tokenFromFile(join(folder, "no", "folder")), /http-token-file: .*ENOENT/);
});
