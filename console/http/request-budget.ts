/** How much each caller may ask: a bucket that fills at a steady rate, for as many callers as are remembered. */

/** What {@link RequestBudget} allows. */
export interface BudgetOptions {
  /** Requests that may come at once. */
  readonly burst: number;
  readonly perSecond: number;
  /** Callers remembered; of more, who has not asked for longest is forgotten, and begins anew. */
  readonly callers: number;
}

interface Bucket {
  left: number;
  atMs: number;
}

/** Token buckets by caller. Time is an argument, ms of any clock that does not go back. */
export class RequestBudget {
  readonly #options: BudgetOptions;
  readonly #buckets = new Map<string, Bucket>();

  constructor(options: BudgetOptions) {
    this.#options = options;
  }

  /** Takes one; 0 when there was one, otherwise how long until there is, ms. */
  take(caller: string, nowMs: number): number {
    const bucket = this.#bucketOf(caller, nowMs);
    if (bucket.left >= 1) {
      bucket.left--;
      return 0;
    }
    return Math.ceil(((1 - bucket.left) * 1_000) / this.#options.perSecond);
  }

  /** Whether there is one, without taking it. */
  has(caller: string, nowMs: number): boolean {
    return this.#bucketOf(caller, nowMs).left >= 1;
  }

  #bucketOf(caller: string, nowMs: number): Bucket {
    const { burst, perSecond, callers } = this.#options;
    const known = this.#buckets.get(caller);
    const bucket = known ?? { left: burst, atMs: nowMs };
    bucket.left = Math.min(burst, bucket.left + ((nowMs - bucket.atMs) * perSecond) / 1_000);
    bucket.atMs = nowMs;
    // Behind all others: the first is then who has not asked for longest.
    this.#buckets.delete(caller);
    if (known === undefined && this.#buckets.size >= callers) {
      for (const first of this.#buckets.keys()) {
        this.#buckets.delete(first);
        break;
      }
    }
    this.#buckets.set(caller, bucket);
    return bucket;
  }
}
