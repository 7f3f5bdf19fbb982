// What a cascade over a fake mesh comes to.
import type { CascadeResult } from "../runtime/api/operation-api.ts";

/** An operation that all agents were READY for, 10 ms slower each time. */
export function gatherOf(agents: number, nth: number): Omit<CascadeResult, "quorum" | "strategy"> {
  const errors = { count: agents, p50: 4, p90: 21, p99: 43, within50: 0.99, withinWindow: 1 };
  const tier = { expected: agents, reached: agents, elapsedMs: 40 + 10 * nth };
  return {
    status: "SUCCESS",
    operationId: `operation-${nth + 1}`,
    message: {} as CascadeResult["message"],
    arrivalMs: 1_700_000_000_500,
    selected: agents,
    addressed: agents,
    ready: agents,
    conflict: 0,
    transit: 0,
    failed: 0,
    skipped: 0,
    responseRate: 1,
    arrival: errors,
    acting: { ...errors, p50: 0.2, p90: 0.4, p99: 0.9, within50: 1 },
    release: { ...errors, p50: 0.1, p90: 0.2, p99: 0.5 },
    idleMs: 20,
    elapsedMs: 50 + 10 * nth,
    quorumMs: 45 + 10 * nth,
    latency: { p50: 20, p95: 40, p99: 48 },
    conflicts: [],
    sectors: { ...tier, expected: 3, reached: 3, elapsedMs: 10 },
    clusters: { ...tier, expected: 6, reached: 6, elapsedMs: 20 },
    agents: tier,
    phases: [],
    people: undefined,
    plan: () => [],
    outcomes: () => [],
    resume: () => Promise.reject(new Error("a fake mesh resumes nothing")),
  };
}
