import { addressOf, indexOfAddress } from "../../coordination/address.ts";
import { type Preference, type Provenance, preferStronger } from "../../coordination/provenance.ts";
import { writeValue } from "../../coordination/written-value.ts";
import { walkCauses } from "../inspection/causal-walk.ts";
import type { Case, Finding } from "./conflict-strategist.ts";

/** Conflicts of the last hour that are looked through for others that hold one of the values. */
const WITNESSES_MS = 3_600_000;
const WITNESSES = 500;

/** A value, and what is known of where it is from. */
interface Traced extends Provenance {
  readonly told: string;
  /** Agents that have it from nobody else. */
  readonly origins: readonly number[];
}

/**
 * PROVENANCE_TRACE: walks the causation ids of both values to their origins, prefers the one that stands on firmer
 * ground by the rule of `coordination/provenance.ts`, and tells the origin of the other one, and whoever holds it in
 * this conflict, by the signal `value-superseded`. Agents that do not listen to it lose nothing.
 */
export async function strategyProvenance(at: Case): Promise<Finding> {
  const { record, steps, agent } = at;
  const [trace, divergence, prefer, update] = record.strategy.steps;
  const others = await witnesses(at);
  const expected = await traceOf(at, record.expected, record.expectedFrom, others.expected);
  const received = await traceOf(
    at,
    record.received,
    record.receivedFrom ?? [record.messageId],
    others.received,
  );
  steps.push({
    step: trace ?? "Trace both values to origin",
    found: `expected: ${expected.told}; received: ${received.told}`,
  });
  steps.push({
    step: divergence ?? "Identify where divergence occurred",
    found: divergenceOf(expected, received),
  });
  const preference = preferStronger(expected, received);
  steps.push({
    step: prefer ?? "Prefer value with stronger provenance",
    found:
      preference === undefined
        ? "neither is stronger by what is known"
        : `${preference.preferred}, ${preference.because}`,
  });
  if (preference === undefined) {
    const outcome = "neither value's provenance is stronger";
    return { state: "review", outcome, steps };
  }
  const weaker = preference.preferred === "expected" ? received : expected;
  const holders = new Set(weaker.origins);
  if (preference.preferred === "received" && agent >= 0) holders.add(agent);
  const told = tellWeaker(at, preference, holders);
  steps.push({
    step: update ?? "Update weaker source",
    found: told.length === 0 ? "its source is outside of the mesh" : `told ${told.join(", ")}`,
  });
  const outcome = `the ${preference.preferred} value holds: ${preference.because}`;
  return { state: "resolved", outcome, steps, value: record[preference.preferred] };
}

function tellWeaker(
  { record, ports }: Case,
  { preferred }: Preference,
  holders: ReadonlySet<number>,
): readonly string[] {
  const { topology } = ports.view;
  const value = record[preferred];
  const instead = preferred === "expected" ? record.received : record.expected;
  const told: string[] = [];
  for (const holder of holders) {
    const { conflictId } = record;
    ports.signal(holder, { type: "value-superseded", conflictId, value, instead });
    told.push(addressOf(topology, holder));
  }
  return told;
}

/** Agents that reported within the last hour that they hold one of the values. */
async function witnesses({
  record,
  ports,
}: Case): Promise<{ readonly expected: readonly string[]; readonly received: readonly string[] }> {
  const alike = await ports.log.list({
    type: record.type,
    sinceMs: record.atMs - WITNESSES_MS,
    limit: WITNESSES,
  });
  const wanted = { expected: writeValue(record.expected), received: writeValue(record.received) };
  const found = { expected: new Set<string>(), received: new Set<string>() };
  for (const { record: other } of alike) {
    if (other.conflictId === record.conflictId || other.agent === record.agent) continue;
    const holds = writeValue(other.expected);
    if (holds === wanted.expected) found.expected.add(other.agent);
    if (holds === wanted.received) found.received.add(other.agent);
  }
  return { expected: [...found.expected], received: [...found.received] };
}

async function traceOf(
  at: Case,
  value: unknown,
  from: readonly string[] | undefined,
  held: readonly string[],
): Promise<Traced> {
  const { view } = at.ports;
  const ids = from ?? (await idsOf(at, value));
  const sources = new Set(held);
  const origins = new Set<number>();
  const told: string[] = [];
  let traced = false;
  let hops = Number.POSITIVE_INFINITY;
  let originMs = 0;
  for (const id of ids) {
    const walk = walkCauses(view, id);
    const origin = walk.path[walk.path.length - 1];
    if (!walk.reachedOrigin || origin === undefined) {
      told.push(`${id} (not to be traced further than ${walk.path.length} messages)`);
      continue;
    }
    traced = true;
    const name = walk.originName;
    sources.add(name);
    told.push(`${name}, ${walk.path.length} messages away`);
    if (walk.origin >= 0) origins.add(walk.origin);
    hops = Math.min(hops, walk.path.length);
    originMs = Math.max(originMs, origin.createdMs);
  }
  // Who holds a value without saying from where is a source of its own, of which no more is known.
  if (ids.length === 0 && value === at.record.expected) {
    sources.add(at.record.agent);
    told.push(`${at.record.agent} itself, which does not say from where`);
  }
  const reliability = meanReliability(at, [...sources]);
  if (held.length > 0) told.push(`held by ${held.length} others`);
  return {
    sources: [...sources],
    origins: [...origins],
    traced,
    reliability,
    hops,
    originMs,
    told: told.join(", ") || "of unknown origin",
  };
}

/** What the reporting agent's own behavior knows of the value. */
async function idsOf(at: Case, value: unknown): Promise<readonly string[]> {
  const known = await at.look(at.agent, { hook: "provenance", value });
  return Array.isArray(known?.found)
    ? known.found.filter((id): id is string => typeof id === "string")
    : [];
}

function meanReliability({ ports }: Case, sources: readonly string[]): number {
  const { registry, topology } = ports.view;
  const known = sources
    .map((source) => indexOfAddress(topology, source))
    .filter((index) => index >= 0);
  if (known.length === 0) return 0;
  return known.reduce((sum, index) => sum + registry.reliability[index], 0) / known.length;
}

function divergenceOf(expected: Traced, received: Traced): string {
  const shared = expected.sources.filter((source) => received.sources.includes(source));
  return shared.length > 0
    ? `after ${shared.join(", ")}, which both are from`
    : "at the origins: they have none in common";
}
