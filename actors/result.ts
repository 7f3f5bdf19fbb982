import type { ConflictDetail, ConflictType } from "../coordination/conflict.ts";

/**
 * The trinary outcome of a message at one agent (spec 1.4): READY +1, TRANSIT 0, CONFLICT −1.
 * TRANSIT is never returned by a handler: it is what everyone else sees while nothing is known yet.
 */
export type Trinary = 1 | 0 | -1;

export interface Ready<Value = unknown> {
  readonly state: 1;
  readonly value: Value;
}

export interface Conflict {
  readonly state: -1;
  readonly conflict: ConflictDetail;
}

/** What a handler returns. */
export type Result<Value = unknown> = Ready<Value> | Conflict;

/** What an asker gets: the result, or TRANSIT when the deadline came first and the outcome is unknown. */
export type Answer<Value = unknown> = Result<Value> | Transit;

export interface Transit {
  readonly state: 0;
  /** How long the asker waited, ms. */
  readonly waitedMs: number;
}

const READY_WITHOUT_VALUE: Ready<undefined> = Object.freeze({ state: 1, value: undefined });

/** READY: arrived, integrated, done; the optional value is the answer to an `ask`. */
export function ready(): Ready<undefined>;
export function ready<Value>(value: Value): Ready<Value>;
export function ready<Value>(value?: Value): Ready<Value | undefined> {
  return value === undefined ? READY_WITHOUT_VALUE : { state: 1, value };
}

/** CONFLICT: arrived and understood, but it contradicts what this agent knows (spec 5.1). */
export function conflict(detail: ConflictDetail): Conflict {
  return { state: -1, conflict: detail };
}

/** What a handler returned, as a result; TypeError when it is none. Nothing is READY without a value. */
export function asResult(returned: unknown): Result {
  if (returned === undefined) return ready();
  const { state } = returned as Result;
  if (state === 1 || state === -1) return returned as Result;
  throw new TypeError(
    `receive returned ${typeof returned}: expected ready(value), conflict(detail) or nothing`,
  );
}

export type { ConflictDetail, ConflictType };
