/**
 * A sorted sample whose members fade: each new one takes the place of another, and ranks take turns in being
 * left out. So the share of any past time falls off exponentially, as in a moving average, and the sample
 * knows as much as a sliding window of twice its size without remembering who came when.
 */
import { decodeShort } from "./short-float.ts";

/** Ranks spread by the golden section never cluster, whatever the size of the sample. */
const GOLDEN = 0.6180339887498949;

/**
 * Puts `code` into the sorted `column[from … from + size)`, of which `held` are taken; `turn` counts the
 * insertions so far.
 */
export function insertFading(
  column: Int16Array,
  from: number,
  size: number,
  held: number,
  turn: number,
  code: number,
): void {
  let at = from + held;
  if (held === size) {
    const share = turn * GOLDEN;
    at = from + Math.floor((share - Math.floor(share)) * size);
    // Values above move down into the gap until the new one fits.
    for (; at < from + size - 1 && column[at + 1] < code; at++) column[at] = column[at + 1];
  }
  for (; at > from && column[at - 1] > code; at--) column[at] = column[at - 1];
  column[at] = code;
}

/** Value below which the share `q` of the `held` members lies, between two of them in proportion; `held` ≥ 1. */
export function fadingQuantile(column: Int16Array, from: number, held: number, q: number): number {
  const rank = q * held - 0.5;
  if (rank <= 0) return decodeShort(column[from]);
  const below = Math.floor(rank);
  if (below >= held - 1) return decodeShort(column[from + held - 1]);
  const value = decodeShort(column[from + below]);
  return value + (rank - below) * (decodeShort(column[from + below + 1]) - value);
}
