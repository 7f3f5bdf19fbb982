/**
 * The agents of a thread that have something to do, each at most once, in the order in which they became so.
 * Its capacity is the number of agents, so it never refuses.
 */
export class RunQueue {
  readonly #ring: Int32Array;
  readonly #mask: number;
  readonly #queued: Uint8Array;
  #head = 0;
  #tail = 0;

  constructor(rows: number) {
    const capacity = 1 << (32 - Math.clz32(rows));
    this.#ring = new Int32Array(capacity);
    this.#mask = capacity - 1;
    this.#queued = new Uint8Array(rows);
  }

  get length(): number {
    return (this.#tail - this.#head) | 0;
  }

  /** Harmless when the agent is queued already. */
  push(agent: number): void {
    if (this.#queued[agent] !== 0) return;
    this.#queued[agent] = 1;
    this.#ring[this.#tail & this.#mask] = agent;
    this.#tail = (this.#tail + 1) | 0;
  }

  /** The agent that has waited longest; the queue must not be empty. */
  shift(): number {
    const agent = this.#ring[this.#head & this.#mask];
    this.#head = (this.#head + 1) | 0;
    this.#queued[agent] = 0;
    return agent;
  }
}
