/** `doctor`: whether this machine can run a mesh. It needs none. */

import { type FaceCommand, faceCommand } from "../command/command.ts";
import { dataFolder } from "../command/config.ts";
import { text, wholeNumber } from "../command/values.ts";
import { lookAtMachine, type Machine, STANDARD_PORT } from "../reports/machine.ts";
import { type CheckLine, renderLines } from "../terminal/check-line.ts";
import { EXIT } from "../terminal/exit.ts";
import { formatBytes, formatNumber } from "../terminal/format.ts";
import type { Paint } from "../terminal/paint.ts";

/** How a part of the machine is for a mesh: a warning costs speed or comfort, a failure a promise. */
export type MachineGrade = "ok" | "warn" | "fail";

/** What `doctor --json` prints. */
export interface Diagnosis {
  /** The worst of its lines. */
  readonly verdict: MachineGrade;
  readonly checks: readonly CheckLine<MachineGrade>[];
}

const GIB = 1024 ** 3;
/** Agents of the mesh that the memory is measured by. */
const STANDARD_AGENTS = 30_000;
/** Below this a mesh of 30,000 agents has to be told to take less, bytes. */
const TIGHT_MEMORY = 2 * GIB;
/** Below this there is no room for any mesh of use, bytes. */
const LEAST_MEMORY = GIB / 4;
const LEAST_NODE = 20;
const FEW_FILES = 1_024;
const LEAST_FILES = 256;
const LITTLE_DISK = 2 * GIB;
const LEAST_DISK = GIB / 8;
/** Coarser clocks blur arrivals, which are planned to the millisecond, ms. */
const COARSE_CLOCK_MS = 0.1;

/** `doctor [--port N] [--data DIR]`. */
export const doctorCommand: FaceCommand = faceCommand({
  name: "doctor",
  help: "Check this machine: cores, memory, Node, limits, clock, native parts, data folder, port, socket.",
  details:
    "It needs no mesh. Each line is ok, warn or fail, with the cure. Exit code 1 when something fails; " +
    "a port that the mesh of this data folder itself holds is a warning.",
  parameters: {
    port: {
      schema: wholeNumber(1, 65_535).optional(),
      help: `port that has to be free (default: ${STANDARD_PORT})`,
      value: "N",
    },
    data: {
      schema: text("the path of a folder").optional(),
      help: "data folder (default: MESH_DATA, or .mesh-30k here)",
      value: "dir",
    },
  },
  examples: ["doctor", "doctor --json", "doctor --data /srv/mesh --port 8080"],
  inRepl: true,
  run: async (face, { port = STANDARD_PORT, data }): Promise<Diagnosis> =>
    diagnose(await lookAtMachine(face, dataFolder(face, data ?? face.data), port)),
  render: renderDiagnosis,
  exitCode: ({ verdict }) => (verdict === "fail" ? EXIT.failure : EXIT.ok),
});

/** Says of each part of a machine how it is for a mesh. */
export function diagnose(machine: Machine): Diagnosis {
  const checks = [
    cores(machine),
    memory(machine),
    node(machine),
    files(machine),
    clock(machine),
    sharing(machine),
    codec(machine),
    sqlite(machine),
    folder(machine),
    disk(machine),
    port(machine),
    socket(machine),
  ];
  const worst = (["fail", "warn"] as const).find((grade) =>
    checks.some((check) => check.grade === grade),
  );
  return { verdict: worst ?? "ok", checks };
}

type Check = CheckLine<MachineGrade>;

function line(name: string, grade: MachineGrade, found: string, cure?: string): Check {
  return { name, grade, found, ...(cure !== undefined && grade !== "ok" && { cure }) };
}

function cores({ cores: count }: Machine): Check {
  const grade = count >= 2 ? "ok" : "warn";
  const found = `${formatNumber(count)} ${count === 1 ? "core" : "cores"}`;
  return line("cores", grade, found, "agents and the mesh itself share one core: give it two");
}

function memory({ memoryBytes, freeBytes }: Machine): Check {
  const grade = memoryBytes < LEAST_MEMORY ? "fail" : memoryBytes < TIGHT_MEMORY ? "warn" : "ok";
  const found = `${formatBytes(memoryBytes)}, of which ${formatBytes(freeBytes)} are free now`;
  const cure = `${formatNumber(STANDARD_AGENTS)} agents want 2 GiB: start with fewer --sectors, or less --custody`;
  return line("memory", grade, found, cure);
}

