/**
 * Checks of arguments where they enter this folder. Bounds are checked where an index is born, so that
 * the columns may be indexed without a check afterwards.
 */

/** Throws RangeError unless `value` is a whole number in [min, max]; returns it. */
export function wholeNumber(field: string, value: number, min: number, max: number): number {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw new RangeError(`${field}: expected a whole number from ${min} to ${max}, got ${value}`);
}

/** Returns a share, 0 to 1; RangeError naming the field otherwise. */
export function share(field: string, value: number): number {
  if (value >= 0 && value <= 1) return value;
  throw new RangeError(`${field}: expected a share from 0 to 1, got ${value}`);
}

/** Returns a time, ms of a clock that began at 0; RangeError naming the field otherwise. */
export function instant(field: string, timeMs: number): number {
  if (timeMs >= 0 && timeMs <= Number.MAX_SAFE_INTEGER) return timeMs;
  throw new RangeError(`${field}: expected a time from 0 ms, got ${timeMs}`);
}
