/** `heal`: finds what is wrong, says what it will do, does it, and sees whether that helped. */
import type { HealFinding, HealRemedy, HealResult } from "../../runtime/api/heal-api.ts";
import { type MeshCommand, meshCommand } from "../command/command.ts";
import { flag, text } from "../command/values.ts";
import { formatNumber } from "../terminal/format.ts";
import type { Paint } from "../terminal/paint.ts";

/** Findings and failures that people are shown. */
const SHOWN = 20;

const REMEDIES: Readonly<Record<HealRemedy, string>> = Object.freeze({
  restart: "restart it",
  replace: "replace it",
  "replace-worker": "replace it",
  wait: "wait for it",
  "bring-home": "give it back to a lead of its own",
  "reset-circuit": "reset it",
  none: "left to you: see dead-letters",
});

/** `heal [auto|sector-12|sector-12/cluster-3|…/agent-4|worker-1] [--dry-run]`. */
export const healCommand: MeshCommand = meshCommand({
  name: "heal",
  help: "Find what is wrong, put it right, and see whether that helped.",
  details:
    "Agents that have stopped or are offline are restarted, those in quarantine replaced, workers that are " +
    "blocked or were given up begin anew, clusters in another's care come home, circuits are reset. Each " +
    "agent must then take a turn. Exit code 1 when something is not well for all that.",
  parameters: {
    target: {
      schema: text("auto, an address or a worker such as worker-1").optional(),
      help: "auto (default: everything), an address, or a worker such as worker-1",
      place: "positional",
      complete: "worker",
    },
    dryRun: { schema: flag().optional(), help: "only say what it would do" },
  },
  examples: ["heal auto --dry-run", "heal sector-12", "heal sector-7/cluster-4", "heal worker-1"],
  changes: true,
  run: ({ mesh, tell }, { target, dryRun }): Promise<HealResult> =>
    mesh.heal(target ?? "auto", {
      ...(dryRun === true && { dryRun }),
      ...(tell && { onPlan: (plan) => tell(`plan: ${planLine(plan, plan.length)}`) }),
    }),
  render: renderHealing,
  failed: ({ healthy, dryRun }) => !healthy && !dryRun,
});

/** What was done, in the words of spec 7.1: a line only for what was. */
export function renderHealing(result: HealResult, paint: Paint): string {
  const name = result.target.toUpperCase();
  if (result.dryRun) return renderPlan(name, result, paint);
  if (result.found === 0) return `${name} is ${paint.green("HEALTHY")}: nothing to heal`;
  const lines = [`Healing ${name}:`, ...doneLines(result).map((line) => `- ${line}`)];
  if (result.healthy) lines.push(`${name} restored to ${paint.green("HEALTHY")}`);
  else {
    lines.push(`${name} is ${paint.red("NOT HEALTHY")}:`);
    for (const { subject, why } of result.failed.slice(0, SHOWN)) lines.push(`- ${subject} ${why}`);
    if (result.failed.length > SHOWN) lines.push(`- ${more(result.failed.length)}`);
  }
  return lines.join("\n");
}

function doneLines(result: HealResult): string[] {
  const { restarted, replaced, workers, contexts, broughtHome, circuits, plan } = result;
  const lines = workers.map((worker) => `${worker.toUpperCase()} replaced`);
  if (restarted > 0) lines.push(`${agents(restarted)} restarted`);
  if (replaced > 0) lines.push(`${agents(replaced)} replaced`);
  for (const { from } of contexts) lines.push(`Context synced from ${from.toUpperCase()}`);
  for (const cluster of broughtHome) lines.push(`${cluster.toUpperCase()} led by its own again`);
  if (circuits.length > 0)
    lines.push(
      circuits.length === 1 ? "Circuit breaker reset" : `${circuits.length} circuit breakers reset`,
    );
  const held = plan.filter(({ remedy }) => remedy === "none").length;
  if (held > 0) lines.push(`Poison of ${agents(held)} kept in dead-letters`);
  return lines;
}

function renderPlan(name: string, { plan, found }: HealResult, paint: Paint): string {
  if (found === 0) return `${name} is ${paint.green("HEALTHY")}: nothing to heal`;
  const lines = [`Plan for ${name}: ${planLine(plan, found)}`];
  for (const { subject, problem, remedy } of plan.slice(0, SHOWN))
    lines.push(`- ${subject} is ${paint.yellow(problem)}: ${REMEDIES[remedy]}`);
  if (found > SHOWN) lines.push(`- ${more(found)}`);
  return lines.join("\n");
}

/** How much of each remedy, in one line. */
function planLine(plan: readonly HealFinding[], found: number): string {
  const counts = new Map<HealRemedy, number>();
  for (const { remedy } of plan) counts.set(remedy, (counts.get(remedy) ?? 0) + 1);
  const parts = [...counts].map(([remedy, count]) => `${formatNumber(count)} to ${VERBS[remedy]}`);
  if (found > plan.length) parts.push(`${formatNumber(found - plan.length)} more`);
  return parts.join(", ") || "nothing to heal";
}

const VERBS: Readonly<Record<HealRemedy, string>> = Object.freeze({
  restart: "restart",
  replace: "replace",
  "replace-worker": "begin anew",
  wait: "wait for",
  "bring-home": "bring home",
  "reset-circuit": "reset",
  none: "leave to you",
});

function agents(count: number): string {
  return `${formatNumber(count)} ${count === 1 ? "agent" : "agents"}`;
}

function more(count: number): string {
  return `and ${formatNumber(count - SHOWN)} more, which --json lists`;
}
