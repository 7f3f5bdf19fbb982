/**
 * Where two contexts meet and where they do not (spec 5.1, BRANCH_AND_RECONCILE): compared member by member. What one
 * has and the other lacks is no contradiction, the other is only behind; what both have and differ in is one.
 */
import { writeValue } from "./written-value.ts";

/** A place at which both branches have something, and not the same. */
export interface Contradiction {
  /** Names and numbers of members from the top, joined by dots; empty for the whole. */
  readonly path: string;
  readonly expected: unknown;
  readonly received: unknown;
}

/** What the comparison of two branches found. */
export interface BranchComparison {
  /** Leaves that are the same in both. */
  readonly same: number;
  /** Paths that only one of them has. */
  readonly onlyExpected: readonly string[];
  readonly onlyReceived: readonly string[];
  readonly contradictions: readonly Contradiction[];
  /** Both put together, where nothing contradicts. */
  readonly merged: unknown;
}

/** Places that are told of each kind; more are counted as the last one's. */
const MAX_PLACES = 1000;

/** Compares two branches. */
export function compareBranches(expected: unknown, received: unknown): BranchComparison {
  const found: Found = { same: 0, onlyExpected: [], onlyReceived: [], contradictions: [] };
  const merged = compare(expected, received, "", found);
  return { ...found, merged };
}

interface Found {
  same: number;
  readonly onlyExpected: string[];
  readonly onlyReceived: string[];
  readonly contradictions: Contradiction[];
}

function compare(expected: unknown, received: unknown, path: string, found: Found): unknown {
  if (isRecord(expected) && isRecord(received)) {
    const merged: Record<string, unknown> = {};
    for (const name of new Set([...Object.keys(expected), ...Object.keys(received)])) {
      const inner = path === "" ? name : `${path}.${name}`;
      let member: unknown;
      if (!Object.hasOwn(received, name)) {
        note(found.onlyExpected, inner);
        member = expected[name];
      } else if (!Object.hasOwn(expected, name)) {
        note(found.onlyReceived, inner);
        member = received[name];
      } else {
        member = compare(expected[name], received[name], inner, found);
      }
      Object.defineProperty(merged, name, { value: member, enumerable: true, writable: true });
    }
    return merged;
  }
  if (same(expected, received)) {
    found.same++;
    return expected;
  }
  note(found.contradictions, { path, expected, received });
  return expected;
}

function note<T>(places: T[], place: T): void {
  if (places.length < MAX_PLACES) places.push(place);
}

function same(a: unknown, b: unknown): boolean {
  return Object.is(a, b) || writeValue(a) === writeValue(b);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !ArrayBuffer.isView(value) &&
    !(value instanceof Date)
  );
}
