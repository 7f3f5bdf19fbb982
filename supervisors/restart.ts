/**
 * Whether, when and how often a failed child is started again, in OTP's words. Pure: the time and chance
 * are arguments, and what to do comes back as a value.
 *
 * Unlike OTP the intensity is counted per child: a supervisor here has thirty children that serve
 * different people, and one that crashes in a loop must not take its twenty-nine siblings along.
 */
import type { Random } from "../actors/ports.ts";

/** Who is restarted when one child fails: itself, all its siblings, or those started after it. */
export type RestartStrategy = "one-for-one" | "one-for-all" | "rest-for-one";

/** Always restarted; restarted only after a failure; never restarted. */
export type RestartType = "permanent" | "transient" | "temporary";

/** How a child ended: it had finished, it was told to stop, or it failed (threw, was killed, lost its thread). */
export type ExitReason = "normal" | "shutdown" | "failed";

/** More than `maxRestarts` (0–1,000) restarts of one child within `withinMs` (above 0) are too many. */
export interface RestartIntensity {
  readonly maxRestarts: number;
  readonly withinMs: number;
}

/**
 * Wait before a restart: none before the first within the intensity's window, then `firstMs`, times
 * `factor` (≥ 1) for each further one, up to `maxMs`. Of each wait a share of up to `jitter` (0–1) is
 * taken off at random, so that children that failed together do not come back together.
 */
export interface Backoff {
  readonly firstMs: number;
  readonly factor: number;
  readonly maxMs: number;
  readonly jitter: number;
}

/** What becomes of a child that was restarted too often: kept from work, or the supervisor's own failure. */
export type ExceededAction = "quarantine" | "escalate";

/** A complete supervision policy. */
export interface Supervision {
  readonly strategy: RestartStrategy;
  readonly intensity: RestartIntensity;
  readonly backoff: Backoff;
  readonly whenExceeded: ExceededAction;
}

/** A supervision policy as a user gives it; what is left out is as in {@link DEFAULT_SUPERVISION}. */
export interface SupervisionOptions {
  readonly strategy?: RestartStrategy;
  readonly intensity?: Partial<RestartIntensity>;
  readonly backoff?: Partial<Backoff>;
  readonly whenExceeded?: ExceededAction;
}

/** Five restarts a minute, the first at once, and then the child alone is quarantined. */
export const DEFAULT_SUPERVISION: Supervision = Object.freeze({
  strategy: "one-for-one",
  intensity: Object.freeze({ maxRestarts: 5, withinMs: 60_000 }),
  backoff: Object.freeze({ firstMs: 100, factor: 2, maxMs: 10_000, jitter: 0.5 }),
  whenExceeded: "quarantine",
});

const STRATEGIES: readonly RestartStrategy[] = ["one-for-one", "one-for-all", "rest-for-one"];
const EXCEEDED_ACTIONS: readonly ExceededAction[] = ["quarantine", "escalate"];

/** Fills in what was left out and checks the rest. RangeError names field, value and what was expected. */
export function completeSupervision(options: SupervisionOptions = {}): Supervision {
  const fallback = DEFAULT_SUPERVISION;
  const intensity = { ...fallback.intensity, ...options.intensity };
  const backoff = { ...fallback.backoff, ...options.backoff };
  const strategy = options.strategy ?? fallback.strategy;
  const whenExceeded = options.whenExceeded ?? fallback.whenExceeded;
  const { maxRestarts, withinMs } = intensity;
  const { firstMs, factor, maxMs, jitter } = backoff;
  expect("strategy", strategy, STRATEGIES.includes(strategy), `one of ${STRATEGIES.join(", ")}`);
  expect(
    "whenExceeded",
    whenExceeded,
    EXCEEDED_ACTIONS.includes(whenExceeded),
    `one of ${EXCEEDED_ACTIONS.join(", ")}`,
  );
  const isCount = Number.isInteger(maxRestarts) && maxRestarts >= 0 && maxRestarts <= 1_000;
  expect("intensity.maxRestarts", maxRestarts, isCount, "a whole number from 0 to 1000");
  expect("intensity.withinMs", withinMs, withinMs > 0 && withinMs < Infinity, "ms above 0");
  expect("backoff.firstMs", firstMs, firstMs >= 0 && firstMs < Infinity, "ms from 0 up");
  expect("backoff.factor", factor, factor >= 1 && factor < Infinity, "a number from 1 up");
  expect(
    "backoff.maxMs",
    maxMs,
    maxMs >= firstMs && maxMs < Infinity,
    `ms from ${firstMs} (firstMs) up`,
  );
  expect("backoff.jitter", jitter, jitter >= 0 && jitter <= 1, "a number from 0 to 1");
  return Object.freeze({
    strategy,
    intensity: Object.freeze(intensity),
    backoff: Object.freeze(backoff),
    whenExceeded,
  });
}

/** Whether a child of this type is started again after it ended so. */
export function wantsRestart(type: RestartType, reason: ExitReason): boolean {
  switch (type) {
    case "permanent":
      return true;
    case "transient":
      return reason === "failed";
    case "temporary":
      return false;
  }
}

/**
 * Wait before the restart that follows `earlier` restarts within the window, ms. Asks for chance only when
 * there is a wait.
 */
export function backoffMs(backoff: Backoff, earlier: number, random: Random): number {
  if (earlier === 0) return 0;
  const fullMs = Math.min(backoff.maxMs, backoff.firstMs * backoff.factor ** (earlier - 1));
  return fullMs * (1 - backoff.jitter * random.next());
}

/** The children that a strategy restarts with `child`, of `count`, in the order of their start. */
export function restartGroup(strategy: RestartStrategy, child: number, count: number): number[] {
  switch (strategy) {
    case "one-for-one":
      return [child];
    case "one-for-all":
      return Array.from({ length: count }, (_, index) => index);
    case "rest-for-one":
      return Array.from({ length: count - child }, (_, index) => child + index);
  }
}

function expect(field: string, value: unknown, isFine: boolean, expected: string): void {
  if (isFine) return;
  const shown = typeof value === "string" ? JSON.stringify(value) : String(value);
  throw new RangeError(`supervision.${field}: expected ${expected}, got ${shown}`);
}
