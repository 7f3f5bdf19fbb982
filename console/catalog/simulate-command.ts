/** `simulate`: the mesh's own code in virtual time, with faults, from one seed; or from many. */
import type { MeshStatus } from "../../runtime/api/mesh-api.ts";
import { FAULT_PROFILES } from "../../simulator/faults.ts";
import { MAX_SIMULATED_AGENTS } from "../../simulator/shape.ts";
import type { SimulationOutcome } from "../../simulator/simulation.ts";
import { type FaceCommand, faceCommand } from "../command/command.ts";
import type { Face } from "../command/face.ts";
import { choice, duration, seedRange, wholeNumber } from "../command/values.ts";
import { SimulationProgress } from "../reports/simulation-progress.ts";
import { EXIT, UsageError } from "../terminal/exit.ts";
import { formatDuration, formatNumber } from "../terminal/format.ts";
import type { Paint } from "../terminal/paint.ts";
import { facts } from "../terminal/table.ts";
import { kpiTable, missedTargets } from "./kpis-command.ts";
import { type SeedRange, type Sweep, sweep } from "./sweep.ts";

const HOUR_MS = 3_600_000;
/** What is run when nobody says how long, ms: a sweep of many short ones, a large mesh for a moment. */
const SWEEP_MS = 20_000;
const SCALE_MS = 10_000;
const SWEEP_AGENTS = 60;
const AGENTS = 30_000;
/** The run was good, but the mesh was not as good as it should be. */
const TARGET_MISSED = 3;

const PROFILE_NAMES = FAULT_PROFILES.map(({ name }) => name);

/** What a run or a sweep is of. */
export interface SimulationRequest {
  readonly agents: number;
  readonly forMs: number;
  readonly faults: string;
  readonly workers: number | undefined;
}

/** One run, as it is printed. */
export interface RunDocument {
  readonly seed: number;
  readonly agents: number;
  readonly faults: string;
  readonly forMs: number;
  readonly kpis: Readonly<Record<string, unknown>>;
  readonly missed: readonly string[];
  readonly happened: Readonly<Record<string, number>>;
  readonly operations: number;
  readonly messages: MeshStatus["messages"];
  readonly restarts: Readonly<Record<string, number>>;
  readonly steps: number;
  readonly events: number;
  readonly digest: string;
  readonly violation: SimulationOutcome["violation"] | null;
  readonly replay: string;
}

type Outcome = { readonly run: RunDocument } | { readonly sweep: Sweep };

