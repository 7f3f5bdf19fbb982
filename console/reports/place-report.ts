/** How one sector, cluster or agent's cluster is: facts, what stands out, and what to do about it (spec 7.2). */
import { MeshError } from "../../actors/errors.ts";
import type { AgentImpedance } from "../../coordination/agent-impedance.ts";
import type { ClusterSummary } from "../../coordination/summary.ts";
import type { Mesh } from "../../runtime/api/mesh-api.ts";
import { formatDuration, formatNumber } from "../terminal/format.ts";
import { type Paint, paintState } from "../terminal/paint.ts";
import { statusDocument } from "./status.ts";

/** An agent with a higher score is slow, ms on the scale of 0–1000. */
const SLOW_SCORE = 500;
/** At most so many slow agents are looked at. */
const MOST_SLOW = 50;
/** Above so many times the mean of the mesh a mean is slightly elevated, and elevated. */
const SLIGHTLY = 1.1;
const ELEVATED = 1.5;

/** `status <target>` as JSON prints it. */
export interface PlaceReport {
  /** Address of the sector or cluster. */
  readonly target: string;
  readonly agents: {
    readonly total: number;
    readonly active: number;
    readonly quarantined: number;
  };
  readonly meanImpedance: number;
  readonly impedance: "normal" | "slightly elevated" | "elevated";
  /** Why most of those in quarantine are there; null when nobody is, or nobody knows. */
  readonly quarantineReason: string | null;
  /** How long ago the last cascade ended, ms; null when there was none. */
  readonly lastCascadeMs: number | null;
  /** Clusters with slow agents, most of them first. */
  readonly notable: readonly { readonly cluster: string; readonly slow: number }[];
  /** The slow agents, slowest first. */
  readonly slow: readonly { readonly address: string; readonly impedance: number }[];
  /** Agents with delegated tasks that take longer than they should, and how long they have had them, ms. */
  readonly overdue: readonly { readonly address: string; readonly sinceMs: number }[];
  readonly recommendation: string | null;
}

/** Reads shared memory only. */
export function placeReport(mesh: Mesh, target: string): PlaceReport {
  const summaries = clustersOf(mesh, target);
  const sum = (count: (of: ClusterSummary) => number): number =>
    summaries.reduce((total, summary) => total + count(summary), 0);
  const total = sum(({ agentCount }) => agentCount);
  const meanImpedance =
    total === 0 ? 0 : sum(({ agentCount, meanImpedance: mean }) => agentCount * mean) / total;
  const slow = mesh
    // Of those that work: who is in quarantine or away is told of by itself, and no traffic goes there.
    .agents({ within: target, state: "active", slow: true, limit: MOST_SLOW })
    .filter(({ impedanceScore }) => impedanceScore > SLOW_SCORE);
  const notable = notableOf(slow);
  const quarantined = mesh.agents({ within: target, state: "quarantined", limit: MOST_SLOW });
  const overdue = overdueIn(mesh, target);
  return {
    target,
    agents: {
      total,
      active: sum(({ activeCount }) => activeCount),
      quarantined: sum(({ quarantinedCount }) => quarantinedCount),
    },
    meanImpedance,
    impedance: gradeOf(meanImpedance, mesh.stats().globalMeanImpedance),
    quarantineReason: reasonOf(mesh, quarantined),
    lastCascadeMs: statusDocument(mesh.status()).lastCascadeMs,
    notable,
    slow: slow.map(({ agentId, impedanceScore }) => ({
      address: agentId,
      impedance: impedanceScore,
    })),
    overdue,
    recommendation: recommend(
      notable,
      overdue,
      sum(({ quarantinedCount }) => quarantinedCount),
      target,
    ),
  };
}

function clustersOf(mesh: Mesh, target: string): readonly ClusterSummary[] {
  const [sector] = target.split("/");
  const all = mesh.clusters(sector);
  const found = target === sector ? all : all.filter(({ clusterId }) => clusterId === target);
  if (found.length > 0) return found;
  throw new MeshError(
    "MESH_UNKNOWN_ACTOR",
    `status: target: ${sector} has ${all.length} clusters, got ${target}`,
  );
}

/** The oldest task of each agent, the oldest first. */
function overdueIn(mesh: Mesh, target: string): PlaceReport["overdue"] {
  const oldest = new Map<string, number>();
  for (const { agent, overdue, sinceMs } of mesh.tasks.list())
    if (overdue && agent.startsWith(`${target}/`) && !oldest.has(agent)) oldest.set(agent, sinceMs);
  return [...oldest]
    .map(([address, sinceMs]) => ({ address, sinceMs }))
    .sort((a, b) => b.sinceMs - a.sinceMs)
    .slice(0, MOST_SLOW);
}

function notableOf(slow: readonly AgentImpedance[]): PlaceReport["notable"] {
  const counts = new Map<string, number>();
  for (const { clusterId } of slow) counts.set(clusterId, (counts.get(clusterId) ?? 0) + 1);
  return [...counts]
    .map(([cluster, count]) => ({ cluster, slow: count }))
    .sort((a, b) => b.slow - a.slow);
}

