import { leadOf } from "../../coordination/topology.ts";
import { controlOf } from "../../mailbox/lanes.ts";
import { CONTROL_CURRENT } from "../../mailbox/layout.ts";
import type { Dispatcher } from "../dispatch/dispatcher.ts";
import type { SavedState } from "../dispatch/requests.ts";
import { REQUEST_MS, type ShardRequests } from "../dispatch/shard-requests.ts";
import type { Later } from "../machine/later.ts";
import type { AwayRows } from "./away-rows.ts";
import type { NodeGateway } from "./node-gateway.ts";
import type { SectorHost, SectorMap } from "./sector-map.ts";

/** How often agents that are to finish are looked at, ms. */
const LOOK_MS = 10;
/** Looks in a row that must find nothing. */
const LOOKS = 2;
/** Orders to one worker that are tried before its successor is left to do it. */
const TRIES = 6;

/** States of the agents of a range that have any, on their way from one node to another. */
export interface StateChunk {
  readonly from: number;
  readonly to: number;
  readonly states: readonly SavedState[];
}

/** What moving sectors needs of its mesh. */
export interface MovePorts {
  readonly dispatcher: Dispatcher;
  readonly requests: ShardRequests;
  readonly later: Later;
  readonly map: SectorMap;
  readonly rows: AwayRows;
  readonly gateway: NodeGateway;
}

/** Brings sectors to this node and away from it while it runs. */
export class SectorMoves {
  readonly #ports: MovePorts;

  constructor(ports: MovePorts) {
    this.#ports = ports;
  }

  /**
   * Starts the agents of a sector here, under a lease of this epoch; resolves when they are ready, and have got what
   * was held for them. `again`: what this node had of them still counts.
   */
  async takeOver(
    sector: number,
    epoch: number,
    again: boolean,
    states: readonly StateChunk[],
  ): Promise<void> {
    const { map, rows, gateway, dispatcher } = this.#ports;
    map.setHost(sector, { node: undefined, epoch });
    map.placeLeads(sector, true);
    if (states.length > 0) await this.#adopt(states);
    rows.prepare(sector);
    map.place(sector, true);
    // Before the messages: the urgent lane, by which orders go, is read first.
    const started = this.#orderAll(sector, "move-in", !again && states.length === 0);
    gateway.moved(sector);
    dispatcher.nudge();
    await started;
  }

  /** Another node has a sector by now, or nobody: what is held for it goes there. */
  moved(sector: number, host: SectorHost): void {
    const { map, rows, gateway } = this.#ports;
    const before = map.hostOf(sector);
    map.setHost(sector, host);
    if (map.isHere(sector)) return;
    // Said again: what is on its way there must not go twice.
    if (host.node !== undefined && host.node === before.node && host.epoch === before.epoch) return;
    if (host.node === undefined) rows.vacate(sector);
    gateway.moved(sector);
  }

  /**
   * Lets the agents of a sector finish what they have within `drainMs`, and stops them; what they did not get to is
   * held for whoever has the sector next. From the first moment on new messages are.
   */
  async giveUp(sector: number, drainMs: number): Promise<readonly StateChunk[]> {
    const { map, rows, gateway } = this.#ports;
    if (!map.isHere(sector)) return [];
    rows.setLeaving(sector, true);
    map.setHost(sector, { node: undefined, epoch: map.hostOf(sector).epoch });
    map.place(sector, false);
    await this.#quiet(sector, drainMs);
    const states = drainMs > 0 ? await this.#states(sector) : [];
    await this.#orderAll(sector, "move-out", false);
    rows.setLeaving(sector, false);
    // It has come back meanwhile.
    if (map.isHere(sector)) return [];
    map.placeLeads(sector, false);
    rows.vacate(sector);
    gateway.moved(sector);
    return states;
  }

