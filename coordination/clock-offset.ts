/**
 * How far the clock of an agent elsewhere is from the mesh's, from the times of its heartbeats (NTP's clock
 * filter, RFC 5905 section 10). Of the last exchanges the one with the shortest round trip is believed: its
 * ways there and back had the least room to differ, and they are what an offset cannot be told from.
 *
 *   mesh   t0 ──▶            ◀── t3
 *   agent        t1 ··· t2
 */
import { wholeNumber } from "./check.ts";

/** Exchanges remembered unless told otherwise: 40 s of heartbeats. */
const DEFAULT_EXCHANGES = 8;

/** What is believed of a clock. */
export interface ClockReading {
  /** The agent's clock less the mesh's, ms. */
  readonly offsetMs: number;
  /** The offset is no further off than this, ms: half of the shortest round trip. */
  readonly boundMs: number;
}

/** Follows one agent's clock over its last exchanges. */
export class ClockOffset {
  readonly #offsets: Float64Array;
  readonly #rtts: Float64Array;
  #count = 0;

  /** `exchanges` are remembered, 1 to 64. */
  constructor(exchanges: number = DEFAULT_EXCHANGES) {
    wholeNumber("exchanges", exchanges, 1, 64);
    this.#offsets = new Float64Array(exchanges);
    this.#rtts = new Float64Array(exchanges);
  }

  /**
   * Takes in an exchange: sent at `t0Ms` and answered at `t3Ms` by the mesh's clock, received at `t1Ms` and
   * answered at `t2Ms` by the agent's. False, and passed over, when the times cannot be: not finite, or more
   * time gone there than here.
   */
  observe(t0Ms: number, t1Ms: number, t2Ms: number, t3Ms: number): boolean {
    const rttMs = t3Ms - t0Ms - (t2Ms - t1Ms);
    if (!(rttMs >= 0 && rttMs < Number.POSITIVE_INFINITY) || t2Ms < t1Ms) return false;
    const place = this.#count++ % this.#rtts.length;
    this.#rtts[place] = rttMs;
    this.#offsets[place] = (t1Ms - t0Ms + (t2Ms - t3Ms)) / 2;
    return true;
  }

  /** What is believed now; undefined before the first exchange. */
  get reading(): ClockReading | undefined {
    const known = Math.min(this.#count, this.#rtts.length);
    if (known === 0) return undefined;
    let best = 0;
    for (let i = 1; i < known; i++) if (this.#rtts[i] < this.#rtts[best]) best = i;
    return { offsetMs: this.#offsets[best], boundMs: this.#rtts[best] / 2 };
  }
}
