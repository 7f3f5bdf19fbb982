/** `scale`: more agents, or fewer, while the mesh runs (spec 10.2). */
import type {
  GrowResult,
  ScaledCluster,
  ScaleProgress,
  ScaleStatus,
  ShrinkResult,
} from "../../runtime/api/scale-api.ts";
import { type MeshCommand, meshCommand } from "../command/command.ts";
import { choice, duration, flag, text, wholeNumber } from "../command/values.ts";
import { UsageError } from "../terminal/exit.ts";
import { formatDuration, formatNumber } from "../terminal/format.ts";
import type { Paint } from "../terminal/paint.ts";

const ACTIONS = ["status", "add", "admit", "remove"] as const;
const DAY_MS = 86_400_000;
/** Clusters and agents that people are shown. */
const SHOWN = 5;

type Outcome = ScaleStatus | GrowResult | ShrinkResult;

const PHASES: Readonly<Record<ScaleProgress["phase"], string>> = Object.freeze({
  starting: "started",
  stabilizing: "stable",
  admitting: "in the routing pool",
  draining: "drained",
  stopping: "stopped",
});

/** `scale [status|add N|admit|remove N]`. */
export const scaleCommand: MeshCommand = meshCommand({
  name: "scale",
  help: "Add agents to the running mesh or remove some, or show how many it has and can have.",
  details:
    "New agents fill clusters that have room, then new ones in the least loaded sectors; there must be places in " +
    "reserve (`start --growth N`). They are routed around until each has sent heartbeats, has a stable profile and " +
    "takes a turn, then let in step by step; those that report conflicts are held back, and when they are many no " +
    "more are let in. `admit` tries again with those. `remove` takes whoever came last: they are routed around, " +
    "finish what they have and stop. It goes on when whoever asked has gone. Exit code 1 when it is not complete.",
  parameters: {
    action: {
      schema: choice(ACTIONS).optional(),
      help: "status (default), add, admit or remove",
      place: "positional",
      complete: ACTIONS,
    },
    count: {
      schema: wholeNumber(1, 10_000_000).optional(),
      help: "how many agents",
      place: "positional",
      value: "N",
    },
    within: {
      schema: text("an address such as sector-7 or sector-7/cluster-11").optional(),
      help: "only in this sector or cluster",
      value: "address",
      complete: "address",
    },
    stableBeats: {
      schema: wholeNumber(1, 1_000).optional(),
      help: "heartbeats on end with a steady impedance before an agent is let in (default: 3)",
      value: "N",
    },
    timeout: {
      schema: duration(1, DAY_MS).optional(),
      help: "how long they may take to become stable (default: 10m), or to finish (default: 30s)",
      value: "duration",
    },
    dryRun: { schema: flag().optional(), help: "only say what it would do" },
  },
  examples: [
    "scale",
    "scale add 1000 --dry-run",
    "scale add 1000",
    "scale remove 30 --within sector-7",
  ],
  changes: ({ action = "status", dryRun }) => action !== "status" && dryRun !== true,
  destroys: ({ action }) => action === "remove",
  check: ({ action = "status", count, within, stableBeats, timeout, dryRun }) => {
    const counts = action === "add" || action === "remove";
    if (counts && count === undefined)
      throw new UsageError(`scale: ${action} needs a <count>`, "scale", "count");
    if (!counts && count !== undefined)
      throw new UsageError(`scale: ${action} takes no count, got ${count}`, "scale", "count");
    if (action === "remove" && stableBeats !== undefined)
      throw new UsageError("scale: stableBeats goes with add and admit only", "scale");
    if (action === "status" && (within ?? timeout ?? stableBeats ?? dryRun) !== undefined)
      throw new UsageError("scale: status takes nothing more", "scale");
  },
  run: ({ mesh, tell }, args): Outcome | Promise<Outcome> => {
    const { action = "status", count = 0, within, stableBeats, timeout, dryRun } = args;
    const options = {
      ...(within !== undefined && { within }),
      ...(dryRun === true && { dryRun }),
      ...(tell !== undefined && { onProgress: (each: ScaleProgress) => tell(progressLine(each)) }),
    };
    const grow = {
      ...options,
      ...(stableBeats !== undefined && { stableBeats }),
      ...(timeout !== undefined && { timeoutMs: timeout }),
    };
    switch (action) {
      case "status":
        return mesh.scale.status();
      case "add":
        return mesh.scale.add(count, grow);
      case "admit":
        return mesh.scale.admit(grow);
      case "remove":
        return mesh.scale.remove(count, {
          ...options,
          ...(timeout !== undefined && { drainMs: timeout }),
        });
    }
  },
  render: renderOutcome,
  inverse: (_args, outcome) => {
    if (!("action" in outcome)) return undefined;
    if (outcome.action === "remove" && outcome.removed > 0)
      return { command: "scale", args: { action: "add", count: outcome.removed } };
    if (outcome.action === "add" && outcome.started > 0)
      return { command: "scale", args: { action: "remove", count: outcome.started } };
    return undefined;
  },
  failed: (outcome) => "action" in outcome && !outcome.complete,
  // Of those that are there, held back as they may be, the next command can be to take them away again.
  changed: (outcome) =>
    "action" in outcome &&
    (outcome.action === "remove" ? outcome.removed > 0 : outcome.started > 0),
});

