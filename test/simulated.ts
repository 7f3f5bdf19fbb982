// Small simulated meshes for tests: sixty agents on three workers, everything going wrong.
import { loadTraceMix } from "../remote/traces.ts";
import { FAULT_PROFILES, type FaultProfile } from "../simulator/faults.ts";
import { shapeOf } from "../simulator/shape.ts";
import {
  type SimulationOptions,
  type SimulationOutcome,
  simulate,
} from "../simulator/simulation.ts";

const traces = await loadTraceMix();

/** The fault profile of this name. */
export function profile(name: string): FaultProfile {
  const found = FAULT_PROFILES.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no fault profile is called ${name}`);
  return found;
}

/** Simulates sixty agents for ten seconds in a storm; what is given wins. */
export function simulateSmall(
  seed: number,
  options: Partial<SimulationOptions> = {},
): Promise<SimulationOutcome> {
  const usual = { ...shapeOf(60), forMs: 10_000, faults: profile("storm"), traces };
  return simulate({ ...usual, seed, ...options });
}
