/**
 * Whether so many messages are a flood (spec 9.2 denial_of_service): more than ten times what is usual, and more than
 * there is room for. A mesh that wakes up sends a thousand times what was usual and nobody need be told, as long as it
 * all finds room: then it is only learned, over some minutes. Refusing is the senders' own business (`flood-gate.ts`)
 * and the mailboxes'; this finds what is to be told to people, from counts that only grow.
 */

/** Figures of the watch; all may be set for tests. */
export interface RateSettings {
  /** So many times the usual rate are a flood (spec 9.2). */
  readonly factor: number;
  /** The usual rate is never taken to be less than this, messages a second. */
  readonly leastUsual: number;
  /** A flood is over when the rate has been below half of its limit for so long, ms. */
  readonly overMs: number;
}

export const RATE_SETTINGS: RateSettings = Object.freeze({
  factor: 10,
  leastUsual: 200,
  overMs: 10_000,
});

/** Share of a second in what is usual: it follows within some five minutes. */
const LEARNED_A_S = 1 / 300;

/** What a look has found. */
export interface RateNews {
  readonly state: "begins" | "goes-on" | "ends";
  /** Messages a second now, and usually. */
  readonly rate: number;
  readonly usual: number;
}

/** Follows one count; reads no clock. */
export class RateWatch {
  readonly #settings: RateSettings;
  #count = 0;
  #refused = 0;
  #lastRate = 0;
  #atMs = Number.NaN;
  #usual: number;
  /** Since when it is quiet again, ms; NaN while there is no flood. */
  #quietSinceMs = Number.NaN;

  constructor(settings: RateSettings = RATE_SETTINGS) {
    this.#settings = settings;
    this.#usual = settings.leastUsual;
  }

  /** Messages a second that are usual. */
  get usual(): number {
    return this.#usual;
  }

  get isFlood(): boolean {
    return !Number.isNaN(this.#quietSinceMs);
  }

  /**
   * Takes the counts of this moment: all messages, and those of them for which there was no room. Nothing while all is
   * usual.
   */
  look(count: number, refused: number, nowMs: number): RateNews | undefined {
    // Looked at about once a second, and first when a mesh has run for one: its counts begin at nothing.
    const seconds = Number.isNaN(this.#atMs) ? 1 : (nowMs - this.#atMs) / 1000;
    const before = this.#count;
    const isPressed = refused > this.#refused;
    if (!(seconds <= 0)) {
      this.#count = count;
      this.#refused = refused;
      this.#atMs = nowMs;
    }
    if (!(seconds > 0)) return undefined;
    // A count that has fallen is that of a mesh that began anew.
    const rate = Math.max(0, count - before) / seconds;
    const { factor, leastUsual, overMs } = this.#settings;
    const limit = factor * this.#usual;
    // What found no room may be known a look later than that it was sent.
    const peak = Math.max(rate, this.#lastRate);
    this.#lastRate = rate;
    const news = { rate: peak, usual: this.#usual };
    if (this.isFlood) {
      if (rate > limit / 2) this.#quietSinceMs = nowMs;
      else if (nowMs - this.#quietSinceMs >= overMs) {
        this.#quietSinceMs = Number.NaN;
        return { state: "ends", ...news };
      }
      return { state: "goes-on", ...news };
    }
    if (peak > limit && isPressed) {
      this.#quietSinceMs = nowMs;
      return { state: "begins", ...news };
    }
    const learned = 1 - (1 - LEARNED_A_S) ** Math.min(seconds, 3600);
    this.#usual = Math.max(leastUsual, this.#usual + (rate - this.#usual) * learned);
    return undefined;
  }
}
