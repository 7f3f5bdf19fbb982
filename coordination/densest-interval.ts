/** Where sorted values lie densest: the interval of a given width that holds most of them. */
import { decodeShort } from "./short-float.ts";

/** An interval reaches this far to both sides of its centre, ms: the KPI's window of arrival (spec 11). */
export const REACH_MS = 50;

/** The most values that are looked at. */
const MOST = 64;
const values = new Float64Array(MOST);

/**
 * Centre of the interval of 2 × {@link REACH_MS} that holds most of the `held` values of a sorted column
 * from `from` on, ms, 1 to {@link MOST}; of several the one nearest to the median.
 */
export function densestInterval(column: Int16Array, from: number, held: number): number {
  for (let at = 0; at < held; at++) values[at] = decodeShort(column[from + at]);
  const width = 2 * REACH_MS;
  const median = held - 1;
  let size = 1;
  let lowest = 0;
  let off = median;
  for (let high = 1; high < held; high++) {
    let low = high - size;
    if (values[high] - values[low] <= width) {
      size++;
    } else {
      low++;
      if (values[high] - values[low] > width || Math.abs(low + high - median) >= off) continue;
    }
    lowest = low;
    off = Math.abs(low + high - median);
  }
  const highest = lowest + size - 1;
  return intervalCentre(values[lowest], values[(lowest + highest) >> 1], values[highest]);
}

/** The point nearest to `middle` from which both `low` and `high` are within {@link REACH_MS}. */
export function intervalCentre(low: number, middle: number, high: number): number {
  if (middle < high - REACH_MS) return high - REACH_MS;
  return middle > low + REACH_MS ? low + REACH_MS : middle;
}
