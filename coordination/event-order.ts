/**
 * Puts events back into the order of their causes (spec 5.1, CLOCK_RECONCILIATION). Lamport stamps say what may have
 * led to what; clocks say when. Where both disagree a clock is off, and how far at least is known from the events
 * themselves: as much as the effect seems to be before its cause.
 */
import type { StampedEvent } from "./conflict.ts";

/** Two events whose clocks contradict their stamps. */
export interface Inversion {
  readonly cause: StampedEvent;
  readonly effect: StampedEvent;
  /** How much earlier than its cause the effect seems to be, ms. */
  readonly byMs: number;
}

/** A clock that is off. */
export interface ClockDrift {
  /** Whose clock it is. */
  readonly agent: string;
  /** That clock less the mesh's, ms; of an inferred one the least it must be. */
  readonly driftMs: number;
  /** Measured by the agent's probes, or inferred from what is impossible otherwise. */
  readonly known: "measured" | "inferred";
}

/** What the stamps and clocks of some events come to. */
export interface EventOrder {
  /** By Lamport stamp; of equal ones, which are concurrent, by corrected time. */
  readonly ordered: readonly (StampedEvent & { readonly correctedMs: number })[];
  readonly inversions: readonly Inversion[];
  /** Those that are left when the clocks are set right. */
  readonly remaining: readonly Inversion[];
  /** The clock that is to blame; undefined when nothing is wrong, or nothing tells. */
  readonly drift: ClockDrift | undefined;
}

/** Offsets that are smaller than their own uncertainty are none. `boundMs` is that uncertainty. */
export interface KnownOffset {
  readonly offsetMs: number;
  readonly boundMs: number;
}

/** Orders events; `offsets` are the clocks' measured offsets by agent, where there are any. */
export function orderEvents(
  events: readonly StampedEvent[],
  offsets: ReadonlyMap<string, KnownOffset>,
): EventOrder {
  const inversions = inversionsOf(events);
  const drift = measured(inversions, offsets) ?? inferred(inversions);
  const corrected = events.map((event) => {
    const { agent, atMs } = event;
    const known = offsets.get(agent)?.offsetMs ?? 0;
    const offsetMs = drift?.agent === agent ? drift.driftMs : known;
    return { ...event, correctedMs: atMs - offsetMs };
  });
  const remaining = inversionsOf(corrected.map((event) => ({ ...event, atMs: event.correctedMs })));
  const ordered = corrected.sort((a, b) => a.lamport - b.lamport || a.correctedMs - b.correctedMs);
  return { ordered, inversions, remaining, drift };
}

/** Neighbours by stamp suffice: a later pair can only be inverted if one between them is. */
function inversionsOf(events: readonly StampedEvent[]): readonly Inversion[] {
  const sorted = [...events].sort((a, b) => a.lamport - b.lamport || a.atMs - b.atMs);
  const inversions: Inversion[] = [];
  for (let i = 1; i < sorted.length; i++) {
    const cause = sorted[i - 1];
    const effect = sorted[i];
    if (effect.lamport > cause.lamport && effect.atMs < cause.atMs)
      inversions.push({ cause, effect, byMs: cause.atMs - effect.atMs });
  }
  return inversions;
}

/** Of the agents concerned, the one whose clock is known to be furthest off. */
function measured(
  inversions: readonly Inversion[],
  offsets: ReadonlyMap<string, KnownOffset>,
): ClockDrift | undefined {
  let worst: ClockDrift | undefined;
  for (const agent of inversions.flatMap(({ cause, effect }) => [cause.agent, effect.agent])) {
    const known = offsets.get(agent);
    if (known === undefined || Math.abs(known.offsetMs) <= known.boundMs) continue;
    if (worst === undefined || Math.abs(known.offsetMs) > Math.abs(worst.driftMs))
      worst = { agent, driftMs: known.offsetMs, known: "measured" };
  }
  return worst;
}

/** The agent that is part of most inversions; of one inversion alone nobody can tell which of the two it is. */
function inferred(inversions: readonly Inversion[]): ClockDrift | undefined {
  const blamed = new Map<string, { count: number; driftMs: number }>();
  for (const { cause, effect, byMs } of inversions) {
    if (cause.agent === effect.agent) continue;
    for (const [agent, sign] of [
      [cause.agent, 1],
      [effect.agent, -1],
    ] as const) {
      const known = blamed.get(agent) ?? { count: 0, driftMs: 0 };
      const driftMs = Math.abs(known.driftMs) > byMs ? known.driftMs : sign * byMs;
      blamed.set(agent, { count: known.count + 1, driftMs });
    }
  }
  const ranked = [...blamed].sort(([, a], [, b]) => b.count - a.count);
  if (ranked.length === 0 || ranked[0][1].count === ranked[1]?.[1].count) return undefined;
  const [agent, { driftMs }] = ranked[0];
  return { agent, driftMs, known: "inferred" };
}
