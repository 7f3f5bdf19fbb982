/**
 * What a thread adds to every lead for being late itself: collections of garbage, other processes, bursts. Such
 * a stall makes all its agents late together, which none of them can learn of itself without being early for
 * ever after. So it is learned of the thread, from the share of an operation's agents that came too late, and
 * moved until that share is what was asked for in the mean (conformal control, as of each agent's margin).
 */

/** How far one operation in which everyone was late moves it, ms. */
const STEP_MS = 20;
/** More than this is no stall but a thread with too much to do, which being earlier does not mend. */
const MOST_MS = 50;

/** The allowance of one thread. */
export class StallAllowance {
  #ms = 0;

  /** To be added to leads, ms. */
  get ms(): number {
    return this.#ms;
  }

  /**
   * Learns from agents of which `late` of `all` were not READY by T, when `quota` (a share) may be so. `part` is
   * how much of the thread's agents they are, 0 to 1.
   */
  observe(late: number, all: number, quota: number, part: number): void {
    if (!(all > 0)) return;
    const moved = this.#ms + STEP_MS * part * (late / all - quota);
    this.#ms = Math.min(MOST_MS, Math.max(0, moved));
  }
}
