/** `fork`: a copy of a mesh in a process of its own, beside the one that it was taken of. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Mesh } from "../../runtime/api/mesh-api.ts";
import { writeCut } from "../../runtime/freeze/cut-file.ts";
import { type MeshCommand, meshCommand } from "../command/command.ts";
import { programScript } from "../command/program.ts";
import { pidPath, socketPath } from "../command/socket-path.ts";
import { text, wholeNumber } from "../command/values.ts";
import { liveCut } from "../reports/live-cut.ts";
import { ConsoleError, UsageError } from "../terminal/exit.ts";
import { formatDuration } from "../terminal/format.ts";

/** How long a copy may take until all its agents are ready, ms. */
const BOOT_MS = 120_000;
const POLL_MS = 20;
const MAX_FORKS = 1000;
/** What `start` runs when it is not told of an agent. */
const TRACE_AGENT = /\/remote\/trace-agent\.[jt]s$/;

/** A copy that runs, or one that was told to stop. */
type Outcome = Running | { readonly id: string; readonly stopping: number };

interface Running {
  readonly id: string;
  readonly pid: number;
  readonly data: string;
  readonly socket: string;
  readonly from: string;
  /** How long the original stood still for it, ms; absent when it was taken of a file. */
  readonly stoodMs?: number;
}

/** Settings of the copy, as flags of `start`. */
type CopySettings = Readonly<Record<string, string | number | undefined>>;

/** `fork`, `fork FILE`, `fork --stop ID`. */
export const forkCommand: MeshCommand = meshCommand({
  name: "fork",
  help: "Run a copy of the mesh, or of a frozen one, beside the original, in a process of its own.",
  details:
    "Without a file the mesh stands still for as long as a cut of it is taken, goes on, and the copy starts from the " +
    "cut, with the same agent module. The copy has a data folder, a socket and a log of its own, under forks/ of " +
    "the data folder, and runs until it is stopped, whatever becomes of this terminal. What its agents " +
    "do to the outside world they do a second time: fork what may. Other settings than those below " +
    "come from --config or MESH_* variables, as for start. With a file it needs no running mesh.",
  parameters: {
    file: {
      schema: text("the path of a file").optional(),
      help: "a frozen mesh (default: the mesh that runs)",
      place: "positional",
      fromText: (written) => resolve(written),
    },
    agent: {
      schema: text("the path of a module").optional(),
      help: "module of the agents' behavior, as for start",
      value: "module.js",
      fromText: (written) => resolve(written),
    },
    workers: {
      schema: wholeNumber(1, 254).optional(),
      help: "threads that run agents",
      value: "N",
    },
    config: {
      schema: text("the path of a YAML file").optional(),
      help: "YAML file of settings",
      value: "file",
      fromText: (written) => resolve(written),
    },
    stop: { schema: text("such as fork-1").optional(), help: "stop this copy", value: "id" },
  },
  examples: ["fork", "fork frozen.mesh --agent ./my-agent.js", "fork --stop fork-1"],
  check: ({ file, stop }) => {
    if (file !== undefined && stop !== undefined)
      throw new UsageError("fork: <file> and --stop do not go together", "fork");
  },
  changes: true,
  // It runs a module that is named by whoever asks.
  destroys: ({ agent, config }) => agent !== undefined || config !== undefined,
  touches: ({ file, stop }) => (file === undefined && stop === undefined ? "all" : null),
  inverse: (_args, outcome: Outcome) =>
    "stopping" in outcome ? undefined : { command: "fork", args: { stop: outcome.id } },
  run: async ({ mesh, tell }, { file, stop, ...settings }): Promise<Outcome> => {
    if (mesh.dataDir === undefined)
      throw new ConsoleError("CONSOLE_FORK", "fork: this mesh has no data folder to put copies in");
    const dataDir = resolve(mesh.dataDir);
    if (stop !== undefined || file !== undefined) return forkOf(dataDir, { file, stop, settings });
    const own = settings.agent === undefined ? agentOf(mesh) : {};
    const { cut, stoodMs } = await liveCut(mesh, "fork");
    tell?.(`the mesh goes on after ${formatDuration(stoodMs)}; its copy starts`);
    const place = newFolder(join(dataDir, "forks"));
    const from = join(place.data, "from.mesh");
    await writeCut(from, cut);
    return { ...(await startFork(place, from, { ...settings, ...own })), stoodMs };
  },
  withoutMesh: (dataDir, { file, stop, ...settings }) =>
    file === undefined && stop === undefined
      ? undefined
      : forkOf(dataDir, { file, stop, settings }),
  render: (outcome: Outcome, paint) =>
    "stopping" in outcome
      ? `${outcome.id} is stopping (process ${outcome.stopping})`
      : `${paint.bold(outcome.id)} runs beside the original, from ${outcome.from}\n` +
        (outcome.stoodMs === undefined
          ? ""
          : `the original stood still for ${formatDuration(outcome.stoodMs)}\n`) +
        `process ${outcome.pid}; to look at it: mesh-30k attach --data ${outcome.data}\n` +
        `To stop: mesh-30k fork --stop ${outcome.id}`,
});

