/** `start`: boots a mesh in this process, serves its control socket, and drains it at the end. */

import type { Cut } from "../runtime/api/cut.ts";
import { readCut } from "../runtime/freeze/cut-file.ts";
import { type FaceCommand, faceCommand, type Parameter } from "./command/command.ts";
import { type Config, readConfig } from "./command/config.ts";
import type { Face } from "./command/face.ts";
import { isLoopback, type ListenAddress, writeAddress } from "./command/listen-address.ts";
import { flagOf, SETTINGS, type Settings } from "./command/settings.ts";
import { flag, lines, text } from "./command/values.ts";
import { readTls, type TlsFiles } from "./http/tls-files.ts";
import type { HttpPlan } from "./http-face.ts";
import { renderStatus, type StatusDocument } from "./reports/status.ts";
import { readRun } from "./run-lines.ts";
import { RunningMesh } from "./running-mesh.ts";
import { ConfigError } from "./terminal/exit.ts";

/** Settings that a flag without a value sets. */
const FLAGS: readonly string[] = ["repl", "watch", "httpPlain", "requireLogin"];

/** How a start ended: with a last status, or before there was a mesh. */
export interface StartOutcome {
  readonly exitCode: number;
  readonly status: StatusDocument | undefined;
  /** A person has looked at the mesh from inside; another picture would tell them nothing. */
  readonly seen: boolean;
  /** `--run` has printed what was asked for. */
  readonly ran: boolean;
}

/** `start [--config FILE] [--sectors N] …`. */
export const startCommand: FaceCommand = faceCommand({
  name: "start",
  help: "Boot a mesh and open its REPL.",
  details:
    "Every option but --config, --run, --no-repl and --no-http can also be set by a variable (--log-file is " +
    "MESH_LOG_FILE) and by a key of the YAML file of --config (log-file); a flag wins over a " +
    "variable, a variable over the file. Without --agent the agents replay measured latencies. " +
    "On a terminal, leaving the REPL (.exit, Ctrl-D) stops the mesh. From a pipe, commands are read " +
    "line by line, and the end of the pipe stops the mesh unless --for is given; /dev/null never " +
    "does. The mesh goes on with the states and messages that its data folder has (--fresh sets them aside). " +
    "SIGINT and SIGTERM stop it in good order (exit code 0), a second one at once (130, 143). " +
    "With --json the last status is printed as one JSON document. " +
    "The dashboard and the HTTP API answer on this machine only, and to whoever has the token of the " +
    "URL that is printed; when the default port is taken, another one is. Beyond this machine they speak TLS 1.3 " +
    "only (--tls-cert, --tls-key) and let in only whoever has logged in. " +
    "With --run nothing is read from stdin: the commands run in order on the fresh mesh, which then " +
    "stops in good order, or stays for the time of --for. Each prints what it prints in a REPL; with " +
    '--json one document a line, {"command": …} with the members of its data, and no last status ' +
    "(--run status asks for one). Exit code 1 when one of them failed or could not run.",
  parameters: startParameters(),
  examples: [
    "start",
    "start --sectors 10 --clusters 10 --agents 30 --agent ./my-agent.js",
    "start --config mesh.yaml --no-repl",
    "start --for 10s --no-repl --json",
    "start --thaw .mesh-30k/frozen/2026-11-24T19-55-50.728Z.mesh --workers 8",
    `start --no-repl --json --run "cascade sync --strategy wave --count 50" --run kpis`,
  ],
  run: (face, args) => start(face, args),
  render: ({ status, seen, ran }, paint) =>
    status === undefined || seen || ran ? "" : renderStatus(status, paint),
  toJson: ({ status, ran }) => (ran ? undefined : status),
  exitCode: ({ exitCode }) => exitCode,
});

