import { MeshError } from "../actors/errors.ts";
import type { Clock, Log } from "../actors/ports.ts";
import { addressOf } from "../coordination/address.ts";
import { coordinatorOf } from "../coordination/topology.ts";
import type { JoinedNode, NodeOptions, Nodes, NodesStatus } from "./api/node-api.ts";
import type { Headquarters } from "./headquarters.ts";
import { systemSeed } from "./machine/clock.ts";
import { systemLater } from "./machine/later.ts";

/** What joining other nodes takes. */
export interface MeshNodesPorts {
  readonly options: NodeOptions;
  readonly headquarters: Headquarters;
  readonly maxPayloadBytes: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** The module of `remote/` that knows NATS. */
interface JoinModule {
  readonly openNode: (options: NodeOptions, ports: object) => Promise<JoinedNode>;
}

/** The mesh among other nodes, from its start to its end. */
export class MeshNodes implements Nodes {
  readonly #ports: MeshNodesPorts;
  #node: JoinedNode | undefined;

  constructor(ports: MeshNodesPorts) {
    this.#ports = ports;
  }

  /** Connects; throws when that cannot be done. Nothing is run before {@link join}. */
  async open(): Promise<void> {
    const { options, headquarters, log, ...rest } = this.#ports;
    // By URL: what is above is handed in, and only a mesh with nodes loads it.
    const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
    const module = `../remote/join-nodes.${extension}`;
    const { openNode } = (await import(new URL(module, import.meta.url).href)) as JoinModule;
    this.#node = await openNode(options, {
      ...rest,
      log,
      side: headquarters.nodes,
      later: systemLater,
      random: () => systemSeed() / 2 ** 32,
      pid: process.pid,
      onLoss: (subject: string, error: string) =>
        headquarters.incidents.add({
          atMs: rest.clock.nowMs(),
          subject,
          error,
          decision: "escalate",
          delayMs: 0,
        }),
    });
    const { topology } = headquarters.dispatcher.view;
    headquarters.statusReader.nodeOf = (sector) =>
      this.hostOf(addressOf(topology, coordinatorOf(topology, sector)));
  }

  /** Resolves when every sector is run by some node, and those of this one are ready. */
  async join(signal: AbortSignal | undefined): Promise<void> {
    await this.#node?.join(signal);
  }

  async leave(drainMs: number): Promise<void> {
    await this.#node?.leave(drainMs);
  }

  async close(): Promise<void> {
    const node = this.#node;
    this.#node = undefined;
    await node?.close();
  }

  status(): NodesStatus {
    if (this.#node === undefined)
      throw new MeshError("MESH_NOT_JOINED", "nodes: expected a mesh that has joined, and runs");
    return this.#node.status();
  }

  /** Undefined while it has not joined. */
  get statusNow(): NodesStatus | undefined {
    return this.#node?.status();
  }

  hostOf(address: string): string | undefined {
    return this.#node?.hostOf(address);
  }
}
