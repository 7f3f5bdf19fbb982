/** `kpis`: how well the mesh does what it is for, against the targets of spec 11. */
import type { Kpi, Kpis } from "../runtime/mesh-api.ts";
import { type MeshCommand, meshCommand } from "./command.ts";
import { formatDuration, formatMs, formatNumber } from "./format.ts";
import type { Paint } from "./paint.ts";
import { type Column, table } from "./table.ts";

const COLUMNS: readonly Column[] = [
  { heading: "INDICATOR" },
  { heading: "VALUE", align: "right" },
  { heading: "TARGET", align: "right" },
  { heading: "MET" },
  { heading: "MEASURED", align: "right" },
];

const NAMES: Readonly<Record<keyof Kpis, string>> = {
  coordinationSuccessRate: "coordination success rate",
  arrivalWindowHitRate: "arrival window hit rate",
  predictionAccuracy: "predictions within 50ms",
  conflictRate: "conflict rate",
  availability: "availability",
  cascadeP95: "cascade latency p95",
  recoveryTime: "recovery time",
};

/** `kpis`. */
export const kpisCommand: MeshCommand = meshCommand({
  name: "kpis",
  help: "Show the key performance indicators: success, arrival, prediction, conflicts, recovery.",
  details: "An indicator that nothing has been measured for yet has a dash, and null in JSON.",
  parameters: {},
  examples: ["kpis", "kpis --json"],
  changes: false,
  run: ({ mesh }): Kpis => mesh.kpis(),
  render: renderKpis,
});

function renderKpis(kpis: Kpis, paint: Paint): string {
  const rows = Object.entries(NAMES).map(([key, name]) => {
    const kpi = kpis[key as keyof Kpis];
    return [name, figure(kpi, kpi.value), target(kpi), met(kpi, paint), formatNumber(kpi.count)];
  });
  return table(COLUMNS, rows, "", paint);
}

function figure({ unit }: Kpi, value: number | null): string {
  if (value === null || Number.isNaN(value)) return "–";
  // Targets such as 99.9% lie where tenths of a per cent decide.
  return unit === "share" ? `${(value * 100).toFixed(2)}%` : formatMs(value);
}

function target({ unit, sense, target: wanted }: Kpi): string {
  const sign = sense === "at-least" ? "≥" : "≤";
  return `${sign} ${unit === "share" ? `${Number((wanted * 100).toFixed(2))}%` : formatDuration(wanted)}`;
}

function met({ value, sense, target: wanted }: Kpi, paint: Paint): string {
  if (value === null || Number.isNaN(value)) return "–";
  const fits = sense === "at-least" ? value >= wanted : value <= wanted;
  return fits ? paint.green("yes") : paint.red("no");
}
