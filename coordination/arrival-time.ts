/**
 * When the agents of an operation should be READY: a time (ms of the epoch, a Date, ISO 8601), `"in 500ms"`
 * (also `in 2s`, `in 1m30s`), `"now"` (as soon as they can, without a plan), or `"earliest-quorum"` (the
 * earliest time by which the quorum is expected READY).
 */
export type ArrivalTime = number | Date | string;

/** An {@link ArrivalTime} as read. `atMs` is ms of the epoch. */
export type Arrival =
  | { readonly kind: "now" }
  | { readonly kind: "earliest-quorum" }
  | { readonly kind: "time"; readonly atMs: number };

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const EXPECTED =
  'a time (ms of the epoch, a Date, ISO 8601), "in 500ms", "now" or "earliest-quorum"';

/** Reads an arrival time at `nowMs`; RangeError `at: expected …, got …` when it is none. */
export function readArrivalTime(at: ArrivalTime, nowMs: number): Arrival {
  if (at === "now" || at === "earliest-quorum") return { kind: at };
  const atMs = typeof at === "string" ? textMs(at, nowMs) : Number(at);
  if (
    Number.isFinite(atMs) &&
    (typeof at === "number" || at instanceof Date || typeof at === "string")
  )
    return { kind: "time", atMs };
  throw new RangeError(`at: expected ${EXPECTED}, got ${String(at)}`);
}

function textMs(text: string, nowMs: number): number {
  const ahead = /^in\s+((?:\d+(?:\.\d+)?\s*(?:ms|s|m|h)\s*)+)$/.exec(text.trim());
  if (ahead !== null) return nowMs + durationMs(ahead[1]);
  // Date.parse reads far more than ISO 8601, and not the same everywhere.
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(text) ? Date.parse(text) : Number.NaN;
}

function durationMs(text: string): number {
  let sumMs = 0;
  for (const [, count, unit] of text.matchAll(/(\d+(?:\.\d+)?)\s*(ms|s|m|h)/g))
    sumMs += Number(count) * UNITS[unit];
  return sumMs;
}
