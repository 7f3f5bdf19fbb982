import type { Log } from "../../actors/ports.ts";
import { addressOf, clusterAddress, sectorAddress } from "../../coordination/address.ts";
import { VACANT_SEAT } from "../../coordination/agent-state.ts";
import { FailureGrowth } from "../../coordination/failure-growth.ts";
import { isBeating } from "../../coordination/heartbeat.ts";
import { PEOPLE } from "../../coordination/impedance-class.ts";
import { FLAG_SPIKING, type Registry } from "../../coordination/registry.ts";
import { RouteMark, type RouteTable } from "../../coordination/routes.ts";
import { SpikeWatch } from "../../coordination/spike-watch.ts";
import { clusterOf, sectorOf } from "../../coordination/topology.ts";
import { FAILURE_CLASSES, type FailureClass } from "../../supervisors/failure-classes.ts";
import { ProgressMap } from "../../supervisors/sector-coordinator.ts";
import { isTooLong, Silences } from "../../supervisors/silence.ts";
import type { FailureCount, FailureReport } from "../api/failure-api.ts";
import type { Incident } from "../api/incident-api.ts";
import type { Dispatcher } from "../dispatch/dispatcher.ts";
import { BY_OPERATOR, type ShardIncident } from "../dispatch/failures.ts";
import type { Gather } from "../operations/gather.ts";
import type { MeshCircuits } from "./circuits.ts";

/** A second failure of an agent within this time is one of its replacement, ms. */
const REPLACED_MS = 60_000;
/** Agents whose last failure is remembered, and sectors of the last failures. */
const REMEMBERED = 10_000;
const RECENT = 256;
/** Characters of an answer that are kept as evidence. */
const EVIDENCE = 200;

/** What the watch needs of its mesh. */
export interface FailureWatchPorts {
  readonly dispatcher: Dispatcher;
  readonly circuits: MeshCircuits;
  readonly routes: RouteTable;
  readonly log: Log;
  readonly onIncident: (incident: Incident) => void;
}

/**
 * Says of what class failures are (spec 6.1), feeds the breakers with them, and does what a class wants of main:
 * routes around spikes, has liars quarantined, isolates the sector from which failures spread.
 */
export class FailureWatch implements FailureReport {
  readonly #ports: FailureWatchPorts;
  readonly #counts = new Map<FailureClass, { count: number; escalated: number; lastMs: number }>();
  readonly #crashes = new Map<number, number>();
  readonly #silences = new Silences();
  readonly #growth = new FailureGrowth();
  readonly #spikes: SpikeWatch;
  /** Sectors of the last failures, the latest last. */
  readonly #recent: number[] = [];

  constructor(ports: FailureWatchPorts) {
    this.#ports = ports;
    const { agents, agentsPerCluster } = ports.dispatcher.view.topology;
    this.#spikes = new SpikeWatch(agents, agentsPerCluster);
  }

  classes(): readonly FailureCount[] {
    return FAILURE_CLASSES.map((entry) => {
      const known = this.#counts.get(entry.class);
      const { count = 0, escalated = 0 } = known ?? {};
      return { ...entry, count, escalated, ...(known !== undefined && { lastMs: known.lastMs }) };
    });
  }

