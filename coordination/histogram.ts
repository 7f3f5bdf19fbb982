/**
 * How a duration is distributed, in fixed memory: counts in buckets that grow with the value, 32 to every
 * power of two (as HdrHistogram has them), so that a bucket is at most 3.2 % wide. Histograms of threads,
 * hours and machines add up to the histogram of them all, which quantiles do not.
 *
 *   bucket 0          1 … 32           33 … 64                      1217 … 1248
 *   [0, 2⁻⁷ ms)       [2⁻⁷, 2⁻⁶ ms)    [2⁻⁶, 2⁻⁵ ms)     …         [2³¹, 2³² ms = 49.7 days) and all above
 */

/** Buckets to a power of two, as bits of the mantissa. */
const MANTISSA_BITS = 5;
const MIN_EXPONENT = -7;
const MAX_EXPONENT = 32;
const SMALLEST = 2 ** MIN_EXPONENT;
const LARGEST = 2 ** MAX_EXPONENT;
const BUCKETS = 1 + ((MAX_EXPONENT - MIN_EXPONENT) << MANTISSA_BITS);

const VALUE = new Float64Array(1);
const WORDS = new Uint32Array(VALUE.buffer);
/** Which of the two words has sign, exponent and the mantissa's first bits. */
const HIGH = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 1 : 0;
const SHIFT = 20 - MANTISSA_BITS;
/** What the shifted word is for the smallest value that has a bucket of its own, less its bucket's number. */
const ORIGIN = ((MIN_EXPONENT + 1023) << MANTISSA_BITS) - 1;

/** A histogram as JSON: only the buckets that hold something. */
export interface HistogramJson {
  readonly version: 1;
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  /** Pairs, flat: how many buckets further than the pair before (the first from 0), and the count. */
  readonly buckets: readonly number[];
}

/** A histogram of non-negative durations, ms; about 10 kB. Count, mean, least and greatest are exact. */
export class Histogram {
  readonly #counts = new Float64Array(BUCKETS);
  #count = 0;
  #sum = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = 0;

