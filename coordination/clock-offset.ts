/**
 * How far another clock is ahead of ours, from exchanges of messages with four times each. The exchange with
 * the shortest round trip among the last few was queued least on its way, and bounds the error best (as NTP's
 * clock filter has it, RFC 5905).
 */
import { wholeNumber } from "./check.ts";

/** What is known of another clock. */
export interface ClockOffset {
  /** Add this to our time to have theirs, ms. */
  readonly offsetMs: number;
  /** Their time is within this of what the offset says, if no message goes faster than the floor, ms. */
  readonly errorMs: number;
  /** Shortest round trip among the exchanges remembered, without the time at the other side, ms. */
  readonly rttMs: number;
  readonly exchanges: number;
}

/** How many exchanges are remembered by default. */
const MEMORY = 16;
const FEWEST = 8;
const MOST = 64;

/** The offset of one other clock, from the last 8–64 exchanges. */
export class ClockOffsetFilter {
  readonly #offsets: Float64Array;
  readonly #rtts: Float64Array;
  readonly #floorMs: number;
  #seen = 0;

  /**
   * `floorMs`, at least 0, is the least round trip there can be: what is above it may have been all on one of
   * the two ways. RangeError names what is out of range.
   */
  constructor(options: { readonly memory?: number; readonly floorMs?: number } = {}) {
    const memory = wholeNumber("memory", options.memory ?? MEMORY, FEWEST, MOST);
    this.#floorMs = options.floorMs ?? 0;
    if (!(this.#floorMs >= 0 && this.#floorMs < Number.POSITIVE_INFINITY))
      throw new RangeError(`floorMs: expected a time of at least 0, got ${this.#floorMs}`);
    this.#offsets = new Float64Array(memory);
    this.#rtts = new Float64Array(memory);
  }

  /**
   * Learns from one exchange: sent at `t0` by our clock, received at `t1` and answered at `t2` by theirs, back
   * at `t3` by ours, ms. What cannot have happened in this order is passed over, and `false` returned.
   */
  observe(t0: number, t1: number, t2: number, t3: number): boolean {
    const rtt = t3 - t0 - (t2 - t1);
    const offset = (t1 - t0 + (t2 - t3)) / 2;
    if (!(rtt >= 0 && t2 >= t1 && Number.isFinite(rtt) && Number.isFinite(offset))) return false;
    const slot = this.#seen % this.#rtts.length;
    this.#offsets[slot] = offset;
    this.#rtts[slot] = rtt;
    this.#seen++;
    return true;
  }

  /** What is known now; undefined before the first exchange. */
  read(): ClockOffset | undefined {
    const held = Math.min(this.#seen, this.#rtts.length);
    if (held === 0) return undefined;
    let best = 0;
    for (let slot = 1; slot < held; slot++) if (this.#rtts[slot] < this.#rtts[best]) best = slot;
    return {
      offsetMs: this.#offsets[best],
      errorMs: Math.max(0, this.#rtts[best] - this.#floorMs) / 2,
      rttMs: this.#rtts[best],
      exchanges: held,
    };
  }
}