/** `simulate [--agents N] [--hours H] [--faults NAME] [--seed N | --seeds A..B]`. */
export const simulateCommand: FaceCommand = faceCommand({
  name: "simulate",
  help: "Run a mesh in virtual time, with faults, and check what must always hold.",
  details:
    "The runtime's own code runs on one thread under a virtual clock. All that is left to chance follows from the " +
    "seed, so the same seed gives the same run, byte for byte: its digest says so. Prints the key performance " +
    "indicators against their targets and what really went wrong. " +
    `With --seeds many short runs of a small mesh (${SWEEP_AGENTS} agents, ${SWEEP_MS / 1000} s, faults storm) ` +
    "look for a broken invariant, on all cores; the smallest seed that fails is printed with the " +
    "command that replays it. Exit code 1 when an invariant broke, 3 when none did but a target was missed.",
  parameters: {
    agents: {
      schema: wholeNumber(2, MAX_SIMULATED_AGENTS).optional(),
      help: `how many agents (default: ${formatNumber(AGENTS)})`,
      value: "N",
    },
    scale: {
      schema: wholeNumber(2, MAX_SIMULATED_AGENTS).optional(),
      help:
        `as many agents, up to ${formatNumber(MAX_SIMULATED_AGENTS)}, ` +
        `for ${SCALE_MS / 1000} s unless said otherwise`,
      value: "N",
    },
    hours: {
      schema: wholeNumber(1, 24 * 31).optional(),
      help: "how many hours of virtual time (default: 1)",
      value: "N",
    },
    for: {
      schema: duration(1, 31 * 24 * HOUR_MS).optional(),
      help: "how much virtual time, instead of --hours",
      value: "duration",
    },
    faults: {
      schema: choice(PROFILE_NAMES).optional(),
      help: `what goes wrong: ${PROFILE_NAMES.join(", ")} (default: default)`,
      value: "name",
      complete: PROFILE_NAMES,
    },
    workers: {
      schema: wholeNumber(1, 254).optional(),
      help: "how many worker threads are simulated (default: 4; 3 in a small mesh)",
      value: "N",
    },
    seed: {
      schema: wholeNumber(0, Number.MAX_SAFE_INTEGER).optional(),
      help: "what all chance follows from (default: 1)",
      value: "N",
    },
    seeds: {
      schema: seedRange().optional(),
      help: "run each of these seeds, such as 1..1000",
      value: "A..B",
    },
    jobs: {
      schema: wholeNumber(1, 256).optional(),
      help: "how many processes share the seeds (default: one a core)",
      value: "N",
    },
  },
  examples: [
    "simulate",
    "simulate --agents 30000 --hours 1 --faults default --seed 7 --json",
    "simulate --seeds 1..1000",
    "simulate --agents 60 --for 20s --faults storm --seed 42",
    "simulate --scale 1000000",
  ],
  check: (args) => {
    const given = Object.entries(args).filter(([, value]) => value !== undefined);
    const names = new Set(given.map(([name]) => name));
    for (const [one, other] of [
      ["agents", "scale"],
      ["hours", "for"],
      ["seed", "seeds"],
    ]) {
      if (names.has(one) && names.has(other))
        throw new UsageError(`simulate: --${one} and --${other} exclude each other`, "simulate");
    }
    if (names.has("jobs") && !names.has("seeds"))
      throw new UsageError("simulate: --jobs needs --seeds", "simulate");
  },
  run: (face, args): Promise<Outcome> => start(face, args),
  render: (outcome, paint) =>
    "run" in outcome ? runPage(outcome.run, paint) : sweepPage(outcome.sweep, paint),
  toJson: (outcome) => ("run" in outcome ? outcome.run : outcome.sweep),
  exitCode: (outcome) => exitCodeOf(outcome),
});

interface Given {
  readonly agents: number | undefined;
  readonly scale: number | undefined;
  readonly hours: number | undefined;
  readonly for: number | undefined;
  readonly faults: string | undefined;
  readonly workers: number | undefined;
  readonly seed: number | undefined;
  readonly seeds: SeedRange | undefined;
  readonly jobs: number | undefined;
}

async function start(face: Face, given: Given): Promise<Outcome> {
  const { seeds, scale } = given;
  const hoursMs = given.hours === undefined ? undefined : given.hours * HOUR_MS;
  const usualMs = seeds !== undefined ? SWEEP_MS : scale !== undefined ? SCALE_MS : HOUR_MS;
  const request: SimulationRequest = {
    agents: given.agents ?? scale ?? (seeds === undefined ? AGENTS : SWEEP_AGENTS),
    forMs: given.for ?? hoursMs ?? usualMs,
    faults: given.faults ?? (seeds === undefined ? "default" : "storm"),
    workers: given.workers,
  };
  const progress = new SimulationProgress(face.stderr);
  try {
    if (seeds === undefined) return { run: await runOne(request, given.seed ?? 1, progress) };
    return { sweep: await sweep(face, request, seeds, given.jobs, progress, runOne) };
  } finally {
    progress.done();
  }
}