async function start(face: Face, args: Readonly<Record<string, unknown>>): Promise<StartOutcome> {
  const { config: file, noRepl, noHttp, fresh, run = [], ...flags } = args;
  const typed = readRun(face.commands, run as readonly string[]);
  const config = readConfig({
    flags: {
      ...flags,
      // Whoever says what to run has no more to say.
      ...((noRepl === true || typed.length > 0) && { repl: false }),
      ...(noHttp === true && { http: "off" }),
    },
    env: face.env,
    cwd: face.cwd,
    file: file as string | undefined,
  });
  const { settings, sources } = config;
  const http = httpPlan(settings, sources.http !== "default", typed.length > 0);
  const begin = { fresh: fresh === true, http };
  if (settings.thaw === undefined) return new RunningMesh(face, settings, typed, begin).run();
  const from = await readCut(settings.thaw);
  return new RunningMesh(face, sizedLike(from, config), typed, { ...begin, from }).run();
}

/** A script needs no port, unless it asks for one. */
function httpPlan(settings: Settings, isNamed: boolean, isScript: boolean): HttpPlan | undefined {
  const { http, httpTokenFile, httpName } = settings;
  if (http === "off" || (isScript && !isNamed)) return undefined;
  const tls = tlsOf(settings, http);
  return { address: http, tokenFile: httpTokenFile, isNamed, name: httpName, tls };
}

/** Nothing leaves this machine in the open. */
function tlsOf(
  { tlsCert, tlsKey, httpPlain }: Settings,
  { host }: ListenAddress,
): TlsFiles | undefined {
  if (tlsCert !== undefined && tlsKey !== undefined) return readTls(tlsCert, tlsKey);
  if (tlsCert !== undefined || tlsKey !== undefined) {
    const [given, missing] = tlsCert === undefined ? ["key", "cert"] : ["cert", "key"];
    throw new ConfigError([`tls-${missing}: expected a file beside tls-${given}, got none`]);
  }
  if (isLoopback(host) || httpPlain === true) return undefined;
  throw new ConfigError([
    `http: expected --tls-cert and --tls-key with ${JSON.stringify(host)}, which is beyond this machine, got ` +
      "neither: nothing is served there but over TLS 1.3",
  ]);
}

/** The settings with the size of a frozen mesh, where nobody has set another. */
function sizedLike({ topology }: Cut, { settings, sources }: Config): Settings {
  const { sectors, clustersPerSector: clusters, agentsPerCluster: agents } = topology;
  return {
    ...settings,
    ...(sources.sectors === "default" && { sectors }),
    ...(sources.clusters === "default" && { clusters }),
    ...(sources.agents === "default" && { agents }),
  };
}

/** The settings as flags. Their values are read by config.ts, which knows where each was written. */
function startParameters(): Record<string, Parameter> {
  const parameters: Record<string, Parameter> = {
    config: {
      schema: text("the path of a YAML file").optional(),
      help: "YAML file of settings; relative paths in it start from its folder",
      value: "file",
    },
  };
  for (const [key, { help, value, fallback }] of Object.entries(SETTINGS)) {
    if (FLAGS.includes(key)) continue;
    const standard = fallback === undefined ? "" : ` (default: ${shown(key, fallback)})`;
    parameters[key] = { schema: text(value).optional(), help: help + standard, value };
  }
  parameters.run = {
    schema: lines("commands").optional(),
    help: "run a command on the fresh mesh; may be given several times",
    value: "command",
    repeats: true,
  };
  parameters.fresh = {
    schema: flag().optional(),
    help: "set aside what the data folder has of states and messages, and begin anew",
  };
  for (const key of ["httpPlain", "requireLogin", "watch"] as const)
    parameters[key] = { schema: flag().optional(), help: SETTINGS[key].help };
  parameters.noRepl = { schema: flag().optional(), help: "read no commands from stdin" };
  parameters.noHttp = { schema: flag().optional(), help: "serve no dashboard and no HTTP API" };
  return parameters;
}

function shown(key: string, fallback: unknown): string {
  if (key === "http") return writeAddress(fallback as ListenAddress);
  return flagOf(key) === "drain" ? `${Number(fallback) / 1_000}s` : String(fallback);
}
