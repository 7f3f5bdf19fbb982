/**
 * The last values of an agent, sorted, each with the slot of the ring it came in by, which tells its age. Finds
 * where values lie densest: the centre of the interval that would have caught most of them.
 */
import { decodeShort } from "./short-float.ts";

/** How many values are remembered. */
export const WINDOW = 24;
/** An interval reaches this far to both sides of its centre, ms: the KPI's window of arrival (spec 11). */
export const REACH_MS = 50;
const FORGETTING = 8;

/** Weight of a value by its age, 0 to {@link WINDOW} − 1, twice over: an index need not be wrapped. */
const WEIGHTS = Float64Array.from({ length: 2 * WINDOW }, (_, at) =>
  Math.exp(-(at % WINDOW) / FORGETTING),
);
const values = new Float64Array(WINDOW);
const weights = new Float64Array(WINDOW);

/** The two centres that {@link findDensest} found last, ms. */
export const densest: { recent: number; all: number } = { recent: 0, all: 0 };

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
 * Finds the interval of 2 × {@link REACH_MS} that holds most of the `held` values, once each counting the
 * less the older it is and once all alike. Its centre is as near as it may to the middle one of its values.
 */
export function findDensest(
  codes: Int16Array,
  slots: Uint8Array,
  from: number,
  held: number,
  newest: number,
): void {
  let lowest = 0;
  let sum = 0;
  let bestSum = 0;
  let recentLow = 0;
  let recentHigh = 0;
  let allLow = 0;
  let allHigh = -1;
  const median = held >> 1;
  let offMedian = 0;
  for (let high = 0; high < held; high++) {
    const value = decodeShort(codes[from + high]);
    const weight = WEIGHTS[newest - slots[from + high] + WINDOW];
    values[high] = value;
    weights[high] = weight;
    sum += weight;
    while (value - values[lowest] > 2 * REACH_MS) sum -= weights[lowest++];
    if (sum > bestSum) {
      bestSum = sum;
      recentLow = lowest;
      recentHigh = high;
    }
    const longer = high - lowest - (allHigh - allLow);
    const off = Math.abs(((lowest + high) >> 1) - median);
    if (longer > 0 || (longer === 0 && off < offMedian)) {
      allLow = lowest;
      allHigh = high;
      offMedian = off;
    }
  }
  densest.recent = centre(recentLow, recentHigh);
  densest.all = centre(allLow, allHigh);
}

function centre(low: number, high: number): number {
  const middle = values[(low + high) >> 1];
  const least = values[high] - REACH_MS;
  const most = values[low] + REACH_MS;
  return middle < least ? least : middle > most ? most : middle;
}
