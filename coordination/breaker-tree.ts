/**
 * The breakers of a whole mesh (spec 6.2): a circuit for each cluster, for each sector and one for all. A failure of
 * an agent counts for its cluster and its sector; sectors that are OPEN count for the mesh. Circuits are made when
 * first needed: most never fail.
 */
import { BREAKER_TIMES, type BreakerTimes, Circuit, type CircuitState } from "./breaker.ts";
import { wholeNumber } from "./check.ts";
import { clusterOf, type Topology } from "./topology.ts";

export type CircuitLevel = "cluster" | "sector" | "global";

/** Which circuit: clusters and sectors by their number in the mesh from 0, the global one is 0. */
export interface CircuitPlace {
  readonly level: CircuitLevel;
  readonly index: number;
}

/** Thresholds (spec 6.2) and times of a mesh's breakers. */
export interface BreakerSettings extends BreakerTimes {
  /** Failures that a cluster bears within the window. */
  readonly clusterFailures: number;
  /** Failures that a sector bears within the window. */
  readonly sectorFailures: number;
  /** Sectors that may be OPEN at once. */
  readonly globalSectors: number;
  /** Failures of one agent that count within the window: its own and its replacement's. More is its supervisor's. */
  readonly agentFailures: number;
}

export const BREAKER_SETTINGS: BreakerSettings = Object.freeze({
  ...BREAKER_TIMES,
  clusterFailures: 5,
  sectorFailures: 50,
  globalSectors: 10,
  agentFailures: 2,
});

/** A circuit has changed its state. */
export interface CircuitChange extends CircuitPlace {
  readonly from: CircuitState;
  readonly to: CircuitState;
  readonly atMs: number;
  readonly reason: string;
  /** How often it had opened before: another tenth of the traffic is let in each time. */
  readonly attempt: number;
}

/** Who hears of changes and sends probes. */
export interface BreakerPorts {
  readonly onChange: (change: CircuitChange) => void;
  /** Sends a probe; its outcome is told by {@link BreakerTree.probed} with this number. */
  readonly probe: (place: CircuitPlace, probe: number) => void;
}

/** Agents whose failures are counted one by one; beyond these the oldest are forgotten. */
const COUNTED_AGENTS = 10_000;
/** Probes that are out at once: a storm opens a thousand circuits, but is not to be answered by a thousand probes. */
export const PROBES_AT_ONCE = 32;

const GLOBAL: CircuitPlace = { level: "global", index: 0 };

export class BreakerTree {
  readonly #topology: Topology;
  readonly #settings: BreakerSettings;
  readonly #ports: BreakerPorts;
  readonly #clusters = new Map<number, Circuit>();
  readonly #sectors = new Map<number, Circuit>();
  readonly #global: Circuit;
  /** Why each circuit that is not CLOSED is so; the list of those. */
  readonly #reasons = new Map<string, string>();
  readonly #places = new Map<string, CircuitPlace>();
  /** By agent: the times of the failures of it that counted, the last of them last. */
  readonly #agents = new Map<number, number[]>();
  #openSectors = 0;
  #probing = 0;

