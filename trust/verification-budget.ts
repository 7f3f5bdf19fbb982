/**
 * How many verifications of one peer may fail: a signature that does not hold costs its reader as much as one that
 * does, and whoever sends nothing else could keep a thread busy with it.
 *
 *     open ──▶ slowed: one verification a while, and the peer waits ──▶ refused: none, what comes is thrown away
 *       ▲          a time without failures                               │ unverified, for a minute
 *       └────────────────────────────────────────────────────────────────┘ then one more try at a time
 */

/** Failures that cost a peer nothing: batches that a memory error has damaged, or that a dying thread left behind. */
const FREE_FAILURES = 32;
/** One of these is forgiven in this time, ms: a peer that only fails gets a hundred verifications a second. */
const FORGIVEN_MS = 10;
/** Failures without a success between them, after which a peer is refused. */
const REFUSED_AFTER = 1_000;
/** How long it is refused, ms. */
const REFUSED_MS = 60_000;

export type PeerState = "open" | "slowed" | "refused";

/** The budget of one peer; five numbers, whatever the peer does. */
export class VerificationBudget {
  #left = FREE_FAILURES;
  #sinceMs = 0;
  #inRow = 0;
  #refusedUntilMs = 0;
  /** Failures of all time. */
  failures = 0;

  /** Whether something of this peer may be verified now; reading the state takes nothing from the budget. */
  state(nowMs: number): PeerState {
    // Of an honest peer there is nothing to reckon.
    if (this.#left === FREE_FAILURES && this.#refusedUntilMs === 0) return "open";
    if (nowMs < this.#refusedUntilMs) return "refused";
    this.#forgive(nowMs);
    return this.#left >= 1 ? "open" : "slowed";
  }

  succeeded(): void {
    this.#inRow = 0;
    this.#refusedUntilMs = 0;
  }

  failed(nowMs: number): void {
    this.#forgive(nowMs);
    this.#left = Math.max(0, this.#left - 1);
    this.failures++;
    this.#inRow++;
    if (this.#inRow < REFUSED_AFTER) return;
    this.#refusedUntilMs = nowMs + REFUSED_MS;
    this.#left = 0;
  }

  #forgive(nowMs: number): void {
    // A clock that was set back forgives nothing.
    const passedMs = Math.max(0, nowMs - this.#sinceMs);
    this.#left = Math.min(FREE_FAILURES, this.#left + passedMs / FORGIVEN_MS);
    this.#sinceMs = Math.max(this.#sinceMs, nowMs);
  }
}
