import { mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, beforeEach, test } from "vitest";
import { HISTORY_LINES, History, historyPath } from "./history.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mesh-history-"));
});

test("lines come back newest first, each once, from a file of the owner's alone", () => {
  const path = join(folder, "state", "repl-history");
  const history = new History(path);
  for (const line of ["status", "tree", "status"]) history.add(line);
  assert.deepEqual(new History(path).load(), ["status", "tree"]);
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test("a file that has grown is cut to the newest lines", () => {
  const path = join(folder, "repl-history");
  const lines = Array.from({ length: 3 * HISTORY_LINES }, (_, line) => `line ${line}`);
  writeFileSync(path, `${lines.join("\n")}\n`);
  const loaded = new History(path).load();
  assert.lengthOf(loaded, HISTORY_LINES);
  assert.equal(loaded[0], lines[lines.length - 1]);
  assert.lengthOf(readFileSync(path, "utf8").trim().split("\n"), HISTORY_LINES);
});

test("a file that cannot be had is no history, and no error", () => {
  writeFileSync(join(folder, "file"), "");
  const history = new History(join(folder, "file", "repl-history"));
  history.add("status");
  assert.deepEqual(history.load(), []);
});

test("the file lies in the XDG state folder, or where that is by default", () => {
  const name = join("mesh-30k", "repl-history");
  assert.equal(historyPath({ XDG_STATE_HOME: "/x" }), join("/x", name));
  assert.equal(historyPath({ HOME: "/home/me" }), join("/home/me/.local/state", name));
});
