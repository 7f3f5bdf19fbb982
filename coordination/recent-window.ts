/**
 * The last values of an agent, sorted, each with the slot of the ring it came in by, which tells its age. Finds
 * where values lie densest: the centre of the interval that would have caught most of them.
 */
import { intervalCentre, REACH_MS } from "./densest-interval.ts";
import { decodeShort } from "./short-float.ts";

/** How many values are remembered. */
export const WINDOW = 16;
const FORGETTING = 8;

/** Weight of a value by its age, 0 to {@link WINDOW} − 1, twice over: an index need not be wrapped. */
const WEIGHTS = Float64Array.from({ length: 2 * WINDOW }, (_, at) =>
  Math.exp(-(at % WINDOW) / FORGETTING),
);
const values = new Float64Array(WINDOW);
const weights = new Float64Array(WINDOW);

/** Puts `code` in by `slot`, in place of what came by it before; `from` is the window's place in both columns. */
export function insertRecent(
  codes: Int16Array,
  slots: Uint8Array,
  from: number,
  held: number,
  slot: number,
  code: number,
): void {
  let at = from + held;
  if (held === WINDOW) {
    at = from;
    while (slots[at] !== slot) at++;
    for (; at < from + WINDOW - 1 && codes[at + 1] < code; at++) {
      codes[at] = codes[at + 1];
      slots[at] = slots[at + 1];
    }
  }
  for (; at > from && codes[at - 1] > code; at--) {
    codes[at] = codes[at - 1];
    slots[at] = slots[at - 1];
  }
  codes[at] = code;
  slots[at] = slot;
}

/**
 * Centre of the interval of 2 × {@link REACH_MS} that holds most of the `held` ≥ 1 values, each counting the
 * less the older it is, ms. It is as near as it may to the middle one of the values in it.
 */
export function densestRecent(
  codes: Int16Array,
  slots: Uint8Array,
  from: number,
  held: number,
  newest: number,
): number {
  let lowest = 0;
  let sum = 0;
  let bestSum = 0;
  let bestLow = 0;
  let bestHigh = 0;
  for (let high = 0; high < held; high++) {
    const value = decodeShort(codes[from + high]);
    const weight = WEIGHTS[newest - slots[from + high] + WINDOW];
    values[high] = value;
    weights[high] = weight;
    sum += weight;
    for (; value - values[lowest] > 2 * REACH_MS; lowest++) sum -= weights[lowest];
    if (sum > bestSum) {
      bestSum = sum;
      bestLow = lowest;
      bestHigh = high;
    }
  }
  return intervalCentre(
    values[bestLow],
    values[(bestLow + bestHigh) >> 1],
    values[bestHigh],
    REACH_MS,
  );
}
