// What a fake mesh answers to `heal` unless a test says otherwise: there was nothing to heal.
import type { HealResult } from "../runtime/api/heal-api.ts";

export function nothingHealed(target: string, dryRun: boolean): HealResult {
  return {
    target: target === "auto" ? "mesh" : target,
    dryRun,
    plan: [],
    found: 0,
    restarted: 0,
    replaced: 0,
    workers: [],
    contexts: [],
    broughtHome: [],
    circuits: [],
    failed: [],
    healthy: true,
    elapsedMs: 1,
  };
}
