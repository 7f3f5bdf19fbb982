/**
 * How an agent stands in the operation that last concerned it, as a byte of the registry: for pictures of
 * operations that are under way. Counts come from reports; these bytes are what a report would say now.
 *
 *   bit 7            3            0
 *       ├ operation ─┼ mark ──────┤   `operation`: the low bits of its number, so that what an earlier one
 *                                     has left is not taken for this one's
 */

/** No operation has concerned it yet. */
export const MARK_NONE = 0;
/** The operation waits in its mailbox or runs: TRANSIT. */
export const MARK_SENT = 1;
/** READY; of an operation with a T it may be holding. */
export const MARK_READY = 2;
/** It has acted at T. */
export const MARK_ACTED = 3;
/** CONFLICT. */
export const MARK_CONFLICT = 4;
/** Its handler failed. */
export const MARK_FAILED = 5;
/** Not sent to: it could not have been READY by T. */
export const MARK_SKIPPED = 6;
/** Addressed, and its time to be sent to has not come. */
export const MARK_PLANNED = 7;

/** Code of a mark, 0–7. */
export type OperationMark =
  | typeof MARK_NONE
  | typeof MARK_SENT
  | typeof MARK_READY
  | typeof MARK_ACTED
  | typeof MARK_CONFLICT
  | typeof MARK_FAILED
  | typeof MARK_SKIPPED
  | typeof MARK_PLANNED;

/** Names of the marks by code. */
export const OPERATION_MARKS: readonly string[] = Object.freeze([
  "none",
  "sent",
  "ready",
  "acted",
  "conflict",
  "failed",
  "skipped",
  "planned",
]);

/** Of the lowest bits of the byte. */
const MARK_BITS = 3;

/** The byte of a mark. */
export function markByte(operation: number, mark: OperationMark): number {
  return ((operation << MARK_BITS) | mark) & 0xff;
}

/** The mark in a byte, or 0 when it is of another operation. */
export function markIn(byte: number, operation: number): number {
  const mark = byte & ((1 << MARK_BITS) - 1);
  return ((operation << MARK_BITS) & 0xff) === (byte ^ mark) ? mark : 0;
}
