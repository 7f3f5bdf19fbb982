import type { Topology } from "../../coordination/topology.ts";
import type { AgentPath, ClusterHop, SectorHop } from "../api/trace-api.ts";
import type { Spans } from "../dispatch/spans.ts";
import type { Attributes, Context, Span, Telemetry } from "../machine/telemetry.ts";
import type { Gather, GatherEnd } from "./gather.ts";
import type { GatherWatcher } from "./gathers.ts";
import { slowestPaths, type TierRecord, tiersOf } from "./operation-tiers.ts";

/** Spans of one operation's agents: of the slowest. And of its sectors and clusters, those of these agents first. */
export const MAX_AGENT_SPANS = 1_000;
export const MAX_SECTOR_SPANS = 1_000;
export const MAX_CLUSTER_SPANS = 2_000;

/** A span that is open, to which others are added. */
interface Tier {
  readonly span: Span;
  readonly context: Context;
  readonly endMs: number;
}

/**
 * Spans of operations: orchestrator ─▶ sector ─▶ cluster ─▶ agent. All are made by main, the lower tiers when the
 * operation has ended, with the times that its sectors have reported. So an SDK on main is enough, no worker does
 * anything for them, and they are one trace also of what a worker did that has died since.
 */
export class OperationSpans implements GatherWatcher {
  readonly #spans: Spans;
  readonly #topology: Topology;
  /** Contexts of those that are out and recorded, by number. */
  readonly #out = new Map<number, Context>();

  constructor(spans: Spans, topology: Topology) {
    this.#spans = spans;
    this.#topology = topology;
  }

  began({ operation }: Gather): void {
    const context = this.#spans.telemetry?.active();
    if (context !== undefined) this.#out.set(operation, context);
  }

  ended(gather: Gather, end: GatherEnd): void {
    const context = this.#out.get(gather.operation);
    const { telemetry } = this.#spans;
    if (context === undefined || telemetry === undefined) return;
    this.#out.delete(gather.operation);
    const { operation, plan, shares } = gather;
    const { createdMs, arrivalMs } = plan;
    const record = { operation, createdMs, arrivalMs, shares: [...shares.values()] };
    new TierSpans(telemetry, { ...record, marks: undefined }, this.#topology).add(context, end);
  }
}

/** The spans of one operation below that of the orchestrator. */
class TierSpans {
  readonly #telemetry: Telemetry;
  readonly #record: TierRecord;
  readonly #topology: Topology;
  readonly #sectors = new Map<string, Tier>();
  readonly #clusters = new Map<string, Tier>();

  constructor(telemetry: Telemetry, record: TierRecord, topology: Topology) {
    this.#telemetry = telemetry;
    this.#record = record;
    this.#topology = topology;
  }

  add(parent: Context, end: GatherEnd): void {
    const tiers = tiersOf(this.#record, this.#topology);
    const { paths } = slowestPaths(this.#record, tiers, this.#topology, undefined, MAX_AGENT_SPANS);
    for (const path of paths) this.#agent(path, parent, end);
    for (const { hop, clusters } of tiers) {
      if (!this.#sectors.has(hop.address) && this.#sectors.size >= MAX_SECTOR_SPANS) continue;
      const sector = this.#sector(hop, parent, end);
      for (const cluster of clusters)
        if (this.#clusters.size < MAX_CLUSTER_SPANS) this.#cluster(cluster, hop, sector);
    }
    for (const { span, endMs } of [...this.#clusters.values(), ...this.#sectors.values()])
      this.#telemetry.end(span, endMs);
  }

  #sector(hop: SectorHop, parent: Context, end: GatherEnd): Tier {
    const known = this.#sectors.get(hop.address);
    if (known !== undefined) return known;
    const { takenMs = this.#record.createdMs, plannedMs, reportedMs, arrivedMs } = hop;
    const tier = this.#open(
      "mesh sector",
      attributesOf(hop),
      takenMs,
      parent,
      arrivedMs ?? takenMs,
    );
    this.#telemetry.event(tier.span, "leads have their parts", plannedMs);
    this.#telemetry.event(tier.span, "reported", reportedMs);
    if (arrivedMs === undefined) this.#telemetry.failed(tier.span, `no last report: ${end}`);
    this.#sectors.set(hop.address, tier);
    return tier;
  }

  #cluster(hop: ClusterHop, above: SectorHop, sector: Tier): Tier {
    const known = this.#clusters.get(hop.address);
    if (known !== undefined) return known;
    const startMs = above.plannedMs ?? above.takenMs ?? this.#record.createdMs;
    const endMs = Math.max(startMs, hop.actedMs ?? hop.foldedMs ?? sector.endMs);
    const tier = this.#open("mesh cluster", attributesOf(hop), startMs, sector.context, endMs);
    this.#telemetry.event(tier.span, "last answer", hop.foldedMs);
    this.#clusters.set(hop.address, tier);
    return tier;
  }

  #agent(path: AgentPath, parent: Context, end: GatherEnd): void {
    const { address, outcome, plannedMs, readyMs, actedMs } = path;
    const sector = this.#sector(path.sector, parent, end);
    const cluster = this.#cluster(path.cluster, path.sector, sector);
    const startMs = path.sentMs ?? path.sector.plannedMs ?? this.#record.createdMs;
    const endMs = Math.max(startMs, actedMs ?? readyMs ?? sector.endMs);
    const attributes = { "mesh.address": address, "mesh.outcome": outcome };
    const { span } = this.#open("mesh agent", attributes, startMs, cluster.context, endMs);
    if (plannedMs !== undefined) span.setAttribute("mesh.send_error_ms", startMs - plannedMs);
    this.#telemetry.event(span, "ready", readyMs);
    if (outcome === "failed" || outcome === "transit") this.#telemetry.failed(span, outcome);
    this.#telemetry.end(span, endMs);
  }

  #open(
    name: string,
    attributes: Attributes,
    startMs: number,
    parent: Context,
    endMs: number,
  ): Tier {
    const span = this.#telemetry.begin({ name, attributes, startMs }, parent);
    return { span, context: this.#telemetry.contextWith(span, parent), endMs };
  }
}

function attributesOf({ address, agents, ready }: ClusterHop): Attributes {
  return { "mesh.address": address, "mesh.agents": agents, "mesh.ready": ready };
}
