/**
 * Which of two values for the same fact stands on firmer ground (spec 5.1, PROVENANCE_TRACE). The rule, in this order;
 * the first that tells them apart decides:
 *
 *   1. more independent sources: distinct origins that the value was traced to, and agents that hold it of their own
 *   2. more reliable sources, by more than 0.05 of the registry's reliability
 *   3. nearer: fewer messages between the origin and the conflict
 *   4. fresher: the later origin
 *
 * Beyond the first, both values must have been traced to an origin: nothing is preferred for want of knowledge.
 */

/** What is known of where a value is from. */
export interface Provenance {
  /** Origins and holders, each once. */
  readonly sources: readonly string[];
  /** Whether an origin was found; false when the trace was forgotten on the way or there was none. */
  readonly traced: boolean;
  /** Mean reliability of the sources that are agents, 0 to 1. */
  readonly reliability: number;
  /** Messages from the nearest origin to the conflict. */
  readonly hops: number;
  /** When the freshest origin was sent, ms of the mesh's clock. */
  readonly originMs: number;
}

/** Difference of reliability that tells two values apart. */
const RELIABLE_BY = 0.05;

/** Which is preferred and why; undefined when the rule does not tell them apart. */
export interface Preference {
  readonly preferred: "expected" | "received";
  readonly because: string;
}

/** Applies the rule. */
export function preferStronger(expected: Provenance, received: Provenance): Preference | undefined {
  const sources = expected.sources.length - received.sources.length;
  if (sources !== 0)
    return preference(sources > 0, "more independent sources", count(expected), count(received));
  if (!expected.traced || !received.traced) return undefined;
  const reliability = expected.reliability - received.reliability;
  if (Math.abs(reliability) > RELIABLE_BY) {
    const shown = ({ reliability: mean }: Provenance): string => mean.toFixed(2);
    return preference(reliability > 0, "more reliable sources", shown(expected), shown(received));
  }
  const hops = received.hops - expected.hops;
  if (hops !== 0)
    return preference(hops > 0, "nearer origin", `${expected.hops}`, `${received.hops}`);
  const freshMs = expected.originMs - received.originMs;
  if (freshMs === 0) return undefined;
  return preference(freshMs > 0, "fresher origin", time(expected), time(received));
}

function preference(
  expectedWins: boolean,
  reason: string,
  expected: string,
  received: string,
): Preference {
  return expectedWins
    ? { preferred: "expected", because: `${reason}: ${expected} against ${received}` }
    : { preferred: "received", because: `${reason}: ${received} against ${expected}` };
}

function count({ sources }: Provenance): string {
  return String(sources.length);
}

function time({ originMs }: Provenance): string {
  return new Date(originMs).toISOString();
}
