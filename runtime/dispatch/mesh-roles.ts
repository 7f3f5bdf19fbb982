import { MeshError, UnknownActorError } from "../../actors/errors.ts";
import {
  addressOf,
  clusterAddress,
  indexOfAddress,
  sectorAddress,
} from "../../coordination/address.ts";
import { clusterOf, coordinatorOf, leadOf, sectorOf } from "../../coordination/topology.ts";
import { VACANT } from "../../supervisors/seats.ts";
import type { CoordinatorReport, LeadReport, Roles } from "../api/roles-api.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { REQUEST_MS, type ShardRequests } from "./shard-requests.ts";
import { Takeovers } from "./takeovers.ts";

/** The roles as main reads them, whether or not their threads answer. */
export class MeshRoles implements Roles {
  readonly #dispatcher: Dispatcher;
  readonly #requests: ShardRequests;
  readonly #takeovers: Takeovers;

  constructor(dispatcher: Dispatcher, requests: ShardRequests) {
    this.#dispatcher = dispatcher;
    this.#requests = requests;
    this.#takeovers = new Takeovers(dispatcher);
  }

  lead(address: string): LeadReport {
    const { topology, seats } = this.#dispatcher.view;
    const cluster = this.#clusterOf(address);
    const { holder, term } = seats.lead(cluster);
    const adopter = seats.adopterOf(cluster);
    const first = cluster - (cluster % topology.clustersPerSector);
    const caresFor: string[] = [];
    for (let other = first; other < first + topology.clustersPerSector; other++)
      if (seats.adopterOf(other) === cluster) caresFor.push(clusterAddress(topology, other));
    return {
      cluster: clusterAddress(topology, cluster),
      heldBy:
        holder === VACANT
          ? undefined
          : addressOf(topology, cluster * topology.agentsPerCluster + holder),
      term,
      adoptedBy: adopter < 0 ? undefined : clusterAddress(topology, adopter),
      caresFor,
    };
  }

  coordinator(address: string): CoordinatorReport {
    const { topology, seats, placement } = this.#dispatcher.view;
    const index = indexOfAddress(topology, address);
    const sector = index < 0 ? -1 : sectorOf(topology, index);
    if (sector < 0)
      throw new UnknownActorError(address, "an address within a sector, such as sector-1");
    const { holder, term } = seats.coordinator(sector);
    const home = placement[coordinatorOf(topology, sector)];
    return {
      sector: sectorAddress(sector),
      heldBy: threadName(holder),
      term,
      home: threadName(home),
      backup: threadName(this.#takeovers.backupOf(home)),
    };
  }

  async giveUp(address: string): Promise<boolean> {
    const { topology } = this.#dispatcher.view;
    const lead = leadOf(topology, this.#clusterOf(address));
    const reply = await this.#requests.ask(lead, { verb: "give-up" }, REQUEST_MS);
    if (reply === undefined)
      throw new MeshError("MESH_NO_ANSWER", `the worker of ${address} did not answer within 10 s`);
    return (reply as { adopted: boolean }).adopted;
  }

  #clusterOf(address: string): number {
    const { topology } = this.#dispatcher.view;
    const index = indexOfAddress(topology, address);
    const cluster = index < 0 ? -1 : clusterOf(topology, index);
    if (cluster >= 0) return cluster;
    throw new UnknownActorError(address, "an address within a cluster, such as sector-1/cluster-1");
  }
}

function threadName(thread: number): string {
  return thread === 0 ? "main" : `worker-${thread}`;
}
