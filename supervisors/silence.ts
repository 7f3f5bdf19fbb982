/**
 * Who does not answer (spec 6.1 TRANSIENT_NETWORK): counts what stays unanswered on end, and says how long to wait
 * before trying again. What an agent has handled in between is a sign of life, so nobody need report successes.
 */
import { PEOPLE } from "../coordination/impedance-class.ts";
import type { Registry } from "../coordination/registry.ts";
import { failureClass } from "./failure-classes.ts";

/** Agents counted at once; beyond these the longest silent are forgotten. */
const COUNTED = 10_000;
/** Unanswered sooner than this tells nothing of an agent, ms. */
const LEAST_SILENCE_MS = 100;
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 10_000;
/** Spec 6.1: an agent that gave no sign of life for so long has crashed, ms. */
export const CRASHED_AFTER_MS = 30_000;

/** What one more silence means: `escalated` once for each silence that reaches the threshold. */
export type SilenceVerdict = "retry" | "escalated" | "known";

interface Silence {
  /** Messages that it had handled when it was last found silent. */
  handled: number;
  count: number;
}

export class Silences {
  readonly #silent = new Map<number, Silence>();
  readonly #escalateAt = failureClass("TRANSIENT_NETWORK").escalateAt;

  /** Something was not answered; `handled` is how many messages the agent has handled so far. */
  note(agent: number, handled: number): SilenceVerdict {
    const known = this.#silent.get(agent);
    const count = known !== undefined && known.handled === handled ? known.count + 1 : 1;
    this.#silent.delete(agent);
    this.#silent.set(agent, { handled, count });
    if (this.#silent.size > COUNTED)
      this.#silent.delete(this.#silent.keys().next().value as number);
    if (count < this.#escalateAt) return "retry";
    return count === this.#escalateAt ? "escalated" : "known";
  }

  /** It has answered. */
  forget(agent: number): void {
    this.#silent.delete(agent);
  }
}

/**
 * How long to wait before the try after `tried` ones without an answer, ms: 250 ms, doubled up to 10 s, less up to
 * half of it by `chance` (0 to 1), so that those who fell silent together are not asked together.
 */
export function retryWaitMs(tried: number, chance: number): number {
  const fullMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.max(0, tried - 1));
  return fullMs * (1 - chance / 2);
}

/** Whether an agent has been silent for longer than it needs, and is no person: else it is who asked that is hasty. */
export function isTooLong(registry: Registry, agent: number, waitedMs: number): boolean {
  if (registry.class[agent] === PEOPLE) return false;
  const processingMs = registry.processingMs[agent];
  const queuedMs = Math.max(
    registry.queuedWorkMs[agent],
    registry.queueDepth[agent] * processingMs,
  );
  const needsMs = 2 * registry.latencyMs[agent] + queuedMs + processingMs;
  return waitedMs >= Math.min(CRASHED_AFTER_MS, Math.max(LEAST_SILENCE_MS, 2 * needsMs));
}
