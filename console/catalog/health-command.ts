/** `health`: the daily check (spec 10.1). */
import { systemClock } from "../../runtime/machine/clock.ts";
import { type MeshCommand, meshCommand } from "../command/command.ts";
import { type HealthReport, healthOf } from "../reports/health.ts";
import { renderLines } from "../terminal/check-line.ts";
import type { Paint } from "../terminal/paint.ts";
import { tame } from "../terminal/text-width.ts";

/** Things to do that are shown; the lines have them all. */
const MOST_TODO = 5;

/** `health`. */
export const healthCommand: MeshCommand = meshCommand({
  name: "health",
  help: "Make the daily check: breakers, conflicts, churn, impedance, workers, backups; and what to do.",
  details:
    "Each line is ok, attention (within the day) or critical (now), with the command that does something about it. " +
    "Exit code 0 when all is ok, 1 when anything needs attention.",
  parameters: {},
  examples: ["health", "health --json"],
  changes: false,
  run: ({ mesh }) => healthOf(mesh, systemClock.nowMs()),
  render: renderHealth,
  failed: ({ verdict }) => verdict !== "ok",
});

function renderHealth({ verdict, lines, todo }: HealthReport, paint: Paint): string {
  const page = renderLines(lines, paint);
  if (verdict === "ok") return `${page}\n${paint.green("HEALTHY")}: nothing needs you today`;
  const count = lines.filter(({ grade }) => grade !== "ok").length;
  const needs = `${count} of ${lines.length} lines need you`;
  const word = verdict === "critical" ? paint.red("CRITICAL") : paint.yellow("ATTENTION");
  const when = verdict === "critical" ? "now" : "today";
  return [
    page,
    `${word}: ${needs} ${when}. In this order:`,
    ...todo.slice(0, MOST_TODO).map((command, at) => `  ${at + 1}. ${tame(command)}`),
  ].join("\n");
}
