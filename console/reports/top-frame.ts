/** One picture of `top`: what the mesh and its workers do, and the agents at the head of a column. */
import type { Mesh, WorkerStatus } from "../../runtime/api/mesh-api.ts";
import { formatDuration, formatNumber, formatShare } from "../terminal/format.ts";
import { type Paint, paintState } from "../terminal/paint.ts";
import { AGENT_COLUMNS, type AgentRow, agentCells } from "../terminal/row.ts";
import { table } from "../terminal/table.ts";
import { type StatusDocument, statusDocument } from "./status.ts";

/** What the agents can be sorted by; each by its first letter as a key, but `queue`, for q leaves. */
export const TOP_SORTS = [
  "impedance",
  "latency",
  "processing",
  "queue",
  "reliability",
  "drift",
] as const;

/** A column that agents can be sorted by. */
export type TopSort = (typeof TOP_SORTS)[number];

/** The data of one picture. */
export interface TopFrame {
  readonly status: StatusDocument;
  readonly sort: TopSort;
  readonly within: string | undefined;
  readonly agents: readonly AgentRow[];
}

/** The worst agent first, whatever the column. */
const RANK: Readonly<Record<TopSort, (row: AgentRow) => number>> = {
  impedance: (row) => row.impedanceScore,
  latency: (row) => row.currentLatencyMs,
  processing: (row) => row.currentProcessingMs,
  queue: (row) => row.currentQueueDepth,
  reliability: (row) => -row.reliabilityScore,
  drift: (row) => row.driftCoefficient,
};

/** Reads a picture out of shared memory. */
export function topFrame(
  mesh: Mesh,
  sort: TopSort,
  within: string | undefined,
  limit = 20,
): TopFrame {
  const place = within === undefined ? {} : { within };
  // By impedance the mesh sorts by itself; for other columns all rows are read and sorted here, on the
  // main thread, which no agent waits for.
  const rows =
    sort === "impedance"
      ? mesh.agents({ ...place, slow: true, limit })
      : [...mesh.agents({ ...place, limit: mesh.topology.agents })]
          .sort((one, other) => RANK[sort](other) - RANK[sort](one))
          .slice(0, limit);
  return { status: statusDocument(mesh.status()), sort, within, agents: rows };
}

/** The picture as lines. */
export function renderFrame(frame: TopFrame, paint: Paint): string {
  const cells = frame.agents.map((row) => agentCells(row, paint));
  const columns = AGENT_COLUMNS.map((column) =>
    column.heading.toLowerCase() === frame.sort
      ? { ...column, heading: `${column.heading}▼` }
      : column,
  );
  return [
    ...summaryLines(frame, paint),
    "",
    ...frame.status.workerDetails.map((worker) => workerLine(worker, paint)),
    "",
    table(columns, cells, "no agent fits", paint),
  ].join("\n");
}

function summaryLines({ status, within }: TopFrame, paint: Paint): string[] {
  const { agents, messages, restarts } = status;
  const share = formatShare(agents.active, agents.total);
  const where = within === undefined ? "" : `, showing ${within}`;
  return [
    `${paint.bold("MESH-30K")} ${paintState(status.mode, paint)}, up ${formatDuration(status.uptimeMs)}${where}`,
    `agents ${formatNumber(agents.active)} / ${formatNumber(agents.total)} active (${share}), ` +
      `${formatNumber(agents.degraded)} degraded, ${formatNumber(agents.offline)} offline, ` +
      `${formatNumber(agents.quarantined)} quarantined`,
    `impedance mean ${formatNumber(status.meanImpedance)}, p95 ${formatNumber(status.p95Impedance)}; ` +
      `heartbeats ${formatNumber(status.heartbeats)}; restarts ${formatNumber(restarts.agents)} agents, ` +
      `${formatNumber(restarts.workers)} workers`,
    `messages ${formatNumber(messages.accepted)} accepted, ${formatNumber(messages.handled)} handled, ` +
      `${formatNumber(messages.inFlight)} in flight, ${formatNumber(messages.deadLettered)} dead letters, ` +
      `${formatNumber(status.lost)} lost`,
  ];
}

function workerLine(worker: WorkerStatus, paint: Paint): string {
  const name = worker.name.padEnd(10);
  const state = paintState(worker.state, paint) + " ".repeat(Math.max(0, 11 - worker.state.length));
  const counts =
    `${formatNumber(worker.agents)} agents, ${formatNumber(worker.turns)} turns, ` +
    `${formatNumber(worker.restarts)} restarts`;
  const { current } = worker;
  const doing =
    current === undefined ? "" : `, ${current.address} for ${formatDuration(current.sinceMs)}`;
  return `${name}${state}${counts}${doing}`;
}
