/** `freeze`, `thaw` and `diff`: a mesh stands still, goes on, and what was between two such moments. */
import { resolve } from "node:path";
import type { FreezeResult, ThawResult } from "../../runtime/api/freeze-api.ts";
import { type CutDiff, diffCuts } from "../../runtime/freeze/cut-diff.ts";
import { readCut } from "../../runtime/freeze/cut-file.ts";
import { sentenceOf } from "../../runtime/freeze/freezer.ts";
import { type MeshCommand, meshCommand } from "../command/command.ts";
import { flag, text, wholeNumber } from "../command/values.ts";
import { liveCut } from "../reports/live-cut.ts";
import { UsageError } from "../terminal/exit.ts";
import { formatBytes, formatDuration, formatMoment, formatNumber } from "../terminal/format.ts";
import type { Paint } from "../terminal/paint.ts";
import { table } from "../terminal/table.ts";

/** `freeze [scope]`. */
export const freezeCommand: MeshCommand = meshCommand({
  name: "freeze",
  help: "Stop all agents, or those of a sector or cluster, between two messages; preserve the state.",
  details:
    "Messages wait, times to live and timers stand still. Of the whole mesh the state is preserved " +
    "in a file under frozen/ of the data folder, from which start --thaw FILE begins elsewhere; a " +
    "part of a mesh is frozen in memory only, and operations go around it. Exit code 1 when a worker " +
    "did not stop in time: it is named, and stops as soon as it can.",
  parameters: {
    scope: {
      schema: text("`all` or an address").optional(),
      help: "all (default), or a sector, a cluster, an agent",
      place: "positional",
      complete: "address",
    },
    to: {
      schema: text("the path of a file").optional(),
      help: "preserve the state in this file (relative to where the mesh runs)",
      value: "file",
    },
    noFile: { schema: flag().optional(), help: "preserve the state nowhere" },
  },
  examples: ["freeze", "freeze sector-7", "freeze --to /mesh/frozen/before-the-change.mesh"],
  changes: true,
  check: ({ to, noFile }) => {
    if (to !== undefined && noFile === true)
      throw new UsageError("freeze: --to and --no-file do not go together", "freeze");
  },
  run: ({ mesh }, { scope, to, noFile }): Promise<FreezeResult> => {
    const file = noFile === true ? false : to && resolve(to);
    return mesh.freeze(scope, file === undefined ? {} : { file });
  },
  render: renderFreeze,
  failed: ({ late }) => late.length > 0,
});

function renderFreeze(result: FreezeResult, paint: Paint): string {
  const { scope, agents, barrierMs, late, preserved, suspended } = result;
  const isAll = scope === "all";
  const what = isAll ? "MESH FROZEN" : `${scope} FROZEN`;
  const lines = [
    paint.bold(what),
    `${isAll ? "All " : ""}${formatNumber(agents)} agents paused`,
    ...(preserved?.file === undefined ? [] : [`State preserved to ${preserved.file}`]),
    `To resume: mesh.thaw(${isAll ? "" : JSON.stringify(scope)})`,
  ];
  const facts = [`stood still within ${formatDuration(barrierMs)}`];
  if (suspended > 0) facts.push(`${formatNumber(suspended)} turns await something`);
  if (preserved !== undefined) {
    const { snapshots, messages, bytes, withoutSnapshot, unkept } = preserved;
    facts.push(`${formatNumber(snapshots)} states, ${formatNumber(messages)} messages`);
    for (const what of ["timers", "children", "operations"] as const)
      if (preserved[what] > 0) facts.push(`${formatNumber(preserved[what])} ${what}`);
    if (unkept > 0) facts.push(`${formatNumber(unkept)} timers and children cannot be preserved`);
    if (bytes !== undefined) facts.push(formatBytes(bytes));
    if (withoutSnapshot > 0)
      facts.push(`${formatNumber(withoutSnapshot)} agents without snapshot would begin anew`);
    if (preserved.file === undefined) facts.push("in this process only");
  }
  lines.push(paint.dim(facts.join("; ")));
  if (late.length > 0) lines.push(paint.red(`${sentenceOf(late)}; no state is preserved`));
  return lines.join("\n");
}