  /** Takes a shard's incident; returns it with its class. What an operator ended did not fail. */
  take(incident: ShardIncident): Incident {
    const { topology } = this.#ports.dispatcher.view;
    const { subject, atMs, error } = incident;
    const whole = { ...incident, subject: addressOf(topology, subject) };
    if (error === BY_OPERATOR) return whole;
    const failure = incident.class ?? "AGENT_CRASH";
    // A lead that fails is the last of its agents' failures, which have all been counted.
    const isAgent = subject < topology.agents || subject >= topology.spawnBase;
    const escalated = incident.escalated ?? (!isAgent || this.#fellAgain(subject, atMs));
    this.#count(failure, escalated, atMs);
    if (isAgent) this.#failed(subject, `${failure}: ${error}`, atMs);
    return { ...whole, class: failure, ...(escalated && { escalated }) };
  }

  /** An ask from outside was not answered, although it could have been. */
  silent(agent: number): void {
    const { registry, topology } = this.#ports.dispatcher.view;
    const nowMs = this.#nowMs();
    const verdict = this.#silences.note(agent, registry.handled[agent]);
    if (verdict === "known") return;
    this.#count("TRANSIENT_NETWORK", verdict === "escalated", nowMs);
    this.#failed(agent, "TRANSIENT_NETWORK: an ask was not answered", nowMs);
    if (verdict !== "escalated") return;
    this.#tell("TRANSIENT_NETWORK", addressOf(topology, agent), "escalate", SILENT);
  }

  /** An operation has ended: a cluster in which hardly anybody answered has failed. */
  gathered({ shares, plan }: Gather): void {
    const { topology, registry } = this.#ports.dispatcher.view;
    const waitedMs = this.#nowMs() - plan.createdMs;
    for (const share of shares.values()) {
      const heard = share.count(ProgressMap.DONE) + share.count(ProgressMap.SKIPPED);
      if (heard === share.selected) continue;
      const asked = new Map<number, { silent: number; all: number }>();
      for (const bit of share.bits()) {
        const agent = share.sector * topology.agentsPerSector + bit;
        if (registry.class[agent] === PEOPLE || share.has(ProgressMap.SKIPPED, bit)) continue;
        const cluster = clusterOf(topology, agent);
        const counts = asked.get(cluster) ?? { silent: 0, all: 0 };
        asked.set(cluster, counts);
        counts.all++;
        // Who has failed is known from its incident, and who is not there is not silent.
        const isSilent = !share.has(ProgressMap.DONE, bit) && isBeating(registry.state[agent]);
        if (isSilent && isTooLong(registry, agent, waitedMs)) counts.silent++;
      }
      for (const [cluster, { silent, all }] of asked) {
        if (silent < 2 || 2 * silent <= all) continue;
        const reason = `TRANSIENT_NETWORK: ${silent} of ${all} agents did not answer an operation`;
        this.#count("TRANSIENT_NETWORK", false, this.#nowMs());
        this.#ports.circuits.failCluster(cluster, reason);
      }
    }
  }

  /** A worker was lost, and not by order: each of its clusters has failed. */
  workerLost(thread: number, reason: string): void {
    if (reason === BY_OPERATOR) return;
    const { placement, topology } = this.#ports.dispatcher.view;
    this.#count("AGENT_CRASH", false, this.#nowMs());
    for (let cluster = 0; cluster < topology.clusters; cluster++) {
      if (placement[cluster * topology.agentsPerCluster] !== thread) continue;
      if (!this.#isInUse(cluster)) continue;
      this.#ports.circuits.failCluster(cluster, `AGENT_CRASH: worker-${thread}: ${reason}`);
    }
  }

  /** Whether there are agents in a cluster: one in reserve cannot fail. */
  #isInUse(cluster: number): boolean {
    const { registry, topology } = this.#ports.dispatcher.view;
    const from = cluster * topology.agentsPerCluster;
    const states = registry.state.subarray(from, from + topology.agentsPerCluster);
    return states.some((state) => state !== VACANT_SEAT);
  }

  /** These contradict their peers on a question with one right answer: their shards quarantine them. */
  contradicted(liars: readonly (readonly [agent: number, answer: string])[]): void {
    const { dispatcher } = this.#ports;
    for (const [agent, answer] of liars) {
      const said = answer.slice(0, EVIDENCE);
      const reason = `its answer contradicts its peers: ${said}`;
      const failure: FailureClass = "BYZANTINE_BEHAVIOR";
      dispatcher.outbox.control(agent, 0, { verb: "quarantine", reason, failure });
    }
    dispatcher.nudge();
  }

  /** Looks who spikes; called about once a second. */
  tick(): void {
    const { dispatcher, routes, log } = this.#ports;
    const { registry, topology } = dispatcher.view;
    const spiking: number[] = [];
    for (let agent = 0; agent < topology.agents; agent++)
      if ((registry.flags[agent] & FLAG_SPIKING) !== 0 && isBeating(registry.state[agent]))
        spiking.push(agent);
    const { around, back, clusters } = this.#spikes.look(spiking, this.#nowMs());
    for (const agent of around) {
      routes.setMark(agent, 1, RouteMark.SPIKE, true);
      this.#count("IMPEDANCE_SPIKE", false, this.#nowMs());
      this.#tell(
        "IMPEDANCE_SPIKE",
        addressOf(topology, agent),
        "route-around",
        spikeOf(registry, agent),
      );
    }
    for (const agent of back) {
      routes.setMark(agent, 1, RouteMark.SPIKE, false);
      log.info({ agent: addressOf(topology, agent) }, "let in again after an impedance spike");
    }
    for (const cluster of clusters) {
      this.#count("IMPEDANCE_SPIKE", true, this.#nowMs());
      this.#tell(
        "IMPEDANCE_SPIKE",
        clusterAddress(topology, cluster),
        "escalate",
        "several of its agents spike",
      );
    }
  }

  #nowMs(): number {
    return this.#ports.dispatcher.ports.clock.nowMs();
  }

  #count(failure: FailureClass, escalated: boolean, atMs: number): void {
    const known = this.#counts.get(failure) ?? { count: 0, escalated: 0, lastMs: 0 };
    this.#counts.set(failure, known);
    known.count++;
    if (escalated) known.escalated++;
    known.lastMs = atMs;
  }

  /** True when it failed a moment ago, so that it is its replacement that fails now. */
  #fellAgain(agent: number, atMs: number): boolean {
    const before = this.#crashes.get(agent);
    this.#crashes.delete(agent);
    this.#crashes.set(agent, atMs);
    if (this.#crashes.size > REMEMBERED)
      this.#crashes.delete(this.#crashes.keys().next().value as number);
    return before !== undefined && atMs - before < REPLACED_MS;
  }

  /** A failure of an agent: for the breakers, and for whether failures spread. */
  #failed(agent: number, reason: string, nowMs: number): void {
    const { circuits, dispatcher } = this.#ports;
    const sector = sectorOf(dispatcher.view.topology, agent);
    circuits.fail(agent, reason);
    if (sector < 0) return;
    this.#recent.push(sector);
    if (this.#recent.length > RECENT) this.#recent.shift();
    if (!this.#growth.fail(nowMs)) return;
    const worst = mostFrequent(this.#recent);
    const counts = this.#growth.counts.join(", ");
    const text = `failures spread: ${counts} in windows of 5 s; the sector with most of them is isolated`;
    this.#count("CASCADE_FAILURE", true, nowMs);
    circuits.isolate(worst, `CASCADE_FAILURE: ${text}`);
    this.#tell("CASCADE_FAILURE", sectorAddress(worst), "isolate", text);
  }

  #tell(
    failure: FailureClass,
    subject: string,
    decision: Incident["decision"],
    error: string,
  ): void {
    const { onIncident } = this.#ports;
    const escalated = decision !== "route-around";
    const told = { atMs: this.#nowMs(), subject, error, decision, delayMs: 0, class: failure };
    onIncident({ ...told, ...(escalated && { escalated }) });
  }
}

const SILENT = "3 asks on end were not answered, and nothing was handled in between";

function spikeOf(registry: Registry, agent: number): string {
  const [score, usual] = [registry.score[agent], registry.baselineScore[agent]].map(Math.round);
  return `impedance ${score}, usually ${usual}`;
}

function mostFrequent(sectors: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const sector of sectors) counts.set(sector, (counts.get(sector) ?? 0) + 1);
  return [...counts].reduce((most, entry) => (entry[1] > most[1] ? entry : most))[0];
}