function gradeOf(mean: number, meshMean: number): PlaceReport["impedance"] {
  if (meshMean <= 0 || mean <= meshMean * SLIGHTLY) return "normal";
  return mean <= meshMean * ELEVATED ? "slightly elevated" : "elevated";
}

/** What most of them were quarantined for, from the incidents that are kept. */
function reasonOf(mesh: Mesh, quarantined: readonly AgentImpedance[]): string | null {
  if (quarantined.length === 0) return null;
  const subjects = new Set(quarantined.map(({ agentId }) => agentId));
  const counts = new Map<string, number>();
  for (const { subject, decision, error } of mesh.incidents()) {
    if (decision !== "quarantine" || !subjects.has(subject)) continue;
    const reason = plainReason(error);
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  const [most] = [...counts].sort((a, b) => b[1] - a[1]);
  return most?.[0] ?? null;
}

/** `CONTEXT_DIVERGENCE: expected …` → `context divergence`. */
function plainReason(error: string): string {
  const [head] = error.replace(/^(?:\w*Error|MeshError): /, "").split(/[:\n]/);
  return head.trim().slice(0, 60).toLowerCase().replaceAll("_", " ");
}

function recommend(
  notable: PlaceReport["notable"],
  overdue: PlaceReport["overdue"],
  quarantined: number,
  target: string,
): string | null {
  if (notable.length > 0)
    return `Investigate slow agents in cluster ${shortOf(notable[0].cluster)}.`;
  if (overdue.length > 0)
    return `Investigate overdue tasks in cluster ${shortOf(clusterOfAgent(overdue[0].address))}.`;
  return quarantined > 0 ? `Heal ${target}: agents are in quarantine.` : null;
}

/** `sector-7/cluster-4/agent-12` → `sector-7/cluster-4`. */
function clusterOfAgent(address: string): string {
  return address.slice(0, address.lastIndexOf("/"));
}

/** `sector-7/cluster-4` → `7-4`. */
function shortOf(cluster: string): string {
  return cluster.replace(/^sector-(\d+)\/cluster-(\d+)$/, "$1-$2");
}

/** `sector-7` → `Sector 7`, `sector-7/cluster-4` → `Cluster 7-4`. */
function titleOf(target: string): string {
  return target.includes("/")
    ? `Cluster ${shortOf(target)}`
    : `Sector ${target.slice("sector-".length)}`;
}

/**
 * Whom it would be well to look at first, and why: those of the most notable cluster, slow or with overdue tasks; at
 * most `most`.
 */
export function suspectsOf(
  { notable, slow, overdue }: PlaceReport,
  most: number,
): readonly { readonly address: string; readonly reason: string }[] {
  const [worst] = overdue;
  const cluster = notable[0]?.cluster ?? (worst && clusterOfAgent(worst.address));
  const suspects = new Map<string, string>();
  for (const { address, impedance } of slow)
    suspects.set(address, `impedance ${Math.round(Math.max(impedance, SLOW_SCORE))}ms`);
  for (const { address, sinceMs } of overdue)
    if (!suspects.has(address)) suspects.set(address, `a task for ${formatDuration(sinceMs)}`);
  return [...suspects]
    .filter(([address]) => cluster !== undefined && address.startsWith(`${cluster}/`))
    .slice(0, most)
    .map(([address, reason]) => ({ address, reason }));
}

/** As the conversation of spec 7.2 has it. */
export function renderPlace(report: PlaceReport, paint: Paint): string {
  const { agents, notable, overdue } = report;
  const level = report.impedance === "normal" ? "" : ` (${paint.yellow(report.impedance)})`;
  const reason = report.quarantineReason === null ? "" : ` (${report.quarantineReason})`;
  const cascade =
    report.lastCascadeMs === null ? "never" : `${formatDuration(report.lastCascadeMs)} ago`;
  const lines = [
    `${titleOf(report.target)} Status:`,
    `- ${formatNumber(agents.active)}/${formatNumber(agents.total)} agents active`,
    `- Mean impedance: ${formatNumber(report.meanImpedance)}ms${level}`,
    agents.quarantined === 0
      ? "- No agents in quarantine"
      : `- ${paint.yellow(count(agents.quarantined, "agent"))} in quarantine${reason}`,
    `- Last successful cascade: ${cascade}`,
    ...notable
      .slice(0, 3)
      .map(
        ({ cluster, slow }) =>
          `- Notable: Cluster ${shortOf(cluster)} has ${count(slow, "agent")} with impedance > ${SLOW_SCORE}ms`,
      ),
  ];
  if (overdue.length > 0) {
    const longest = formatDuration(overdue[0].sinceMs);
    lines.push(
      `- Overdue: ${count(overdue.length, "agent")} with delegated tasks, for up to ${longest}`,
    );
  }
  if (report.recommendation !== null) lines.push(`Recommendation: ${report.recommendation}`);
  else if (agents.active === agents.total) lines.push(paintState("healthy", paint));
  return lines.join("\n");
}

function count(number: number, noun: string): string {
  return `${formatNumber(number)} ${noun}${number === 1 ? "" : "s"}`;
}
