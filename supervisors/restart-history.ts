/**
 * When each child was restarted lately. Most of 30,000 children never fail, so nothing is kept for those;
 * a child that has failed costs as many times as its intensity allows restarts, and no more.
 */
import type { RestartIntensity } from "./restart.ts";

/** Times of restarts by child; a child is any whole number, such as its index in the registry. */
export class RestartHistory {
  readonly #intensity: RestartIntensity;
  /** Last restarts of a child, a ring: word 0 counts all of them, the rest are times in ms. */
  readonly #times: Map<number, Float64Array> = new Map();

  constructor(intensity: RestartIntensity) {
    this.#intensity = intensity;
  }

  /** Children of which anything is remembered. */
  get size(): number {
    return this.#times.size;
  }

  /** Restarts of a child within the window that ends at `nowMs`, 0 to maxRestarts. */
  recent(child: number, nowMs: number): number {
    const times = this.#times.get(child);
    if (!times) return 0;
    const { maxRestarts, withinMs } = this.#intensity;
    const kept = Math.min(times[0], maxRestarts);
    let recent = 0;
    for (let slot = 1; slot <= kept; slot++) if (nowMs - times[slot] < withinMs) recent++;
    return recent;
  }

  /** Notes a restart of a child; the oldest note gives way when all places are taken. */
  note(child: number, nowMs: number): void {
    const { maxRestarts } = this.#intensity;
    if (maxRestarts === 0) return;
    let times = this.#times.get(child);
    if (!times) {
      times = new Float64Array(1 + maxRestarts);
      this.#times.set(child, times);
    }
    times[1 + (times[0] % maxRestarts)] = nowMs;
    times[0]++;
  }

  /** Forgets a child: it is gone, or it begins with a clean record. */
  forget(child: number): void {
    this.#times.delete(child);
  }

  /** Forgets every child that has not been restarted within the window that ends at `nowMs`. */
  prune(nowMs: number): void {
    for (const child of this.#times.keys()) {
      if (this.recent(child, nowMs) === 0) this.#times.delete(child);
    }
  }
}
