/** Where sorted values lie densest: the interval of a given width that holds most of them. */
import { decodeShort } from "./short-float.ts";

/** An interval reaches this far to both sides of its centre, ms: the KPI's window of arrival (spec 11). */
export const REACH_MS = 50;

/**
 * Centre of the interval of 2 × {@link REACH_MS} that holds most of the `held` ≥ 1 values of a sorted column
 * from `from` on, ms; of several the one nearest to the median.
 */
export function densestInterval(column: Int16Array, from: number, held: number): number {
  const width = 2 * REACH_MS;
  const median = held - 1;
  let lowest = 0;
  let least = decodeShort(column[from]);
  let most = -1;
  let off = 0;
  let bestLow = 0;
  let bestHigh = 0;
  for (let high = 0; high < held; high++) {
    const value = decodeShort(column[from + high]);
    while (value - least > width) least = decodeShort(column[from + ++lowest]);
    const longer = high - lowest - most;
    if (longer < 0) continue;
    const away = Math.abs(lowest + high - median);
    if (longer === 0 && away >= off) continue;
    most = high - lowest;
    off = away;
    bestLow = lowest;
    bestHigh = high;
  }
  return intervalCentre(
    decodeShort(column[from + bestLow]),
    decodeShort(column[from + ((bestLow + bestHigh) >> 1)]),
    decodeShort(column[from + bestHigh]),
    REACH_MS,
  );
}

/** The point nearest to `middle` from which both `low` and `high` are within reach. */
export function intervalCentre(low: number, middle: number, high: number, reach: number): number {
  if (middle < high - reach) return high - reach;
  return middle > low + reach ? low + reach : middle;
}