/** The agents of a mesh as `start` is told of them. */
function agentOf({ modules, agentOptions }: Mesh): CopySettings {
  const [module, ...others] = modules;
  if (others.length > 0 || module === undefined || !module.startsWith("file:"))
    throw new ConsoleError(
      "CONSOLE_FORK",
      `fork: start runs agents of one module of this machine, and this mesh has ${modules.join(", ")}`,
    );
  if (TRACE_AGENT.test(module))
    return { traces: (agentOptions as { readonly traces?: string } | undefined)?.traces };
  if (agentOptions === undefined) return { agent: fileURLToPath(module) };
  throw new ConsoleError(
    "CONSOLE_FORK",
    "fork: this mesh was made by a program, with agentOptions that start cannot give to its copy",
  );
}

async function forkOf(
  dataDir: string,
  what: {
    readonly file: string | undefined;
    readonly stop: string | undefined;
    readonly settings: CopySettings;
  },
): Promise<Outcome> {
  const { file, stop, settings } = what;
  const forks = join(dataDir, "forks");
  if (stop !== undefined) return stopFork(forks, stop);
  const from = resolve(String(file));
  if (!existsSync(from)) throw new ConsoleError("CONSOLE_NO_FILE", `fork: ${from} does not exist`);
  return startFork(newFolder(forks), from, settings);
}

async function startFork(
  { id, data }: { readonly id: string; readonly data: string },
  file: string,
  settings: CopySettings,
): Promise<Running> {
  const flags = Object.entries(settings).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, String(value)],
  );
  const script = programScript();
  if (script === undefined)
    throw new ConsoleError("CONSOLE_NO_PROGRAM", "fork: runtime/index.js is not where it was");
  const log = join(data, "fork.log");
  const said = openSync(log, "w", 0o600);
  const child = spawn(
    process.execPath,
    [script, "start", "--thaw", file, "--data", data, "--no-repl", ...flags],
    { detached: true, stdio: ["ignore", "ignore", said] },
  );
  closeSync(said);
  await untilReady(child, log);
  child.unref();
  const socket = socketPath(data, process.env);
  return { id, pid: child.pid as number, data, socket, from: file };
}

/** The first number that is free; whoever makes its folder has it. */
function newFolder(forks: string): { readonly id: string; readonly data: string } {
  mkdirSync(forks, { recursive: true, mode: 0o700 });
  for (let number = 1; number <= MAX_FORKS; number++) {
    const id = `fork-${number}`;
    const data = join(forks, id);
    try {
      mkdirSync(data, { mode: 0o700 });
      return { id, data };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
  throw new ConsoleError("CONSOLE_FORKS", `${forks} has ${MAX_FORKS} copies: remove some`);
}

/** Resolves when the copy says that it is ready; what it said instead is the error. */
async function untilReady(child: ChildProcess, log: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < BOOT_MS; waitedMs += POLL_MS) {
    const said = readFileSync(log, "utf8");
    if (/^mesh ready/m.test(said)) return;
    if (child.exitCode !== null || child.signalCode !== null) {
      const last = said.trimEnd().split("\n").at(-1) ?? "";
      throw new ConsoleError("CONSOLE_FORK", `fork: the copy has not started: ${last}`);
    }
    await sleep(POLL_MS);
  }
  child.kill("SIGKILL");
  throw new ConsoleError("CONSOLE_FORK", `fork: the copy was not ready in time; ${log} says more`);
}

function stopFork(forks: string, id: string): Outcome {
  const path = pidPath(join(forks, id));
  if (!/^fork-\d+$/.test(id) || !existsSync(path))
    throw new ConsoleError("CONSOLE_NO_FORK", `fork: no copy ${id} runs under ${forks}`);
  const pid = Number.parseInt(readFileSync(path, "utf8"), 10);
  try {
    process.kill(pid, "SIGTERM");
  } catch {
    throw new ConsoleError("CONSOLE_NO_FORK", `fork: ${id} has ended already`);
  }
  return { id, stopping: pid };
}
