import { MeshError } from "../../actors/errors.ts";
import type { Log } from "../../actors/ports.ts";
import { addressOf, clusterAddress, sectorAddress } from "../../coordination/address.ts";
import { AnomalyTree, type Escalation } from "../../coordination/anomaly-tree.ts";
import { ImpedanceWatch } from "../../coordination/impedance-watch.ts";
import { RateWatch } from "../../coordination/rate-watch.ts";
import type { RouteTable } from "../../coordination/routes.ts";
import { coordinatorOf, leadOf } from "../../coordination/topology.ts";
import type { Enrolment, OperatorAct, OperatorSign } from "../../trust/operator-watch.ts";
import type { Incident } from "../api/incident-api.ts";
import type { LiftOptions, Threat, ThreatStatus, Threats } from "../api/threat-api.ts";
import type { Dispatcher } from "../dispatch/dispatcher.ts";
import type { ShardIncident } from "../dispatch/failures.ts";
import type { Later } from "../machine/later.ts";
import type { MeshCircuits } from "./circuits.ts";
import { OperatorGuard } from "./operator-guard.ts";
import { type Found, ThreatBook } from "./threat-book.ts";

/** Threats by their subject's place in the tree. */
const KIND_OF = {
  agent: "rogue_agent",
  cluster: "cluster_compromise",
  sector: "sector_compromise",
} as const;
/** Characters of a reason. */
const MOST_REASON = 500;

/** What the desk needs of its mesh. */
export interface ThreatDeskPorts {
  readonly dispatcher: Dispatcher;
  readonly circuits: MeshCircuits;
  readonly routes: RouteTable;
  readonly log: Log;
  readonly later: Later;
  readonly onIncident: (incident: Incident) => void;
  readonly onThreat: (threat: Threat) => void;
  /** Freezes the whole mesh and preserves its state. */
  readonly freeze: () => Promise<unknown>;
  readonly standsStill: () => boolean;
  readonly isRunning: () => boolean;
}

/** Messages so far, over all threads. */
export interface Traffic {
  readonly sent: number;
  /** Refused by their senders' flood gates, never sent. */
  readonly shed: number;
  /** Sent, and dropped at full mailboxes. */
  readonly dropped: number;
}

/** The six threats of spec 9.2 on main: what is found comes in, what is done about it goes out, and all is told. */
export class ThreatDesk implements Threats {
  readonly #ports: ThreatDeskPorts;
  readonly #book: ThreatBook;
  readonly #operators: OperatorGuard;
  readonly #anomalies: AnomalyTree;
  readonly #impedance: ImpedanceWatch;
  readonly #rate = new RateWatch();
  /** What is isolated because of a threat, by its id. */
  readonly #places = new Map<string, Escalation>();
  #refused = 0;

  constructor(ports: ThreatDeskPorts) {
    this.#ports = ports;
    const { topology } = ports.dispatcher.view;
    const nowMs = (): number => this.#nowMs();
    const { log, onIncident, onThreat } = ports;
    const book = new ThreatBook({ log, nowMs, onIncident, onThreat });
    this.#book = book;
    const { later, freeze, standsStill, isRunning } = ports;
    this.#operators = new OperatorGuard({ book, later, nowMs, freeze, standsStill, isRunning });
    this.#anomalies = new AnomalyTree(topology);
    this.#impedance = new ImpedanceWatch(topology.clusters);
  }

  status(): ThreatStatus {
    return {
      open: this.#book.openOnes().length,
      found: this.#book.found,
      weightsLocked: this.#ports.dispatcher.view.routes.areWeightsLocked,
      held: this.#operators.holds,
      suspended: this.#operators.suspended,
    };
  }

  /** Whether any was ever found. */
  get isClear(): boolean {
    return this.#book.list().length === 0;
  }

  list(): readonly Threat[] {
    return this.#book.list();
  }

  show(id: string): Threat | undefined {
    return this.#book.get(id);
  }

  act(act: OperatorAct): void {
    this.#operators.act(act);
  }

  sign(sign: OperatorSign): void {
    this.#operators.sign(sign);
  }

  enrol(operator: string, enrolment: Enrolment): void {
    this.#operators.enrol(operator, enrolment);
  }

  /** MeshError MESH_HELD while the mesh is to stay frozen. */
  mayThaw(): void {
    this.#operators.mayThaw();
  }

