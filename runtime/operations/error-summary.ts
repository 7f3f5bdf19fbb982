import type { ErrorSummary } from "../api/operation-api.ts";

/** What 90 % of messages should be within (spec 11.1). */
const CLOSE_MS = 50;

/** Distribution of |errors|, ms, and the shares within ± 50 ms and within ± `windowMs`. */
export function summarizeErrors(errors: Float64Array, windowMs: number): ErrorSummary {
  const sorted = errors.map(Math.abs).sort();
  const count = sorted.length;
  const at = (q: number): number =>
    count === 0 ? Number.NaN : sorted[Math.min(count - 1, Math.floor(q * count))];
  return {
    count,
    p50: at(0.5),
    p90: at(0.9),
    p99: at(0.99),
    within50: shareUpTo(sorted, CLOSE_MS),
    withinWindow: shareUpTo(sorted, windowMs),
  };
}

/** The usual quantiles of values, which are put in order; NaN of none. */
export function quantiles(values: Float64Array): {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
} {
  const sorted = values.sort();
  const at = (q: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

function shareUpTo(sorted: Float64Array, limit: number): number {
  if (sorted.length === 0) return Number.NaN;
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] <= limit) low = middle + 1;
    else high = middle;
  }
  return low / sorted.length;
}
