import { MeshError, UnknownActorError } from "../../actors/errors.ts";
import type { CircuitBreakerMessage } from "../../actors/message.ts";
import type { Log } from "../../actors/ports.ts";
import {
  addressOf,
  clusterAddress,
  indexOfAddress,
  sectorAddress,
} from "../../coordination/address.ts";
import { ACTIVE } from "../../coordination/agent-state.ts";
import type { CircuitState } from "../../coordination/breaker.ts";
import {
  BREAKER_SETTINGS,
  type BreakerSettings,
  BreakerTree,
  type CircuitChange,
  type CircuitPlace,
} from "../../coordination/breaker-tree.ts";
import type { RouteTable } from "../../coordination/routes.ts";
import { clusterOf, kindOf, sectorOf } from "../../coordination/topology.ts";
import type { CircuitEvent, CircuitStatus, Circuits } from "../api/circuit-api.ts";
import type { Dispatcher } from "../dispatch/dispatcher.ts";

/** What a probed agent has to answer in, ms. */
const PROBE_MS = 5_000;
/** Agents of a cluster that are probed; of a sector one in each of so many clusters, of the mesh in so many sectors. */
const CLUSTER_PROBES = 3;
const WIDE_PROBES = 30;

const ACTIONS: Readonly<Record<CircuitState, CircuitBreakerMessage["action"]>> = {
  OPEN: "OPEN",
  HALF_OPEN: "HALF_OPEN",
  CLOSED: "CLOSE",
};

/** What circuits need of their mesh. */
export interface CircuitPorts {
  readonly dispatcher: Dispatcher;
  readonly routes: RouteTable;
  readonly log: Log;
  readonly settings: Partial<BreakerSettings>;
  readonly onEvent: (event: CircuitEvent) => void;
}

/**
 * The breakers of a mesh on main: they hear of failures, mark whom no traffic is to reach in shared memory, where
 * every thread looks before it sends, and probe what is open with real messages.
 */
export class MeshCircuits implements Circuits {
  readonly #ports: CircuitPorts;
  readonly #tree: BreakerTree;
  /** One agent in so many is let through while HALF_OPEN. */
  readonly #stride: number;
  #rotation = 0;
  /** Addresses of the circuits that stay open. */
  readonly #held = new Set<string>();

  constructor(ports: CircuitPorts) {
    this.#ports = ports;
    this.#stride = Math.max(1, Math.round(1 / (ports.settings.share ?? BREAKER_SETTINGS.share)));
    const { topology } = ports.dispatcher.view;
    const onChange = (change: CircuitChange): void => this.#changed(change);
    const probe = (place: CircuitPlace, id: number): void => {
      const isHeld = this.#held.has(this.#addressOf(place));
      const probed = isHeld ? Promise.resolve(false) : this.#probe(place);
      probed.then((ok) => this.#tree.probed(place, id, ok, this.#nowMs()));
    };
    this.#tree = new BreakerTree(topology, { onChange, probe }, ports.settings);
  }

  /** A failure of one agent; of spawned children nothing is counted. */
  fail(agent: number, reason: string): void {
    this.#tree.fail(agent, this.#nowMs(), reason);
  }

  /** A failure of a cluster as a whole; counted over the mesh from 0. */
  failCluster(cluster: number, reason: string): void {
    this.#tree.failCluster(cluster, this.#nowMs(), reason);
  }

  /** Opens the circuit of a sector, counted from 0. */
  isolate(sector: number, reason: string): void {
    this.#tree.trip({ level: "sector", index: sector }, this.#nowMs(), reason);
  }

  /** Opens a circuit that no probe closes until it is released: the address of a cluster or a sector. */
  hold(address: string, reason: string): void {
    this.#held.add(address);
    this.#tree.trip(this.#placeOf(address, false), this.#nowMs(), reason);
  }

  /** Closes a circuit that was held. */
  release(address: string): void {
    if (!this.#held.delete(address)) return;
    this.#tree.reset(this.#placeOf(address, false), this.#nowMs(), "THREAT: lifted by a person");
  }

  /** Probes and closes what is due; called about once a second. */
  tick(): void {
    this.#tree.tick(this.#nowMs());
  }

  /** Whether it stays open until it is released. */
  isHeld(address: string): boolean {
    return this.#held.has(address);
  }

  list(): readonly CircuitStatus[] {
    return this.#tree.list().map((place) => this.#statusOf(place));
  }

  state(address: string): CircuitStatus {
    return this.#statusOf(this.#placeOf(address, true));
  }

  trip(address: string, reason = "tripped by the operator"): CircuitStatus {
    const place = this.#placeOf(address, false);
    this.#tree.trip(place, this.#nowMs(), reason);
    return this.#statusOf(place);
  }

  reset(address: string): CircuitStatus {
    const place = this.#placeOf(address, false);
    if (this.#held.has(address))
      throw new MeshError(
        "MESH_HELD",
        `${address}: its circuit is held open for a threat: lift that`,
      );
    this.#tree.reset(place, this.#nowMs(), "reset by the operator");
    return this.#statusOf(place);
  }

  #nowMs(): number {
    return this.#ports.dispatcher.ports.clock.nowMs();
  }

  #placeOf(address: string, ofAgents: boolean): CircuitPlace {
    const { topology } = this.#ports.dispatcher.view;
    const index = indexOfAddress(topology, address);
    const kind = index < 0 ? undefined : kindOf(topology, index);
    if (kind === "orchestrator") return { level: "global", index: 0 };
    if (kind === "coordinator") return { level: "sector", index: sectorOf(topology, index) };
    if (kind === "lead" || (ofAgents && kind === "agent"))
      return { level: "cluster", index: clusterOf(topology, index) };
    throw new UnknownActorError(
      address,
      "a cluster, a sector or the orchestrator: nothing else has a circuit",
    );
  }

  #addressOf({ level, index }: CircuitPlace): string {
    const { topology } = this.#ports.dispatcher.view;
    switch (level) {
      case "cluster":
        return clusterAddress(topology, index);
      case "sector":
        return sectorAddress(index);
      case "global":
        return addressOf(topology, topology.orchestrator);
    }
  }

