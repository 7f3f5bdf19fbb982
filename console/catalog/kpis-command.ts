/** `kpis`: how well the mesh does what it is for, against the targets of spec 11. */
import { type MeshCommand, meshCommand } from "../command/command.ts";
import { choice } from "../command/values.ts";
import { formatDuration, formatMs, formatNumber } from "../terminal/format.ts";
import type { Paint } from "../terminal/paint.ts";
import { type Column, table } from "../terminal/table.ts";

/** One indicator, as it arrives; what has not been measured has no value. */
interface Indicator {
  readonly value?: number | null;
  readonly target: number;
  readonly sense: "at-least" | "at-most";
  readonly unit: "share" | "ms";
  /** How many operations, agents, answers or incidents it is of; of an availability, ms. */
  readonly count: number;
}

/** Indicators by name, among other members. */
export type Indicators = Readonly<Record<string, unknown>>;

/** An hour, a day or an operation with its indicators. */
interface Span extends Indicators {
  readonly fromMs?: number;
  readonly endedMs?: number;
  readonly kind?: string;
}

const SPANS = ["hour", "day", "operation"] as const;
const MEMBERS = { hour: "hourly", day: "daily", operation: "operations" } as const;

const COLUMNS: readonly Column[] = [
  { heading: "INDICATOR" },
  { heading: "VALUE", align: "right" },
  { heading: "TARGET", align: "right" },
  { heading: "MET" },
  { heading: "MEASURED", align: "right" },
];

/** `kpis [--by hour|day|operation]`. */
export const kpisCommand: MeshCommand = meshCommand({
  name: "kpis",
  help: "Show the key performance indicators: success, arrival, prediction, conflicts, recovery.",
  details:
    "Those of the whole life of the mesh, against their targets; with --by their history. What has " +
    "not been measured yet has a dash. In JSON there is always all of it.",
  parameters: {
    by: {
      schema: choice(SPANS).optional(),
      help: `show them for each ${SPANS.join(", ")} in which something was measured`,
      value: "span",
      complete: SPANS,
    },
  },
  examples: ["kpis", "kpis --by hour", "kpis --json"],
  changes: false,
  run: ({ mesh }, { by }) => ({ ...mesh.kpis(), ...(by !== undefined && { by }) }),
  render: renderKpis,
});

function renderKpis(kpis: Indicators, paint: Paint): string {
  const { by } = kpis as { by?: (typeof SPANS)[number] };
  if (by === undefined) return kpiTable(kpis, paint);
  return renderHistory((kpis[MEMBERS[by]] ?? []) as readonly Span[], by, paint);
}

/** All indicators against their targets. */
export function kpiTable(kpis: Indicators, paint: Paint): string {
  const rows = indicatorsOf(kpis).map(([name, indicator]) => [
    wordsOf(name),
    figure(indicator),
    target(indicator),
    met(indicator, paint),
    measured(name, indicator),
  ]);
  return table(COLUMNS, rows, "this mesh measures nothing", paint);
}

function renderHistory(spans: readonly Span[], by: (typeof SPANS)[number], paint: Paint): string {
  const names = indicatorsOf(spans[0] ?? {}).map(([name]) => name);
  const columns: Column[] = [
    { heading: by === "operation" ? "ENDED" : "FROM" },
    ...(by === "operation" ? [{ heading: "KIND" }] : []),
    ...names.map((name) => ({ heading: wordsOf(name).toUpperCase(), align: "right" as const })),
  ];
  const rows = spans.map((span) => [
    moment(span.fromMs ?? span.endedMs),
    ...(by === "operation" ? [span.kind ?? "–"] : []),
    ...names.map((name) => coloured(span[name] as Indicator, paint)),
  ]);
  return table(columns, rows, "nothing has been measured yet", paint);
}

/** Names of the indicators that have been measured and miss their targets. */
export function missedTargets(kpis: Indicators): string[] {
  return indicatorsOf(kpis)
    .filter(([, indicator]) => isMet(indicator) === false)
    .map(([name]) => name);
}

function indicatorsOf(kpis: Indicators): [name: string, indicator: Indicator][] {
  return Object.entries(kpis).filter((entry): entry is [string, Indicator] => {
    const member = entry[1] as Partial<Indicator> | null | undefined;
    return typeof member === "object" && member !== null && member.sense !== undefined;
  });
}

/** `cascadeLatencyP95` in words: `cascade latency p95`. */
function wordsOf(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function isMeasured(value: number | null | undefined): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function figure({ unit, value }: Indicator): string {
  if (!isMeasured(value)) return "–";
  // Targets such as 99.9% lie where tenths of a per cent decide.
  return unit === "share" ? `${(value * 100).toFixed(2)}%` : formatMs(value);
}

function target({ unit, sense, target: wanted }: Indicator): string {
  const sign = sense === "at-least" ? "≥" : "≤";
  return `${sign} ${unit === "share" ? `${Number((wanted * 100).toFixed(2))}%` : formatDuration(wanted)}`;
}

function isMet({ value, sense, target: wanted }: Indicator): boolean | undefined {
  if (!isMeasured(value)) return undefined;
  return sense === "at-least" ? value >= wanted : value <= wanted;
}

function met(indicator: Indicator, paint: Paint): string {
  const fits = isMet(indicator);
  if (fits === undefined) return "–";
  return fits ? paint.green("yes") : paint.red("no");
}

function coloured(indicator: Indicator, paint: Paint): string {
  const written = figure(indicator);
  return isMet(indicator) === false ? paint.red(written) : written;
}

function measured(name: string, { count }: Indicator): string {
  return /availability$/i.test(name) ? formatDuration(count) : formatNumber(count);
}

/** Hours and days need no seconds, operations do. */
function moment(atMs: number | undefined): string {
  return isMeasured(atMs) ? new Date(atMs).toISOString().slice(0, 19).replace("T", " ") : "–";
}
