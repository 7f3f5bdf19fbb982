import { MeshError, MeshStoppedError, UnknownActorError } from "../actors/errors.ts";
import type { Answer } from "../actors/result.ts";
import { addressOf, indexOfAddress } from "../coordination/address.ts";
import type { CapabilityTable } from "../coordination/capability.ts";
import { kindOf } from "../coordination/topology.ts";
import { resolve } from "./cell.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Incident, Inspection } from "./mesh-api.ts";
import type { InspectReply, Request } from "./requests.ts";
import { selectRange } from "./selection.ts";
import type { StatusReader } from "./status.ts";

/** How long `inspect` waits for the agent's shard to print its state, ms. */
const INSPECT_MS = 250;
/** How long a shard has to do what it is told, ms. */
const REQUEST_MS = 10_000;

/** What interventions need of their mesh. */
export interface InterventionPorts {
  readonly dispatcher: Dispatcher;
  readonly status: StatusReader;
  readonly capabilities: CapabilityTable;
  readonly isHalted: () => boolean;
  readonly killWorker: (thread: number) => void;
  /** Throws while the mesh stands still. */
  readonly mustGo: (what: string) => void;
}

/** What an operator does to single actors and workers: look inside, restart, kill. */
export class Interventions {
  readonly #ports: InterventionPorts;

  constructor(ports: InterventionPorts) {
    this.#ports = ports;
  }

  async inspect(address: string, incidents: readonly Incident[]): Promise<Inspection> {
    const { dispatcher, status, capabilities, isHalted } = this.#ports;
    const { topology } = dispatcher.view;
    const index = indexOfAddress(topology, address);
    if (index < 0)
      throw new UnknownActorError(address, "an address such as sector-1/cluster-1/agent-1");
    const kind = kindOf(topology, index);
    const base = status.inspect(index, capabilities, incidents);
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
      restarted += range.to - range.from;
    }
    return { restarted };
  }

  async kill(target: string): Promise<void> {
    const { dispatcher, status, killWorker, mustGo } = this.#ports;
    const worker = /^worker-(\d+)$/.exec(target);
    if (worker !== null) {
      const thread = Number(worker[1]);
      const { threads } = dispatcher.plan;
      if (thread < 1 || thread >= threads)
        throw new UnknownActorError(target, `worker-1 to worker-${threads - 1}`);
      killWorker(thread);
      return;
    }
    mustGo("kill");
    const index = resolve(dispatcher, target);
    const reply = await this.request(index, { verb: "kill" }, REQUEST_MS);
    if (reply === undefined)
      throw new MeshError(
        "MESH_NO_ANSWER",
        `${status.workerOf(index)} did not answer; kill the worker instead`,
      );
  }

  /** Asks a shard something; undefined when it does not answer in time, MESH_REQUEST when it cannot be done. */
  async request(target: number, request: Request, timeoutMs: number): Promise<unknown> {
    const { dispatcher, isHalted } = this.#ports;
    if (isHalted()) throw new MeshStoppedError();
    const { asks, outbox } = dispatcher;
    dispatcher.nowMs = dispatcher.ports.clock.nowMs();
    const answer = await new Promise<Answer>((resolveAnswer, reject) => {
      const { nowMs } = dispatcher;
      const id = asks.open(-1, -1, nowMs, nowMs + timeoutMs, resolveAnswer, reject);
      outbox.control(target, id, request);
      dispatcher.nudge();
    });
    if (answer.state !== 1) return undefined;
    const value = (answer.value ?? {}) as { error?: string };
    if (value.error === undefined) return value;
    const address = addressOf(dispatcher.view.topology, target);
    throw new MeshError("MESH_REQUEST", `${address}: ${value.error}`);
  }
}
