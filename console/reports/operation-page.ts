/** What became of an operation, and what will probably become of one, for people. */
import type { AgentPlan, Forecast } from "../../runtime/api/operation-api.ts";
import {
  formatDuration,
  formatMoment,
  formatMs,
  formatNumber,
  formatShare,
} from "../terminal/format.ts";
import type { Paint } from "../terminal/paint.ts";
import { type Column, facts, table } from "../terminal/table.ts";
import { tame } from "../terminal/text-width.ts";
import type { ErrorQuantiles, OperationDocument, PhaseDocument } from "./operation-report.ts";

const SKIP_COLUMNS: readonly Column[] = [
  { heading: "SKIPPED AGENT" },
  { heading: "WOULD NEED", align: "right" },
  { heading: "AVAILABLE", align: "right" },
];

/** The page of `scatter` and `cascade`. */
export function renderOperation(document: OperationDocument, paint: Paint): string {
  const { addressed, ready, conflict, transit, failed, skipped, selected } = document;
  const { achieved, count, p50Ms, p95Ms, p99Ms, elapsedMs } = document;
  const pairs: [string, string][] = [
    ["ready", `${formatNumber(ready)} (${formatShare(ready, addressed)})`],
    ["conflict", formatNumber(conflict)],
    ["transit", formatNumber(transit) + (failed > 0 ? `, ${formatNumber(failed)} failed` : "")],
    ["skipped", `${formatNumber(skipped)} of ${formatNumber(selected)} selected`],
    [
      "quorum",
      achieved === 0
        ? "not reached"
        : `after ${times(count, { p50: p50Ms, p95: p95Ms, p99: p99Ms })}`,
    ],
    ["elapsed", times(count, elapsedMs)],
    ...errors("READY − T", document.arrivalErrorMs, document.arrivalWithin50),
    ...errors("acting − T", document.actErrorMs, document.actWithin50),
    ...errors("release − plan", document.releaseErrorMs),
  ];
  if (known(document.arrivalErrorMs.p50)) pairs.push(["waited for T", formatMs(document.idleMs)]);
  for (const [name, tier] of Object.entries(document.tiers ?? {})) {
    const share = `${formatNumber(tier.reached)} of ${formatNumber(tier.expected)}`;
    pairs.push([name, `${share} confirmed after ${formatMs(tier.elapsedMs)}`]);
  }
  for (const phase of document.phases ?? []) pairs.push([phase.class, phaseLine(phase, paint)]);
  const conflicts = document.conflicts.map(({ address, detail }) => `${address}: ${detail.type}`);
  if (conflicts.length > 0) pairs.push(["in conflict", tame(conflicts.join("\n"))]);
  pairs.push(["operation", document.operationId]);
  return `${headline(document, paint)}\n${facts(pairs, paint)}`;
}

/** The page of `forecast`. */
export function renderForecast(forecast: Forecast, paint: Paint): string {
  const { arrivalMs, availableMs, earliestQuorumMs, selected, scheduled, skipped } = forecast;
  const share = formatShare(forecast.expectedReady, scheduled);
  const ready = `${formatNumber(forecast.expectedReady)} (${share} of those scheduled)`;
  // Both are times of the mesh clock: what is left until the one says when the other is.
  const earliestInMs = earliestQuorumMs - arrivalMs + availableMs;
  const page = facts(
    [
      ["T", `in ${formatDuration(availableMs)}, at ${formatMoment(arrivalMs)}`],
      ["scheduled", `${formatNumber(scheduled)} of ${formatNumber(selected)} selected`],
      ["skipped", formatNumber(skipped)],
      ["expected READY", ready],
      ["quorum", `${formatShare(forecast.quorumProbability, 1)} probable`],
      ["earliest quorum", earliest(earliestQuorumMs, earliestInMs)],
    ],
    paint,
  );
  return skipped === 0 ? page : `${page}\n\n${skipTable(forecast.skips, paint)}`;
}

function headline(document: OperationDocument, paint: Paint): string {
  const { count, achieved, quorum, addressed } = document;
  const agents = `${formatNumber(addressed)} agents`;
  const name = nameOf(document);
  const what =
    count === 1 ? `${name} to ${agents}` : `${formatNumber(count)} ${name}s, ${agents} in all`;
  if (quorum.achieved) return `${paint.green("READY")} ${what}`;
  const missed = count === 1 ? "" : ` in ${formatNumber(count - achieved)} of`;
  const { decision, reason, recommendation } = quorum;
  return [
    `${paint.red(`quorum missed${missed}`)} ${what}`,
    `${decision}: ${reason}; ${recommendation}`,
  ].join("\n");
}

/** `sync wave cascade`. */
function nameOf({ verb, strategy, command }: OperationDocument): string {
  return [verb, strategy, command].filter((word) => word !== undefined).join(" ");
}

function times(count: number, { p50, p95, p99 }: OperationDocument["elapsedMs"]): string {
  if (count === 1) return formatMs(p50);
  return `p50 ${formatMs(p50)}, p95 ${formatMs(p95)}, p99 ${formatMs(p99)}`;
}

/** A line, or none where there was nothing to be wrong about. */
function errors(name: string, quantiles: ErrorQuantiles, within50?: number): [string, string][] {
  const { p50, p90, p99 } = quantiles;
  if (!known(p50)) return [];
  const line = `p50 ${formatMs(p50)}, p90 ${formatMs(p90)}, p99 ${formatMs(p99)}`;
  const near = within50 === undefined ? "" : `; ${formatShare(within50, 1)} within 50ms`;
  return [[name, line + near]];
}

function phaseLine({ addressed, ready, threshold, degraded }: PhaseDocument, paint: Paint): string {
  const line = `${formatNumber(ready)} of ${formatNumber(addressed)} ready, ${formatShare(threshold, 1)} wanted`;
  return degraded ? `${line}, ${paint.yellow("degraded")}` : line;
}

function earliest(atMs: number, inMs: number): string {
  if (!known(atMs)) return "not to be reached";
  return `in ${formatDuration(Math.max(0, inMs))}, at ${formatMoment(atMs)}`;
}

function skipTable(skips: Forecast["skips"], paint: Paint): string {
  const rows = skips.map((skip: Extract<AgentPlan, { status: "SKIP" }>) => [
    skip.address,
    skip.reason === "circuit_open" ? "circuit open" : formatMs(skip.wouldNeedMs),
    skip.reason === "circuit_open" ? "–" : formatMs(skip.availableMs),
  ]);
  return table(SKIP_COLUMNS, rows, "none of them listed", paint);
}

/** Figures that are none travel as null. */
function known(figure: number | null): boolean {
  return figure !== null && Number.isFinite(figure);
}