function node({ node: version }: Machine): Check {
  const grade = Number.parseInt(version, 10) >= LEAST_NODE ? "ok" : "fail";
  return line("node", grade, version, `install Node ${LEAST_NODE} or later`);
}

function files({ openFiles }: Machine): Check {
  if (openFiles === undefined)
    return line("open files", "warn", "not to be had", "ask the shell: ulimit -n");
  const grade = openFiles < LEAST_FILES ? "fail" : openFiles < FEW_FILES ? "warn" : "ok";
  const found = Number.isFinite(openFiles) ? formatNumber(openFiles) : "unlimited";
  return line("open files", grade, found, "raise it before the start: ulimit -n 4096");
}

function clock({ clockStepMs }: Machine): Check {
  const grade = clockStepMs <= COARSE_CLOCK_MS ? "ok" : "warn";
  const found = Number.isFinite(clockStepMs)
    ? `steps of ${(clockStepMs * 1_000).toFixed(2)} µs`
    : "stands still";
  return line(
    "clock",
    grade,
    found,
    "arrivals are as blurred as the clock: use another clock source",
  );
}

function sharing({ sharedMemory, waitAsync }: Machine): Check {
  const missing = [
    ...(sharedMemory ? [] : ["SharedArrayBuffer"]),
    ...(waitAsync ? [] : ["Atomics.waitAsync"]),
  ];
  if (missing.length === 0) return line("threads", "ok", "shared memory and Atomics.waitAsync");
  const cure = `run Node ${LEAST_NODE} or later without flags that take them away`;
  return line("threads", "fail", `without ${missing.join(" and ")}`, cure);
}

function codec({ nativeCodec }: Machine): Check {
  if (nativeCodec) return line("codec", "ok", "msgpackr with its native part");
  const cure = "strings are read more slowly: npm rebuild msgpackr-extract";
  return line("codec", "warn", "msgpackr without its native part", cure);
}

function sqlite({ sqlite: driver }: Machine): Check {
  if (driver !== undefined) return line("sqlite", "ok", driver);
  const cure = "a mesh with a data folder needs it: npm install libsql, or run Node 22.13 or later";
  return line("sqlite", "fail", "neither node:sqlite nor libsql", cure);
}

function folder({ data }: Machine): Check {
  const { path, exists, trouble } = data;
  const found = trouble ?? `${path} ${exists ? "can be written" : "can be made"}`;
  const cure = "name a folder of yours: --data DIR or MESH_DATA";
  return line("data folder", trouble === undefined ? "ok" : "fail", found, cure);
}

function disk({ data: { freeBytes } }: Machine): Check {
  if (freeBytes === undefined)
    return line("disk", "warn", "free space not to be had", "look by hand: df");
  const grade = freeBytes < LEAST_DISK ? "fail" : freeBytes < LITTLE_DISK ? "warn" : "ok";
  const cure = "make room, or name a folder on another disk: --data DIR";
  return line("disk", grade, `${formatBytes(freeBytes)} free for the data folder`, cure);
}

function port({ port: { number, trouble } }: Machine): Check {
  if (trouble === undefined) return line("port", "ok", `${number} is free`);
  const cure = "a mesh of yours may have it: status; otherwise choose another port";
  return line("port", "warn", `${number} is taken: ${trouble}`, cure);
}

function socket({ socket: found }: Machine): Check {
  if ("path" in found)
    return line("socket", "ok", `${found.path} (${Buffer.byteLength(found.path)} bytes)`);
  return line("socket", "fail", found.trouble, "name a folder with a shorter path: --data DIR");
}

function renderDiagnosis({ verdict, checks }: Diagnosis, paint: Paint): string {
  const sentence = {
    ok: "This machine can run a mesh.",
    warn: "This machine can run a mesh; what is marked costs speed or comfort.",
    fail: "This machine cannot run a mesh as it is: cure what fails.",
  }[verdict];
  return `${renderLines(checks, paint)}\n${paint.bold(sentence)}`;
}
