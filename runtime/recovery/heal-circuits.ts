import type { MeshCircuits } from "./circuits.ts";
import type { HealCircuits } from "./examination.ts";

/** The circuit breakers as healing sees them: those at or below what is healed, but for those held for a threat. */
export function healCircuits(circuits: MeshCircuits): HealCircuits {
  return {
    open: (target) =>
      circuits
        .list()
        .map((circuit) => circuit.target)
        .filter((at) => !circuits.isHeld(at))
        .filter((at) => target === "mesh" || at === target || at.startsWith(`${target}/`)),
    reset: (address) => void circuits.reset(address),
  };
}
