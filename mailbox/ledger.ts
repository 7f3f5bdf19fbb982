import {
  CONTROL_COMMITTED_F64,
  CONTROL_COUNTS_F64,
  COUNT_COUNT,
  COUNTS_STRIDE,
  Count,
} from "./layout.ts";

/**
 * The counts of a thread and the number of its cycle: what one store of {@link commit} makes true together
 * with all that the cycle stamped in custody.
 */
export class Ledger {
  /** Counts including those of the open cycle; see {@link Count} for the places. */
  readonly counts: Float64Array = new Float64Array(COUNT_COUNT);
  /** The open cycle: the one after the last committed. */
  cycle: number;
  readonly #control: Float64Array;

  /** Continues from what was last committed in this control block. */
  constructor(control: Float64Array) {
    this.#control = control;
    const committed = control[CONTROL_COMMITTED_F64];
    readCounts(control, this.counts);
    this.cycle = committed + 1;
  }

  get committed(): number {
    return this.cycle - 1;
  }

  /** Writes the counts to the side that the open cycle will switch to. */
  prepare(): void {
    const at = CONTROL_COUNTS_F64 + parity(this.cycle) * COUNTS_STRIDE;
    for (let i = 0; i < COUNT_COUNT; i++) this.#control[at + i] = this.counts[i];
  }

  /** Commits the open cycle and opens the next. */
  commit(): void {
    this.#control[CONTROL_COMMITTED_F64] = this.cycle++;
  }
}

/** Copies the committed counts of a control block into `into`; from any thread, without stopping the writer. */
export function readCounts(control: Float64Array, into: Float64Array): void {
  for (let attempt = 0; attempt < 8; attempt++) {
    const committed = control[CONTROL_COMMITTED_F64];
    const at = CONTROL_COUNTS_F64 + parity(committed) * COUNTS_STRIDE;
    for (let i = 0; i < COUNT_COUNT; i++) into[i] = control[at + i];
    // The side read stays as it is until the next commit: then the writer may prepare the one after on it.
    if (control[CONTROL_COMMITTED_F64] === committed) return;
  }
}

export { Count };

/** 0 or 1. Not by the remainder operator, which beyond 32 bits is a call into the C library. */
function parity(cycle: number): number {
  return cycle - Math.floor(cycle / 2) * 2;
}
