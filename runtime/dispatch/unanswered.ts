import { MODES } from "../../coordination/operating-mode.ts";
import { failureClass } from "../../supervisors/failure-classes.ts";
import { CRASHED_AFTER_MS, retryWaitMs } from "../../supervisors/silence.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { TimerTarget } from "./wheel.ts";

interface Silence {
  readonly sinceMs: number;
  /** Heartbeats that found it silent, and probes that failed. */
  missed: number;
  /** The last probe has failed, and the next one is still to come. */
  hasFailed: boolean;
}

/** Characters of what a failed probe says that are kept. */
const MAX_REASON = 200;
const ESCALATE_AT = failureClass("TRANSIENT_NETWORK").escalateAt;

/**
 * Probes of agents that stand for something elsewhere, and that failed or were not answered (spec 6.1): with each that
 * fails, and at each heartbeat that finds one owed, one more is missed and another is sent, after a wait that doubles;
 * after 30 s without an answer the agent has crashed.
 */
export class Unanswered implements TimerTarget {
  readonly #dispatcher: Dispatcher;
  readonly #probe: (agent: number) => void;
  readonly #silent = new Map<number, Silence>();

  constructor(dispatcher: Dispatcher, probe: (agent: number) => void) {
    this.#dispatcher = dispatcher;
    this.#probe = probe;
  }

  /** A probe has gone out. */
  sent(agent: number, sentMs: number): void {
    const silence = this.#silent.get(agent);
    if (silence === undefined)
      this.#silent.set(agent, { sinceMs: sentMs, missed: 0, hasFailed: false });
    else silence.hasFailed = false;
  }

  /** Something was heard of it: the answer to a probe, or its end. */
  heard(agent: number): void {
    this.#silent.delete(agent);
  }

  /** At a heartbeat: true when the agent owes an answer, so that no other probe goes out now. */
  isMissed(agent: number): boolean {
    const silence = this.#silent.get(agent);
    if (silence === undefined) return false;
    const { nowMs, agents } = this.#dispatcher;
    const cell = agents.cellOf(agent);
    if (cell?.alive !== true) {
      this.heard(agent);
      return false;
    }
    const silentMs = nowMs - silence.sinceMs;
    if (silentMs >= CRASHED_AFTER_MS) {
      this.heard(agent);
      agents.fail(cell, new Error(`no heartbeat for ${Math.round(silentMs / 1000)} s`));
    } else if (!silence.hasFailed) this.#miss(agent, silence);
    return true;
  }

  /** A probe came back with an error: nothing is to be waited for, and a heartbeat is missed at once. */
  failed(agent: number, error: unknown): void {
    const silence = this.#silent.get(agent);
    // Of a probe that was overtaken: the one that is owed now has not failed.
    if (silence === undefined || silence.hasFailed) return;
    silence.hasFailed = true;
    this.#miss(agent, silence, String((error as Error)?.message ?? error));
  }

  #miss(agent: number, silence: Silence, why?: string): void {
    const { nowMs, agents, wheel, ports, view } = this.#dispatcher;
    silence.missed++;
    const reason = why === undefined ? "" : `: ${why.slice(0, MAX_REASON)}`;
    const text = `${silence.missed} ${silence.missed === 1 ? "heartbeat" : "heartbeats"} missed${reason}`;
    if (silence.missed === 1)
      agents.failures.found(agent, text, "retry", "TRANSIENT_NETWORK", false);
    else if (silence.missed === ESCALATE_AT)
      agents.failures.found(agent, text, "escalate", "TRANSIENT_NETWORK", true);
    const { patience } = MODES[view.routes.mode].limits;
    const waitMs = retryWaitMs(silence.missed, ports.random.next()) * patience;
    wheel.schedule(nowMs + waitMs, this, agent);
    this.#dispatcher.nudge();
  }

  onTimer(agent: number): void {
    if (this.#silent.has(agent)) this.#probe(agent);
  }
}