  #statusOf(place: CircuitPlace): CircuitStatus {
    const circuit = this.#tree.circuit(place);
    const reason = this.#tree.reason(place);
    return {
      level: place.level,
      target: this.#addressOf(place),
      state: circuit.state,
      sinceMs: circuit.sinceMs,
      failures: circuit.failures(this.#nowMs()),
      openings: circuit.openings,
      ...(reason !== undefined && { reason }),
      ...(Number.isFinite(circuit.dueMs) && { dueMs: circuit.dueMs }),
    };
  }

  #changed(change: CircuitChange): void {
    const { routes, log, onEvent } = this.#ports;
    const { level, to, atMs, reason } = change;
    routes.setCircuit(change, to, change.attempt, this.#stride);
    const targetId = this.#addressOf(change);
    const timestamp = new Date(atMs).toISOString();
    const sentence = `circuit of ${targetId}: ${change.from} → ${to}`;
    const event = `CIRCUIT_BREAKER_${to}`;
    log.warn({ event, level, [`${level}_id`]: targetId, timestamp, reason }, sentence);
    onEvent({ type: "CIRCUIT", action: ACTIONS[to], scope: level, targetId, reason, atMs });
  }

  /** Asks some of its agents for a sign of life; true when at least half of them give one. */
  async #probe(place: CircuitPlace): Promise<boolean> {
    const agents = this.#probed(place);
    const signs = await Promise.all(agents.map((agent) => this.#isAlive(agent)));
    const alive = signs.filter(Boolean).length;
    return alive > 0 && 2 * alive >= agents.length;
  }

  #probed({ level, index }: CircuitPlace): readonly number[] {
    const { agentsPerCluster, agentsPerSector, clustersPerSector, sectors } =
      this.#ports.dispatcher.view.topology;
    switch (level) {
      case "cluster":
        return this.#active(index * agentsPerCluster, agentsPerCluster, CLUSTER_PROBES);
      case "sector": {
        const from = index * agentsPerSector;
        return Array.from({ length: Math.min(clustersPerSector, WIDE_PROBES) }, (_, i) =>
          this.#active(from + i * agentsPerCluster, agentsPerCluster, 1),
        ).flat();
      }
      case "global":
        return Array.from({ length: Math.min(sectors, WIDE_PROBES) }, (_, i) =>
          this.#active(i * agentsPerSector, agentsPerSector, 1),
        ).flat();
    }
  }

  /** Up to `count` active agents of a range, each time beginning with another. */
  #active(from: number, size: number, count: number): readonly number[] {
    const { state } = this.#ports.dispatcher.view.registry;
    const found: number[] = [];
    const first = this.#rotation++;
    for (let i = 0; i < size && found.length < count; i++) {
      const agent = from + ((first + i) % size);
      if (state[agent] === ACTIVE) found.push(agent);
    }
    return found;
  }

  /** A message through the agent's mailbox, answered in its turn. */
  #isAlive(agent: number): Promise<boolean> {
    const { dispatcher } = this.#ports;
    dispatcher.nowMs = this.#nowMs();
    const { asks, outbox, nowMs } = dispatcher;
    return new Promise((resolve) => {
      const settle = (answer: { readonly state: number }): void => resolve(answer.state === 1);
      const id = asks.open(-1, -1, nowMs, nowMs + PROBE_MS, settle, () => resolve(false));
      outbox.probe(agent, id, nowMs + PROBE_MS);
      dispatcher.nudge();
    });
  }
}