function progressLine({ phase, done, total, conflicts }: ScaleProgress): string {
  const conflicted = conflicts === 0 ? "" : `; conflicts: ${formatNumber(conflicts)}`;
  return `${formatNumber(done)} of ${formatNumber(total)} agents ${PHASES[phase]}${conflicted}`;
}

function renderOutcome(outcome: Outcome, paint: Paint): string {
  if (!("action" in outcome)) return renderStatus(outcome, paint);
  return outcome.action === "remove" ? renderShrink(outcome, paint) : renderGrow(outcome, paint);
}

function renderStatus(status: ScaleStatus, paint: Paint): string {
  const lines = [
    `${paint.bold(formatNumber(status.agents))} agents in ${formatNumber(status.places)} places: ` +
      `${formatNumber(status.vacant)} can be added`,
  ];
  if (status.under !== undefined)
    lines.push(`- ${status.under.action}: ${progressLine(status.under)}`);
  if (status.outside > 0) {
    const some = status.outsiders.slice(0, SHOWN).join(", ");
    const more = status.outside > SHOWN ? ", …" : "";
    lines.push(
      `- ${paint.yellow(formatNumber(status.outside))} not in the routing pool: ${some}${more}`,
    );
  }
  return lines.join("\n");
}

function renderGrow(result: GrowResult, paint: Paint): string {
  const { action, asked, started, admitted, heldBack, halted, conflicts, elapsedMs } = result;
  if (result.dryRun)
    return [
      `Would ${action} ${agents(asked)}: ${whereOf(result.clusters, "new")}`,
      `- First ${listed(result.examples)}`,
      ...flight(result),
    ].join("\n");
  if (action === "admit" && asked === 0) return "Nobody is held back: nothing to admit";
  const lines = [
    action === "add"
      ? `Added ${agents(started)} in ${formatDuration(elapsedMs)}: ${whereOf(result.clusters, "new")}`
      : `Looked at ${agents(asked)} for ${formatDuration(elapsedMs)}`,
    `- ${paint.green(formatNumber(admitted))} in the routing pool`,
    `- Conflicts while they came in: ${formatNumber(conflicts)}`,
  ];
  if (heldBack.length > 0)
    lines.push(
      `- ${paint.yellow(formatNumber(asked - admitted))} routed around, until scale admit:`,
    );
  for (const { address, why } of heldBack.slice(0, SHOWN)) lines.push(`    ${address} ${why}`);
  if (heldBack.length > SHOWN) lines.push(`    and ${formatNumber(asked - admitted - SHOWN)} more`);
  if (halted !== undefined) lines.push(`- ${paint.red("Halted")}: ${halted}`);
  return lines.join("\n");
}

function renderShrink(result: ShrinkResult, paint: Paint): string {
  const { asked, removed, busy, elapsedMs } = result;
  if (result.dryRun)
    return [
      `Would remove ${agents(asked)}: ${whereOf(result.clusters, "whole")}`,
      `- First ${listed(result.examples)}`,
      ...flight(result),
    ].join("\n");
  const lines = [
    `Removed ${agents(removed)} in ${formatDuration(elapsedMs)}: ${whereOf(result.clusters, "whole")}`,
  ];
  if (busy.length > 0)
    lines.push(`- ${paint.yellow(agents(busy.length))} did not finish and stay:`);
  for (const { address, waiting } of busy.slice(0, SHOWN))
    lines.push(`    ${address}, ${formatNumber(waiting)} waiting`);
  return lines.join("\n");
}

/** `34 new clusters in 34 sectors`, `3 clusters in sector-7`. */
function whereOf(clusters: readonly ScaledCluster[], whole: string): string {
  const counts = [
    [clusters.filter((each) => each.whole).length, `${whole} `],
    [clusters.filter((each) => !each.whole).length, ""],
  ] as const;
  const parts = counts
    .filter(([count]) => count > 0)
    .map(
      ([count, kind]) => `${formatNumber(count)} ${kind}${count === 1 ? "cluster" : "clusters"}`,
    );
  const sectors = new Set(clusters.map(({ cluster }) => cluster.split("/")[0]));
  const [first] = sectors;
  const where = sectors.size === 1 ? first : `${formatNumber(sectors.size)} sectors`;
  return clusters.length === 0 ? "nobody" : `${parts.join(" and ")} in ${where}`;
}

function flight({ inFlight, vacant }: GrowResult | ShrinkResult): readonly string[] {
  const messages = `${formatNumber(inFlight)} ${inFlight === 1 ? "message" : "messages"} in flight`;
  return [`- ${messages}; ${formatNumber(vacant)} places are free now`];
}

function listed(addresses: readonly string[]): string {
  return `${addresses.slice(0, SHOWN).join(", ")}${addresses.length > SHOWN ? ", …" : ""}`;
}

function agents(count: number): string {
  return `${formatNumber(count)} ${count === 1 ? "agent" : "agents"}`;
}
