import type { Stream } from "./arrival-traces.ts";
import { random } from "./random.ts";

/**
 * Streams drawn from quantiles that were fitted to measurements, for where the measurements are not at hand:
 * a table of the streams' medians, and one of the delays of a stream in proportion to its median. Draws are
 * independent, so that nothing is learned from them about drift. Sources: see bench/README.md.
 */
interface Fit {
  readonly class: string;
  /** Medians of the streams, ms, at the shares of {@link MEDIAN_SHARES}. */
  readonly medians: readonly number[];
  /** Delays in proportion to the median, at the shares of {@link DELAY_SHARES}. */
  readonly delays: readonly number[];
}

const MEDIAN_SHARES = [0, 0.1, 0.25, 0.5, 0.75, 0.9, 1];
const DELAY_SHARES = [0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1];

const FITS: Readonly<Record<string, Fit>> = {
  cell5g: {
    class: "A",
    medians: [7.5, 7.5, 8, 9, 9, 10, 10.5],
    delays: [0.571, 0.762, 0.833, 0.867, 0.933, 1, 1.11, 1.27, 1.39, 1.67, 12.7, 12.7],
  },
  faas: {
    class: "B",
    medians: [275, 308, 437, 522, 685, 796, 962],
    delays: [0.323, 0.605, 0.775, 0.853, 0.928, 1, 1.09, 1.21, 1.3, 1.66, 3.69, 3.69],
  },
  atlas: {
    class: "C",
    medians: [34.5, 48, 77.1, 91.1, 97.3, 118, 150],
    delays: [0.736, 0.911, 0.954, 0.967, 0.997, 1, 1, 1.03, 1.05, 1.18, 1.88, 1.88],
  },
  vm: {
    class: "C",
    medians: [0.091, 0.097, 2.32, 2.61, 8.23, 19.2, 19.3],
    delays: [0.425, 0.473, 0.966, 0.979, 0.992, 1, 1.01, 1.02, 1.03, 1.07, 1.15, 1.15],
  },
  llm: {
    class: "D",
    medians: [202, 204, 214, 498, 520, 636, 636],
    delays: [0.561, 0.657, 0.731, 0.797, 0.906, 1, 1.11, 1.4, 1.58, 2.15, 182, 182],
  },
  seattle: {
    class: "E",
    medians: [5, 15, 45, 80, 130, 185, 285],
    delays: [0.0278, 0.261, 0.524, 0.696, 0.929, 1, 2.11, 4.27, 7.25, 21.5, 69.1, 69.1],
  },
};

const STREAMS = 30;
const LENGTH = 250;

/** Streams like those of a trace; none when nothing was fitted to it. */
export function fittedStreams(trace: string): Stream[] {
  const fit = FITS[trace];
  if (fit === undefined) return [];
  const next = random(0x5eed);
  return Array.from({ length: STREAMS }, (_, at): Stream => {
    const median = between(MEDIAN_SHARES, fit.medians, at / (STREAMS - 1));
    return {
      // The name that composeMesh looks for among models.
      agent: `fitted-${at}-ttft`,
      class: fit.class,
      sentMs: new Float64Array(LENGTH).fill(Number.NaN),
      delayMs: Float64Array.from(
        { length: LENGTH },
        () => median * between(DELAY_SHARES, fit.delays, next()),
      ),
      weight: new Float64Array(LENGTH).fill(1),
      queue: new Float64Array(LENGTH),
    };
  });
}

function between(shares: readonly number[], values: readonly number[], share: number): number {
  let above = 1;
  while (above < shares.length - 1 && shares[above] < share) above++;
  const part = (share - shares[above - 1]) / (shares[above] - shares[above - 1]);
  return values[above - 1] + part * (values[above] - values[above - 1]);
}