  /** What the agents of a sector are, in parts that fit into a message each. */
  async #states(sector: number): Promise<readonly StateChunk[]> {
    const { topology } = this.#ports.dispatcher.view;
    const { clustersPerSector, agentsPerCluster } = topology;
    const first = sector * clustersPerSector;
    const chunks = Array.from({ length: clustersPerSector }, async (_, i) => {
      const from = (first + i) * agentsPerCluster;
      return this.#statesOf(from, from + agentsPerCluster);
    });
    const all = (await Promise.all(chunks)).flat();
    // Otherwise with those that are empty: nothing older counts for these agents either.
    return all.some(({ states }) => states.length > 0) ? all : [];
  }

  /** In halves where all are too much for one message; without those that are too much by themselves. */
  async #statesOf(from: number, to: number): Promise<StateChunk[]> {
    const { dispatcher, requests } = this.#ports;
    const { topology } = dispatcher.view;
    const lead = leadOf(topology, Math.floor(from / topology.agentsPerCluster));
    try {
      const answer = await requests.ask(lead, { verb: "states", from, to }, REQUEST_MS);
      const states = (answer as { states?: readonly SavedState[] } | undefined)?.states ?? [];
      return [{ from, to, states }];
    } catch (error) {
      if (to - from > 1) {
        const middle = (from + to) >>> 1;
        return [...(await this.#statesOf(from, middle)), ...(await this.#statesOf(middle, to))];
      }
      dispatcher.ports.log.warn({ agent: from, error: String(error) }, "a state does not move");
      return [];
    }
  }

  async #adopt(chunks: readonly StateChunk[]): Promise<void> {
    const { dispatcher, requests } = this.#ports;
    const { topology } = dispatcher.view;
    const adopt = async (chunk: StateChunk): Promise<void> => {
      const lead = leadOf(topology, Math.floor(chunk.from / topology.agentsPerCluster));
      await requests.ask(lead, { verb: "adopt", ...chunk }, REQUEST_MS).catch((error) => {
        dispatcher.ports.log.warn({ agent: chunk.from, error: String(error) }, "states are lost");
      });
    };
    await Promise.all(chunks.map(adopt));
  }

  async #quiet(sector: number, drainMs: number): Promise<void> {
    const { dispatcher } = this.#ports;
    const { clock } = dispatcher.ports;
    const endMs = clock.nowMs() + drainMs;
    for (let looks = 0; looks < LOOKS && clock.nowMs() < endMs; ) {
      looks = this.#isIdle(sector) ? looks + 1 : 0;
      await this.#wait(LOOK_MS);
    }
  }

  #isIdle(sector: number): boolean {
    const { dispatcher, map } = this.#ports;
    const { view, plan } = dispatcher;
    const { queueDepth, currentSinceMs } = view.registry;
    const { agentsPerSector } = view.topology;
    const from = sector * agentsPerSector;
    const to = from + agentsPerSector;
    for (let agent = from; agent < to; agent++)
      if (queueDepth[agent] > 0 || currentSinceMs[agent] > 0) return false;
    const control = controlOf(plan.memory.control, map.homeOf(sector));
    const current = Atomics.load(control, CONTROL_CURRENT) - 1;
    return current < from || current >= to;
  }

  /** Cluster by cluster, each again while its worker does not answer. */
  async #orderAll(sector: number, order: "move-in" | "move-out", anew: boolean): Promise<void> {
    const { dispatcher, requests } = this.#ports;
    const { topology } = dispatcher.view;
    const { clustersPerSector, agentsPerCluster } = topology;
    const first = sector * clustersPerSector;
    const move = async (cluster: number): Promise<void> => {
      const from = cluster * agentsPerCluster;
      const request = { verb: order, from, to: from + agentsPerCluster, anew };
      for (let tries = 0; tries < TRIES; tries++) {
        const answer = await requests
          .ask(leadOf(topology, cluster), request, REQUEST_MS)
          .catch(() => undefined);
        if (answer !== undefined) return;
      }
    };
    await Promise.all(Array.from({ length: clustersPerSector }, (_, i) => move(first + i)));
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.#ports.later(ms, () => resolve()));
  }
}
