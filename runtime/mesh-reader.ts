import { InvalidOptionError, UnknownActorError } from "../actors/errors.ts";
import { addressOf, indexOfAddress } from "../coordination/address.ts";
import type { AgentImpedance } from "../coordination/agent-impedance.ts";
import type { CapabilityTable } from "../coordination/capability.ts";
import { findBestAgents } from "../coordination/routing.ts";
import {
  type ClusterSummary,
  type GlobalStats,
  readClusterSummary,
  readGlobalStats,
  readSectorSummary,
  type SectorSummary,
} from "../coordination/summary.ts";
import { sectorOf } from "../coordination/topology.ts";
import type { AgentFilter } from "./api/mesh-api.ts";
import type { StatusReader } from "./inspection/status.ts";
import type { Selector } from "./operations/selection.ts";
import type { ThreadView } from "./plan/memory.ts";

/** The registry as main reads it for people and programs: shared memory only, so it costs the agents nothing. */
export class MeshReader {
  readonly #view: ThreadView;
  readonly #capabilities: CapabilityTable;
  readonly #selector: Selector;
  readonly #status: StatusReader;

  constructor(
    view: ThreadView,
    capabilities: CapabilityTable,
    selector: Selector,
    status: StatusReader,
  ) {
    this.#view = view;
    this.#capabilities = capabilities;
    this.#selector = selector;
    this.#status = status;
  }

  stats(nowMs: number): GlobalStats {
    return readGlobalStats(this.#view.clusters, this.#view.sectors, nowMs);
  }

  agents(filter: AgentFilter = {}): readonly AgentImpedance[] {
    return this.#status.agents(
      filter,
      this.#capabilities,
      this.#selector.named(filter.within ?? filter.capability ?? filter.class),
      this.#view.registry,
    );
  }

  /**
   * The summaries of a sector's clusters, without those nobody is in; UnknownActorError when `sector` is not in the
   * mesh.
   */
  clusters(sector: string): readonly ClusterSummary[] {
    const { topology, clusters } = this.#view;
    const index = indexOfAddress(topology, sector);
    const place = index < 0 ? -1 : sectorOf(topology, index);
    if (place < 0) throw new UnknownActorError(sector, `sector-1 to sector-${topology.sectors}`);
    const { clustersPerSector } = topology;
    const all = Array.from({ length: clustersPerSector }, (_, i) => place * clustersPerSector + i);
    return all
      .filter(
        (cluster) => clusters.agentCount[cluster] > 0 || clusters.lastUpdatedMs[cluster] === 0,
      )
      .map((cluster) => readClusterSummary(clusters, topology, cluster));
  }

  sectors(): readonly SectorSummary[] {
    const { topology, sectors } = this.#view;
    return Array.from({ length: topology.sectors }, (_, sector) =>
      readSectorSummary(sectors, topology, sector),
    );
  }

  /** Addresses, best first (spec 4.3); InvalidOptionError when the mesh has no such capability. */
  findBestAgents(capability: string, count: number, maxImpedance = 500): readonly string[] {
    const { registry, topology } = this.#view;
    const bit = this.#capabilities.bitOf(capability);
    if (bit < 0)
      throw new InvalidOptionError(
        "capability",
        capability,
        `one of ${this.#capabilities.names.join(", ") || "none"}`,
      );
    return findBestAgents(registry, topology, bit, count, maxImpedance).map((index) =>
      addressOf(topology, index),
    );
  }
}
