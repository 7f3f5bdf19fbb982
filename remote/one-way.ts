import { ClockOffset } from "../coordination/clock-offset.ts";
import type { Stamps } from "./http-answer.ts";

/** How an exchange is made up, ms. */
export interface OneWay {
  /** Twice the way there: what the impedance of an agent takes for a round trip is how long messages take to it. */
  readonly rttMs: number;
  readonly processingMs: number;
}

/**
 * Splits exchanges with systems that stamp their answers into the way there, the work and the way back. Of their
 * clocks only the offset counts, as far as their fastest exchanges tell it.
 */
export class OneWayTimes {
  /** By system: the agent where each has its own, else one for all. */
  readonly #clocks = new Map<number, ClockOffset>();

  /** The request left at `sentMs` and its answer was here at `heardMs`, by the mesh's clock. */
  measure(system: number, sentMs: number, heardMs: number, stamps: Stamps | undefined): OneWay {
    const wholeMs = heardMs - sentMs;
    // Unstamped, nobody can tell the ways from the work: all of it is work.
    if (stamps === undefined) return { rttMs: 0, processingMs: wholeMs };
    const { receivedMs, answeredMs } = stamps;
    let clock = this.#clocks.get(system);
    if (clock === undefined) {
      clock = new ClockOffset();
      this.#clocks.set(system, clock);
    }
    const isPossible = clock.observe(sentMs, receivedMs, answeredMs, heardMs);
    const { reading } = clock;
    if (!isPossible || reading === undefined) return { rttMs: 0, processingMs: wholeMs };
    const processingMs = answeredMs - receivedMs;
    const waysMs = wholeMs - processingMs;
    const thereMs = receivedMs - reading.offsetMs - sentMs;
    return { rttMs: 2 * Math.min(waysMs, Math.max(0, thereMs)), processingMs };
  }
}
