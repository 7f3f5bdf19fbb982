/** `fork`: a copy of a frozen mesh in a process of its own, beside the one that it was taken of. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type FaceCommand, faceCommand } from "./command.ts";
import { dataFolder } from "./config.ts";
import { ConsoleError, UsageError } from "./exit.ts";
import type { Face } from "./face.ts";
import { pidPath, socketPath } from "./socket-path.ts";
import { text, wholeNumber } from "./values.ts";

/** How long a copy may take until all its agents are ready, ms. */
const BOOT_MS = 120_000;
const POLL_MS = 20;
const MAX_FORKS = 1000;

/** A copy that runs, or one that was told to stop. */
type Outcome =
  | {
      readonly id: string;
      readonly pid: number;
      readonly data: string;
      readonly socket: string;
      readonly from: string;
    }
  | { readonly id: string; readonly stopping: number };

/** `fork FILE`, `fork --stop ID`. */
export const forkCommand: FaceCommand = faceCommand({
  name: "fork",
  help: "Run a copy of a frozen mesh beside the original, in a process of its own.",
  details:
    "The copy starts from the file with a data folder, a socket and a log of its own, under forks/ of " +
    "the data folder, and runs until it is stopped, whatever becomes of this terminal. What its agents " +
    "do to the outside world they do a second time: fork what may. Other settings than those below " +
    "come from --config or MESH_* variables, as for start.",
  parameters: {
    file: {
      schema: text("the path of a file").optional(),
      help: "the frozen mesh",
      place: "positional",
      unless: ["stop"],
    },
    agent: {
      schema: text("the path of a module").optional(),
      help: "module of the agents' behavior, as for start",
      value: "module.js",
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
    },
    stop: { schema: text("such as fork-1").optional(), help: "stop this copy", value: "id" },
  },
  examples: ["fork frozen.mesh --agent ./my-agent.js", "fork --stop fork-1"],
  check: ({ file, stop }) => {
    if ((file === undefined) === (stop === undefined))
      throw new UsageError("fork: expected a <file> or --stop ID, and not both", "fork");
  },
  run: (face, { file, stop, ...settings }): Promise<Outcome> | Outcome => {
    const forks = join(dataFolder(face, face.data), "forks");
    if (stop !== undefined) return stopFork(forks, stop);
    return startFork(face, forks, resolve(face.cwd, String(file)), settings);
  },
  render: (outcome, paint) =>
    "stopping" in outcome
      ? `${outcome.id} is stopping (process ${outcome.stopping})`
      : `${paint.bold(outcome.id)} runs beside the original, from ${outcome.from}\n` +
        `process ${outcome.pid}; to look at it: mesh-30k attach --data ${outcome.data}\n` +
        `To stop: mesh-30k fork --stop ${outcome.id}`,
});

async function startFork(
  face: Face,
  forks: string,
  file: string,
  settings: Readonly<Record<string, string | number | undefined>>,
): Promise<Outcome> {
  if (!existsSync(file)) throw new ConsoleError("CONSOLE_NO_FILE", `fork: ${file} does not exist`);
  const { id, data } = newFolder(forks);
  const flags = Object.entries(settings).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, String(value)],
  );
  const log = join(data, "fork.log");
  const said = openSync(log, "w", 0o600);
  const child = spawn(
    process.execPath,
    [entry(), "start", "--thaw", file, "--data", data, "--no-repl", ...flags],
    { cwd: face.cwd, env: { ...face.env }, detached: true, stdio: ["ignore", "ignore", said] },
  );
  closeSync(said);
  await untilReady(child, log);
  child.unref();
  const socket = socketPath(data, face.env);
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

/** The program itself, seen from the built console or from its source. */
function entry(): string {
  const places = ["../../runtime/index.js", "../runtime/index.js"].map((place) =>
    fileURLToPath(new URL(place, import.meta.url)),
  );
  return places.find((path) => existsSync(path)) ?? places[0];
}
