import type { Circuits } from "../api/circuit-api.ts";
import type { HealCircuits } from "./examination.ts";

/** The circuit breakers as healing sees them: those at or below what is healed. */
export function healCircuits(circuits: Circuits): HealCircuits {
  return {
    open: (target) =>
      circuits
        .list()
        .map((circuit) => circuit.target)
        .filter((at) => target === "mesh" || at === target || at.startsWith(`${target}/`)),
    reset: (address) => void circuits.reset(address),
  };
}
