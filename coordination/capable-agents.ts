/** Which agents have which capability: the rows of each bit, so that few are looked at where few are able. */
import { hasCapability, MAX_CAPABILITIES } from "./capability.ts";
import type { Registry } from "./registry.ts";
import type { Topology } from "./topology.ts";

/** An index over the capability columns; agents and spawned children count, those who lead do not. */
export class CapableAgents {
  readonly #registry: Registry;
  readonly #topology: Topology;
  readonly #rows: (Int32Array | undefined)[] = new Array(MAX_CAPABILITIES).fill(undefined);
  #checksum = 0;

  constructor(registry: Registry, topology: Topology) {
    this.#registry = registry;
    this.#topology = topology;
  }

  /**
   * Forgets what is known when capabilities have changed since; true when they had. One pass over two columns, for
   * the caller to make as often as it must be right; between, an agent's new capability is not seen.
   */
  refresh(): boolean {
    const checksum = this.#sum();
    if (checksum === this.#checksum) return false;
    this.#checksum = checksum;
    this.#rows.fill(undefined);
    return true;
  }

  /** Rows that have the capability of this bit, rising; none for −1. Not to be written to. */
  having(bit: number): Int32Array {
    if (bit < 0) return new Int32Array(0);
    this.#rows[bit] ??= this.#find(bit);
    return this.#rows[bit];
  }

  #find(bit: number): Int32Array {
    const { agents, spawnBase, rows } = this.#topology;
    const found: number[] = [];
    for (let row = 0; row < rows; row++) {
      if (row === agents) row = spawnBase;
      if (row < rows && hasCapability(this.#registry, row, bit)) found.push(row);
    }
    return Int32Array.from(found);
  }

  /** FNV-1a over the words: depends on who has what, not only on how many. */
  #sum(): number {
    const { capabilitiesLow, capabilitiesHigh, rows } = this.#registry;
    let sum = 0x811c9dc5;
    for (let row = 0; row < rows; row++) {
      sum = Math.imul(sum ^ capabilitiesLow[row], 0x01000193);
      sum = Math.imul(sum ^ capabilitiesHigh[row], 0x01000193);
    }
    return sum;
  }
}
