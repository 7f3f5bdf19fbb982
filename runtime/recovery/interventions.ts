import { MeshError, UnknownActorError } from "../../actors/errors.ts";
import { addressOf, indexOfAddress } from "../../coordination/address.ts";
import { VACANT_SEAT } from "../../coordination/agent-state.ts";
import type { CapabilityTable } from "../../coordination/capability.ts";
import { clusterOf, kindOf, sectorOf } from "../../coordination/topology.ts";
import type { HealOptions, HealResult } from "../api/heal-api.ts";
import type { Incident } from "../api/incident-api.ts";
import type { Inspection } from "../api/mesh-api.ts";
import type { CoordinatorReport, LeadReport, Roles } from "../api/roles-api.ts";
import { resolve } from "../dispatch/cell.ts";
import { MeshRoles } from "../dispatch/mesh-roles.ts";
import type { InspectReply, Request } from "../dispatch/requests.ts";
import { REQUEST_MS, ShardRequests } from "../dispatch/shard-requests.ts";
import type { StatusReader } from "../inspection/status.ts";
import { selectRange } from "../operations/selection.ts";
import { Healer, type HealPorts } from "./healer.ts";

/** How long `inspect` waits for the agent's shard to print its state, ms. */
const INSPECT_MS = 250;

/** What interventions need of their mesh. */
export interface InterventionPorts extends Omit<HealPorts, "requests"> {
  readonly status: StatusReader;
  readonly capabilities: CapabilityTable;
  readonly isHalted: () => boolean;
  /** Throws while the mesh stands still. */
  readonly mustGo: (what: string) => void;
}

/** What an operator does to single actors and workers: look inside, restart, kill. */
export class Interventions {
  readonly #ports: InterventionPorts;

  readonly roles: Roles;
  readonly #requests: ShardRequests;
  readonly #healer: Healer;

  constructor(ports: InterventionPorts) {
    this.#ports = ports;
    this.#requests = new ShardRequests(ports.dispatcher, ports.isHalted);
    this.roles = new MeshRoles(ports.dispatcher, this.#requests);
    this.#healer = new Healer({ ...ports, requests: this.#requests });
  }

  async heal(target: string, options: HealOptions | undefined): Promise<HealResult> {
    if (options?.dryRun !== true) this.#ports.mustGo("heal");
    return this.#healer.heal(target, options);
  }

  async inspect(address: string, incidents: readonly Incident[]): Promise<Inspection> {
    const { dispatcher, status, capabilities, isHalted } = this.#ports;
    const { topology } = dispatcher.view;
    const index = indexOfAddress(topology, address);
    if (index < 0)
      throw new UnknownActorError(address, "an address such as sector-1/cluster-1/agent-1");
    const kind = kindOf(topology, index);
    const base = { ...status.inspect(index, capabilities, incidents), ...this.#rolesOf(index) };
    if (kind !== "agent" && kind !== "spawned")
      return {
        ...base,
        state: { unavailable: `${kind}s are run by the mesh and keep no user state` },
      };
    if (isHalted()) return { ...base, state: { unavailable: "the mesh has stopped" } };
    const reply = await this.look(index);
    const worker = status.workerOf(index);
    return {
      ...base,
      state:
        reply === undefined
          ? { unavailable: `${worker} does not answer: it is blocked or restarting` }
          : { value: reply.state },
    };
  }

  /** What the agent's shard tells of it; undefined when it does not answer soon. */
  async look(index: number): Promise<InspectReply | undefined> {
    return (await this.request(index, { verb: "inspect" }, INSPECT_MS)) as InspectReply | undefined;
  }

  #rolesOf(index: number): { lead?: LeadReport; coordinator?: CoordinatorReport } {
    const { topology } = this.#ports.dispatcher.view;
    if (sectorOf(topology, index) < 0) return {};
    const address = addressOf(topology, index);
    const coordinator = this.roles.coordinator(address);
    if (clusterOf(topology, index) < 0) return { coordinator };
    return { lead: this.roles.lead(address), coordinator };
  }

  async restart(address: string): Promise<{ readonly restarted: number }> {
    const { dispatcher, status, mustGo } = this.#ports;
    mustGo("restart");
    let restarted = 0;
    for (const range of selectRange(dispatcher.view.topology, address)) {
      const reply = await this.request(range.from, { verb: "restart", ...range }, REQUEST_MS);
      if (reply === undefined)
        throw new MeshError(
          "MESH_NO_ANSWER",
          `${status.workerOf(range.from)} did not restart ${address} within 10 s`,
        );
      restarted += (reply as { readonly restarted: number }).restarted;
    }
    return { restarted };
  }

  async kill(target: string): Promise<void> {
    const { dispatcher, status, pool, mustGo } = this.#ports;
    const worker = /^worker-(\d+)$/.exec(target);
    if (worker !== null) {
      const thread = Number(worker[1]);
      const { threads } = dispatcher.plan;
      if (thread < 1 || thread >= threads)
        throw new UnknownActorError(target, `worker-1 to worker-${threads - 1}`);
      pool.kill(thread, "killed by the operator");
      return;
    }
    mustGo("kill");
    const index = this.#holderOf(target) ?? resolve(dispatcher, target);
    if (dispatcher.view.registry.state[index] === VACANT_SEAT)
      throw new UnknownActorError(target, "an agent: this place is vacant");
    const reply = await this.request(index, { verb: "kill" }, REQUEST_MS);
    if (reply === undefined)
      throw new MeshError(
        "MESH_NO_ANSWER",
        `${status.workerOf(index)} did not answer; kill the worker instead`,
      );
  }

  /** Asks the shard of `target` something; undefined when it does not answer in time. */
  request(target: number, request: Request, timeoutMs: number): Promise<unknown> {
    return this.#requests.ask(target, request, timeoutMs);
  }

  /** Index of a lead or coordinator by the address of its cluster or sector; undefined for any other address. */
  #holderOf(address: string): number | undefined {
    const { topology } = this.#ports.dispatcher.view;
    const index = indexOfAddress(topology, address);
    return index >= topology.leadBase && index < topology.orchestrator ? index : undefined;
  }
}
