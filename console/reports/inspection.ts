/** What `inspect` shows of one address. */

import type { Incident } from "../../runtime/api/incident-api.ts";
import type { Inspection } from "../../runtime/api/mesh-api.ts";
import type { LeadReport } from "../../runtime/api/roles-api.ts";
import {
  formatBytes,
  formatDuration,
  formatMoment,
  formatMs,
  formatNumber,
  formatRatio,
} from "../terminal/format.ts";
import { type Paint, paintState } from "../terminal/paint.ts";
import { facts } from "../terminal/table.ts";
import { tame } from "../terminal/text-width.ts";

/** An inspection as a page of facts. */
export function renderInspection(found: Inspection, paint: Paint): string {
  const row = found.impedance;
  // Leads and coordinators are the mesh's own: they have no row, only what is below them.
  const hasRow = found.kind === "agent" || found.kind === "spawned";
  const kind = hasRow ? `${found.kind}, ${row.agentClass}` : found.kind;
  const pairs: [string, string][] = [
    ["address", paint.bold(found.address)],
    ["kind", `${kind}, on ${found.worker}`],
    ...(hasRow ? rowFacts(found, paint) : []),
    ...summaryFacts(found),
    ["own state", ownState(found, paint)],
    ["incidents", incidentLines(found.incidents, paint)],
  ];
  return facts(pairs, paint);
}

/** Failures and what was decided, newest first, one a line. */
export function incidentLines(incidents: readonly Incident[], paint: Paint): string {
  if (incidents.length === 0) return "none";
  return incidents
    .map((incident) => {
      const after = incident.delayMs > 0 ? ` after ${formatDuration(incident.delayMs)}` : "";
      const decision = paint.yellow(`${incident.decision}${after}`);
      const kind = incident.class === undefined ? "" : `${incident.class}: `;
      const more = incident.escalated === true ? paint.red(", escalated") : "";
      const what = `${kind}${oneLine(incident.error)}`;
      return `${formatMoment(incident.atMs)} ${incident.subject}: ${what} → ${decision}${more}`;
    })
    .join("\n");
}

function rowFacts(found: Inspection, paint: Paint): [string, string][] {
  const row = found.impedance;
  return [
    ["state", paintState(row.operationalState, paint)],
    ["current message", currentOf(found, paint)],
    ["waits on", waitsOnOf(found)],
    ["queue", `${formatNumber(found.queue.depth)} messages, ${formatBytes(found.queue.bytes)}`],
    ["handled", `${formatNumber(found.handled)}, ${formatNumber(found.failed)} failed`],
    ["restarts", `${formatNumber(found.restarts)}, incarnation ${formatNumber(found.generation)}`],
    ["impedance", `${formatNumber(row.impedanceScore)} of 1,000`],
    ["latency", formatMs(row.currentLatencyMs)],
    ["processing", formatMs(row.currentProcessingMs)],
    ["reliability", formatRatio(row.reliabilityScore)],
    ["drift", formatRatio(row.driftCoefficient)],
    ["last heartbeat", row.lastHeartbeat ?? "never"],
    ["context hash", row.currentContextHash || "none"],
    ["capabilities", row.capabilities.join(", ") || "none"],
  ];
}

function currentOf({ current }: Inspection, paint: Paint): string {
  if (current === undefined) return "none";
  const how = current.suspended ? ", awaiting something" : "";
  return paint.yellow(`number ${current.sequence}, for ${formatDuration(current.sinceMs)}${how}`);
}

function waitsOnOf({ current }: Inspection): string {
  return current === undefined || current.waitsOn.length === 0
    ? "nothing"
    : current.waitsOn.join(" → ");
}

function summaryFacts({ cluster, sector, lead, coordinator }: Inspection): [string, string][] {
  const pairs: [string, string][] = [];
  if (lead !== undefined) pairs.push(["lead", leadOf(lead)]);
  if (coordinator !== undefined) {
    const { heldBy, term, home, backup } = coordinator;
    const stands = heldBy === home ? `backup ${backup}` : `as backup of ${home}`;
    pairs.push(["coordinator", `held by ${heldBy}, term ${formatNumber(term)}, ${stands}`]);
  }
  if (cluster !== undefined) {
    pairs.push(
      [
        "cluster",
        `${formatNumber(cluster.activeCount)}/${formatNumber(cluster.agentCount)} active, ` +
          `${formatNumber(cluster.degradedCount)} slow, ${formatNumber(cluster.unstableCount)} unstable`,
      ],
      [
        "its impedance",
        `mean ${formatNumber(cluster.meanImpedance)}, p95 ${formatNumber(cluster.p95Impedance)}`,
      ],
      ["slowest", cluster.slowestAgent ?? "not known yet"],
      ["fastest", cluster.fastestAgent ?? "not known yet"],
    );
  }
  if (sector !== undefined) {
    pairs.push(
      [
        "sector",
        `${formatNumber(sector.activeAgents)}/${formatNumber(sector.totalAgents)} active, ` +
          `mean impedance ${formatNumber(sector.meanImpedance)}`,
      ],
      ["healthiest", sector.healthiestCluster ?? "not known yet"],
      ["sickest", sector.sickestCluster ?? "not known yet"],
    );
  }
  return pairs;
}

function leadOf({ heldBy, term, adoptedBy, caresFor }: LeadReport): string {
  const adopted = adoptedBy === undefined ? "" : `; failed, in the care of ${adoptedBy}`;
  const guests = caresFor.length === 0 ? "" : `; cares for ${caresFor.join(", ")} too`;
  return `held by ${heldBy ?? "nobody"}, term ${formatNumber(term)}${adopted}${guests}`;
}

function ownState({ state }: Inspection, paint: Paint): string {
  if ("value" in state) return tame(state.value);
  return paint.red(`not to be had: ${tame(state.unavailable)}`);
}

function oneLine(error: string): string {
  return tame(error.split("\n")[0]);
}
