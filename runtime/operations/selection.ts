import { InvalidOptionError, MeshError, UnknownActorError } from "../../actors/errors.ts";
import { indexOfAddress } from "../../coordination/address.ts";
import { VACANT_SEAT } from "../../coordination/agent-state.ts";
import { bitsOf, type CapabilityTable, hasCapability } from "../../coordination/capability.ts";
import { CapableAgents } from "../../coordination/capable-agents.ts";
import { IMPEDANCE_CLASSES } from "../../coordination/impedance-class.ts";
import type { Registry } from "../../coordination/registry.ts";
import { CIRCUIT_MARKS, type RouteMarks } from "../../coordination/routes.ts";
import { clusterOf, kindOf, sectorOf, type Topology } from "../../coordination/topology.ts";

/** Indices [from, to) of agents. */
export interface AgentRange {
  readonly from: number;
  readonly to: number;
}

const NOBODY = new Int32Array(0);

/** Finds the agents that people mean. */
export class Selector {
  readonly #topology: Topology;
  readonly #registry: Registry;
  readonly #capabilities: CapabilityTable;
  readonly #routes: RouteMarks;
  readonly #capable: CapableAgents;
  #everyone: Int32Array | undefined;

  constructor(
    topology: Topology,
    registry: Registry,
    capabilities: CapabilityTable,
    routes: RouteMarks,
  ) {
    this.#routes = routes;
    this.#capable = new CapableAgents(registry, topology);
    this.#topology = topology;
    this.#registry = registry;
    this.#capabilities = capabilities;
  }

  /** All that a selection names and that are there; see {@link selectAgents}. */
  named(selection: string | undefined): Iterable<number> {
    const named = selectAgents(this.#topology, this.#registry, this.#capabilities, selection);
    return this.#seated(named);
  }

  /** Agents were added or removed: who everyone is has to be found out anew. */
  forgetEveryone(): void {
    this.#everyone = undefined;
  }

  *#seated(agents: Iterable<number>): Iterable<number> {
    const { state } = this.#registry;
    for (const agent of agents) if (state[agent] !== VACANT_SEAT) yield agent;
  }

  /**
   * Those of a selection that can be routed to and have all of these capabilities; MeshError MESH_NOBODY when
   * there is none.
   */
  routable(selection: string | undefined, names: readonly string[]): Int32Array {
    const able = this.able(selection, names);
    const bits = this.bitsFor(selection, names);
    const routed = this.#routes.isClear
      ? able
      : able.filter((agent) => this.isRoutable(agent, bits));
    if (routed.length > 0) return routed;
    const what = names.length === 0 ? "" : ` that can ${names.join(", ")}`;
    const shut = this.shut(selection, names).length;
    const because = shut === 0 ? "" : `: ${shut} are behind open circuits`;
    throw new MeshError(
      "MESH_NOBODY",
      `select: expected at least one agent${what}, ${selection ?? "the mesh"} has none${because}`,
    );
  }