/** Runs one seed here. */
async function runOne(
  request: SimulationRequest,
  seed: number,
  progress?: SimulationProgress,
): Promise<RunDocument> {
  // Not loaded by the other commands: it brings the whole runtime along.
  const [{ simulate }, { shapeOf }, { loadTraceMix }] = await Promise.all([
    import("../../simulator/simulation.ts"),
    import("../../simulator/shape.ts"),
    import("../../remote/traces.ts"),
  ]);
  const { agents, forMs } = request;
  const shape = readShape(() => shapeOf(agents), request);
  const faults = FAULT_PROFILES.find(({ name }) => name === request.faults) ?? FAULT_PROFILES[0];
  const outcome = await simulate({
    ...shape,
    seed,
    forMs,
    faults,
    traces: await loadTraceMix(),
    onProgress: (elapsedMs) => progress?.time(elapsedMs, forMs),
  });
  const { hourly, daily, operations: _, ...indicators } = outcome.kpis;
  return {
    seed,
    agents,
    faults: faults.name,
    forMs,
    kpis: { ...indicators, hourly, daily },
    missed: missedTargets({ ...indicators }),
    happened: outcome.faults,
    operations: outcome.operations,
    messages: { ...outcome.status.messages },
    restarts: { ...outcome.status.restarts },
    steps: outcome.steps,
    events: outcome.events,
    digest: outcome.digest,
    violation: outcome.violation ?? null,
    replay: replayOf(request, seed),
  };
}

function readShape<S extends { readonly workers: number; readonly topology: { sectors?: number } }>(
  read: () => S,
  { workers }: SimulationRequest,
): S {
  let shape: S;
  try {
    shape = read();
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(`simulate: ${error.message}`, "simulate");
    throw error;
  }
  if (workers === undefined) return shape;
  const { sectors = 1 } = shape.topology;
  if (workers > sectors)
    throw new UsageError(
      `simulate: workers: expected at most one a sector, of which there are ${sectors}, got ${workers}`,
      "simulate",
    );
  return { ...shape, workers };
}

/** The command that does the same again. */
function replayOf({ agents, forMs, faults, workers }: SimulationRequest, seed: number): string {
  const how = workers === undefined ? "" : ` --workers ${workers}`;
  return `mesh-30k simulate --agents ${agents} --for ${forMs}ms --faults ${faults}${how} --seed ${seed}`;
}

function exitCodeOf(outcome: Outcome): number {
  if ("sweep" in outcome) return outcome.sweep.smallest === null ? EXIT.ok : EXIT.failure;
  if (outcome.run.violation !== null) return EXIT.failure;
  return outcome.run.missed.length === 0 ? EXIT.ok : TARGET_MISSED;
}

function runPage(run: RunDocument, paint: Paint): string {
  const happened = Object.entries(run.happened)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${formatNumber(count)} ${name}`);
  const { accepted, handled, expired, deadLettered, redelivered } = run.messages;
  const lines = facts(
    [
      [
        "Simulated",
        `${formatNumber(run.agents)} agents for ${formatDuration(run.forMs)}, seed ${run.seed}`,
      ],
      ["Faults", `${run.faults}: ${happened.join(", ") || "none happened"}`],
      ["Operations", formatNumber(run.operations)],
      [
        "Messages",
        `${formatNumber(accepted)} accepted = ${formatNumber(handled)} handled + ${formatNumber(expired)} expired` +
          ` + ${formatNumber(deadLettered)} dead-lettered; ${formatNumber(redelivered)} delivered again`,
      ],
      ["Events", `${formatNumber(run.events)}, SHA-256 ${run.digest}`],
      [
        "Invariants",
        run.violation === null ? paint.green("all held") : paint.red(violationOf(run)),
      ],
    ],
    paint,
  );
  return `${kpiTable(run.kpis, paint)}\n\n${lines}`;
}

function violationOf({ violation, replay }: RunDocument): string {
  if (!violation) return "";
  const { invariant, sentence, detail, atMs, step, seed } = violation;
  return [
    `${invariant} broken: ${sentence}`,
    detail,
    `seed ${seed}, virtual time ${(atMs / 1000).toFixed(6)} s, step ${formatNumber(step)}`,
    `replay: ${replay}`,
  ].join("\n");
}

function sweepPage({ seeds, run, smallest, happened }: Sweep, paint: Paint): string {
  const counts = Object.entries(happened).map(([name, count]) => `${formatNumber(count)} ${name}`);
  return facts(
    [
      ["Seeds", `${formatNumber(run)} of ${seeds.from}..${seeds.to} run`],
      ["Faults", counts.join(", ") || "none happened"],
      [
        "Invariants",
        smallest === null
          ? paint.green("all held")
          : paint.red(`smallest failing seed ${smallest.seed}\n${violationOf(smallest)}`),
      ],
    ],
    paint,
  );
}
