/** What the mesh is measured by (spec 11.1): names, targets, and whether they are met. */

/** One key performance indicator of a span of time, or of one operation. */
export interface Kpi {
  /** As in spec 11.1. */
  readonly name: string;
  /** A share from 0 to 1, or ms; undefined while nothing has been measured. */
  readonly value: number | undefined;
  readonly target: number;
  /** Whether the target is a floor ("at-least") or a ceiling. */
  readonly sense: "at-least" | "at-most";
  readonly unit: "share" | "ms";
  /** How many operations, agents, answers or incidents it is of; ms for the availability. */
  readonly count: number;
  /** Undefined while nothing has been measured. */
  readonly met: boolean | undefined;
}

/** Where something recovered. */
export type RecoveryScope = "agent" | "cluster" | "sector" | "worker";

export const RECOVERY_SCOPES: readonly RecoveryScope[] = Object.freeze([
  "agent",
  "cluster",
  "sector",
  "worker",
]);

/**
 * How long a recovery may take, ms (spec 11.1). The specification names clusters and sectors: an agent may not
 * take longer than its cluster, nor a worker than the sectors it carries.
 */
export const RECOVERY_TARGETS_MS: Readonly<Record<RecoveryScope, number>> = Object.freeze({
  agent: 300_000,
  cluster: 300_000,
  sector: 900_000,
  worker: 900_000,
});

/** Active agents that make the mesh available (spec 11.1). */
export const AVAILABLE_SHARE = 0.95;

/** An indicator of which more is better; `part` of `whole` is its value. */
export function shareAtLeast(name: string, target: number, part: number, whole: number): Kpi {
  const value = whole > 0 ? part / whole : undefined;
  const met = value === undefined ? undefined : value >= target;
  return { name, value, target, sense: "at-least", unit: "share", count: whole, met };
}

/** An indicator of which less is better; `part` of `whole` is its value. */
export function shareAtMost(name: string, target: number, part: number, whole: number): Kpi {
  const value = whole > 0 ? part / whole : undefined;
  const met = value === undefined ? undefined : value <= target;
  return { name, value, target, sense: "at-most", unit: "share", count: whole, met };
}

/** An indicator of a time that shall be short, ms; of nothing when `count` is 0. */
export function timeAtMost(name: string, target: number, valueMs: number, count: number): Kpi {
  const value = count > 0 ? valueMs : undefined;
  const met = value === undefined ? undefined : value <= target;
  return { name, value, target, sense: "at-most", unit: "ms", count, met };
}
