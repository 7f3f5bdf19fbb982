/**
 * What a thread sends while it is overloaded (spec 9.2 denial_of_service). Overloaded means that sends wait for room:
 * as long as hardly any do, everything is let through at any rate, and only its rate is learned. Once they do,
 *
 *   1. the fuller the thread's backlog, the higher the priority that is still taken: the low ones go first;
 *   2. more than ten times what was usual is not taken, nor more than a share of that from one sender or for one
 *      cluster. Each is a bucket that is filled anew every tenth of a second.
 *
 * Priority 3 does not pass by here: control works whatever else does not.
 */

/** Documented figures; all may be set for tests. */
export interface FloodSettings {
  /** From this share of the backlog on a thread counts as overloaded, and below half of it no more. */
  readonly pressed: number;
  /** Share of the backlog at which messages of priority 0, 1 and 2 are no longer taken. */
  readonly fullAt: readonly [number, number, number];
  /** So many times the usual rate are a flood (spec 9.2). */
  readonly factor: number;
  /** The usual rate is never taken to be less than this, messages a slice. */
  readonly leastUsual: number;
  /** Share of a flood's bucket that one sender, or one target cluster, may take. */
  readonly share: number;
}

export const FLOOD_SETTINGS: FloodSettings = {
  pressed: 0.25,
  fullAt: [0.5, 0.875, 0.9375],
  factor: 10,
  leastUsual: 6_554,
  share: 0.25,
};

/** Length of a slice, ms. */
const SLICE_MS = 100;
/** Share of a slice in the usual rate: it follows within about a minute. */
const LEARNED = 1 / 600;

/** Counts and compares; allocates nothing once made. */
export class FloodGate {
  readonly #settings: FloodSettings;
  readonly #senders: Int32Array;
  readonly #clusters: Int32Array;
  readonly #agentsPerCluster: number;
  #pressed = false;
  #count = 0;
  #usual: number;
  #nextMs = 0;

  /** `rows` and `clusters` of the topology. */
  constructor(
    rows: number,
    clusters: number,
    agentsPerCluster: number,
    settings: FloodSettings = FLOOD_SETTINGS,
  ) {
    this.#settings = settings;
    this.#senders = new Int32Array(rows);
    // Spawned children, as targets, are of one cluster more.
    this.#clusters = new Int32Array(clusters + 1);
    this.#agentsPerCluster = agentsPerCluster;
    this.#usual = settings.leastUsual;
  }

  /** Messages a slice that are usual. */
  get usual(): number {
    return this.#usual;
  }

  get isPressed(): boolean {
    return this.#pressed;
  }

  /** Whether a message of priority 0 to 2 is taken; `fill` is how full the backlog is, 0 to 1. */
  admits(sender: number, target: number, priority: number, nowMs: number, fill: number): boolean {
    if (nowMs >= this.#nextMs) this.#turn(nowMs);
    this.#count++;
    if (fill >= this.#settings.pressed) this.#pressed = true;
    return !this.#pressed || this.#takes(sender, target, priority, fill);
  }

  #takes(sender: number, target: number, priority: number, fill: number): boolean {
    const { fullAt, factor, pressed, share } = this.#settings;
    if (fill < pressed / 2) {
      this.#pressed = false;
      return true;
    }
    if (fill >= fullAt[priority]) return false;
    // What is background gets half of the bucket.
    const bucket = this.#usual * factor * (priority === 0 ? 0.5 : 1);
    const cluster = Math.min(
      Math.floor(target / this.#agentsPerCluster),
      this.#clusters.length - 1,
    );
    if (this.#count > bucket) return false;
    if (++this.#clusters[cluster] > bucket * share) return false;
    // From outside all come as one, and that is no sender who could be told from others.
    return sender < 0 || ++this.#senders[sender] <= bucket * share;
  }

  #turn(nowMs: number): void {
    if (!this.#pressed && this.#nextMs > 0) {
      // A thread that slept sent nothing all the while.
      const slices = Math.min(600, 1 + Math.floor((nowMs - this.#nextMs) / SLICE_MS));
      const mean = this.#count / slices;
      const learned = 1 - (1 - LEARNED) ** slices;
      this.#usual += (mean - this.#usual) * learned;
      this.#usual = Math.max(this.#settings.leastUsual, this.#usual);
    } else if (this.#pressed) {
      this.#senders.fill(0);
      this.#clusters.fill(0);
    }
    this.#count = 0;
    this.#nextMs = nowMs + SLICE_MS;
  }
}
