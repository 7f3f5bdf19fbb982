import { MeshError } from "../../actors/errors.ts";
import { addressOf } from "../../coordination/address.ts";
import { ACTIVE, DEGRADED, OFFLINE, STARTING } from "../../coordination/agent-state.ts";
import type { MeshListeners } from "../api/mesh-listeners.ts";
import type { Dispatcher } from "../dispatch/dispatcher.ts";
import { Takeovers } from "../dispatch/takeovers.ts";
import type { Incidents } from "../inspection/incidents.ts";
import { culpritOf } from "./culprit.ts";
import type { PoolListener } from "./shard-pool.ts";
import type { Hang } from "./watchdog.ts";

/** What main knows and does when workers are lost. */
export interface LossPorts {
  readonly dispatcher: Dispatcher;
  readonly incidents: Incidents;
  readonly listeners: MeshListeners;
  /** Messages delivered again on a thread since the start. */
  readonly redelivered: (thread: number) => number;
  /** Ends a worker whatever it does; a successor takes over. */
  readonly replace: (thread: number, reason: string) => void;
}

/** Main's part when a worker is lost, hangs, comes back or does not: rows, incidents, listeners. */
export class WorkerLosses implements PoolListener {
  readonly #ports: LossPorts;
  /** Threads whose loss has been reported already, with who held them up. */
  readonly #reported = new Set<number>();
  /** Messages delivered again before the last loss, by thread. */
  readonly #redeliveredBefore: number[] = [];
  readonly #takeovers: Takeovers;
  #hopeless: Error | undefined;

  constructor(ports: LossPorts) {
    this.#ports = ports;
    this.#takeovers = new Takeovers(ports.dispatcher);
  }

  /** Why a worker was given up; undefined while none was. */
  get hopeless(): Error | undefined {
    return this.#hopeless;
  }

  /** Its agents are nobody's until the successor has them: main writes their rows, since no one else does. */
  onLost(thread: number, reason: string): void {
    const { dispatcher, incidents, listeners, redelivered } = this.#ports;
    this.#vacate(thread);
    this.#redeliveredBefore[thread] = redelivered(thread);
    if (!this.#reported.delete(thread)) {
      incidents.add({
        atMs: dispatcher.ports.clock.nowMs(),
        subject: `worker-${thread}`,
        error: reason,
        decision: "replace-worker",
        delayMs: 0,
      });
    }
    listeners.emit("workerLost", { worker: `worker-${thread}`, reason });
  }

  #vacate(thread: number): void {
    const { registry, placement, topology } = this.#ports.dispatcher.view;
    for (let row = 0; row < topology.agents; row++) {
      if (placement[row] !== thread) continue;
      const state = registry.state[row];
      if (state === ACTIVE || state === DEGRADED || state === STARTING)
        registry.state[row] = OFFLINE;
    }
    this.#takeovers.onLost(thread);
  }

  onBack(thread: number, afterMs: number): void {
    const { dispatcher, listeners, redelivered } = this.#ports;
    const { placement, topology } = dispatcher.view;
    for (let other = 1; other < dispatcher.plan.threads; other++) {
      const sector = placement.indexOf(other, topology.coordinatorBase);
      if (other !== thread && sector >= 0)
        dispatcher.outbox.control(sector, 0, { verb: "renew", thread });
    }
    dispatcher.nudge();
    listeners.emit("workerBack", {
      worker: `worker-${thread}`,
      afterMs,
      redelivered: redelivered(thread) - (this.#redeliveredBefore[thread] ?? 0),
    });
  }

  /** Names who holds a thread up, and replaces its worker. */
  onHang(hang: Hang): void {
    const { dispatcher, incidents, replace } = this.#ports;
    const nowMs = dispatcher.ports.clock.nowMs();
    const { registry, placement } = dispatcher.view;
    const culprit = culpritOf(hang, registry, placement);
    const name = culprit < 0 ? "an unknown callback" : addressOf(dispatcher.view.topology, culprit);
    const guess = hang.certain ? "" : " (by what its thread did last)";
    const where = hang.starting ? " in its init" : "";
    const what = `${name} has not yielded for ${Math.round(nowMs - hang.sinceMs)} ms${where}${guess}`;
    this.#reported.add(hang.thread);
    incidents.add({
      atMs: nowMs,
      subject: culprit < 0 ? `worker-${hang.thread}` : name,
      error: `${what}; worker-${hang.thread} is replaced`,
      decision: "replace-worker",
      delayMs: 0,
    });
    replace(hang.thread, what);
  }

  onHopeless(thread: number, error: Error): void {
    const { dispatcher, incidents } = this.#ports;
    this.#vacate(thread);
    const sentence = `worker-${thread} cannot start: ${error.message}`;
    // What the modules themselves had to say needs no other words.
    this.#hopeless ??=
      error instanceof MeshError ? error : new MeshError("MESH_WORKER", sentence, { cause: error });
    incidents.add({
      atMs: dispatcher.ports.clock.nowMs(),
      subject: `worker-${thread}`,
      error: `given up: ${error.message}`,
      decision: "escalate",
      delayMs: 0,
    });
  }
}
