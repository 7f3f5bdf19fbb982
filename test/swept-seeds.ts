// Many seeds of the simulator, as `npm run simulate` runs them: by the command, on all cores.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** What became of the seeds. */
export interface SweptSeeds {
  /** How many were run: all, unless one has failed. */
  readonly run: number;
  /** How often each fault really happened. */
  readonly happened: Readonly<Record<string, number>>;
  readonly smallest: { readonly seed: number; readonly why: string } | null;
}

/** Simulates `count` seeds from `from` on. Rejects when the command itself fails. */
export async function sweepSeeds(
  from: number,
  count: number,
  tell: (line: string) => void,
): Promise<SweptSeeds> {
  const script = fileURLToPath(new URL("../runtime/index.js", import.meta.url));
  const words = [script, "simulate", "--seeds", `${from}..${from + count - 1}`, "--json"];
  const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  let talk = "";
  child.stdout.on("data", (chunk) => {
    said += chunk;
  });
  child.stderr.on("data", (chunk) => {
    talk = `${talk}${chunk}`.slice(-2000);
    for (const line of String(chunk).trim().split("\n")) tell(line);
  });
  const code = await new Promise((resolve) => child.once("close", resolve));
  if (code !== 0 && code !== 1) throw new Error(`simulate ended with ${code}: ${talk}`);
  const { run, happened, smallest } = JSON.parse(said);
  if (smallest === null) return { run, happened, smallest };
  const { seed, violation, replay } = smallest;
  return { run, happened, smallest: { seed, why: `${violation.detail}; ${replay}` } };
}
