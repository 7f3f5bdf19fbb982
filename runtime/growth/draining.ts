import { controlOf } from "../../mailbox/lanes.ts";
import { CONTROL_CURRENT } from "../../mailbox/layout.ts";
import type { ScaleProgress } from "../api/scale-api.ts";
import type { Dispatcher } from "../dispatch/dispatcher.ts";
import type { Population } from "./population.ts";

/** How often agents are looked at, ms, and on how many looks on end they must be idle. */
const LOOK_MS = 20;
const LOOKS = 3;

/** What draining needs. */
export interface DrainingPorts {
  readonly dispatcher: Dispatcher;
  readonly population: Population;
  readonly oldestOperationMs: () => number;
  readonly wait: (ms: number) => Promise<void>;
  readonly tell: (progress: ScaleProgress) => void;
}

/** Leads traffic around agents and waits until they have done what they had. */
export class Draining {
  readonly #ports: DrainingPorts;

  constructor(ports: DrainingPorts) {
    this.#ports = ports;
  }

  /** Who has nothing any more, and who still has something after `drainMs`. All of them are routed around. */
  async drain(
    agents: readonly number[],
    drainMs: number,
  ): Promise<{ readonly quiet: readonly number[]; readonly busy: readonly number[] }> {
    const { dispatcher, population, oldestOperationMs, wait, tell } = this.#ports;
    population.keepOutside(agents, true);
    const markedMs = dispatcher.ports.clock.nowMs();
    const total = agents.length;
    const looks = new Map(agents.map((agent) => [agent, 0]));
    let quiet: readonly number[] = [];
    for (let waitedMs = 0; ; waitedMs += LOOK_MS) {
      // An operation that began before may still be on its way to any of them.
      const isClear = oldestOperationMs() > markedMs;
      for (const [agent, idle] of looks)
        looks.set(agent, isClear && this.#isIdle(agent) ? idle + 1 : 0);
      quiet = agents.filter((agent) => (looks.get(agent) ?? 0) >= LOOKS);
      tell({ action: "remove", phase: "draining", done: quiet.length, total, conflicts: 0 });
      if (quiet.length === total || waitedMs >= drainMs) break;
      await wait(LOOK_MS);
    }
    const done = new Set(quiet);
    return { quiet, busy: agents.filter((agent) => !done.has(agent)) };
  }

  #isIdle(agent: number): boolean {
    const { view, plan } = this.#ports.dispatcher;
    const { queueDepth, currentSinceMs } = view.registry;
    if (queueDepth[agent] > 0 || currentSinceMs[agent] > 0) return false;
    const control = controlOf(plan.memory.control, view.placement[agent]);
    return Atomics.load(control, CONTROL_CURRENT) !== agent + 1;
  }
}
