/** `pop` and its kin found nothing. */
export const EMPTY = 0;

const PRIORITIES = 4;

/**
 * The mailboxes of all agents of a thread: for each agent four queues, by priority, of custody slots.
 * A queue is a list of nodes in one pool, so that an empty mailbox costs 32 bytes and a message 12, and so
 * that one slot (an operation for many agents) can stand in many mailboxes. Lists are rebuilt from custody
 * by a successor; nothing here needs to survive.
 */
export class Mailboxes {
  /** Messages and bytes waiting by agent: columns of the registry, so that senders see them. */
  readonly depth: Int32Array;
  readonly heldBytes: Int32Array;
  readonly #heads: Int32Array;
  readonly #tails: Int32Array;
  #slots: Int32Array;
  #nexts: Int32Array;
  #sizes: Int32Array;
  #freeNode = 0;
  #nodes = 1;

  constructor(rows: number, depth: Int32Array, heldBytes: Int32Array) {
    this.depth = depth;
    this.heldBytes = heldBytes;
    this.#heads = new Int32Array(rows * PRIORITIES);
    this.#tails = new Int32Array(rows * PRIORITIES);
    this.#slots = new Int32Array(1024);
    this.#nexts = new Int32Array(1024);
    this.#sizes = new Int32Array(1024);
  }

  /** Puts `slot` behind the agent's waiting messages of `priority`. `bytes` count against its bound. */
  push(agent: number, priority: number, slot: number, bytes: number): void {
    const node = this.#takeNode(slot, bytes);
    const queue = agent * PRIORITIES + priority;
    const tail = this.#tails[queue];
    if (tail === 0) this.#heads[queue] = node;
    else this.#nexts[tail] = node;
    this.#tails[queue] = node;
    this.depth[agent]++;
    this.heldBytes[agent] += bytes;
  }

  /** Puts `slot` before all waiting messages of `priority`: how stashed messages come back. */
  pushFront(agent: number, priority: number, slot: number, bytes: number): void {
    const node = this.#takeNode(slot, bytes);
    const queue = agent * PRIORITIES + priority;
    const head = this.#heads[queue];
    this.#nexts[node] = head;
    this.#heads[queue] = node;
    if (head === 0) this.#tails[queue] = node;
    this.depth[agent]++;
    this.heldBytes[agent] += bytes;
  }

  /** The slot of the oldest message of the highest priority, or EMPTY. */
  pop(agent: number): number {
    const first = agent * PRIORITIES;
    for (let queue = first + 3; queue >= first; queue--) {
      if (this.#heads[queue] !== 0) return this.#popQueue(agent, queue);
    }
    return EMPTY;
  }

  /** What {@link pop} would give; it stays. */
  peek(agent: number): number {
    const first = agent * PRIORITIES;
    for (let queue = first + 3; queue >= first; queue--) {
      const node = this.#heads[queue];
      if (node !== 0) return this.#slots[node];
    }
    return EMPTY;
  }

  /** The slot of the oldest message of just this priority, or EMPTY. */
  popOldest(agent: number, priority: number): number {
    const queue = agent * PRIORITIES + priority;
    return this.#heads[queue] === 0 ? EMPTY : this.#popQueue(agent, queue);
  }

  #popQueue(agent: number, queue: number): number {
    const node = this.#heads[queue];
    const next = this.#nexts[node];
    this.#heads[queue] = next;
    if (next === 0) this.#tails[queue] = 0;
    this.depth[agent]--;
    this.heldBytes[agent] -= this.#sizes[node];
    this.#nexts[node] = this.#freeNode;
    this.#freeNode = node;
    return this.#slots[node];
  }

  #takeNode(slot: number, bytes: number): number {
    let node = this.#freeNode;
    if (node !== 0) {
      this.#freeNode = this.#nexts[node];
    } else {
      if (this.#nodes === this.#slots.length) this.#grow();
      node = this.#nodes++;
    }
    this.#slots[node] = slot;
    this.#sizes[node] = bytes;
    this.#nexts[node] = 0;
    return node;
  }

  /** Bounded by custody: no more nodes than messages it can hold, and operations times agents. */
  #grow(): void {
    this.#slots = doubled(this.#slots);
    this.#nexts = doubled(this.#nexts);
    this.#sizes = doubled(this.#sizes);
  }
}

function doubled(column: Int32Array): Int32Array {
  const larger = new Int32Array(column.length * 2);
  larger.set(column);
  return larger;
}
