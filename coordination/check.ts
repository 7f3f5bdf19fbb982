/**
 * Checks of arguments where they enter this folder. Bounds are checked where an index is born, so that
 * the columns may be indexed without a check afterwards.
 */

/** Throws RangeError unless `value` is a whole number in [min, max]; returns it. */
export function wholeNumber(field: string, value: number, min: number, max: number): number {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw new RangeError(`${field}: expected a whole number from ${min} to ${max}, got ${value}`);
}
