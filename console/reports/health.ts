/**
 * The daily check of spec 10.1: what was looked at, how it is, and the command that does something about it. All is
 * read from shared memory, the log of conflicts and the data folder; nothing is asked of an agent.
 */
import type { RecordedConflict } from "../../runtime/api/conflict-api.ts";
import type { Mesh } from "../../runtime/api/mesh-api.ts";
import type { CheckLine } from "../terminal/check-line.ts";
import { formatBytes, formatDuration, formatNumber, formatShare } from "../terminal/format.ts";
import { type ImpedanceSurvey, surveyImpedance } from "./impedance-survey.ts";
import { type KeptCopies, keptCopies } from "./kept-copies.ts";
import { statusDocument } from "./status.ts";

/** How a line, or a mesh, is: `attention` within the day, `critical` now. */
export type HealthGrade = "ok" | "attention" | "critical";

/** A line of the check; its cure is a command to type. */
export type HealthLine = CheckLine<HealthGrade>;

/** What `health --json` prints. */
export interface HealthReport {
  /** The worst of its lines. */
  readonly verdict: HealthGrade;
  readonly checkedMs: number;
  readonly lines: readonly HealthLine[];
  /** Commands to type, the most urgent first. */
  readonly todo: readonly string[];
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** Spec 11: at most one answer in a hundred is a conflict. */
const CONFLICT_TARGET = 0.01;
/** A last hour with so many times the share of the day before it is a trend. */
const RISING = 2;
/** Answers below which an hour says nothing. */
const ENOUGH_ANSWERS = 100;
/** Conflicts of this priority are critical (spec 5.1). */
const CRITICAL_PRIORITY = 4;
/** Unresolved conflicts that are counted one by one. */
const MOST_CONFLICTS = 1_000;
/** Below this share of active agents the mesh is not available (spec 11). */
const AVAILABLE = 0.95;
const NAMED = 3;

/** Makes the check at `nowMs`, ms since the epoch. */
export async function healthOf(mesh: Mesh, nowMs: number): Promise<HealthReport> {
  const lines = [
    modeLine(mesh),
    breakerLine(mesh),
    ...storeLines(mesh, nowMs),
    conflictTrend(mesh, nowMs),
    ...(await unresolvedLines(mesh)),
    churnLine(mesh, nowMs),
    workerLine(mesh, nowMs),
    ...impedanceLines(surveyImpedance(mesh)),
    copiesLine(await keptCopies(mesh.dataDir), mesh.status().uptimeMs, nowMs),
  ];
  const urgent = (["critical", "attention"] as const).map((grade) =>
    lines.filter((line) => line.grade === grade),
  );
  const verdict = urgent[0].length > 0 ? "critical" : urgent[1].length > 0 ? "attention" : "ok";
  const todo = urgent.flat().flatMap(({ cure }) => (cure === undefined ? [] : [cure]));
  return { verdict, checkedMs: nowMs, lines, todo: [...new Set(todo)] };
}

function line(name: string, grade: HealthGrade, found: string, cure: string): HealthLine {
  return grade === "ok" ? { name, grade, found } : { name, grade, found, cure };
}

function modeLine(mesh: Mesh): HealthLine {
  const status = mesh.status();
  const { agents, sectors, frozen = [] } = status;
  const { mode } = statusDocument(status);
  const degraded = agents.degraded > 0 ? `, ${formatNumber(agents.degraded)} of them degraded` : "";
  const active = `${mode}, ${formatShare(agents.active, agents.total)} of the agents active${degraded}`;
  if (frozen.length > 0) {
    const scopes = frozen.slice(0, NAMED).map(({ scope }) => scope);
    const cure = frozen[0].scope === "all" ? "thaw" : `thaw ${frozen[0].scope}`;
    return line("mesh", "attention", `${active}; frozen: ${scopes.join(", ")}`, cure);
  }
  const found = `${active}; ${formatNumber(sectors.healthy)} of ${formatNumber(sectors.total)} sectors healthy`;
  const sick = sickestSector(mesh);
  const cure = sick === undefined ? "agents --state offline" : `incident ${sick}`;
  if (agents.active < AVAILABLE * agents.total) return line("mesh", "critical", found, cure);
  return line("mesh", sectors.healthy < sectors.total ? "attention" : "ok", found, cure);
}

function sickestSector(mesh: Mesh): string | undefined {
  const [worst] = mesh
    .sectors()
    .filter(({ totalAgents, activeAgents }) => activeAgents < totalAgents)
    .sort((a, b) => a.activeAgents / a.totalAgents - b.activeAgents / b.totalAgents);
  return worst?.sectorId;
}

function breakerLine(mesh: Mesh): HealthLine {
  const tripped = mesh.circuits.list();
  if (tripped.length === 0) return line("breakers", "ok", "none tripped", "");
  const names = tripped.slice(0, NAMED).map(({ target, state }) => `${target} ${state}`);
  const found = `${formatNumber(tripped.length)} tripped: ${names.join(", ")}`;
  const wide = tripped.find(({ level }) => level !== "cluster");
  const grade = wide === undefined ? "attention" : "critical";
  return line("breakers", grade, found, `circuits show ${(wide ?? tripped[0]).target}`);
}

/** The last hour against the day before it. */
function conflictTrend(mesh: Mesh, nowMs: number): HealthLine {
  const { hourly } = mesh.kpis();
  const recent = hourly.filter(({ fromMs }) => fromMs > nowMs - DAY_MS - HOUR_MS);
  const last = recent.findLast(({ fromMs }) => fromMs > nowMs - 2 * HOUR_MS)?.conflictRate;
  const before = recent.slice(0, -1).map(({ conflictRate }) => conflictRate);
  const share = last?.value;
  const cure = "conflicts list --last 1h";
  if (last === undefined || share === undefined)
    return line("conflict trend", "ok", "no answer in the last hour", cure);
  const answers = before.reduce((sum, { count }) => sum + count, 0);
  const conflicts = before.reduce((sum, { value = 0, count }) => sum + value * count, 0);
  const usual = answers >= ENOUGH_ANSWERS ? conflicts / answers : undefined;
  const percent = `${(share * 100).toFixed(2)}% of ${formatNumber(last.count)} answers in the last hour`;
  const compared =
    usual === undefined
      ? "no day to compare with"
      : `${(usual * 100).toFixed(2)}% in the day before`;
  const says = last.count >= ENOUGH_ANSWERS;
  const rising = usual !== undefined && share > RISING * usual && share > CONFLICT_TARGET / RISING;
  const grade = says && (share > CONFLICT_TARGET || rising) ? "attention" : "ok";
  return line("conflict trend", grade, `${percent}, ${compared}`, cure);
}

/** Nothing of a log that is the mesh's own, while it can be written. */
function storeLines(mesh: Mesh, nowMs: number): readonly HealthLine[] {
  const { store } = mesh.status();
  if (store === undefined || (store.reachable && store.kind !== "postgres")) return [];
  const { at = store.kind, trouble, waiting, lost } = store;
  if (trouble === undefined) return [line("store", "ok", `${at} can be reached`, "")];
  const found =
    `out of reach for ${formatDuration(nowMs - trouble.sinceMs)}, ` +
    `${formatNumber(waiting)} entries wait, ${formatNumber(lost)} did not find room: ${trouble.error}`;
  return [line("store", "critical", found, "status --json")];
}

async function unresolvedLines(mesh: Mesh): Promise<readonly HealthLine[]> {
  const { conflicts } = mesh;
  let lists: readonly (readonly RecordedConflict[])[];
  try {
    lists = await Promise.all(
      (["open", "review"] as const).map((state) =>
        conflicts.list({ state, limit: MOST_CONFLICTS }),
      ),
    );
  } catch (error) {
    const found = `not known, their log cannot be read: ${firstLine((error as Error).message)}`;
    return [line("unresolved conflicts", "critical", found, "status --json")];
  }
  const unresolved = lists.flat();
  const urgent = unresolved.filter(({ record }) => record.priority >= CRITICAL_PRIORITY);
  if (urgent.length > 0) {
    const { conflictId, type, agent } = urgent[0].record;
    const found = `${formatNumber(urgent.length)} critical, such as ${type} at ${agent}`;
    return [line("unresolved conflicts", "critical", found, `conflicts show ${conflictId}`)];
  }
  const waiting = lists[1].length;
  const grade = waiting > 0 ? "attention" : "ok";
  const found =
    unresolved.length === 0
      ? "none"
      : `${formatNumber(unresolved.length)}, none critical; ${formatNumber(waiting)} wait for a person`;
  return [line("unresolved conflicts", grade, found, "conflicts list --state review")];
}

function churnLine(mesh: Mesh, nowMs: number): HealthLine {
  const { agents, restarts } = mesh.status();
  const lastDay = mesh.incidents().filter(({ atMs }) => atMs > nowMs - DAY_MS);
  const restarted = lastDay.filter(({ decision }) => decision === "restart").length;
  const found =
    `${formatNumber(agents.offline)} offline, ${formatNumber(agents.quarantined)} quarantined; ` +
    `${formatNumber(restarted)} restarts in the last day, ${formatNumber(restarts.agents)} since the start`;
  const cure = agents.quarantined > 0 ? "agents --state quarantined" : "agents --state offline";
  const lost = agents.offline + agents.quarantined;
  if (lost > (1 - AVAILABLE) * agents.total) return line("churn", "critical", found, cure);
  return line("churn", lost > 0 ? "attention" : "ok", found, cure);
}

function workerLine(mesh: Mesh, nowMs: number): HealthLine {
  const { workers, restarts } = mesh.status();
  const blocked = workers.filter(({ state }) => state === "blocked");
  const lost = mesh
    .incidents()
    .filter(({ atMs, decision }) => decision === "replace-worker" && atMs > nowMs - DAY_MS);
  const [last] = lost;
  const found =
    `${formatNumber(lost.length)} lost in the last day, ${formatNumber(restarts.workers)} since the start` +
    (last === undefined ? "" : `; last ${last.subject}: ${firstLine(last.error)}`);
  if (blocked.length > 0) {
    const { name, current } = blocked[0];
    const cure = current === undefined ? `heal ${name}` : `why ${current.address}`;
    return line("workers", "critical", `${name} is blocked; ${found}`, cure);
  }
  const cure = last?.subject.includes("/agent-") ? `why ${last.subject}` : "heal auto --dry-run";
  return line("workers", last === undefined ? "ok" : "attention", found, cure);
}

function firstLine(error: string): string {
  return error.split("\n")[0].slice(0, 100);
}

function impedanceLines({ looked, clusters, slow }: ImpedanceSurvey): readonly HealthLine[] {
  const among = ` of ${formatNumber(looked)} agents looked at`;
  const high = clusters
    .slice(0, NAMED)
    .map(
      ({ cluster, mean, expected }) =>
        `${cluster} ${formatNumber(mean)} instead of ${formatNumber(expected)}`,
    );
  const slowest = slow
    .slice(0, NAMED)
    .map(
      ({ agent, score, usual }) =>
        `${agent} ${formatNumber(score)} instead of ${formatNumber(usual)}`,
    );
  return [
    line(
      "clusters drifting high",
      clusters.length > 0 ? "attention" : "ok",
      clusters.length === 0
        ? `none${among}`
        : `${formatNumber(clusters.length)}: ${high.join(", ")}`,
      `status ${clusters[0]?.cluster}`,
    ),
    line(
      "agents slow for their class",
      slow.length > 0 ? "attention" : "ok",
      slow.length === 0 ? `none${among}` : `${formatNumber(slow.length)}: ${slowest.join(", ")}`,
      `why ${slow[0]?.agent}`,
    ),
  ];
}

function copiesLine(copies: KeptCopies | undefined, uptimeMs: number, nowMs: number): HealthLine {
  if (copies === undefined) {
    const found = "this mesh has no data folder: what it learns ends with its process";
    return line("backups", "attention", found, "backup --to DIR");
  }
  const { backups, frozen, logBytes } = copies;
  const newestMs = Math.max(backups.newestMs ?? 0, frozen.newestMs ?? 0);
  const age = (copied: { readonly newestMs: number | undefined }): string =>
    copied.newestMs === undefined ? "none" : `${formatDuration(nowMs - copied.newestMs)} old`;
  const found =
    `newest of ${formatNumber(backups.count)} backups: ${age(backups)}; ` +
    `newest of ${formatNumber(frozen.count)} frozen files: ${age(frozen)}; ` +
    (logBytes === undefined ? "no log of conflicts" : `log of conflicts ${formatBytes(logBytes)}`);
  // A mesh that began today has lost nothing yet that it had yesterday.
  const sinceMs = newestMs > 0 ? nowMs - newestMs : uptimeMs;
  return line("backups", sinceMs > DAY_MS ? "attention" : "ok", found, "backup");
}
