/** A row of the registry (spec 2.3) as people read it. */
import type { Mesh } from "../../runtime/api/mesh-api.ts";
import { formatMs, formatNumber, formatRatio } from "./format.ts";
import { type Paint, paintState } from "./paint.ts";
import { type Column, table } from "./table.ts";

/** A row of the registry. */
export type AgentRow = ReturnType<Mesh["agents"]>[number];

/** The columns of {@link agentCells}. */
export const AGENT_COLUMNS: readonly Column[] = Object.freeze([
  { heading: "AGENT" },
  { heading: "CLASS" },
  { heading: "STATE" },
  { heading: "IMPEDANCE", align: "right" },
  { heading: "LATENCY", align: "right" },
  { heading: "PROCESSING", align: "right" },
  { heading: "QUEUE", align: "right" },
  { heading: "RELIABILITY", align: "right" },
  { heading: "DRIFT", align: "right" },
]);

/** An agent as cells of a table. */
export function agentCells(row: AgentRow, paint: Paint): string[] {
  return [
    row.agentId,
    className(row.agentClass),
    paintState(row.operationalState, paint),
    formatNumber(row.impedanceScore),
    formatMs(row.currentLatencyMs),
    formatMs(row.currentProcessingMs),
    formatNumber(row.currentQueueDepth),
    formatRatio(row.reliabilityScore),
    formatRatio(row.driftCoefficient),
  ];
}

/** A table of agents. */
export function agentTable(rows: readonly AgentRow[], paint: Paint): string {
  const cells = rows.map((row) => agentCells(row, paint));
  return table(AGENT_COLUMNS, cells, "no agent fits", paint);
}

/** `CLASS_D_GPU` without what every class begins with: `D_GPU`. */
export function className(impedanceClass: string): string {
  return impedanceClass.replace(/^CLASS_/, "");
}
