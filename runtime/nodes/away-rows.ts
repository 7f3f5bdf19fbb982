import { NOT_STARTED, OFFLINE, VACANT_SEAT } from "../../coordination/agent-state.ts";
import { foldCluster, foldSector } from "../../coordination/aggregate.ts";
import { sectorOf } from "../../coordination/topology.ts";
import type { MeshPlan, ThreadView } from "../plan/memory.ts";
import type { SectorMap } from "./sector-map.ts";

/** Bytes of one agent in {@link SectorRows}: state, flags, and six figures. */
const ROW_BYTES = 2 + 6 * 4;

/** What a node tells of the agents of one of its sectors, once a second: fixed binary. */
export type SectorRows = Uint8Array;

/** Takes down the rows of a sector of this node. */
export function readRows({ registry, topology }: ThreadView, sector: number): SectorRows {
  const { agentsPerSector } = topology;
  const from = sector * agentsPerSector;
  const bytes = new Uint8Array(agentsPerSector * ROW_BYTES);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < agentsPerSector; i++) {
    const row = from + i;
    const at = i * ROW_BYTES;
    bytes[at] = registry.state[row];
    bytes[at + 1] = registry.flags[row];
    view.setFloat32(at + 2, registry.latencyMs[row]);
    view.setFloat32(at + 6, registry.processingMs[row]);
    view.setFloat32(at + 10, registry.score[row]);
    view.setFloat32(at + 14, registry.reliability[row]);
    view.setUint32(at + 18, registry.capabilitiesLow[row]);
    view.setUint32(at + 22, registry.capabilitiesHigh[row]);
  }
  return bytes;
}

/**
 * The rows of agents that other nodes have, of which main is the writer here: what their nodes tell of them, and how
 * much is held for them.
 */
export class AwayRows {
  readonly #view: ThreadView;
  readonly #maxMessages: number;
  readonly #map: SectorMap;
  /** Sectors whose threads still empty their mailboxes. */
  readonly #leaving = new Set<number>();
  /** Sectors of which other nodes have told. */
  readonly #known = new Set<number>();
  #isFull = false;

  constructor(plan: MeshPlan, view: ThreadView, map: SectorMap) {
    this.#view = view;
    this.#maxMessages = plan.bounds.maxMessages;
    this.#map = map;
  }

  /** The thread of this node still writes the rows of a sector that has left it, or has stopped to. */
  setLeaving(sector: number, leaving: boolean): void {
    if (leaving) this.#leaving.add(sector);
    else this.#leaving.delete(sector);
  }

  /** Whether anything is known of a sector's agents. */
  isKnown(sector: number): boolean {
    return this.#isOurs(sector) || this.#known.has(sector);
  }

  #isOurs(sector: number): boolean {
    return this.#map.isHere(sector) || this.#leaving.has(sector);
  }

  /** Counts a message that is held for an agent (`sign` 1), or no more (−1); false when its row is not main's. */
  count(agent: number, bytes: number, sign: number): boolean {
    const { registry, topology } = this.#view;
    if (this.#isOurs(sectorOf(topology, agent))) return false;
    registry.queueDepth[agent] = Math.max(0, registry.queueDepth[agent] + sign);
    registry.queueBytes[agent] = Math.max(0, registry.queueBytes[agent] + sign * bytes);
    return true;
  }

  /** To all that send to them these agents have no room, or have it again. */
  setFull(full: boolean): void {
    if (this.#isFull === full) return;
    this.#isFull = full;
    const { topology, registry } = this.#view;
    const { agentsPerSector, sectors } = topology;
    const change = full ? this.#maxMessages : -this.#maxMessages;
    for (let sector = 0; sector < sectors; sector++) {
      if (this.#isOurs(sector)) continue;
      const from = sector * agentsPerSector;
      for (let agent = from; agent < from + agentsPerSector; agent++)
        registry.queueDepth[agent] = Math.max(0, registry.queueDepth[agent] + change);
    }
  }

  /** What is known of a sector's agents is void: nobody has them yet, or whoever had them is gone. */
  vacate(sector: number): void {
    const { topology, registry } = this.#view;
    const { agentsPerSector } = topology;
    const from = sector * agentsPerSector;
    for (let agent = from; agent < from + agentsPerSector; agent++) {
      registry.queueDepth[agent] = 0;
      registry.queueBytes[agent] = 0;
      registry.currentSinceMs[agent] = 0;
      if (registry.state[agent] === VACANT_SEAT) continue;
      registry.state[agent] = registry.state[agent] === NOT_STARTED ? NOT_STARTED : OFFLINE;
    }
  }

  /** A sector of this node is about to be started anew. */
  prepare(sector: number): void {
    const { topology, registry } = this.#view;
    const { agentsPerSector } = topology;
    const from = sector * agentsPerSector;
    registry.queueDepth.fill(0, from, from + agentsPerSector);
    registry.queueBytes.fill(0, from, from + agentsPerSector);
    registry.flags.fill(0, from, from + agentsPerSector);
    for (let agent = from; agent < from + agentsPerSector; agent++)
      if (registry.state[agent] !== VACANT_SEAT) registry.state[agent] = NOT_STARTED;
  }

  /** Takes over what another node tells of a sector, whose messages need `latencyMs` to get there. */
  adopt(sector: number, rows: SectorRows, latencyMs: number, nowMs: number): void {
    const { topology, registry } = this.#view;
    const { agentsPerSector } = topology;
    if (this.#isOurs(sector) || rows.length !== agentsPerSector * ROW_BYTES) return;
    const from = sector * agentsPerSector;
    const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
    for (let i = 0; i < agentsPerSector; i++) {
      const row = from + i;
      const at = i * ROW_BYTES;
      registry.state[row] = rows[at] & 7;
      registry.flags[row] = rows[at + 1];
      registry.latencyMs[row] = view.getFloat32(at + 2) + latencyMs;
      registry.processingMs[row] = view.getFloat32(at + 6);
      registry.score[row] = Math.min(1000, view.getFloat32(at + 10) + latencyMs);
      registry.reliability[row] = view.getFloat32(at + 14);
      registry.capabilitiesLow[row] = view.getUint32(at + 18);
      registry.capabilitiesHigh[row] = view.getUint32(at + 22);
      registry.lastHeartbeatMs[row] = nowMs;
    }
    this.#known.add(sector);
    const { clusters, sectors } = this.#view;
    const { clustersPerSector } = topology;
    for (let i = 0; i < clustersPerSector; i++)
      foldCluster(registry, topology, clusters, sector * clustersPerSector + i, nowMs);
    foldSector(clusters, topology, sectors, sector, nowMs);
  }
}