  /** Reads what {@link Histogram.toJSON} wrote. RangeError when it is not that. */
  static fromJSON(json: HistogramJson): Histogram {
    if (json?.version !== 1)
      throw new RangeError(`histogram.version: expected 1, got ${String(json?.version)}`);
    const histogram = new Histogram();
    const { buckets } = json;
    if (!Array.isArray(buckets) || buckets.length % 2 !== 0)
      throw new RangeError("histogram.buckets: expected a flat list of pairs");
    let bucket = 0;
    for (let i = 0; i < buckets.length; i += 2) {
      bucket += buckets[i];
      if (!(Number.isInteger(buckets[i]) && buckets[i] >= Math.min(i, 1) && bucket < BUCKETS))
        throw new RangeError(
          `histogram.buckets: expected rising buckets below ${BUCKETS}, got ${bucket}`,
        );
      const count = positive("histogram.buckets", buckets[i + 1]);
      histogram.#counts[bucket] = count;
      histogram.#count += count;
    }
    if (histogram.#count !== json.count)
      throw new RangeError(
        `histogram.count: expected the sum of its buckets, ${histogram.#count}, got ${json.count}`,
      );
    if (histogram.#count === 0) return histogram;
    histogram.#sum = duration("histogram.sum", json.sum);
    histogram.#min = duration("histogram.min", json.min);
    histogram.#max = duration("histogram.max", json.max);
    return histogram;
  }

  /** Values added. */
  get count(): number {
    return this.#count;
  }

  /** Arithmetic mean, ms; NaN over none. */
  get mean(): number {
    return this.#sum / this.#count;
  }

  /** The least value, ms; NaN over none. */
  get min(): number {
    return this.#count === 0 ? Number.NaN : this.#min;
  }

  /** The greatest value, ms; NaN over none. */
  get max(): number {
    return this.#count === 0 ? Number.NaN : this.#max;
  }

  /** Adds `ms`, `count` times over. RangeError when it is no duration or the count not above 0. */
  add(ms: number, count = 1): void {
    duration("ms", ms);
    positive("count", count);
    this.#counts[bucketOf(ms)] += count;
    this.#count += count;
    this.#sum += ms * count;
    if (ms < this.#min) this.#min = ms;
    if (ms > this.#max) this.#max = ms;
  }

  /**
   * The value that a share `q` of all values does not exceed, ms, within 1.6 % (0.01 ms below that); 0 is the
   * least and 1 the greatest. NaN over none; RangeError unless `q` is 0 to 1.
   */
  quantile(q: number): number {
    if (!(q >= 0 && q <= 1)) throw new RangeError(`q: expected a share from 0 to 1, got ${q}`);
    if (this.#count === 0) return Number.NaN;
    if (q === 0) return this.#min;
    const rank = q * this.#count;
    let below = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      below += this.#counts[bucket];
      if (below >= rank) return this.#middleOf(bucket);
    }
    return this.#max;
  }

  /** Sum of all values, ms. */
  get sum(): number {
    return this.#sum;
  }

  /**
   * How many values are below each of the rising `bounds`, ms. Exact for bounds where a bucket ends, which are the
   * multiples of a 32nd of the power of two below them (1, 2.5, 5, 10, 25, 50, 100, 200, …); others are taken for the
   * next such bound below. Never falls as values are added.
   */
  countsBelow(bounds: readonly number[]): number[] {
    let bucket = 0;
    let below = 0;
    return bounds.map((bound) => {
      const own = bucketOf(duration("bounds", bound));
      for (; bucket < own; bucket++) below += this.#counts[bucket];
      return below;
    });
  }

  /**
   * Share of the values up to `ms`, 0 to 1. Values in the bucket that `ms` falls into are taken to lie
   * evenly in it; NaN over none.
   */
  shareWithin(ms: number): number {
    if (this.#count === 0) return Number.NaN;
    if (ms >= this.#max) return 1;
    if (!(ms >= this.#min)) return 0;
    const own = bucketOf(ms);
    let below = 0;
    for (let bucket = 0; bucket < own; bucket++) below += this.#counts[bucket];
    const from = Math.max(lowerBound(own), this.#min);
    const to = Math.min(lowerBound(own + 1), this.#max);
    const part = to > from ? Math.min(1, (ms - from) / (to - from)) : 1;
    return (below + this.#counts[own] * part) / this.#count;
  }

  /** Adds all values of another. */
  merge(other: Histogram): void {
    const counts = other.#counts;
    for (let bucket = 0; bucket < BUCKETS; bucket++) this.#counts[bucket] += counts[bucket];
    this.#count += other.#count;
    this.#sum += other.#sum;
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
  }

  /** Forgets everything. */
  clear(): void {
    this.#counts.fill(0);
    this.#count = 0;
    this.#sum = 0;
    this.#min = Number.POSITIVE_INFINITY;
    this.#max = 0;
  }

  toJSON(): HistogramJson {
    const buckets: number[] = [];
    let last = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      if (this.#counts[bucket] === 0) continue;
      buckets.push(bucket - last, this.#counts[bucket]);
      last = bucket;
    }
    const min = this.#count === 0 ? 0 : this.#min;
    return { version: 1, count: this.#count, sum: this.#sum, min, max: this.#max, buckets };
  }

  #middleOf(bucket: number): number {
    // Whoever is below or above everything a bucket could tell is told by the extremes.
    const middle =
      bucket === BUCKETS - 1
        ? this.#max
        : bucket === 0
          ? SMALLEST / 2
          : (lowerBound(bucket) + lowerBound(bucket + 1)) / 2;
    return Math.min(this.#max, Math.max(this.#min, middle));
  }
}

function bucketOf(ms: number): number {
  if (ms < SMALLEST) return 0;
  if (ms >= LARGEST) return BUCKETS - 1;
  VALUE[0] = ms;
  return (WORDS[HIGH] >>> SHIFT) - ORIGIN;
}

function lowerBound(bucket: number): number {
  if (bucket === 0) return 0;
  const exponent = (bucket - 1) >> MANTISSA_BITS;
  const mantissa = (bucket - 1) & ((1 << MANTISSA_BITS) - 1);
  return SMALLEST * 2 ** exponent * (1 + mantissa / (1 << MANTISSA_BITS));
}

function duration(field: string, ms: number): number {
  if (ms >= 0 && ms < Number.POSITIVE_INFINITY) return ms;
  throw new RangeError(`${field}: expected a duration from 0 ms, got ${ms}`);
}

function positive(field: string, count: number): number {
  if (count > 0 && count < Number.POSITIVE_INFINITY) return count;
  throw new RangeError(`${field}: expected a count above 0, got ${count}`);
}