  lift(id: string, { by, reason }: LiftOptions): Threat {
    const threat = this.#book.get(id);
    if (threat?.state !== "open")
      throw new MeshError("MESH_NO_THREAT", `no threat ${id} is open; see the list of threats`);
    if (by.trim() === "")
      throw new MeshError(
        "MESH_NO_PERSON",
        `${id}: expected the name of who lifts it, got nothing`,
      );
    const closed = this.#book.close(threat, {
      state: "lifted",
      liftedMs: this.#nowMs(),
      liftedBy: by,
      ...(reason !== undefined && { reason: reason.slice(0, MOST_REASON) }),
    });
    this.#operators.lift(id);
    if (threat.kind === "timing_attack") this.#ports.routes.lockWeights(false);
    this.#release(id);
    return closed;
  }

  /** A shard's incident, on its way to the list of incidents. */
  noticed({ class: failure, decision, subject, error }: ShardIncident): void {
    if (failure !== "BYZANTINE_BEHAVIOR" || decision !== "quarantine") return;
    const evidence = `BYZANTINE_BEHAVIOR: ${error}`;
    for (const escalation of this.#anomalies.note(subject, true, this.#nowMs()))
      this.#escalate(escalation, evidence);
  }

  /** Looks at what grows by itself; called about once a second while the mesh runs. */
  tick(traffic: Traffic): void {
    this.#lookAtImpedance();
    this.#lookAtTraffic(traffic);
  }

  #nowMs(): number {
    return this.#ports.dispatcher.ports.clock.nowMs();
  }

  #escalate(escalation: Escalation, evidence: string): void {
    const { topology } = this.#ports.dispatcher.view;
    const { level, index } = escalation;
    const kind = KIND_OF[level];
    switch (level) {
      case "agent": {
        const subject = addressOf(topology, index);
        // The quarantine is an incident of its own already.
        const { threat } = this.#enter({ kind, subject, evidence });
        this.#places.set(threat.id, escalation);
        // Its shard says that it is done: that is how it is known.
        this.#book.respond(threat.id, `quarantined; heal ${subject} replaces it`, true);
        return;
      }
      case "cluster": {
        const subject = clusterAddress(topology, index);
        const { threat, isNew } = this.#enter({ kind, subject, evidence, decision: "isolate" });
        if (!isNew) return;
        this.#isolate(threat, escalation);
        this.#retire(leadOf(topology, index));
        this.#book.respond(threat.id, "another of its agents leads it, in a new term", true);
        return;
      }
      case "sector": {
        const subject = sectorAddress(index);
        const { threat, isNew } = this.#enter({ kind, subject, evidence, decision: "isolate" });
        if (!isNew) return;
        this.#isolate(threat, escalation);
        this.#retire(coordinatorOf(topology, index));
        this.#book.respond(threat.id, "its coordinator is retired: a new term begins", true);
        return;
      }
    }
  }

  #enter(found: Found): { threat: Threat; isNew: boolean } {
    return this.#book.enter(found);
  }

  /** Nothing from outside comes in, nothing from inside gets out, until a person lifts it. */
  #isolate({ id, kind, subject }: Threat, place: Escalation): void {
    this.#places.set(id, place);
    this.#ports.circuits.hold(subject, `THREAT ${id}: ${kind}`);
    this.#book.respond(id, `its circuit is open and stays so`, false);
  }

  /** Whoever holds the role holds it no more; what they have decided and is not done is void. */
  #retire(role: number): void {
    const { dispatcher } = this.#ports;
    dispatcher.nowMs = this.#nowMs();
    dispatcher.outbox.control(role, 0, { verb: "kill" });
    dispatcher.nudge();
  }

  #release(id: string): void {
    const place = this.#places.get(id);
    this.#places.delete(id);
    if (place === undefined) return;
    this.#anomalies.forgive(place);
    const { topology } = this.#ports.dispatcher.view;
    if (place.level === "cluster")
      this.#ports.circuits.release(clusterAddress(topology, place.index));
    if (place.level === "sector") this.#ports.circuits.release(sectorAddress(place.index));
  }

  #lookAtImpedance(): void {
    const { dispatcher, routes } = this.#ports;
    const move = this.#impedance.look(dispatcher.view.reports, this.#nowMs());
    if (move === undefined || dispatcher.view.routes.areWeightsLocked) return;
    const { way, moved, reports, clusters } = move;
    const evidence =
      `${moved} of ${reports} reports of ${clusters} clusters within 10 s are far ${way} than usual, ` +
      "and the mesh has not seen it";
    const what = { kind: "timing_attack", subject: "mesh", evidence } as const;
    const { threat } = this.#enter({ ...what, decision: "lock-weights" });
    routes.lockWeights(true);
    const response =
      "impedance weights are locked: what agents say of their own timing does not count";
    this.#book.respond(threat.id, response, true);
  }

  #lookAtTraffic({ sent, shed, dropped }: Traffic): void {
    const news = this.#rate.look(sent + shed, shed + dropped, this.#nowMs());
    const refused = shed + dropped - this.#refused;
    this.#refused = shed + dropped;
    if (news === undefined) return;
    const threat = this.#book.open("denial_of_service", "mesh");
    if (news.state === "ends") {
      if (threat !== undefined)
        this.#book.close(threat, { state: "over", liftedMs: this.#nowMs() });
      return;
    }
    const { rate, usual } = news;
    if (news.state === "begins") {
      const evidence =
        `${Math.round(rate)} messages a second, usually ${Math.round(usual)} at most, ` +
        `and no room for ${refused} of them`;
      const what = { kind: "denial_of_service", subject: "mesh", evidence } as const;
      const entered = this.#enter({ ...what, decision: "shed" });
      const response =
        "low priorities are refused first where there is no room, and whoever sends most";
      this.#book.respond(entered.threat.id, response, true);
    }
  }
}
