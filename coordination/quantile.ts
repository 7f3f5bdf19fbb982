/**
 * The 95th percentile as Python's `statistics.quantiles(values, n=20)[18]` computes it (exclusive method),
 * which is what spec 4.2 and 4.3 ask for. It lies between two neighbours near the top of the sorted values,
 * so a scan that keeps the few largest is enough and nothing need be sorted.
 */

/** How many of the largest of `count` values the percentile depends on; never more for a smaller count. */
export function p95Needs(count: number): number {
  return count < 2 ? count : count - lowerRank(count) + 1;
}

/**
 * 95th percentile of `count` values of which `top` holds the {@link p95Needs} largest, largest first.
 * One value is its own percentile, and that of none is 0 (Python refuses both).
 */
export function p95OfTop(top: Float64Array, count: number): number {
  if (count < 2) return count === 1 ? top[0] : 0;
  const rank = lowerRank(count);
  return between(top[count - rank], top[count - rank - 1], rank, count);
}

/** 95th percentile of values in any order; sorts them. */
export function p95InPlace(values: Float64Array): number {
  const count = values.length;
  if (count < 2) return count === 1 ? values[0] : 0;
  values.sort();
  const rank = lowerRank(count);
  return between(values[rank - 1], values[rank], rank, count);
}

/** 1-based rank, from the bottom, of the lower of the two neighbours. */
function lowerRank(count: number): number {
  return Math.max(1, Math.min(count - 1, Math.floor((19 * (count + 1)) / 20)));
}

function between(lower: number, upper: number, rank: number, count: number): number {
  // Twentieths of the way from lower to upper. Among fewer than 19 values they exceed 20: the exclusive
  // method extrapolates above the largest, and so does this.
  const above = 19 * (count + 1) - 20 * rank;
  return (lower * (20 - above) + upper * above) / 20;
}
