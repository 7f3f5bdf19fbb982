/**
 * The six classes of agents (spec 2.2), with what is believed of an agent before its first message.
 * Nothing here is consulted once an agent has been measured, except how its time becomes a score.
 */

/** Class of an agent by where it runs (spec 2.2). */
export type ImpedanceClass =
  | "CLASS_A_EDGE"
  | "CLASS_B_SERVERLESS"
  | "CLASS_C_PERSISTENT"
  | "CLASS_D_GPU"
  | "CLASS_E_LOCAL"
  | "CLASS_F_HUMAN";

/** One row of the class table. */
export interface ImpedanceClassProfile {
  readonly name: ImpedanceClass;
  readonly description: string;
  /** Agents of this class in a mesh of 30,000 (spec 2.2); a share in a mesh of another size. */
  readonly allocation: number;
  /** One-way latency believed before the first sample, ms. */
  readonly priorLatencyMs: number;
  /** Processing time believed before the first sample, ms (spec 3.1's base times). */
  readonly priorProcessingMs: number;
  /** Milliseconds that make one point of the 0–1000 impedance score. */
  readonly msPerPoint: number;
}

/**
 * The classes by index 0–5, the number stored in the registry's class column. A human is as slow above
 * an hour as a machine above 800 ms, hence 4,500 ms a point: one scale, one threshold for both.
 */
export const IMPEDANCE_CLASSES: readonly ImpedanceClassProfile[] = Object.freeze([
  profile("CLASS_A_EDGE", "Cloudflare Workers, edge functions", 10_000, 12, 10, 1),
  profile("CLASS_B_SERVERLESS", "Railway, Vercel, Lambda functions", 8_000, 100, 50, 1),
  profile("CLASS_C_PERSISTENT", "Long-running containers, VPS instances", 5_000, 200, 200, 1),
  profile("CLASS_D_GPU", "Jetson, GPU instances, ML inference", 2_000, 350, 100, 1),
  profile("CLASS_E_LOCAL", "Raspberry Pi, local hardware, IoT", 3_000, 150, 150, 1),
  profile("CLASS_F_HUMAN", "Human-in-loop checkpoints", 2_000, 5_000, 60_000, 4_500),
]);

/** Index of the people's class: they have their own deadlines, and no machine waits for them to be READY. */
export const PEOPLE: number = IMPEDANCE_CLASSES.findIndex(({ name }) => name === "CLASS_F_HUMAN");

/** Index 0–5 of a class; RangeError for a name that is none. */
export function impedanceClassIndex(name: ImpedanceClass): number {
  const index = IMPEDANCE_CLASSES.findIndex((entry) => entry.name === name);
  if (index >= 0) return index;
  const names = IMPEDANCE_CLASSES.map((entry) => entry.name).join(", ");
  throw new RangeError(`impedance class: expected one of ${names}, got ${JSON.stringify(name)}`);
}

/** Name of the class with this index, 0–5; RangeError outside. */
export function impedanceClassName(index: number): ImpedanceClass {
  const entry = IMPEDANCE_CLASSES[index];
  if (entry) return entry.name;
  throw new RangeError(`impedance class index: expected 0 to 5, got ${index}`);
}

function profile(
  name: ImpedanceClass,
  description: string,
  allocation: number,
  priorLatencyMs: number,
  priorProcessingMs: number,
  msPerPoint: number,
): ImpedanceClassProfile {
  return Object.freeze({
    name,
    description,
    allocation,
    priorLatencyMs,
    priorProcessingMs,
    msPerPoint,
  });
}
