import { MeshError, MeshStoppedError } from "../../actors/errors.ts";
import type { Answer } from "../../actors/result.ts";
import { addressOf } from "../../coordination/address.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Request } from "./requests.ts";

/** How long a shard has to do what it is told, ms. */
export const REQUEST_MS = 10_000;

/** What main asks of shards on behalf of the operator. */
export class ShardRequests {
  readonly #dispatcher: Dispatcher;
  readonly #isHalted: () => boolean;

  constructor(dispatcher: Dispatcher, isHalted: () => boolean) {
    this.#dispatcher = dispatcher;
    this.#isHalted = isHalted;
  }

  /**
   * Asks the shard of `target` something; undefined when it does not answer in time. MeshError MESH_REQUEST when it
   * cannot do it.
   */
  async ask(target: number, request: Request, timeoutMs: number): Promise<unknown> {
    const { outbox } = this.#dispatcher;
    const answer = await this.#send(timeoutMs, (id) => outbox.control(target, id, request));
    if (answer.state !== 1) return undefined;
    const value = (answer.value ?? {}) as { error?: string };
    if (value.error === undefined) return value;
    const address = addressOf(this.#dispatcher.view.topology, target);
    throw new MeshError("MESH_REQUEST", `${address}: ${value.error}`);
  }

  /** Whether the agent takes its turns: a probe goes through its mailbox, and is answered without its behavior. */
  async probe(agent: number, timeoutMs: number): Promise<boolean> {
    const { outbox } = this.#dispatcher;
    const deadlineMs = this.#dispatcher.ports.clock.nowMs() + timeoutMs;
    try {
      const { state } = await this.#send(timeoutMs, (id) => outbox.probe(agent, id, deadlineMs));
      return state === 1;
    } catch {
      // Refused: it has stopped, or is in quarantine.
      return false;
    }
  }

  #send(timeoutMs: number, send: (id: number) => void): Promise<Answer> {
    if (this.#isHalted()) return Promise.reject(new MeshStoppedError());
    const dispatcher = this.#dispatcher;
    dispatcher.nowMs = dispatcher.ports.clock.nowMs();
    return new Promise((resolve, reject) => {
      const { nowMs, asks } = dispatcher;
      const id = asks.open(-1, -1, nowMs, nowMs + timeoutMs, resolve, reject);
      send(id);
      dispatcher.nudge();
    });
  }
}
