import type { Registry } from "../../coordination/registry.ts";
import type { Hang } from "./watchdog.ts";

/**
 * In whose turn a thread hangs. In a continuation that is not certain: then it is the agent resumed last, if
 * its turn still goes on, or else the only one of its thread whose turn does; −1 when neither.
 */
export function culpritOf(hang: Hang, registry: Registry, placement: Uint8Array): number {
  const { currentSinceMs } = registry;
  if (hang.certain || (hang.agent >= 0 && currentSinceMs[hang.agent] > 0)) return hang.agent;
  let only = -1;
  for (let row = 0; row < placement.length; row++) {
    if (placement[row] !== hang.thread || currentSinceMs[row] === 0) continue;
    if (only >= 0) return -1;
    only = row;
  }
  return only;
}
