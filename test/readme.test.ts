// The README's own words: its example runs and prints what it says, its commands exist.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, assert, test } from "vitest";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const readme = readFileSync(join(ROOT, "README.md"), "utf8");
const folder = mkdtempSync(join(tmpdir(), "mesh-30k-readme-"));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Insides of the fenced blocks that open so. */
function blocks(opening: string): string[] {
  return readme
    .split(/^```/m)
    .filter((_, index) => index % 2 === 1)
    .filter((block) => block.startsWith(opening))
    .map((block) => block.slice(block.indexOf("\n") + 1));
}

function run(args: readonly string[], cwd: string): string {
  const done = spawnSync(process.execPath, args, { cwd, encoding: "utf8", timeout: 60_000 });
  assert.equal(done.status, 0, `${args.join(" ")}\n${done.stdout}${done.stderr}`);
  return done.stdout;
}

test("the embedding examples print what the README says", () => {
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(ROOT, join(folder, "node_modules/mesh-30k"), "dir");
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
  const named = new Map(
    blocks("js\n").map((text) => [text.slice(3, text.indexOf("\n")), text] as const),
  );
  const names = ["counter.js", "main.js", "starters.js", "together.js"];
  assert.sameMembers([...named.keys()], names);
  for (const [name, text] of named) writeFileSync(join(folder, name), text);
  for (const name of ["main", "together"]) {
    const printed = run([`${name}.js`], folder);
    const expected = readme.split(`\`node ${name}.js\` prints:\n\n\`\`\`\n`)[1]?.split("```")[0];
    assert.equal(printed, expected);
  }
});

test("every command of the table is one of `mesh-30k --help`, and the other way round", () => {
  const help = run(["runtime/index.js", "--help"], ROOT);
  const known = [...help.matchAll(/^ {2}([a-z-]+) {2,}/gm)].map(([, name]) => name);
  const listed = [...readme.matchAll(/^\| `mesh-30k ([a-z-]+)` \|/gm)].map(([, name]) => name);
  assert.sameMembers(listed, known);
});

test("every file that the README points to is there", () => {
  for (const [, path] of readme.matchAll(/\]\((?!https?:|#)([^)#]+)\)/g)) {
    assert.doesNotThrow(() => readFileSync(join(ROOT, path as string)), `${path} is missing`);
  }
});
