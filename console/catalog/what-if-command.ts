/** `what-if`: what a line would come to on this mesh, tried on a simulated one that is like it. */
import { setImmediate as turn } from "node:timers/promises";
import { FAULT_PROFILES } from "../../simulator/faults.ts";
import { takePicture } from "../../simulator/live-picture.ts";
import type { Loss } from "../../simulator/rehearsal.ts";
import type { Violation } from "../../simulator/witness.ts";
import { type MeshCommand, type MeshSession, meshCommand } from "../command/command.ts";
import { readTyped } from "../command/typed-line.ts";
import { choice, duration, text, wholeNumber } from "../command/values.ts";
import { renderOperation } from "../reports/operation-page.ts";
import type { OperationDocument } from "../reports/operation-report.ts";
import { UsageError } from "../terminal/exit.ts";
import { formatDuration, formatNumber } from "../terminal/format.ts";
import type { Paint } from "../terminal/paint.ts";
import { facts } from "../terminal/table.ts";
import { kpiTable, missedTargets } from "./kpis-command.ts";
import { runRehearsal } from "./rehearsal-run.ts";

const HOUR_MS = 3_600_000;
const EVERY_MS = 60_000;
/** Commands whose operations can be tried. */
const TRIED: ReadonlySet<string> = new Set(["cascade", "scatter"]);
const STANDARD_LINE = "cascade sync";
const PROFILE_NAMES = FAULT_PROFILES.map(({ name }) => name);

/** What is to be tried, as the process that tries it gets it. */
export interface WhatIfRequest {
  readonly line: string;
  readonly loss: Loss | undefined;
  readonly forMs: number;
  readonly everyMs: number;
  readonly faults: string;
  readonly seed: number;
}

/** What would come of it. */
export interface WhatIfDocument {
  readonly line: string;
  readonly agents: number;
  readonly lost: string | null;
  readonly faults: string;
  readonly seed: number;
  /** How often the line was run, and over how much virtual time, ms. */
  readonly runs: number;
  readonly elapsedMs: number;
  /** What the last run of the line would print with --json. */
  readonly last: OperationDocument;
  readonly kpis: Readonly<Record<string, unknown>>;
  readonly missed: readonly string[];
  /** How often what went wrong did. */
  readonly happened: Readonly<Record<string, number>>;
  /** What must always hold and did not: a defect of the runtime, found before it mattered. */
  readonly violation: Violation | null;
}

/** `what-if [LINE] [--kill TARGET] [--hours N]`. */
export const whatIfCommand: MeshCommand = meshCommand({
  name: "what-if",
  help: "Predict what a cascade or scatter would come to, on a simulated mesh that is like this one.",
  details:
    "The simulated mesh runs the same code in virtual time, in a process of its own: this mesh is only looked at. It " +
    "has this one's agents by number and class, what the registry says of their latency and work now, who is away, " +
    "avoided or behind an open circuit, and learns the rest from thirty seconds of heartbeats; what is in mailboxes " +
    "and what agents do with messages it does not know. Exit code 1 when the line would miss its quorum.",
  parameters: {
    line: {
      schema: text("a command").optional(),
      help: `a cascade or scatter with its arguments, in quotes (default: ${STANDARD_LINE})`,
      place: "rest",
    },
    kill: {
      schema: text("a worker or a sector").optional(),
      help: "lose this worker, or the way to this sector, as the line is first run",
      value: "worker-N|sector-N",
      complete: "worker",
    },
    hours: {
      schema: wholeNumber(1, 24).optional(),
      help: "run the line again and again for so many hours of virtual time (default: once)",
      value: "N",
    },
    every: {
      schema: duration(1000, 24 * HOUR_MS).optional(),
      help: "from one run of the line to the next, with --hours (default: 1m)",
      value: "duration",
    },
    faults: {
      schema: choice(PROFILE_NAMES).optional(),
      help: `what else goes wrong: ${PROFILE_NAMES.join(", ")} (default: none)`,
      value: "name",
      complete: PROFILE_NAMES,
    },
    seed: {
      schema: wholeNumber(0, Number.MAX_SAFE_INTEGER).optional(),
      help: "what all chance follows from (default: 1)",
      value: "N",
    },
  },
  examples: [
    `what-if "cascade sync --count 50"`,
    "what-if --kill worker-1",
    `what-if "scatter observe --select sector-2" --kill sector-2 --json`,
    "what-if --hours 1 --faults default",
  ],
  changes: false,
  check: ({ every, hours }) => {
    if (every !== undefined && hours === undefined)
      throw new UsageError("what-if: --every needs --hours", "what-if", "every");
  },
  run: (session, { line = STANDARD_LINE, kill, hours = 0, every = EVERY_MS, faults, seed }) => {
    checkLine(session, line);
    const loss = kill === undefined ? undefined : lossOf(session, kill);
    return tried(session, {
      line,
      loss,
      forMs: hours * HOUR_MS,
      everyMs: every,
      faults: faults ?? "none",
      seed: seed ?? 1,
    });
  },
  render: renderWhatIf,
  failed: ({ last, violation }) => last.achieved < last.count || violation !== null,
});

