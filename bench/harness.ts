import assert from "node:assert/strict";

/**
 * What a bench is, and how it is run: the subject and the peers take turns within one run of one process,
 * so that all of them meet the same machine in the same mood. Whoever measures also proves its answer, by
 * `assert`: a contestant that loses a message fails the bench, however fast it is.
 */

/** Takes down one figure of one contestant in one run. */
export type Measured = (metric: string, value: number) => void;

/**
 * Starts what it needs, warms it up, measures it, proves the answer and stops what it started. A peer that
 * is not on this machine (Erlang) returns without having measured, and is left out.
 */
export type Contestant = (measured: Measured) => Promise<void>;

export interface Metric {
  readonly unit: "1/s" | "ns" | "µs" | "ms" | "B" | "MiB" | "%" | "1";
  readonly better: "more" | "less";
  /** What the subject is to reach on a machine of two cores. */
  readonly goal?: number;
}

export interface Bench {
  readonly name: string;
  /** What it asks, in one sentence. */
  readonly question: string;
  readonly metrics: Readonly<Record<string, Metric>>;
  readonly ours: Contestant;
  readonly peers: Readonly<Record<string, Contestant>>;
}

/** One metric of one bench: the line that `--json` prints. Values are medians over the runs. */
export interface Figure {
  readonly bench: string;
  readonly metric: string;
  readonly value: number;
  readonly unit: string;
  readonly min: number;
  readonly max: number;
  readonly runs: number;
  readonly peers: Readonly<Record<string, number>>;
}

const SMOKE = process.argv.includes("--smoke");
const OURS = "ours";
const sizes = new Map<string, number>();

/** A size of a bench: small in the tests, `full` otherwise. Its name is printed with the figures. */
export function parameter(
  name: string,
  size: { readonly smoke: number; readonly full: number },
): number {
  const value = SMOKE ? size.smoke : size.full;
  sizes.set(name, value);
  return value;
}

/** The sizes of one bench by name; their names begin with the bench's. */
export function parametersOf(bench: string): ReadonlyMap<string, number> {
  const own = [...sizes].filter(([name]) => name.startsWith(`${bench} `));
  return new Map(own.map(([name, value]) => [name.slice(bench.length + 1), value]));
}

/** Runs a bench `runs` times and gives a figure for each of its metrics. */
export async function runBench(
  bench: Bench,
  runs: number,
  onTurn: (contestant: string, run: number) => void,
  onPeerFailed: (peer: string, run: number, error: Error) => void = rethrow,
): Promise<Figure[]> {
  const samples = new Map<string, number[]>();
  const contestants = Object.entries({ [OURS]: bench.ours, ...bench.peers });
  for (let run = 0; run < runs; run++) {
    // Each run begins with another contestant: none is always the one that meets a cold or a hot machine.
    for (let turn = 0; turn < contestants.length; turn++) {
      const [name, contestant] = contestants[(run + turn) % contestants.length];
      onTurn(name, run);
      // One contestant's garbage must not be another's pause.
      globalThis.gc?.();
      const measured: Measured = (metric, value) => {
        assert.ok(metric in bench.metrics, `${bench.name} has no metric ${metric}`);
        assert.ok(Number.isFinite(value), `${bench.name} ${metric} of ${name} is ${value}`);
        const key = `${name} ${metric}`;
        const list = samples.get(key) ?? [];
        list.push(value);
        samples.set(key, list);
      };
      try {
        await contestant(measured);
      } catch (error) {
        if (name === OURS) throw error;
        // A peer that loses or mixes its own answers has no figure for this run; ours are proved all the same.
        onPeerFailed(name, run, error as Error);
      }
    }
  }
  return Object.entries(bench.metrics).map(([metric, { unit }]) => {
    const values = samples.get(`${OURS} ${metric}`) ?? [];
    assert.equal(values.length, runs, `${bench.name} did not measure ${metric} in every run`);
    const peers: Record<string, number> = {};
    for (const peer of Object.keys(bench.peers)) {
      const theirs = samples.get(`${peer} ${metric}`);
      if (theirs !== undefined) peers[peer] = rounded(median(theirs));
    }
    return {
      bench: bench.name,
      metric,
      value: rounded(median(values)),
      unit,
      min: rounded(Math.min(...values)),
      max: rounded(Math.max(...values)),
      runs,
      peers,
    };
  });
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** The smallest value that at least the share `p` of `values` does not exceed. */
export function percentile(values: ArrayLike<number>, p: number): number {
  assert.ok(values.length > 0, "a percentile needs at least one value");
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)];
}

/** Five significant digits: more would be noise. */
function rounded(value: number): number {
  return Number(value.toPrecision(5));
}

function rethrow(_peer: string, _run: number, error: Error): never {
  throw error;
}
