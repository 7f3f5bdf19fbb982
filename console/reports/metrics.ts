/** Figures of a mesh for Prometheus. By sector at the finest, so that their number does not grow with the agents. */
import type { Kpi } from "../../coordination/kpi.ts";
import type { Mesh } from "../../runtime/api/mesh-api.ts";
import type { Gate } from "../operator/gate.ts";
import { MetricsText } from "./metrics-text.ts";
import { type StatusDocument, statusDocument } from "./status.ts";

/** Of a mesh with more sectors there are no figures by sector. */
export const MAX_SECTORS = 1_000;
/** Where the buckets of arrival errors end, ms: each of them is exact (`Histogram.countsBelow`). */
const ERROR_BOUNDS_MS = [1, 2.5, 5, 10, 25, 50, 100, 200, 400, 800, 1_600, 3_200, 6_400];
const LEVELS = ["cluster", "sector", "global"] as const;
const STATES = ["OPEN", "HALF_OPEN"] as const;
const MODES = ["FULL", "DEGRADED_LIGHT", "DEGRADED_MODERATE", "DEGRADED_SEVERE", "EMERGENCY"];

/** The text of `/metrics`. */
export function metricsOf(mesh: Mesh): string {
  const text = new MetricsText();
  writeStatus(text, mesh);
  writeWorkers(text, mesh);
  writeSectors(text, mesh);
  writeKpis(text, mesh);
  const { total } = mesh.deadLetters.summary();
  text.family(
    "mesh_dead_letters_total",
    "counter",
    "Messages that could not be delivered, by reason.",
    Object.entries(total).map(([reason, count]) => [{ reason }, count]),
  );
  return text.toString();
}

/** What the gate counts: refusals, sessions, entries of the audit log. */
export function gateMetrics(gate: Gate): string {
  const text = new MetricsText();
  text.family(
    "mesh_operator_refusals_total",
    "counter",
    "Commands, logins and requests that were refused, by reason.",
    [...gate.refused].map(([reason, count]) => [{ reason }, count]),
  );
  const sessions = gate.logins.sessions.list(gate.nowMs()).length;
  text.one("mesh_operator_sessions", "gauge", "Operators who are logged in.", sessions);
  text.one("mesh_audit_entries_total", "counter", "Entries of the audit log.", gate.entries);
  return text.toString();
}

