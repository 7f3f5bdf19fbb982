/**
 * What agents say of their own timing, held against what they said before and against what the mesh has measured of
 * them (spec 9.2 timing_attack). A report that is far from an agent's usual ones has *moved*, unless the mesh has seen
 * the agent itself become as much slower or faster. One such report is noise; that many move together is found by who
 * has the counts of all threads (`impedance-watch.ts`).
 *
 * Reports and measurements are each compared with their like only: a probe may be a lighter question than a message.
 */

/** Reports, and measurements, before there is anything usual. */
const KNOWN = 8;
/** A report has moved that is so many spreads off (design: 3 MAD), by this factor, and by so many ms. */
const FAR_SPREADS = 3;
const FAR_FACTOR = 2;
const FAR_MS = 5;
/** What the mesh has measured speaks for a move when it went the same way by this factor. */
const SEEN_FACTOR = 1.5;
/** From so many measurements on, the last not older than that, an agent's own word is not needed. */
const MEASURED = 8;
const MEASURED_MS = 120_000;
/** Steps of a usual value: a share of the spread at most, as in `profile.ts`; and of the spread. */
const CENTRE_STEP = 1 / 8;
const SPREAD_SHARE = 1 / 16;
const CLIP_SPREADS = 4;
const FIRST_SPREAD = 0.15;
const MOST_COUNT = 255;

/** Usual value, spread and count, by agent. */
interface Tracked {
  readonly centres: Float32Array;
  readonly spreads: Float32Array;
  readonly counts: Uint8Array;
}

/** Which way a report has moved: faster, not, slower. */
export type Move = -1 | 0 | 1;

/** Follows the reports of so many agents, counted from 0. Allocates nothing once made. */
export class SelfReports {
  readonly #said: Tracked;
  readonly #seen: Tracked;
  readonly #asked: Tracked;
  readonly #seenAtMs: Float64Array;
  readonly #seenMove: Int8Array;

  constructor(agents: number) {
    this.#said = tracked(agents);
    this.#seen = tracked(agents);
    this.#asked = tracked(agents);
    this.#seenAtMs = new Float64Array(agents);
    this.#seenMove = new Int8Array(agents);
  }

  /**
   * Takes what an agent says that it takes, ms. Undefined as long as there is nothing usual that it could be held
   * against; times that are no times are passed over.
   */
  take(agent: number, ms: number, nowMs: number): Move | undefined {
    if (!(ms >= 0 && ms < Number.POSITIVE_INFINITY)) return undefined;
    const said = this.#said;
    const move = said.counts[agent] < KNOWN ? undefined : moveOf(said, agent, ms, FAR_FACTOR);
    track(said, agent, ms, move !== undefined && move !== 0);
    if (move === 0 || move === undefined) return move;
    const isSeen = nowMs - this.#seenAtMs[agent] < MEASURED_MS && this.#seenMove[agent] === move;
    return isSeen ? 0 : move;
  }

  /** Takes what the mesh has measured by its own clock, ms: of an operation, or of an ask, which comes back. */
  see(agent: number, of: "operation" | "ask", ms: number, nowMs: number): void {
    if (!(ms >= 0 && ms < Number.POSITIVE_INFINITY)) return;
    const seen = of === "operation" ? this.#seen : this.#asked;
    this.#seenMove[agent] = seen.counts[agent] < KNOWN ? 0 : wayOf(seen, agent, ms, SEEN_FACTOR);
    this.#seenAtMs[agent] = nowMs;
    track(seen, agent, ms, false);
  }

  /** Whether the mesh knows of itself how long this agent takes until it is READY. */
  isMeasured(agent: number, nowMs: number): boolean {
    const count = this.#seen.counts[agent] + this.#asked.counts[agent];
    return count >= MEASURED && nowMs - this.#seenAtMs[agent] < MEASURED_MS;
  }
}

function tracked(agents: number): Tracked {
  return {
    centres: new Float32Array(agents),
    spreads: new Float32Array(agents),
    counts: new Uint8Array(agents),
  };
}

function moveOf(values: Tracked, agent: number, ms: number, factor: number): Move {
  const off = Math.abs(ms - values.centres[agent]);
  if (off < FAR_MS || off < FAR_SPREADS * values.spreads[agent]) return 0;
  return wayOf(values, agent, ms, factor);
}

function wayOf({ centres }: Tracked, agent: number, ms: number, factor: number): Move {
  const centre = centres[agent];
  if (ms > centre * factor) return 1;
  return ms * factor < centre ? -1 : 0;
}

/** What has moved shifts the centre a little, and is no spread: lies repeated must not soon be what is usual. */
function track(
  { centres, spreads, counts }: Tracked,
  agent: number,
  ms: number,
  hasMoved: boolean,
): void {
  if (counts[agent] === 0) {
    centres[agent] = ms;
    spreads[agent] = ms * FIRST_SPREAD;
  } else {
    const spread = spreads[agent];
    const off = ms - centres[agent];
    const step = spread * CENTRE_STEP;
    centres[agent] = Math.max(0, centres[agent] + Math.max(-step, Math.min(step, off)));
    const distance = Math.min(Math.abs(off), CLIP_SPREADS * spread + 1);
    if (!hasMoved) spreads[agent] = spread + (distance - spread) * SPREAD_SHARE;
  }
  if (counts[agent] < MOST_COUNT) counts[agent]++;
}