/** `thaw [scope]`. */
export const thawCommand: MeshCommand = meshCommand({
  name: "thaw",
  help: "Let what is frozen go on: all of it, or one part.",
  details: "A file of a frozen mesh is thawed by start --thaw FILE.",
  parameters: {
    scope: {
      schema: text("`all` or an address").optional(),
      help: "all (default), or what was frozen by itself",
      place: "positional",
      complete: "address",
    },
  },
  examples: ["thaw", "thaw sector-7"],
  changes: true,
  // Freezing is easy, thawing is not: whoever froze it had a reason.
  destroys: true,
  run: ({ mesh }, { scope }): Promise<ThawResult> => mesh.thaw(scope),
  render: ({ scope, agents, stoodMs }, paint) =>
    [
      paint.bold(scope === "all" ? "MESH THAWED" : `${scope} THAWED`),
      `${formatNumber(agents)} agents go on after ${formatDuration(stoodMs)}`,
    ].join("\n"),
});

/** Agents and messages that are named unless somebody wants more. */
const NAMED = 20;
/** The running mesh, where the path of a file could stand. */
const LIVE = "live";

/** Where the person is, a path is known as they mean it. */
function pathOf(written: string): string {
  return written === LIVE ? LIVE : resolve(written);
}

/** `diff A B`, `diff A`. */
export const diffCommand: MeshCommand = meshCommand({
  name: "diff",
  help: "Compare two frozen meshes, or one with the mesh that runs: agents, messages, estimates, counts.",
  details:
    "Without a second file, or with `live` in its place, the mesh that runs is compared: it stands still for as " +
    "long as a cut of it is taken, and one that is frozen stays so. Two files are compared where no mesh runs, too.",
  parameters: {
    first: {
      schema: text("the path of a file"),
      help: "frozen before",
      place: "positional",
      fromText: pathOf,
    },
    second: {
      schema: text("the path of a file, or live").optional(),
      help: "frozen after, or live (default): the mesh that runs",
      place: "positional",
      fromText: pathOf,
    },
    limit: {
      schema: wholeNumber(0, 1_000_000).optional(),
      help: "at most so many agents and messages by name (default: 20)",
      value: "N",
    },
  },
  examples: ["diff monday.mesh tuesday.mesh", "diff monday.mesh"],
  // Who is looked at while it runs has to stand still for a moment.
  changes: ({ second = LIVE }) => second === LIVE,
  touches: () => "all",
  run: async ({ mesh }, { first, second = LIVE, limit }): Promise<CutDiff> =>
    second === LIVE
      ? diffCuts(await readCut(resolve(first)), (await liveCut(mesh, "diff")).cut, limit ?? NAMED)
      : diffFiles(first, second, limit),
  withoutMesh: (_dataDir, { first, second = LIVE, limit }) =>
    second === LIVE ? undefined : diffFiles(first, second, limit),
  render: renderDiff,
});

async function diffFiles(first: string, second: string, limit = NAMED): Promise<CutDiff> {
  return diffCuts(await readCut(resolve(first)), await readCut(resolve(second)), limit);
}

function signed(count: number): string {
  return count > 0 ? `+${formatNumber(count)}` : formatNumber(count);
}

function renderDiff(diff: CutDiff, paint: Paint): string {
  const { agents, messages, belongings, estimates, routes, counts, takenMs } = diff;
  const rows = [
    ...Object.entries(agents.counts).map(([change, count]) => [
      "agents",
      change,
      formatNumber(count),
    ]),
    ["messages", "gone", formatNumber(messages.gone)],
    ["messages", "new", formatNumber(messages.new)],
    ...Object.entries(belongings).map(([kind, count]) => ["belongings", kind, signed(count)]),
    ...Object.entries(estimates).map(([name, count]) => ["estimates", name, formatNumber(count)]),
    ["routes", "gone", routes.gone.join(", ") || "0"],
    ["routes", "new", routes.new.join(", ") || "0"],
    ...Object.entries(counts).map(([name, count]) => ["counts", name, signed(count)]),
  ].filter(([, , value]) => value !== "0");
  const columns = [
    { heading: "OF" },
    { heading: "WHAT" },
    { heading: "DIFFERENCE", align: "right" as const },
  ];
  const named = [
    ...agents.changes.map(({ address, change, from, to }) =>
      from === undefined ? `${address} ${change}` : `${address} ${change}: ${from} → ${to}`,
    ),
    ...messages.changes.map(
      ({ change, target, sender, sequence }) =>
        `message ${sequence} of ${sender ?? "outside"} to ${target} ${change}`,
    ),
  ];
  const [before, after] = takenMs.map(formatMoment);
  return [
    `${before} → ${after}, ${formatNumber(messages.same)} messages in flight in both`,
    table(columns, rows, "nothing differs", paint),
    ...named,
  ].join("\n");
}
