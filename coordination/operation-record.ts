/** What is kept of an operation when it has ended, to tell afterwards how well the mesh does. */

const KINDS = ["scatter-gather", "cascade", "broadcast", "ask", "delegate"] as const;

/** What somebody asked of many agents, or of one that will do. */
export type OperationKind = (typeof KINDS)[number];

/** How one operation went. Numbers of agents, unless they end in Ms. */
export interface OperationRecord {
  /** When it ended, ms of the mesh clock. */
  readonly endedMs: number;
  readonly kind: OperationKind;
  /** Whether it had its quorum; of kinds without one it is not counted. */
  readonly achieved: boolean;
  /** READY, CONFLICT and TRANSIT together. */
  readonly addressed: number;
  readonly ready: number;
  readonly conflict: number;
  readonly transit: number;
  /** Those addressed that had a T to be READY at. */
  readonly timed: number;
  /** Of these: READY by T or within the window after it. */
  readonly hits: number;
  /** Of these: READY within 50 ms of T, before or after. */
  readonly within50: number;
  readonly elapsedMs: number;
  /** From the start until the quorum was READY; undefined when it never was. */
  readonly quorumMs?: number | undefined;
}

/** Returns the record; RangeError naming the field that cannot be. */
export function checkRecord(record: OperationRecord): OperationRecord {
  if (!KINDS.includes(record.kind))
    throw new RangeError(`kind: expected one of ${KINDS.join(", ")}, got ${record.kind}`);
  const { addressed, timed, quorumMs } = record;
  atMost("endedMs", record.endedMs, Number.MAX_VALUE);
  atMost("elapsedMs", record.elapsedMs, Number.MAX_VALUE);
  if (quorumMs !== undefined) atMost("quorumMs", quorumMs, Number.MAX_VALUE);
  atMost("addressed", addressed, Number.MAX_SAFE_INTEGER);
  atMost("ready", record.ready, addressed);
  atMost("conflict", record.conflict, addressed);
  const counted = record.ready + record.conflict + record.transit;
  if (counted !== addressed)
    throw new RangeError(
      `addressed: expected ready, conflict and transit together, ${counted}, got ${addressed}`,
    );
  atMost("transit", record.transit, addressed);
  atMost("timed", timed, addressed);
  atMost("hits", record.hits, timed);
  atMost("within50", record.within50, timed);
  return record;
}

function atMost(field: string, value: number, max: number): void {
  if (value >= 0 && value <= max) return;
  throw new RangeError(`${field}: expected a number from 0 to ${max}, got ${value}`);
}