function writeStatus(text: MetricsText, mesh: Mesh): void {
  const status = statusDocument(mesh.status());
  const { agents, sectors, messages, restarts } = status;
  const { total, ...states } = agents;
  text.one("mesh_agents_expected", "gauge", "Agents that the mesh has.", total);
  text.family(
    "mesh_agents",
    "gauge",
    "Agents by state; degraded ones are active as well.",
    Object.entries(states).map(([state, count]) => [{ state }, count]),
  );
  text.one("mesh_sectors_expected", "gauge", "Sectors that the mesh has.", sectors.total);
  text.one("mesh_sectors_healthy", "gauge", "Sectors with over 95 % active.", sectors.healthy);
  text.one("mesh_impedance_mean", "gauge", "Mean impedance, 0 to 1000.", status.meanImpedance);
  text.one("mesh_impedance_p95", "gauge", "p95 of impedance, 0 to 1000.", status.p95Impedance);
  text.one("mesh_heartbeats_total", "counter", "Heartbeats of agents.", status.heartbeats);
  const { inFlight, shed, ...counted } = messages;
  text.family(
    "mesh_messages_total",
    "counter",
    "Messages by what became of them.",
    Object.entries(counted).map(([what, count]) => [{ what: snake(what) }, count]),
  );
  text.family(
    "mesh_messages_shed_total",
    "counter",
    "Messages that were shed under pressure, by priority.",
    (shed ?? []).map((count, priority) => [{ priority: String(priority) }, count]),
  );
  text.one("mesh_messages_in_flight", "gauge", "Messages accepted and not finished.", inFlight);
  text.one("mesh_messages_lost", "gauge", "Messages unaccounted for: 0.", status.lost);
  text.one(
    "mesh_conflicts_last_hour",
    "gauge",
    "Conflicts of the last hour.",
    status.conflictsLastHour,
  );
  text.family("mesh_restarts_total", "counter", "Restarts of agents and of workers.", [
    [{ of: "agent" }, restarts.agents],
    [{ of: "worker" }, restarts.workers],
  ]);
  text.family(
    "mesh_mode",
    "gauge",
    "The operating mode: 1 for the one it is in.",
    MODES.map((mode) => [{ mode }, mode === status.mode ? 1 : 0]),
  );
  const circuits = mesh.circuits.list();
  text.family(
    "mesh_breakers",
    "gauge",
    "Circuit breakers that are not closed, by level and state.",
    LEVELS.flatMap((level) =>
      STATES.map((state) => {
        const fits = circuits.filter((one) => one.level === level && one.state === state);
        return [{ level, state }, fits.length] as const;
      }),
    ),
  );
  const { trust } = status;
  text.one("mesh_batches_signed_total", "counter", "Batches signed by threads.", trust?.signed);
  text.one("mesh_batches_verified_total", "counter", "Batches verified.", trust?.verified);
  text.family(
    "mesh_refused_total",
    "counter",
    "Batches and messages that were refused, by reason.",
    Object.entries(trust?.refused ?? {}).map(([reason, count]) => [{ reason }, count]),
  );
  writeStore(text, status);
  writeThreats(text, mesh);
  text.one("mesh_up", "gauge", "1 while the mesh runs.", status.state === "running" ? 1 : 0);
  text.one(
    "mesh_frozen_scopes",
    "gauge",
    "Parts of the mesh that stand still, the whole being one.",
    status.frozen?.length ?? 0,
  );
  text.one("mesh_uptime_seconds", "gauge", "Since the mesh started.", status.uptimeMs / 1_000);
}

function writeStore(text: MetricsText, { store }: StatusDocument): void {
  text.one(
    "mesh_store_reachable",
    "gauge",
    "1 while the log of conflicts can be written where it is kept.",
    store && (store.reachable ? 1 : 0),
  );
  text.one("mesh_store_waiting", "gauge", "Entries that wait to be written.", store?.waiting);
  text.one(
    "mesh_store_lost",
    "gauge",
    "Conflicts known by their number only, until the log can be written again.",
    store?.lost,
  );
}

function writeThreats(text: MetricsText, mesh: Mesh): void {
  const { open, found, weightsLocked, held, suspended } = mesh.threats.status();
  text.one("mesh_threats_open", "gauge", "Threats that nobody has lifted yet.", open);
  text.family(
    "mesh_threats_total",
    "counter",
    "Threats that were found, by kind.",
    Object.entries(found).map(([kind, count]) => [{ kind }, count]),
  );
  text.one(
    "mesh_weights_locked",
    "gauge",
    "1 while what agents say of their timing does not count.",
    weightsLocked ? 1 : 0,
  );
  text.one("mesh_held", "gauge", "1 while it is frozen for a threat.", held ? 1 : 0);
  text.one("mesh_operators_suspended", "gauge", "Operators who may only look.", suspended.length);
}

function writeWorkers(text: MetricsText, mesh: Mesh): void {
  const { workers } = mesh.status();
  const each = (
    name: string,
    type: "gauge" | "counter",
    help: string,
    value: (worker: (typeof workers)[number]) => number,
  ): void =>
    text.family(
      name,
      type,
      help,
      workers.map((worker) => [{ worker: worker.name }, value(worker)]),
    );
  each("mesh_worker_up", "gauge", "1 while the worker takes turns.", ({ state }) =>
    state === "running" || state === "parked" ? 1 : 0,
  );
  each("mesh_worker_agents", "gauge", "Agents of a worker.", ({ agents }) => agents);
  each("mesh_worker_turns_total", "counter", "Turns; wraps at 2^32.", ({ turns }) => turns);
  each(
    "mesh_worker_restarts_total",
    "counter",
    "Restarts of a worker.",
    ({ restarts }) => restarts,
  );
  each("mesh_worker_turn_seconds", "gauge", "Age of the turn that runs; 0 for none.", (worker) =>
    worker.current === undefined ? 0 : worker.current.sinceMs / 1_000,
  );
}

