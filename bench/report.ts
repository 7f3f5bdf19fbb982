import { cpus, totalmem } from "node:os";
import type { Bench, Figure, Metric } from "./harness.ts";

/** One line of `--json`. */
export function jsonLine(figure: Figure): string {
  return JSON.stringify(figure);
}

/** What the figures were taken on: a figure without it says nothing. */
export function machine(): string {
  const processors = cpus();
  const model = processors[0]?.model.trim() ?? "unknown processor";
  const gib = Math.round(totalmem() / 1024 ** 3);
  const { arch, platform, version } = process;
  return `${processors.length} × ${model}, ${gib} GiB, ${platform} ${arch}, Node ${version}`;
}

/** Figures as rows for people: median, extremes, goal, and each peer with how much ours is ahead of it. */
export function table(benches: readonly Bench[], figures: readonly Figure[]): string {
  const rows = figures.map((figure) => row(metricOf(benches, figure), figure));
  const lines = [HEADINGS, ...rows];
  const widths = HEADINGS.map((_, column) =>
    Math.max(...lines.map((cells) => cells[column].length)),
  );
  const padded = lines.map((cells) =>
    cells
      .map((cell, i) => (NUMBER_COLUMNS.has(i) ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
      .join("  ")
      .trimEnd(),
  );
  return `${padded.join("\n")}\n`;
}

/** The same rows as a Markdown table. */
export function markdown(benches: readonly Bench[], figures: readonly Figure[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const rule = HEADINGS.map((_, i) => (NUMBER_COLUMNS.has(i) ? "---:" : "---"));
  const rows = figures.map((figure) => row(metricOf(benches, figure), figure));
  return `${[HEADINGS, rule, ...rows].map(line).join("\n")}\n`;
}

const HEADINGS = [
  "bench",
  "metric",
  "median",
  "min",
  "max",
  "runs",
  "goal",
  "peers (ours is better by)",
];
const NUMBER_COLUMNS: ReadonlySet<number> = new Set([2, 3, 4, 5]);

function row(metric: Metric, figure: Figure): string[] {
  const { value, unit, min, max, runs, peers } = figure;
  return [
    figure.bench,
    figure.metric,
    amount(value, unit),
    amount(min, unit),
    amount(max, unit),
    String(runs),
    goal(metric, value),
    Object.entries(peers)
      .map(([peer, theirs]) => `${peer} ${amount(theirs, unit)} (${ratio(metric, value, theirs)})`)
      .join(", "),
  ];
}

function metricOf(benches: readonly Bench[], figure: Figure): Metric {
  const metric = benches.find((bench) => bench.name === figure.bench)?.metrics[figure.metric];
  if (metric === undefined) throw new Error(`no bench has ${figure.bench} ${figure.metric}`);
  return metric;
}

function goal(metric: Metric, value: number): string {
  if (metric.goal === undefined) return "";
  const reached = metric.better === "more" ? value >= metric.goal : value <= metric.goal;
  const sign = metric.better === "more" ? "≥" : "≤";
  return `${sign} ${amount(metric.goal, metric.unit)} ${reached ? "reached" : "missed"}`;
}

function ratio(metric: Metric, ours: number, theirs: number): string {
  const times = metric.better === "more" ? ours / theirs : theirs / ours;
  return Number.isFinite(times) ? `${Number(times.toPrecision(2))}×` : "–";
}

/** Three significant digits with the unit; rates and bytes in powers of ten. */
function amount(value: number, unit: string): string {
  const digits = (number: number): string => String(Number(number.toPrecision(3)));
  if (unit === "1") return digits(value);
  if (unit !== "1/s" && unit !== "B") return `${digits(value)} ${unit}`;
  const suffix = unit === "1/s" ? "/s" : "B";
  if (Math.abs(value) >= 1e6) return `${digits(value / 1e6)} M${suffix}`;
  if (Math.abs(value) >= 1e3) return `${digits(value / 1e3)} k${suffix}`;
  return unit === "B" ? `${digits(value)} B` : `${digits(value)}/s`;
}