function checkLine({ commands }: MeshSession, line: string): void {
  const { command, invocation } = readTyped(commands, line);
  if (!TRIED.has(command.name)) {
    const expected = [...TRIED].join(" or ");
    const got = JSON.stringify(command.name);
    throw new UsageError(`what-if: line: expected a ${expected}, got ${got}`, "what-if", "line");
  }
  if (invocation.help || invocation.args.dryRun === true)
    throw new UsageError("what-if: line: expected one that does something", "what-if", "line");
}

function lossOf({ mesh }: MeshSession, target: string): Loss {
  const [, kind, digits] = /^(worker|sector)-(\d{1,9})$/.exec(target) ?? [];
  const number = Number(digits);
  const most = kind === "worker" ? mesh.status().workers.length : mesh.topology.sectors;
  if (kind === undefined || number < 1 || number > most) {
    const { workers } = mesh.status();
    const expected = `worker-1 to worker-${workers.length} or sector-1 to sector-${mesh.topology.sectors}`;
    const got = JSON.stringify(target);
    throw new UsageError(`what-if: kill: expected ${expected}, got ${got}`, "what-if", "kill");
  }
  return kind === "worker" ? { kind, thread: number } : { kind: "sector", sector: number };
}

async function tried(
  { mesh, tell, signal }: MeshSession,
  request: WhatIfRequest,
): Promise<WhatIfDocument> {
  const picture = await readPicture(() => takePicture(mesh, () => turn()));
  const { last, outcome } = await runRehearsal({ ...request, picture }, signal, tell);
  const { hourly, daily, operations: _, ...indicators } = outcome.kpis;
  const { loss } = request;
  return {
    line: request.line,
    agents: picture.rttMs.length,
    lost: loss === undefined ? null : nameOf(loss),
    faults: request.faults,
    seed: request.seed,
    runs: outcome.uses,
    elapsedMs: outcome.elapsedMs,
    last,
    kpis: { ...indicators, hourly, daily },
    missed: missedTargets({ ...indicators }),
    happened: outcome.faults,
    violation: outcome.violation ?? null,
  };
}

async function readPicture<P>(take: () => Promise<P>): Promise<P> {
  try {
    return await take();
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(`what-if: ${error.message}`, "what-if");
    throw error;
  }
}

function nameOf(loss: Loss): string {
  return loss.kind === "worker" ? `worker-${loss.thread}` : `sector-${loss.sector}`;
}

function renderWhatIf(data: WhatIfDocument, paint: Paint): string {
  const { line, agents, lost, faults, seed, runs, elapsedMs, last, kpis, violation } = data;
  const happened = Object.entries(data.happened)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${formatNumber(count)} ${name}`);
  const times = runs === 1 ? "once" : `${formatNumber(runs)} times`;
  const head = facts(
    [
      ["If", `${line}${lost === null ? "" : `, and ${lost} is lost`}`],
      [
        "Simulated",
        `${times} on ${formatNumber(agents)} agents like these, in ${formatDuration(elapsedMs)}, seed ${seed}`,
      ],
      ["Faults", `${faults}: ${happened.join(", ") || "none happened"}`],
      ...(violation === null
        ? []
        : [["Broken", paint.red(`${violation.sentence}: ${violation.detail}`)] as const]),
    ],
    paint,
  );
  return [head, renderOperation(last, paint), kpiTable(kpis, paint)].join("\n\n");
}
