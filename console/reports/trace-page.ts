/** The way of an operation for people: its slowest paths, one a line, each time after its beginning. */
import type { AgentPath, OperationTrace, PathOutcome } from "../../runtime/api/trace-api.ts";
import { formatMoment, formatMs, formatNumber } from "../terminal/format.ts";
import type { Paint } from "../terminal/paint.ts";
import { type Column, table } from "../terminal/table.ts";

const COLUMNS: readonly Column[] = [
  { heading: "AGENT" },
  { heading: "OUTCOME" },
  { heading: "SECTOR", align: "right" },
  { heading: "LEADS", align: "right" },
  { heading: "PLANNED", align: "right" },
  { heading: "SENT", align: "right" },
  { heading: "READY", align: "right" },
  { heading: "ACTED", align: "right" },
  { heading: "CLUSTER", align: "right" },
  { heading: "REPORTED", align: "right" },
  { heading: "MAIN", align: "right" },
];

const LEGEND =
  "after the beginning: SECTOR had it, its LEADS had their parts, the agent was PLANNED to be and was SENT to, " +
  "READY, ACTED; all of its CLUSTER had answered; its sector REPORTED; MAIN had that";

/** The page of `trace` for an operation. */
export function renderOperationTrace(trace: OperationTrace, paint: Paint): string {
  const { operationId, verb, strategy, state, createdMs, endedMs } = trace;
  const { selected, ready, sectors, clusters, paths, total } = trace;
  const after = (atMs: number | undefined): string =>
    atMs === undefined ? "–" : signed(atMs - createdMs);
  const times = [
    `began ${formatMoment(Math.round(createdMs))}`,
    ...(trace.gateMs === undefined ? [] : [`gate ${after(trace.gateMs)}`]),
    ...(trace.arrivalMs === undefined ? [] : [`T ${after(trace.arrivalMs)}`]),
    ...(endedMs === undefined ? [] : [`ended ${after(endedMs)}`]),
  ];
  const shown = paths.length < total ? `, the slowest ${formatNumber(paths.length)}` : "";
  return [
    `${paint.bold(operationId)} ${verb}, ${strategy}, ${stateOf(state, paint)}`,
    times.join(", "),
    `orchestrator → ${counted(sectors, "sector")} → ${counted(clusters, "cluster")} → ` +
      `${counted(selected, "agent")}, ${formatNumber(ready)} READY`,
    `${counted(total, "path")}${shown}`,
    table(
      COLUMNS,
      paths.map((path) => cellsOf(path, after, paint)),
      "no agent of it is there",
      paint,
    ),
    ...(trace.agentTimes ? [] : [paint.yellow("times of agents are not known")]),
    paint.dim(LEGEND),
  ].join("\n");
}

function cellsOf(
  { address, outcome, sector, cluster, ...path }: AgentPath,
  after: (atMs: number | undefined) => string,
  paint: Paint,
): string[] {
  return [
    address,
    paintOutcome(outcome, paint),
    after(sector.takenMs),
    after(sector.plannedMs),
    after(path.plannedMs),
    after(path.sentMs),
    after(path.readyMs),
    after(path.actedMs),
    after(cluster.foldedMs),
    after(sector.reportedMs),
    after(sector.arrivedMs),
  ];
}

/** Clocks of two threads may differ by some microseconds. */
function signed(ms: number): string {
  return ms < 0 ? `-${formatMs(-ms)}` : formatMs(ms);
}

function counted(count: number, noun: string): string {
  return `${formatNumber(count)} ${noun}${count === 1 ? "" : "s"}`;
}

function stateOf(state: OperationTrace["state"], paint: Paint): string {
  switch (state) {
    case "running":
      return paint.yellow("is out");
    case "reported":
      return "all sectors have reported";
    case "timeout":
      return paint.red("not all sectors had reported in time");
    case "gate-failed":
      return paint.red("too few sectors confirmed");
    case "aborted":
      return paint.red("called off");
    case "mesh-stopped":
      return paint.red("the mesh stopped");
  }
}

function paintOutcome(outcome: PathOutcome, paint: Paint): string {
  switch (outcome) {
    case "ready":
    case "acted":
      return paint.green(outcome);
    case "planned":
    case "transit":
    case "skipped":
      return paint.yellow(outcome);
    case "conflict":
    case "failed":
      return paint.red(outcome);
  }
}
