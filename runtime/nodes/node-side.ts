import { indexOfAddress } from "../../coordination/address.ts";
import { sectorOf, type Topology } from "../../coordination/topology.ts";
import type { Dispatcher } from "../dispatch/dispatcher.ts";
import type { ShardRequests } from "../dispatch/shard-requests.ts";
import type { Later } from "../machine/later.ts";
import type { Gathers } from "../operations/gathers.ts";
import { AwayRows, readRows, type SectorRows } from "./away-rows.ts";
import { NodeGateway } from "./node-gateway.ts";
import { NodeKind, type NodeMessage } from "./node-message.ts";
import { RelayedOperations } from "./relayed-operations.ts";
import { type SectorHost, SectorMap } from "./sector-map.ts";
import { SectorMoves, type StateChunk } from "./sector-moves.ts";

/** What the side of a mesh that faces other nodes needs. */
export interface NodeSidePorts {
  readonly dispatcher: Dispatcher;
  readonly gathers: Gathers;
  readonly requests: ShardRequests;
  readonly later: Later;
}

/**
 * The side of a mesh that faces other nodes: whoever knows the leases says where the sectors are, and whoever has the
 * links takes from here what is to be said to a node and brings what a node has said. It knows neither.
 */
export class NodeSide {
  /** Called when there is something to say to a node. */
  wanted: (node: string) => void = () => {};
  readonly topology: Topology;
  readonly #dispatcher: Dispatcher;
  readonly #map: SectorMap;
  readonly #rows: AwayRows;
  readonly #gateway: NodeGateway;
  readonly #operations: RelayedOperations;
  readonly #moves: SectorMoves;

  /** Every sector is elsewhere from now on, before any thread looks for its agents. */
  constructor(ports: NodeSidePorts) {
    const { dispatcher, gathers } = ports;
    const { plan, view } = dispatcher;
    this.topology = view.topology;
    this.#dispatcher = dispatcher;
    const map = new SectorMap(view, plan.threads);
    const rows = new AwayRows(plan, view, map);
    this.#map = map;
    this.#rows = rows;
    for (let sector = 0; sector < this.topology.sectors; sector++) {
      map.place(sector, false);
      map.placeLeads(sector, false);
    }
    const gateway = new NodeGateway(dispatcher, map, rows, { wanted: (node) => this.wanted(node) });
    this.#gateway = gateway;
    this.#operations = new RelayedOperations(dispatcher, gathers, gateway, map);
    this.#moves = new SectorMoves({ ...ports, map, rows, gateway });
    dispatcher.gateway = gateway;
    gathers.relay = this.#operations;
  }

  /** Messages that other nodes have not finished, and messages of theirs that are not finished here. */
  get held(): number {
    return this.#gateway.held;
  }

  get owed(): number {
    return this.#gateway.owed;
  }

  /** Host of a sector, when another node has it. */
  hostOf(sector: number): SectorHost {
    return this.#map.hostOf(sector);
  }

  isHere(sector: number): boolean {
    return this.#map.isHere(sector);
  }

  /** Whether it is known how a sector's agents are. */
  isKnown(sector: number): boolean {
    return this.#rows.isKnown(sector);
  }

  /** The sector that an address is in; −1 for none. */
  sectorOf(address: string): number {
    const index = indexOfAddress(this.topology, address);
    return index < 0 ? -1 : sectorOf(this.topology, index);
  }

  /** See {@link SectorMoves.takeOver}. */
  async takeOver(
    sector: number,
    epoch: number,
    again: boolean,
    states: readonly StateChunk[],
  ): Promise<void> {
    this.#now();
    await this.#moves.takeOver(sector, epoch, again, states);
    this.#operations.moved(sector);
  }

  /** See {@link SectorMoves.giveUp}. */
  giveUp(sector: number, drainMs: number): Promise<readonly StateChunk[]> {
    this.#now();
    return this.#moves.giveUp(sector, drainMs);
  }

  /** Another node has a sector by now, or nobody. */
  moved(sector: number, host: SectorHost): void {
    this.#now();
    this.#moves.moved(sector, host);
    this.#operations.moved(sector);
    this.#dispatcher.nudge();
  }

  /** The next messages to a node, at most so many, of about so many bytes. */
  next(node: string, most: number, bytes: number): NodeMessage[] {
    this.#now();
    const messages = this.#gateway.next(node, most, bytes);
    this.#dispatcher.nudge();
    return messages;
  }

  has(node: string): boolean {
    return this.#gateway.has(node);
  }

  /** Nothing is to be said to a node any more: it is gone, or another incarnation of it is there. */
  gone(node: string): void {
    this.#gateway.gone(node);
    const { sectors } = this.topology;
    for (let sector = 0; sector < sectors; sector++) {
      const host = this.#map.hostOf(sector);
      if (host.node === node) this.#map.setHost(sector, { node: undefined, epoch: host.epoch });
    }
  }

  /** What a node has said, in order; `offsetMs` is its clock less ours. */
  receive(node: string, messages: readonly NodeMessage[], offsetMs: number): void {
    this.#now();
    for (const message of messages) {
      if (this.#operations.receive(node, message, offsetMs)) continue;
      switch (message[0]) {
        case NodeKind.MESSAGE:
          this.#gateway.receive(node, message, offsetMs);
          break;
        case NodeKind.DONE:
          this.#gateway.done(node, message[1]);
          break;
        case NodeKind.BACK:
          this.#gateway.back(node, message[1]);
          break;
        case NodeKind.ANSWER:
          this.#gateway.onAnswer(node, message[1], message[2], message[3], message[4]);
          break;
        default:
          this.#dispatcher.ports.log.warn({ node, kind: message[0] }, "a message of no known kind");
      }
    }
    this.#dispatcher.nudge();
  }

  /** What is to be told of a sector of this node. */
  rowsOf(sector: number): SectorRows {
    return readRows(this.#dispatcher.view, sector);
  }

  /** What another node tells of a sector of its own, `latencyMs` away. */
  adoptRows(sector: number, rows: SectorRows, latencyMs: number): void {
    this.#rows.adopt(sector, rows, latencyMs, this.#now());
  }

  /** About once a second. */
  sweep(): void {
    this.#gateway.sweep(this.#now());
  }

  #now(): number {
    this.#dispatcher.nowMs = this.#dispatcher.ports.clock.nowMs();
    return this.#dispatcher.nowMs;
  }
}