  /** RangeError when a threshold is not a whole number. */
  constructor(topology: Topology, ports: BreakerPorts, settings: Partial<BreakerSettings> = {}) {
    this.#topology = topology;
    this.#ports = ports;
    this.#settings = { ...BREAKER_SETTINGS, ...settings };
    wholeNumber("agentFailures", this.#settings.agentFailures, 1, 1_000);
    this.#global = new Circuit(this.#settings.globalSectors, this.#settings);
  }

  /** A failure of one agent of the topology; of others it does nothing. */
  fail(agent: number, nowMs: number, reason: string): void {
    const cluster = clusterOf(this.#topology, agent);
    if (cluster < 0 || agent >= this.#topology.agents) return;
    const counts = this.#counts(agent, nowMs);
    const sector = Math.floor(cluster / this.#topology.clustersPerSector);
    for (const place of [
      { level: "cluster", index: cluster },
      { level: "sector", index: sector },
    ] as const) {
      // On trial every failure tells: the few who are let in may be who failed before.
      if (counts || this.#made(place).state === "HALF_OPEN") this.#fail(place, nowMs, reason);
    }
  }

  /** A failure of a cluster as a whole: its worker died, or an operation was answered by hardly anybody in it. */
  failCluster(cluster: number, nowMs: number, reason: string): void {
    const sector = Math.floor(cluster / this.#topology.clustersPerSector);
    this.#fail({ level: "cluster", index: cluster }, nowMs, reason);
    this.#fail({ level: "sector", index: sector }, nowMs, reason);
  }

  #fail(place: CircuitPlace, nowMs: number, reason: string): void {
    const circuit = this.#made(place);
    const from = circuit.state;
    if (circuit.fail(nowMs)) this.#changed(place, circuit, from, nowMs, reason);
  }

  /** Closes what has been tried long enough, and has probed what is due. */
  tick(nowMs: number): void {
    for (const [key, place] of [...this.#places]) {
      const circuit = this.#made(place);
      const from = circuit.state;
      if (circuit.close(nowMs)) this.#changed(place, circuit, from, nowMs, "recovered");
      else if (this.#probing < PROBES_AT_ONCE) {
        const probe = circuit.beginProbe(nowMs);
        if (probe === 0 || !this.#places.has(key)) continue;
        this.#probing++;
        this.#ports.probe(place, probe);
      }
    }
  }

  /** The outcome of a probe; each that was asked for is told once. */
  probed(place: CircuitPlace, probe: number, succeeded: boolean, nowMs: number): void {
    this.#probing--;
    const circuit = this.#made(place);
    const from = circuit.state;
    if (circuit.probed(probe, succeeded, nowMs))
      this.#changed(place, circuit, from, nowMs, "a probe was answered");
  }

  /** Opens a circuit; false if it was OPEN. */
  trip(place: CircuitPlace, nowMs: number, reason: string): boolean {
    const circuit = this.#made(place);
    const from = circuit.state;
    if (!circuit.trip(nowMs)) return false;
    this.#changed(place, circuit, from, nowMs, reason);
    return true;
  }

  /** Closes a circuit and forgets its failures; false if it was CLOSED. */
  reset(place: CircuitPlace, nowMs: number, reason: string): boolean {
    const circuit = this.#made(place);
    const from = circuit.state;
    if (!circuit.reset(nowMs)) return false;
    this.#changed(place, circuit, from, nowMs, reason);
    return true;
  }

  /** The circuit, whatever its state. Not to be changed. */
  circuit(place: CircuitPlace): Circuit {
    return this.#made(place);
  }

  /** Why a circuit is not CLOSED; undefined when it is. */
  reason(place: CircuitPlace): string | undefined {
    return this.#reasons.get(keyOf(place));
  }

  /** All that are not CLOSED, in the order in which they opened. */
  list(): readonly CircuitPlace[] {
    return [...this.#places.values()];
  }

  #changed(
    place: CircuitPlace,
    circuit: Circuit,
    from: CircuitState,
    nowMs: number,
    reason: string,
  ): void {
    const to = circuit.state;
    const key = keyOf(place);
    if (to === "CLOSED") {
      this.#reasons.delete(key);
      this.#places.delete(key);
    } else {
      this.#places.set(key, place);
      // What a trial is about is why the circuit was opened.
      if (to === "OPEN") this.#reasons.set(key, reason);
    }
    const attempt = Math.max(0, circuit.openings - 1);
    this.#ports.onChange({ ...place, from, to, atMs: nowMs, reason, attempt });
    if (place.level === "sector") this.#sectorChanged(from, to, nowMs);
  }

  #sectorChanged(from: CircuitState, to: CircuitState, nowMs: number): void {
    if (from === "OPEN") this.#openSectors--;
    if (to !== "OPEN") return;
    this.#openSectors++;
    const reason = `${this.#openSectors} sectors are open`;
    // While the mesh is on trial each sector that opens is a failure of it.
    if (this.#global.state === "HALF_OPEN") this.#fail(GLOBAL, nowMs, reason);
    else if (this.#global.state === "CLOSED" && this.#openSectors > this.#settings.globalSectors)
      this.trip(GLOBAL, nowMs, reason);
  }

  #counts(agent: number, nowMs: number): boolean {
    const { agentFailures, windowMs } = this.#settings;
    const times = this.#agents.get(agent) ?? [];
    if (times.length === agentFailures) {
      if (nowMs - times[0] < windowMs) return false;
      times.shift();
    }
    times.push(nowMs);
    this.#agents.delete(agent);
    this.#agents.set(agent, times);
    if (this.#agents.size > COUNTED_AGENTS)
      this.#agents.delete(this.#agents.keys().next().value as number);
    return true;
  }

  #made(place: CircuitPlace): Circuit {
    const { clusterFailures, sectorFailures } = this.#settings;
    const { clusters, sectors } = this.#topology;
    switch (place.level) {
      case "cluster":
        wholeNumber("cluster", place.index, 0, clusters - 1);
        return this.#from(this.#clusters, place.index, clusterFailures);
      case "sector":
        wholeNumber("sector", place.index, 0, sectors - 1);
        return this.#from(this.#sectors, place.index, sectorFailures);
      case "global":
        return this.#global;
    }
  }

  #from(circuits: Map<number, Circuit>, index: number, limit: number): Circuit {
    const known = circuits.get(index);
    if (known !== undefined) return known;
    const circuit = new Circuit(limit, this.#settings);
    circuits.set(index, circuit);
    return circuit;
  }
}

function keyOf({ level, index }: CircuitPlace): string {
  return `${level} ${index}`;
}
