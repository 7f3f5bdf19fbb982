// Real deaths of worker threads under load, every message counted: see worker-kills-run.mjs.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface WorkerKills {
  /** How many died of what. */
  readonly kills: Readonly<Record<string, number>>;
  /** Workers that main saw die. */
  readonly deaths: number;
  readonly told: number;
  /** Messages that had their effect, once. */
  readonly got: number;
  readonly redelivered: number;
  /** Whatever was lost, torn, out of order or twice, in words. */
  readonly faults: readonly string[];
}

/** Kills `kills` workers of a mesh under load by the plan of `seed`. Rejects when the run itself fails. */
export async function killWorkers(kills: number, seed: number): Promise<WorkerKills> {
  const file = fileURLToPath(new URL("./worker-kills-run.mjs", import.meta.url));
  const args = ["--max-old-space-size=96", file, String(kills), String(seed)];
  const run = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  let erred = "";
  run.stdout.on("data", (chunk) => {
    said += chunk;
  });
  run.stderr.on("data", (chunk) => {
    erred += chunk;
  });
  const code = await new Promise((resolve) => run.once("close", resolve));
  const line = said.split("\n").find((text) => text.startsWith("{"));
  if (code !== 0 || line === undefined)
    throw new Error(`the run with seed ${seed} ended with ${code}: ${erred.slice(-2_000)}`);
  return JSON.parse(line);
}
