/** What the mesh is at this moment: as the operator's box (spec 7.1), and as one JSON document. */
import { modeOf, type OperatingMode } from "../../coordination/operating-mode.ts";
import type { MeshStatus, WorkerStatus } from "../../runtime/api/mesh-api.ts";
import { box } from "../terminal/box.ts";
import { formatDuration, formatMoment, formatNumber, formatShare } from "../terminal/format.ts";
import { type Paint, paintState } from "../terminal/paint.ts";

/** The status as `status --json` and the end of `start --json` print it. */
export interface StatusDocument extends Omit<MeshStatus, "workers" | "lastCascadeMs"> {
  readonly mode: OperatingMode;
  readonly conflictsLastHour: number;
  /** How long ago the last cascade ended, ms; null when there was none. */
  readonly lastCascadeMs: number | null;
  /** How many there are; who they are is in `workerDetails`. */
  readonly workers: number;
  readonly workerDetails: readonly WorkerStatus[];
}

/** The document of a status; what the mesh does not count yet has the value of a mesh where it never was. */
export function statusDocument(status: MeshStatus): StatusDocument {
  const { agents, sectors, workers, ...rest } = status;
  return {
    agents,
    sectors,
    ...rest,
    mode: status.mode ?? modeOf(agents.active, agents.total),
    // Until the mesh keeps conflicts by the hour, all since its start: too many rather than too few.
    conflictsLastHour: status.conflictsLastHour ?? status.messages.conflicts ?? 0,
    lastCascadeMs: status.lastCascadeMs ?? null,
    workers: workers.length,
    workerDetails: workers,
  };
}

/** The box of spec 7.1, line by line. */
export function renderStatus(status: StatusDocument, paint: Paint): string {
  const { agents, sectors } = status;
  const share = formatShare(agents.active, agents.total);
  const active = `${formatNumber(agents.active)} / ${formatNumber(agents.total)} active (${share})`;
  const cascade =
    status.lastCascadeMs === null ? "never" : `${formatDuration(status.lastCascadeMs)} ago`;
  const frozen = (status.frozen ?? []).map(
    ({ scope, sinceMs }) => `Frozen: ${paint.yellow(scope)} since ${formatMoment(sinceMs)}`,
  );
  const lines = [
    ...frozen.slice(0, 5),
    `Agents: ${active}`,
    `Sectors: ${formatNumber(sectors.healthy)}/${formatNumber(sectors.total)} healthy`,
    `Mean Impedance: ${formatNumber(status.meanImpedance)}ms`,
    `Conflicts (last hour): ${formatNumber(status.conflictsLastHour)}`,
    `Mode: ${paintState(status.mode, paint)}`,
    `Last cascade: ${cascade}`,
    ...trustLine(status, paint),
    ...storeLine(status, paint),
    ...nodeLines(status, paint),
    ...threatLine(status, paint),
  ];
  return box("MESH-30K STATUS", lines, paint);
}

/** Nothing of a log that is the mesh's own, while it can be written. */
function storeLine({ store }: StatusDocument, paint: Paint): string[] {
  if (store === undefined || (store.reachable && store.kind !== "postgres")) return [];
  const { kind, node, waiting, trouble } = store;
  const name = node === undefined ? kind : `${kind}, ${node}`;
  if (trouble === undefined) return [`Store: ${name}`];
  const since = formatMoment(trouble.sinceMs);
  return [
    `Store: ${name}, ${paint.red("out of reach")} since ${since}, ${formatNumber(waiting)} entries wait`,
  ];
}

/** Nodes of a mesh that are shown by name. */
const SHOWN_NODES = 8;

/** Nothing where the mesh is one process. */
function nodeLines({ nodes, sectors }: StatusDocument, paint: Paint): string[] {
  if (nodes === undefined) return [];
  const { nodes: all, unhosted, connected } = nodes;
  const lines = all.slice(0, SHOWN_NODES).map(({ name, here, sectors: own, ...node }) => {
    const way = node.latencyMs === undefined ? "" : `, ${node.latencyMs.toFixed(1)}ms away`;
    const role = node.orchestrator ? ", orchestrator" : "";
    const leaves = node.state === "draining" ? `, ${paint.yellow("leaves")}` : "";
    return `Node ${name}: ${formatNumber(own)} sectors${here ? ", here" : way}${role}${leaves}`;
  });
  if (all.length > SHOWN_NODES)
    lines.push(`and ${formatNumber(all.length - SHOWN_NODES)} more nodes`);
  if (unhosted > 0)
    lines.push(
      paint.red(`No node runs ${formatNumber(unhosted)} of ${formatNumber(sectors.total)} sectors`),
    );
  if (!connected) lines.push(paint.red("No NATS server answers: this node is alone"));
  return lines;
}

/** Nothing while no threat is open. */
function threatLine({ threats }: StatusDocument, paint: Paint): string[] {
  if (threats === undefined || threats.open === 0) return [];
  const { open, held, weightsLocked, suspended } = threats;
  const what = [
    `${formatNumber(open)} open`,
    ...(held ? ["frozen until lifted"] : []),
    ...(weightsLocked ? ["impedance weights locked"] : []),
    ...(suspended.length > 0 ? [`${formatNumber(suspended.length)} suspended`] : []),
  ];
  return [`Threats: ${paint.red(what.join(", "))}`];
}

/** Nothing while all that is signed is believed: the box is then that of the specification. */
function trustLine({ trust }: StatusDocument, paint: Paint): string[] {
  if (trust === undefined) return [];
  const refused = Object.values(trust.refused).reduce((sum, count) => sum + count, 0);
  if (refused === 0) return [];
  const word = paint.red(`${formatNumber(refused)} refused`);
  return [`Trust: ${trust.level}, ${formatNumber(trust.verified)} batches verified, ${word}`];
}