function writeSectors(text: MetricsText, mesh: Mesh): void {
  const queues = mesh.live.queues();
  const sum = (of: (queue: (typeof queues)[number]) => number): number =>
    queues.reduce((all, queue) => all + of(queue), 0);
  text.one(
    "mesh_mailbox_messages",
    "gauge",
    "Messages waiting.",
    sum(({ messages }) => messages),
  );
  text.one(
    "mesh_mailbox_bytes",
    "gauge",
    "Bytes waiting.",
    sum(({ bytes }) => bytes),
  );
  if (queues.length > MAX_SECTORS) return;
  const named = queues.map((queue, i) => [{ sector: `sector-${i + 1}` }, queue] as const);
  text.family(
    "mesh_sector_mailbox_messages",
    "gauge",
    "Messages waiting at the agents of a sector.",
    named.map(([labels, { messages }]) => [labels, messages]),
  );
  const sectors = mesh.sectors();
  text.family(
    "mesh_sector_active_agents",
    "gauge",
    "Active agents of a sector.",
    sectors.map(({ sectorId, activeAgents }) => [{ sector: sectorId }, activeAgents]),
  );
  text.family(
    "mesh_sector_impedance_mean",
    "gauge",
    "Mean impedance of a sector, 0 to 1000.",
    sectors.map(({ sectorId, meanImpedance }) => [{ sector: sectorId }, meanImpedance]),
  );
}

function writeKpis(text: MetricsText, mesh: Mesh): void {
  const indicators = Object.values(mesh.kpis()).filter(isIndicator);
  text.family(
    "mesh_kpi",
    "gauge",
    "Key performance indicators since the start: shares, or seconds.",
    indicators.map((kpi) => [{ kpi: kpi.name, unit: unitOf(kpi) }, inUnit(kpi, kpi.value)]),
  );
  text.family(
    "mesh_kpi_target",
    "gauge",
    "Their targets.",
    indicators.map((kpi) => [{ kpi: kpi.name, unit: unitOf(kpi) }, inUnit(kpi, kpi.target)]),
  );
  text.family(
    "mesh_kpi_met",
    "gauge",
    "1 when the target is met; absent while nothing has been measured.",
    indicators.map((kpi) => [
      { kpi: kpi.name },
      kpi.met === undefined ? undefined : Number(kpi.met),
    ]),
  );
  text.one(
    "mesh_operations_out",
    "gauge",
    "Operations that are out, of eight at most.",
    mesh.live.operations().length,
  );
  text.one("mesh_operations_ended_total", "counter", "Operations ended.", mesh.live.endedCount);
  const { count, sumMs, below } = mesh.live.arrivalErrorsBelow(ERROR_BOUNDS_MS);
  text.histogram(
    "mesh_arrival_error_seconds",
    "How far from T agents were READY.",
    ERROR_BOUNDS_MS.map((ms) => ms / 1_000),
    below,
    count,
    sumMs / 1_000,
  );
}

function isIndicator(member: unknown): member is Kpi {
  return typeof member === "object" && member !== null && "sense" in member;
}

function unitOf({ unit }: Kpi): string {
  return unit === "ms" ? "seconds" : "share";
}

function inUnit({ unit }: Kpi, value: number | undefined): number | undefined {
  return value === undefined || unit !== "ms" ? value : value / 1_000;
}

function snake(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
