import type { FailureClass, FailureClassEntry } from "../../supervisors/failure-classes.ts";

export type { FailureClass };

/** How often a class of failures (spec 6.1) was found since the start. */
export interface FailureCount extends FailureClassEntry {
  readonly count: number;
  /** How often it was more than its recovery is for. */
  readonly escalated: number;
  /** When it was last found, ms of the mesh clock; absent when it never was. */
  readonly lastMs?: number;
}

/** What the mesh has found out about failures. */
export interface FailureReport {
  /** All six classes, in the order of the specification. */
  classes(): readonly FailureCount[];
}
