/** `bench`: the benches, in a process of their own so that they measure nothing of this one. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type FaceCommand, faceCommand } from "../command/command.ts";
import type { Face } from "../command/face.ts";
import { ConsoleError, EXIT } from "../terminal/exit.ts";

/** `bench [NAME…] [--json] [--smoke]`. */
export const benchCommand: FaceCommand = faceCommand({
  name: "bench",
  help: "Run the benches; all words after it go to them as they are.",
  details:
    "Without a name all benches run. --json prints one line a metric, --smoke runs a small size. " +
    "The benches are in the repository, not in the npm package.",
  parameters: {},
  examples: ["bench", "bench heartbeat.cross --json", "bench --smoke"],
  raw: true,
  run: (face, _, words) => runBenches(face, words),
  render: () => "",
  exitCode: (code) => code ?? EXIT.ok,
});

async function runBenches(face: Face, words: readonly string[]): Promise<number> {
  const script = benchScript();
  if (script === undefined) {
    throw new ConsoleError(
      "CONSOLE_NO_BENCH",
      "the benches are not part of this installation: run them in a clone of the repository, after `npm ci`",
    );
  }
  // Inherited streams where they are ours; a stand-in for a person gets its output piped.
  const ours = face.stdout === process.stdout;
  const child = spawn(process.execPath, ["--expose-gc", script, ...words], {
    stdio: ours ? "inherit" : ["ignore", "pipe", "pipe"],
    env: { ...face.env },
  });
  child.stdout?.pipe(face.stdout, { end: false });
  child.stderr?.pipe(face.stderr, { end: false });
  // Ctrl-C reaches both of us; the benches decide, and we report how they ended.
  const onSignal = (signal: NodeJS.Signals): unknown => child.kill(signal);
  face.signals.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) => resolve(code ?? codeOfSignal(signal)));
    });
  } finally {
    face.signals.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}

/** The built benches, seen from the built console or from its source. */
function benchScript(): string | undefined {
  for (const place of ["../../bench/index.js", "../../dist/bench/index.js"]) {
    const path = fileURLToPath(new URL(place, import.meta.url));
    if (existsSync(path)) return path;
  }
  return undefined;
}

function codeOfSignal(signal: NodeJS.Signals | null): number {
  return signal === "SIGTERM" ? EXIT.terminated : EXIT.interrupted;
}
