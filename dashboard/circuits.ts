/** Circuit breakers as bytes of cells: 0 closed, 1 half-open, 2 open. */
import { clustersOf, type MeshSize } from "./layout.ts";

/** A circuit as a command lists it. */
export interface Circuit {
  readonly target?: string;
  readonly address?: string;
  readonly state?: string;
}

const CODES: Readonly<Record<string, number>> = { CLOSED: 0, HALF_OPEN: 1, OPEN: 2 };

/** Writes the state of the strictest circuit that covers each agent. */
export function layCircuits(
  circuits: readonly Circuit[],
  size: MeshSize,
  into: Uint8Array,
): Uint8Array {
  into.fill(0);
  for (const { target, address, state = "" } of circuits) {
    const covered = clustersOf(size, target ?? address ?? "");
    const code = CODES[state.toUpperCase().replace("-", "_")] ?? 0;
    if (covered === undefined || code === 0) continue;
    const from = covered.first * size.agentsPerCluster;
    const to = from + covered.count * size.agentsPerCluster;
    for (let agent = from; agent < to; agent++) into[agent] = Math.max(into[agent], code);
  }
  return into;
}
