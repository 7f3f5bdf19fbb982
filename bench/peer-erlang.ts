import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Contestant } from "./harness.ts";

const MODULE = "erlang_peer";
const LIMIT_MS = 240_000;
/** More than the largest `spawn` needs. */
const PROCESSES = 2_097_152;

/**
 * Asks Erlang a question of `erlang_peer.erl`, if it is on this machine. `schedulers` is the number of
 * threads that it may use; by default one a core.
 */
export function erlang(
  question: string,
  sizes: readonly number[],
  options: { readonly schedulers?: number } = {},
): Contestant {
  return async (measured) => {
    const directory = compiled();
    if (directory === undefined) return;
    const schedulers = options.schedulers === undefined ? [] : ["+S", String(options.schedulers)];
    const { stdout } = await promisify(execFile)(
      "erl",
      [
        ...["-noshell", "+P", String(PROCESSES), ...schedulers, "-pa", directory],
        ...["-run", MODULE, "main", question, ...sizes.map(String)],
      ],
      { timeout: LIMIT_MS, killSignal: "SIGKILL" },
    );
    for (const line of stdout.trim().split("\n")) {
      const [metric, value] = line.split(" ");
      measured(metric, Number(value));
    }
  };
}

let directory: string | undefined;
let tried = false;

/** Where the compiled module lies; undefined when there is no Erlang. Compiled once a process. */
function compiled(): string | undefined {
  if (tried) return directory;
  tried = true;
  // A machine may have either without the other; both are needed.
  const found = [spawnSync("erl", ["-version"]), spawnSync("erlc", [])];
  if (found.some(({ error }) => error !== undefined)) return undefined;
  const made = mkdtempSync(join(tmpdir(), "mesh-30k-bench-"));
  process.once("exit", () => rmSync(made, { recursive: true, force: true }));
  // Both bench/ and dist/bench/ stand beside the source: it is never built.
  const root = fileURLToPath(
    new URL(import.meta.url.endsWith(".ts") ? "../" : "../../", import.meta.url),
  );
  const compiler = spawnSync("erlc", ["-o", made, join(root, "bench", `${MODULE}.erl`)], {
    encoding: "utf8",
  });
  if (compiler.status !== 0)
    throw new Error(`erlc failed: ${compiler.error ?? ""}${compiler.stdout}`);
  directory = made;
  return directory;
}
