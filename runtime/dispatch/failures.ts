import { isOver, OFFLINE } from "../../coordination/agent-state.ts";
import { clusterOf, leadOf } from "../../coordination/topology.ts";
import type { FailureClass } from "../../supervisors/failure-classes.ts";
import type { ExitReason, Supervision } from "../../supervisors/restart.ts";
import { Silences } from "../../supervisors/silence.ts";
import { type ChildSpec, type RestartDecision, Supervisor } from "../../supervisors/supervisor.ts";
import type { Incident } from "../api/incident-api.ts";
import type { EndReason } from "./agents.ts";
import type { AgentCell } from "./cell.ts";
import type { Dispatcher } from "./dispatcher.ts";

/** An incident as a shard tells it: main makes the address of its subject, off the path of a restart. */
export interface ShardIncident extends Omit<Incident, "subject"> {
  /** Index of an agent, or of a lead for its cluster. */
  readonly subject: number;
}

/** How an end is called that an operator wanted: it is no failure. */
export const BY_OPERATOR = "killed by the operator";

/** First lines of a failure that are kept. */
const MAX_ERROR_TEXT = 500;
/** Encoded bytes of an incident at most: every character of the text may take three. */
const MAX_INCIDENT_BYTES = MAX_ERROR_TEXT * 3 + 300;

/**
 * What happens when an agent fails: its supervisor decides, this carries it out and tells main. A cluster
 * lead supervises its agents, a coordinator its leads, a parent the children that it spawned. Supervisors
 * are made when first needed: most agents never fail.
 */
