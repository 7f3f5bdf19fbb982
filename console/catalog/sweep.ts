/** Many seeds of one simulation: in this process, or shared among several of the same command. */
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import type { Face } from "../command/face.ts";
import { programScript } from "../command/program.ts";
import type { SimulationProgress } from "../reports/simulation-progress.ts";
import { ConsoleError } from "../terminal/exit.ts";
import type { RunDocument, SimulationRequest } from "./simulate-command.ts";

/** Seeds from the first to the last, both included. */
export interface SeedRange {
  readonly from: number;
  readonly to: number;
}

/** What became of a sweep. */
export interface Sweep {
  readonly seeds: SeedRange;
  /** How many were run: all, unless one has failed. */
  readonly run: number;
  /** What really went wrong, in all of them. */
  readonly happened: Readonly<Record<string, number>>;
  /** The run of the smallest seed that broke an invariant. */
  readonly smallest: RunDocument | null;
}

type RunOne = (request: SimulationRequest, seed: number) => Promise<RunDocument>;

/** Seeds that one process runs before it is asked for its word. */
const SEEDS_A_PROCESS = 50;

/** Runs the seeds in order until one fails, by several processes when there are cores for them. */
export async function sweep(
  face: Face,
  request: SimulationRequest,
  seeds: SeedRange,
  jobs: number | undefined,
  progress: SimulationProgress,
  runOne: RunOne,
): Promise<Sweep> {
  const count = seeds.to - seeds.from + 1;
  const processes = Math.min(jobs ?? availableParallelism(), Math.ceil(count / SEEDS_A_PROCESS));
  const script = processes > 1 ? programScript() : undefined;
  return script === undefined
    ? runHere(request, seeds, progress, runOne)
    : runShared(face, request, seeds, processes, script, progress);
}

async function runHere(
  request: SimulationRequest,
  seeds: SeedRange,
  progress: SimulationProgress,
  runOne: RunOne,
): Promise<Sweep> {
  const happened: Record<string, number> = {};
  let run = 0;
  for (let seed = seeds.from; seed <= seeds.to; seed++) {
    const one = await runOne(request, seed);
    run++;
    add(happened, one.happened);
    if (one.violation !== null) return { seeds, run, happened, smallest: one };
    progress.seeds(run, seeds.to - seeds.from + 1);
  }
  return { seeds, run, happened, smallest: null };
}

/** Hands the seeds out in order, so that what is below the smallest failing one has been run when it is told. */
async function runShared(
  face: Face,
  request: SimulationRequest,
  seeds: SeedRange,
  processes: number,
  script: string,
  progress: SimulationProgress,
): Promise<Sweep> {
  const happened: Record<string, number> = {};
  let next = seeds.from;
  let run = 0;
  const failed: RunDocument[] = [];
  const serve = async (): Promise<void> => {
    while (next <= seeds.to && failed.length === 0) {
      const from = next;
      const to = Math.min(seeds.to, from + SEEDS_A_PROCESS - 1);
      next = to + 1;
      const part = await runElsewhere(face, request, { from, to }, script);
      run += part.run;
      add(happened, part.happened);
      progress.seeds(run, seeds.to - seeds.from + 1);
      if (part.smallest !== null) failed.push(part.smallest);
    }
  };
  await Promise.all(Array.from({ length: processes }, serve));
  failed.sort((a, b) => a.seed - b.seed);
  return { seeds, run, happened, smallest: failed[0] ?? null };
}

/** A part of the sweep in a process of its own, by the same command. */
function runElsewhere(
  face: Face,
  { agents, forMs, faults, workers }: SimulationRequest,
  { from, to }: SeedRange,
  script: string,
): Promise<Sweep> {
  const words = [script, "simulate", "--seeds", `${from}..${to}`, "--jobs", "1", "--json"];
  words.push("--agents", `${agents}`, "--for", `${forMs}ms`, "--faults", faults);
  if (workers !== undefined) words.push("--workers", `${workers}`);
  const child = spawn(process.execPath, words, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...face.env },
  });
  const out: Buffer[] = [];
  const talk: Buffer[] = [];
  child.stdout.on("data", (bytes: Buffer) => out.push(bytes));
  child.stderr.on("data", (bytes: Buffer) => talk.push(bytes));
  const onSignal = (signal: NodeJS.Signals): unknown => child.kill(signal);
  face.signals.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  return new Promise<Sweep>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", () => {
      try {
        resolve(JSON.parse(Buffer.concat(out).toString()) as Sweep);
      } catch {
        const why = Buffer.concat(talk).toString().trim().split("\n").slice(-20).join("\n");
        reject(new ConsoleError("CONSOLE_SWEEP", `seeds ${from}..${to} could not be run: ${why}`));
      }
    });
  }).finally(() => face.signals.off("SIGINT", onSignal).off("SIGTERM", onSignal));
}

function add(sums: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts))
    if (count > 0) sums[name] = (sums[name] ?? 0) + count;
}
