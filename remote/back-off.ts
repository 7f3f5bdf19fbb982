/** How long to wait before something is tried again. */

/** Bounds of a back-off, ms. */
export interface BackOff {
  readonly firstMs: number;
  readonly mostMs: number;
}

/**
 * Wait after the failed attempt `attempt` (from 1), ms: it doubles up to `mostMs`, and `chance` in [0, 1) takes up to
 * half of it off, so that those who failed together do not come back together.
 */
export function backOffMs({ firstMs, mostMs }: BackOff, attempt: number, chance: number): number {
  const wholeMs = Math.min(mostMs, firstMs * 2 ** Math.min(attempt - 1, 30));
  return wholeMs * (1 - chance / 2);
}

/** What a Retry-After header asks for at `nowMs` (seconds, or a date), ms from now; undefined when it is none. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}(?:\.\d+)?$/.test(header.trim())) return Number(header) * 1000;
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}