export class Failures {
  readonly #dispatcher: Dispatcher;
  readonly #leads = new Map<number, Supervisor>();
  readonly #coordinators = new Map<number, Supervisor>();
  readonly #parents = new Map<number, Supervisor>();
  readonly #silences = new Silences();
  /** What main is told as soon as no agent waits for its turn: crashing agents answer first, and then are news. */
  #unreported: ShardIncident[] = [];
  readonly #agentSpecs: readonly ChildSpec[];
  readonly #leadSpecs: readonly ChildSpec[];

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
    const { topology } = dispatcher.view;
    const { restart } = dispatcher.plan;
    const specs = (name: string, count: number): ChildSpec[] =>
      Array.from({ length: count }, (_, i) => ({ name: `${name}-${i + 1}`, restart }));
    this.#agentSpecs = specs("agent", topology.agentsPerCluster);
    this.#leadSpecs = specs("cluster", topology.clustersPerSector);
  }

  /** The agent's behavior threw. */
  fail(cell: AgentCell, error: unknown): void {
    this.#end(cell, "failed", describe(error), error);
  }

  /** The operator ends the incarnation; whether another follows is the supervisor's decision. */
  kill(agent: number): void {
    const cell = this.#dispatcher.agents.cellOf(agent);
    if (cell?.alive === true) this.#end(cell, "killed", BY_OPERATOR, undefined);
  }

  /** Keeps an agent from work for what was found out about it, until an operator restarts it. */
  quarantine(agent: number, text: string, failure: FailureClass): void {
    const { view, agents } = this.#dispatcher;
    const cluster = clusterOf(view.topology, agent);
    if (cluster >= 0)
      this.#lead(cluster).quarantine(agent - cluster * view.topology.agentsPerCluster);
    agents.quarantine(agent, "failed");
    this.found(agent, text, "quarantine", failure, true);
  }

  /** An ask of this thread was not answered, although it could have been. */
  silent(agent: number): void {
    const { registry } = this.#dispatcher.view;
    if (this.#silences.note(agent, registry.handled[agent]) === "escalated")
      this.found(agent, "3 asks on end were not answered", "escalate", "TRANSIENT_NETWORK", true);
  }

  /** Tells main what was found out about an agent. */
  found(
    subject: number,
    text: string,
    decision: Incident["decision"],
    failure: FailureClass,
    escalated: boolean,
  ): void {
    const atMs = this.#dispatcher.nowMs;
    const error = text.slice(0, MAX_ERROR_TEXT);
    this.#unreported.push({
      atMs,
      subject,
      error,
      decision,
      delayMs: 0,
      class: failure,
      escalated,
    });
    this.#dispatcher.touch();
  }

  /** The agent stopped of its own will. */
  ended(cell: AgentCell): void {
    this.#end(cell, "stopped", "stopped by itself", undefined);
  }

  /** The operator starts the agent again: its supervisor counts it as running, with a clean record. */
  forgive(agent: number): void {
    const { topology } = this.#dispatcher.view;
    const cluster = clusterOf(topology, agent);
    if (cluster < 0) {
      this.#parents.delete(agent);
      return;
    }
    this.#leads.get(cluster)?.revive(agent - cluster * topology.agentsPerCluster);
    const sector = Math.floor(cluster / topology.clustersPerSector);
    this.#coordinators.get(sector)?.release(cluster - sector * topology.clustersPerSector);
  }

  /** Who leads the cluster, or for whom, has changed: the next decision about its agents is of a clean record. */
  forgetLead(cluster: number): void {
    this.#leads.delete(cluster);
  }

  /** The same of a sector's coordinator. */
  forgetCoordinator(sector: number): void {
    this.#coordinators.delete(sector);
  }

  /** Tells main what became of a role. */
  note(subject: number, text: string, decision: "promote" | "adopt"): void {
    this.#report(subject, text, decision, 0);
  }

  /** `reason` is what watchers hear if no restart follows; of the supervisor a kill is a failure. */
  #end(cell: AgentCell, reason: EndReason, text: string, error: unknown): void {
    if (!cell.alive) return;
    const { nowMs, view } = this.#dispatcher;
    const agent = cell.self;
    const cluster = clusterOf(view.topology, agent);
    if (cluster < 0) {
      this.#endChild(cell, reason, text, error);
      return;
    }
    const first = cluster * view.topology.agentsPerCluster;
    const lead = this.#lead(cluster);
    const decision = lead.decide(agent - first, exitOf(reason), nowMs);
    if (reason !== "stopped") this.#tell(agent, text, decision);
    if (decision.action === "escalate") this.#escalate(cluster, text, agent, reason);
    else this.#carryOut(decision, first, agent, reason, () => this.#leads.get(cluster) === lead);
  }

  /** A spawned child: its parent is its supervisor, and hears of it. */
  #endChild(cell: AgentCell, reason: EndReason, text: string, error: unknown): void {
    const { nowMs, agents, plan, ports, outbox } = this.#dispatcher;
    const child = cell.self;
    let supervisor = this.#parents.get(child);
    if (supervisor === undefined) {
      supervisor = new Supervisor(
        [{ name: `spawned-${child}`, restart: plan.restart }],
        plan.supervision,
        ports.random,
      );
      supervisor.start();
      this.#parents.set(child, supervisor);
    }
    const decision = supervisor.decide(0, exitOf(reason), nowMs);
    const { parent } = cell;
    if (reason !== "stopped") {
      this.#tell(child, text, decision);
      if (parent >= 0) {
        const { action } = decision;
        outbox.signal(child, parent, {
          type: "child-failed",
          actor: child,
          error: text,
          decision: action,
        });
      }
    }
    if (decision.action !== "restart") this.#parents.delete(child);
    const parentCell = agents.cellOf(parent);
    if (decision.action === "escalate" && parentCell !== undefined) {
      agents.stopIndex(child, reason);
      this.fail(parentCell, error ?? new Error(`child ${cell.address} failed too often`));
      return;
    }
    this.#carryOut(decision, child, child, reason, always);
  }

  /** `isInForce` says whether who has decided still has the say when the time of a delayed restart has come. */
  #carryOut(
    decision: RestartDecision,
    first: number,
    failed: number,
    reason: EndReason,
    isInForce: () => boolean,
  ): void {
    const { agents, wheel, nowMs } = this.#dispatcher;
    for (const child of decision.stopFirst) agents.suspend(first + child);
    switch (decision.action) {
      case "restart": {
        const children = decision.children.map((child) => first + child);
        if (decision.delayMs === 0) {
          for (const agent of children) agents.restart(agent);
          return;
        }
        for (const agent of children) agents.suspend(agent);
        wheel.schedule(
          nowMs + decision.delayMs,
          { onTimer: () => isInForce() && this.#restartLater(children) },
          0,
        );
        return;
      }
      case "quarantine":
        agents.quarantine(failed, reason);
        for (const child of decision.stopFirst) agents.stopIndex(first + child, "stopped");
        return;
      case "stop":
        agents.stopIndex(failed, reason);
        return;
      default:
        return;
    }
  }

  #restartLater(agents: readonly number[]): void {
    const { state } = this.#dispatcher.view.registry;
    for (const agent of agents) {
      // Whoever was restarted, stopped or quarantined meanwhile is left alone.
      if (state[agent] === OFFLINE) this.#dispatcher.agents.restart(agent);
    }
  }

  /** A lead has failed: its coordinator restarts the whole cluster, or the sector, or gives it up. */
  #escalate(cluster: number, text: string, ended: number, reason: EndReason): void {
    const { view, nowMs } = this.#dispatcher;
    const { topology } = view;
    const sector = Math.floor(cluster / topology.clustersPerSector);
    const firstCluster = sector * topology.clustersPerSector;
    const coordinator = this.#coordinator(sector);
    const decision = coordinator.decide(cluster - firstCluster, "failed", nowMs);
    this.#tell(leadOf(topology, cluster), text, decision);
    const clusters =
      decision.action === "restart"
        ? decision.children.map((child) => firstCluster + child)
        : [cluster];
    const restart = (): void => {
      for (const each of clusters) this.#restartCluster(each);
    };
    if (decision.action === "restart" && decision.delayMs === 0) restart();
    else if (decision.action === "restart") {
      const onTimer = (): void => {
        if (this.#coordinators.get(sector) === coordinator) restart();
      };
      this.#dispatcher.wheel.schedule(nowMs + decision.delayMs, { onTimer }, 0);
      for (const each of clusters)
        this.#eachOf(each, (agent) => this.#dispatcher.agents.suspend(agent));
    } else {
      this.#giveUp(cluster, ended, reason);
    }
  }

  /**
   * The cluster has failed for good. Who was the last straw is kept from work; the others go on in the care of
   * another lead of the sector. Without one the cluster is quarantined: beyond the sector stand people.
   */
  #giveUp(cluster: number, ended: number, reason: EndReason): void {
    const { agents, roles } = this.#dispatcher;
    agents.quarantine(ended, reason);
    if (roles.adopt(cluster, "failed too often")) return;
    this.#eachOf(cluster, (agent) => agents.quarantine(agent, "failed"));
  }

  #restartCluster(cluster: number): void {
    const { agents, roles } = this.#dispatcher;
    this.#leads.delete(cluster);
    this.#eachOf(cluster, (agent) => agents.restart(agent));
    // Its lead has failed with it.
    roles.elect(cluster);
  }

  #eachOf(cluster: number, act: (agent: number) => void): void {
    const { agentsPerCluster } = this.#dispatcher.view.topology;
    for (let i = 0; i < agentsPerCluster; i++) act(cluster * agentsPerCluster + i);
  }

  #lead(cluster: number): Supervisor {
    const known = this.#leads.get(cluster);
    if (known !== undefined) return known;
    const isGuest = this.#dispatcher.view.seats.adopterOf(cluster) >= 0;
    const lead = this.#made(this.#leads, cluster, this.#agentSpecs, isGuest);
    // A lead made by a successor: whom its predecessor had ended is not brought back by a sibling's end.
    const { registry, topology } = this.#dispatcher.view;
    for (let child = 0; child < topology.agentsPerCluster; child++) {
      if (isOver(registry.state[cluster * topology.agentsPerCluster + child]))
        lead.quarantine(child);
    }
    return lead;
  }

  #coordinator(sector: number): Supervisor {
    return this.#made(this.#coordinators, sector, this.#leadSpecs);
  }

  #made(
    map: Map<number, Supervisor>,
    key: number,
    specs: readonly ChildSpec[],
    ofGuests = false,
  ): Supervisor {
    const known = map.get(key);
    if (known !== undefined) return known;
    const { plan, ports } = this.#dispatcher;
    // A guest never takes its host along.
    const supervision: Supervision = ofGuests
      ? { ...plan.supervision, whenExceeded: "quarantine" }
      : plan.supervision;
    const supervisor = new Supervisor(specs, supervision, ports.random);
    supervisor.takeOver();
    map.set(key, supervisor);
    return supervisor;
  }

  #tell(subject: number, error: string, decision: RestartDecision): void {
    this.#report(subject, error, decision.action, decision.delayMs);
  }

  #report(subject: number, error: string, decision: Incident["decision"], delayMs: number): void {
    this.#unreported.push({
      atMs: this.#dispatcher.nowMs,
      subject,
      error: error.slice(0, Math.floor((this.#dispatcher.plan.maxPayloadBytes - 300) / 3)),
      decision,
      delayMs,
    });
    this.#dispatcher.touch();
  }

  /** True when main has not heard of all incidents. */
  get hasNews(): boolean {
    return this.#unreported.length > 0;
  }

  /** Tells main of the incidents since the last report, many in one frame. */
  report(): void {
    const { outbox, plan } = this.#dispatcher;
    const atOnce = Math.min(64, Math.max(1, Math.floor(plan.maxPayloadBytes / MAX_INCIDENT_BYTES)));
    for (let at = 0; at < this.#unreported.length; at += atOnce) {
      outbox.incidents(this.#unreported.slice(at, at + atOnce));
    }
    this.#unreported = [];
  }
}

const always = (): boolean => true;

function exitOf(reason: EndReason): ExitReason {
  return reason === "stopped" ? "normal" : "failed";
}

function describe(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return text.slice(0, MAX_ERROR_TEXT);
}
