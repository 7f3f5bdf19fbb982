// Which measured system stands in for which impedance class. A class is given round trips (paths) and
// processing times (works), often from different sources: no one source measured both ends of a machine
// that is far away. The parts are those the project's figures for prediction are measured on.
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { InvalidOptionError } from "../actors/errors.ts";
import type { ImpedanceClass } from "../coordination/impedance-class.ts";
import { drawPeople, drawServerless } from "./drawn-series.ts";
import { readTraceFile, type Series } from "./trace-file.ts";

/** What the agents of one class replay; one of the two lists may be empty, not both. */
export interface ClassTraces {
  /** Series with a round trip. One that measured processing as well is its own work. */
  readonly paths: readonly Series[];
  /** Series with processing only, to be put at the end of any path. */
  readonly works: readonly Series[];
}

/** What a folder holds for each class; a class it has nothing for is left out. */
export type FolderTraces = ReadonlyMap<ImpedanceClass, ClassTraces>;

/** What every class of a mesh replays. */
export type TraceMix = Readonly<Record<ImpedanceClass, ClassTraces>>;

/** How many files a folder may hold. */
export const MAX_FILES = 256;

/** Medians of processing above this are off the impedance scale (0–1000), so they are left out. */
const MAX_MEDIAN_MS = 1_000;

interface Part {
  readonly classes: readonly ImpedanceClass[];
  readonly as: "path" | "work";
  /** Only the streams whose name ends so. */
  readonly suffix?: string;
}

/** The parts of files known by name; the streams of any other file go where their class field says. */
const PARTS: ReadonlyMap<string, Part> = new Map<string, Part>([
  ["cell5g", { classes: ["CLASS_A_EDGE"], as: "path" }],
  ["faas", { classes: ["CLASS_B_SERVERLESS"], as: "work" }],
  ["atlas", { classes: ["CLASS_C_PERSISTENT", "CLASS_D_GPU"], as: "path" }],
  ["vm", { classes: ["CLASS_C_PERSISTENT"], as: "work" }],
  ["llm", { classes: ["CLASS_D_GPU"], as: "work", suffix: "-ttft" }],
  ["seattle", { classes: ["CLASS_E_LOCAL"], as: "path" }],
]);

/** Known files that are in no class: modelled service times, series of 18 samples, cold starts. */
const UNUSED: ReadonlySet<string> = new Set(["queue", "planetlab", "faas_cold"]);

const FILE_ENDING = ".csv.gz";

/**
 * What every class replays: the traces of `directory` where it has any, else the shipped ones, else (for
 * serverless functions and people) the drawn ones.
 */
export async function loadTraceMix(directory?: string): Promise<TraceMix> {
  const chosen: FolderTraces = directory === undefined ? new Map() : await loadTraces(directory);
  // A folder that says everything costs no second reading.
  const isComplete = SHIPPED_CLASSES.every((impedanceClass) => chosen.has(impedanceClass));
  const shipped: FolderTraces = isComplete ? new Map() : await loadTraces(shippedDirectory());
  const pick = (impedanceClass: ImpedanceClass): ClassTraces => {
    const traces = chosen.get(impedanceClass) ?? shipped.get(impedanceClass);
    if (traces !== undefined) return traces;
    throw new Error(
      `the shipped traces hold none for ${impedanceClass}: install the package again`,
    );
  };
  return {
    CLASS_A_EDGE: pick("CLASS_A_EDGE"),
    CLASS_B_SERVERLESS: chosen.get("CLASS_B_SERVERLESS") ?? work(drawServerless()),
    CLASS_C_PERSISTENT: pick("CLASS_C_PERSISTENT"),
    CLASS_D_GPU: pick("CLASS_D_GPU"),
    CLASS_E_LOCAL: pick("CLASS_E_LOCAL"),
    CLASS_F_HUMAN: chosen.get("CLASS_F_HUMAN") ?? { paths: [], works: drawPeople() },
  };
}

const SHIPPED_CLASSES: readonly ImpedanceClass[] = [
  "CLASS_A_EDGE",
  "CLASS_C_PERSISTENT",
  "CLASS_D_GPU",
  "CLASS_E_LOCAL",
];

/** Reads every trace of a folder that is in some class; errors name the file, the line and the field. */
export async function loadTraces(directory: string): Promise<FolderTraces> {
  const names = await traceFiles(directory);
  // Unpacking runs on other threads, so one file unpacks while another is scanned here.
  const files = await Promise.all(names.map((name) => readTraceFile(join(directory, name))));
  const paths = new Map<ImpedanceClass, Series[]>();
  const works = new Map<ImpedanceClass, Series[]>();
  for (const [index, series] of files.entries()) {
    const part = PARTS.get(basename(names[index], FILE_ENDING));
    for (const one of series) assign(one, part, paths, works);
  }
  const classes = new Set([...paths.keys(), ...works.keys()]);
  return new Map(
    [...classes].map((name) => [
      name,
      { paths: paths.get(name) ?? [], works: works.get(name) ?? [] },
    ]),
  );
}

/** The shipped traces: `examples/traces`, beside the sources or one folder above what is built. */
export function shippedDirectory(): string {
  const places = ["../examples/traces/", "../../examples/traces/"].map((place) =>
    fileURLToPath(new URL(place, import.meta.url)),
  );
  return places.find(existsSync) ?? places[0];
}

async function traceFiles(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT" && error.code !== "ENOTDIR") throw error;
    throw new InvalidOptionError("traces", directory, "a folder that exists");
  });
  // Sorted, because the order of series decides which agent replays which.
  const names = entries
    .filter((name) => name.endsWith(FILE_ENDING) && !UNUSED.has(basename(name, FILE_ENDING)))
    .sort();
  if (names.length === 0 || names.length > MAX_FILES) {
    const expected = `a folder of 1 to ${MAX_FILES} traces (*${FILE_ENDING})`;
    throw new InvalidOptionError("traces", directory, `${expected}, not ${names.length}`);
  }
  return names;
}

/** Puts a series into the lists of its classes. */
function assign(
  series: Series,
  part: Part | undefined,
  paths: Map<ImpedanceClass, Series[]>,
  works: Map<ImpedanceClass, Series[]>,
): void {
  if (part?.suffix !== undefined && !series.name.endsWith(part.suffix)) return;
  if (part?.as === "work" && isTooSlow(series)) return;
  const isPath = series.rttMs.length > 0;
  const lists = isPath ? paths : works;
  for (const name of part?.classes ?? [series.impedanceClass]) {
    const list = lists.get(name);
    if (list === undefined) lists.set(name, [series]);
    else list.push(series);
  }
}

function work(series: readonly Series[]): ClassTraces {
  return { paths: [], works: series.filter((one) => !isTooSlow(one)) };
}

function isTooSlow(series: Series): boolean {
  const sorted = series.processingMs.toSorted();
  return sorted[sorted.length >> 1] > MAX_MEDIAN_MS;
}