  /** Those of a selection, with all of these capabilities, that only an open circuit keeps traffic from. */
  shut(selection: string | undefined, names: readonly string[]): Int32Array {
    if (this.#routes.isClear) return NOBODY;
    const { marks } = this.#routes;
    return this.able(selection, names).filter(
      (agent) => marks[agent] !== 0 && (marks[agent] & ~CIRCUIT_MARKS) === 0,
    );
  }

  /** Those of a selection that have all of these capabilities, whether or not they can be routed to. */
  able(selection: string | undefined, names: readonly string[]): Int32Array {
    const [low, high] = this.#bitsOf(names);
    const { capabilitiesLow, capabilitiesHigh } = this.#registry;
    const agents = this.#agentsOf(selection);
    if ((low | high) === 0) return agents;
    return agents.filter(
      (agent) => (low & ~capabilitiesLow[agent]) === 0 && (high & ~capabilitiesHigh[agent]) === 0,
    );
  }

  /** Whether traffic, for all capabilities of these bits, may go to the agent. */
  isRoutable(agent: number, bits: readonly number[]): boolean {
    if (!this.#routes.isRoutable(agent)) return false;
    for (const bit of bits) if (!this.#routes.isRoutable(agent, bit)) return false;
    return true;
  }

  /** Bits of capabilities that a selection and a list of names ask for. */
  bitsFor(selection: string | undefined, names: readonly string[]): readonly number[] {
    const named = selection === undefined ? -1 : this.#capabilities.bitOf(selection);
    const bits = names.map((name) => this.#capabilities.bitOf(name));
    return named < 0 ? bits : [...bits, named];
  }

  /** Not to be changed: everyone is made once, for the whole mesh is what is mostly meant. */
  #agentsOf(selection: string | undefined): Int32Array {
    if (selection !== undefined && selection !== "all") {
      const bit = this.#capabilities.bitOf(selection);
      // An address and a class come first, as in `selectAgents`: no capability may hide them.
      if (bit < 0 || isPlace(this.#topology, selection))
        return Int32Array.from(this.named(selection));
      this.#capable.refresh();
      // Spawned children are of no sector's bitmap.
      return this.#capable.having(bit).filter((agent) => agent < this.#topology.agents);
    }
    this.#everyone ??= Int32Array.from(this.named(undefined));
    return this.#everyone;
  }

  #bitsOf(names: readonly string[]): readonly [low: number, high: number] {
    try {
      return bitsOf(this.#capabilities, names);
    } catch (error) {
      const expected = `capabilities of ${this.#capabilities.names.join(", ") || "nobody"}`;
      if (error instanceof RangeError)
        throw new InvalidOptionError("requiresCapabilities", names.join(", "), expected);
      throw error;
    }
  }
}

/**
 * Indices of the agents that a selection names: everything (undefined or `all`), an address of an agent,
 * cluster or sector, an impedance class, or a capability. InvalidOptionError when it is none of these.
 */
export function selectAgents(
  topology: Topology,
  registry: Registry,
  capabilities: CapabilityTable,
  selection: string | undefined,
): Iterable<number> {
  if (selection === undefined || selection === "all") return range(0, topology.agents);
  const index = indexOfAddress(topology, selection);
  if (index >= 0) {
    const [{ from, to }] = rangeOf(topology, index);
    return range(from, to);
  }
  const classIndex = IMPEDANCE_CLASSES.findIndex((profile) => profile.name === selection);
  if (classIndex >= 0)
    return filtered(topology.agents, (agent) => topology.classOf[agent] === classIndex);
  const bit = capabilities.bitOf(selection);
  if (bit >= 0) return filtered(topology.agents, (agent) => hasCapability(registry, agent, bit));
  throw new InvalidOptionError(
    "selection",
    selection,
    "`all`, an address (sector-1, sector-1/cluster-1, …/agent-1), an impedance class or a capability",
  );
}

/** Whether a selection is an address or an impedance class. */
function isPlace(topology: Topology, selection: string): boolean {
  return (
    indexOfAddress(topology, selection) >= 0 ||
    IMPEDANCE_CLASSES.some(({ name }) => name === selection)
  );
}

/** The agents below an address, as one range for each sector, because a sector lives on one thread. */
export function selectRange(topology: Topology, address: string): readonly AgentRange[] {
  const index = indexOfAddress(topology, address);
  if (index < 0)
    throw new UnknownActorError(
      address,
      "an address of an agent, a cluster, a sector or the orchestrator",
    );
  return rangeOf(topology, index);
}

function rangeOf(topology: Topology, index: number): readonly AgentRange[] {
  const { agentsPerCluster, agentsPerSector } = topology;
  switch (kindOf(topology, index)) {
    case "agent":
    case "spawned":
      return [{ from: index, to: index + 1 }];
    case "lead": {
      const from = clusterOf(topology, index) * agentsPerCluster;
      return [{ from, to: from + agentsPerCluster }];
    }
    case "coordinator": {
      const from = sectorOf(topology, index) * agentsPerSector;
      return [{ from, to: from + agentsPerSector }];
    }
    case "orchestrator":
      return Array.from({ length: topology.sectors }, (_, sector) => ({
        from: sector * agentsPerSector,
        to: (sector + 1) * agentsPerSector,
      }));
  }
}

function* range(from: number, to: number): Iterable<number> {
  for (let index = from; index < to; index++) yield index;
}

function* filtered(agents: number, keep: (agent: number) => boolean): Iterable<number> {
  for (let agent = 0; agent < agents; agent++) if (keep(agent)) yield agent;
}
