import assert from "node:assert/strict";
import { perSecond } from "./exchange.ts";
import { type Measured, type Metric, percentile } from "./harness.ts";

/** Asks the other side for `number + 1`. */
export type Ask = (number: number) => Promise<number>;

/** How much is asked; can be sent to a worker. */
export interface RoundTripSize {
  /** Asks one at a time. */
  readonly one: number;
  /** Asks in all with `outstanding` of them on their way; 0 to leave that out. */
  readonly many: number;
  readonly outstanding: number;
}

/** What one asker found out. */
export interface RoundTrips {
  readonly p50Us: number;
  readonly p99Us: number;
  /** With many outstanding; 0 when that was left out. */
  readonly perSecond: number;
}

/** Asks one at a time, then many at once, both after a warm-up. Each answer is proved. */
export async function roundTrips(ask: Ask, size: RoundTripSize): Promise<RoundTrips> {
  await askOneByOne(ask, Math.ceil(size.one / 10));
  const microseconds = await askOneByOne(ask, size.one);
  const latency = { p50Us: percentile(microseconds, 0.5), p99Us: percentile(microseconds, 0.99) };
  if (size.many === 0) return { ...latency, perSecond: 0 };
  await askMany(ask, Math.ceil(size.many / 10), size.outstanding);
  const startMs = performance.now();
  await askMany(ask, size.many, size.outstanding);
  return { ...latency, perSecond: perSecond(size.many, performance.now() - startMs) };
}

async function askOneByOne(ask: Ask, count: number): Promise<Float64Array> {
  const microseconds = new Float64Array(count);
  for (let number = 0; number < count; number++) {
    const startMs = performance.now();
    const answer = await ask(number);
    microseconds[number] = (performance.now() - startMs) * 1_000;
    assert.equal(answer, number + 1);
  }
  return microseconds;
}

/** `outstanding` askers, each with one ask on its way, share the numbers below `count`. */
async function askMany(ask: Ask, count: number, outstanding: number): Promise<void> {
  let next = 0;
  let answered = 0;
  const asker = async (): Promise<void> => {
    while (next < count) {
      const number = next++;
      const answer = await ask(number);
      if (answer !== number + 1) throw new Error(`asked ${number}, was answered ${answer}`);
      answered++;
    }
  };
  await Promise.all(Array.from({ length: outstanding }, asker));
  assert.equal(answered, count);
}

export const ONE_METRICS: Readonly<Record<"one.p50" | "one.p99", Metric>> = {
  "one.p50": { unit: "µs", better: "less" },
  "one.p99": { unit: "µs", better: "less" },
};

/** Takes down the figures of an asker. */
export function measureRoundTrips(trips: RoundTrips, measured: Measured): void {
  measured("one.p50", trips.p50Us);
  measured("one.p99", trips.p99Us);
  if (trips.perSecond > 0) measured("perSecond.1000", trips.perSecond);
}
