import type { Probe } from "../../actors/behavior.ts";
import { observeProcessing, reportLatency } from "../../coordination/profile.ts";
import { SelfReports } from "../../coordination/self-reports.ts";
import { clusterOf } from "../../coordination/topology.ts";
import type { Dispatcher } from "./dispatcher.ts";

/** What an agent says of the other side: round trip and work, ms; what it does not know is not a number. */
export interface OwnTimes {
  readonly rttMs?: number | undefined;
  readonly processingMs?: number | undefined;
}

/**
 * What this thread's agents say of their own timing, and how far it counts (spec 9.2 timing_attack): not at all while
 * the weights are locked, and for when an agent is READY only where the mesh has not measured that itself.
 */
export class OwnWord {
  readonly #dispatcher: Dispatcher;
  #reports = new SelfReports(0);
  #firstAgent = 0;
  #agents = 0;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  /** Begins to follow this thread's agents, with nothing known of them. */
  begin(from: number, to: number): void {
    this.#firstAgent = from;
    this.#agents = to - from;
    this.#reports = new SelfReports(this.#agents);
  }

  /** The answer to a probe. */
  probed(agent: number, { rttMs, processingMs }: Probe): void {
    const delayMs = (rttMs ?? 0) / 2 + (processingMs ?? 0);
    this.#take(agent, delayMs);
    if (!this.#counts({ rttMs, processingMs }, agent)) return;
    const place = agent - this.#firstAgent;
    if (!this.#isOurs(place) || !this.#reports.isMeasured(place, this.#dispatcher.nowMs))
      this.#dispatcher.arrivals.observe(agent, delayMs, 1, 0);
  }

  /** What was measured of the other side during a turn. */
  turned(agent: number, times: OwnTimes): void {
    this.#counts(times, agent);
  }

  /** The mesh has measured, by its own clock, how long after it was sent to an agent that was free was READY, ms. */
  seen(agent: number, of: "operation" | "ask", delayMs: number): void {
    const place = agent - this.#firstAgent;
    if (this.#isOurs(place)) this.#reports.see(place, of, delayMs, this.#dispatcher.nowMs);
  }

  /** Takes the times into the agent's row; false when its word does not count. */
  #counts({ rttMs, processingMs }: OwnTimes, agent: number): boolean {
    const { registry, routes } = this.#dispatcher.view;
    if (routes.areWeightsLocked) return false;
    if (rttMs !== undefined) reportLatency(registry, agent, rttMs / 2);
    if (processingMs !== undefined) observeProcessing(registry, agent, processingMs);
    return true;
  }

  #take(agent: number, delayMs: number): void {
    const { topology, reports } = this.#dispatcher.view;
    const place = agent - this.#firstAgent;
    const cluster = clusterOf(topology, agent);
    if (cluster < 0 || !this.#isOurs(place)) return;
    const move = this.#reports.take(place, delayMs, this.#dispatcher.nowMs);
    if (move === undefined) return;
    reports.reports[cluster]++;
    if (move < 0) reports.faster[cluster]++;
    if (move > 0) reports.slower[cluster]++;
  }

  #isOurs(place: number): boolean {
    return place >= 0 && place < this.#agents;
  }
}
