/** What a timer calls when it is due. `data` is whatever was scheduled with it. */
export interface TimerTarget {
  onTimer(data: number, nowMs: number): void;
}

/** Returned by `schedule`; never 0, so that a column of zeros means "no timer". */
export type TimerId = number;

const SLOTS = 4096;
const MASK = SLOTS - 1;
const WORDS = SLOTS >>> 5;
/** A timer's id is its generation times this, plus its node. */
const NODE_LIMIT = 0x400000;

/**
 * The timers of a thread: a hashed wheel (Varghese and Lauck) of 4,096 slots of one tick, by default 1 ms. Scheduling
 * and cancelling take constant time and allocate nothing; a timer further away than a turn of the wheel is
 * looked at once a turn. Timers of one tick fire in the order in which they were scheduled.
 */
export class TimerWheel {
  readonly #first = new Int32Array(SLOTS);
  readonly #last = new Int32Array(SLOTS);
  /** One bit a slot that has timers, so that the next one is found without walking. */
  readonly #occupied = new Int32Array(WORDS);
  #next = new Int32Array(1024);
  #previous = new Int32Array(1024);
  #dueMs = new Float64Array(1024);
  #data = new Float64Array(1024);
  #generation = new Int32Array(1024);
  #slots = new Int32Array(1024);
  readonly #due: TimerId[] = [];
  readonly #targets: (TimerTarget | undefined)[] = [undefined];
  #free = 0;
  #nodes = 1;
  #live = 0;
  readonly #ticksPerMs: number;
  /** The tick up to which timers have fired. */
  #tick: number;

  /** Timers that were scheduled since {@link stop}; undefined while the wheel turns. */
  #sinceStop: TimerId[] | undefined;
  #stoppedMs = 0;

  /** `nowMs` is where the wheel begins. */
  constructor(nowMs: number, ticksPerMs = 1) {
    this.#ticksPerMs = ticksPerMs;
    this.#tick = Math.floor(nowMs * ticksPerMs);
  }

  /** Timers that have neither fired nor been cancelled. */
  get size(): number {
    return this.#live;
  }

  /** Calls `target.onTimer(data)` at the first `advance` at or after `dueMs`. */
  schedule(dueMs: number, target: TimerTarget, data: number): TimerId {
    if (!(dueMs >= 0 && dueMs < Number.MAX_SAFE_INTEGER)) {
      throw new RangeError(`a timer's due time must be a time in ms: dueMs=${dueMs}`);
    }
    const node = this.#takeNode();
    this.#targets[node] = target;
    this.#dueMs[node] = dueMs;
    this.#data[node] = data;
    const tick = Math.max(Math.ceil(dueMs * this.#ticksPerMs), this.#tick + 1);
    this.#append(tick & MASK, node);
    this.#live++;
    const id = this.#generation[node] * NODE_LIMIT + node;
    this.#sinceStop?.push(id);
    return id;
  }

  /** True when the timer was still waiting. */
  cancel(id: TimerId): boolean {
    const node = this.#nodeOf(id);
    if (node === 0) return false;
    this.#unlink(node);
    this.#release(node);
    return true;
  }

  /** Fires what is due at `nowMs`, oldest tick first, at most `limit`; the rest at the next call. Returns how many. */
  advance(nowMs: number, limit: number = Number.POSITIVE_INFINITY): number {
    if (this.#sinceStop !== undefined) return 0;
    const now = Math.floor(nowMs * this.#ticksPerMs);
    if (this.#live === 0 || now <= this.#tick) {
      if (now > this.#tick) this.#tick = now;
      return 0;
    }
    let fired = 0;
    // After a long sleep one turn of the wheel passes every slot.
    if (now - this.#tick > SLOTS) this.#tick = now - SLOTS;
    while (this.#tick < now) {
      const slot = ++this.#tick & MASK;
      if ((this.#occupied[slot >>> 5] & (1 << (slot & 31))) === 0) continue;
      fired += this.#fire(slot, nowMs, limit - fired);
      if (fired < limit) continue;
      // The slot may have more: it is looked at again.
      this.#tick--;
      break;
    }
    return fired;
  }

  /** Nothing fires from now on, until {@link go}; timers can still be scheduled and cancelled. */
  stop(nowMs: number): void {
    this.#sinceStop ??= [];
    this.#stoppedMs = nowMs;
  }

  /**
   * Turns again. With `shift` the timers of before the stop are as much later as it lasted; those that were scheduled
   * meanwhile, and all without `shift`, keep their time and fire at once where that has passed.
   */
  go(nowMs: number, shift: boolean): void {
    const begun = this.#sinceStop;
    if (begun === undefined) return;
    this.#sinceStop = undefined;
    const ticks = shift ? Math.floor((nowMs - this.#stoppedMs) * this.#ticksPerMs) : 0;
    if (ticks <= 0) return;
    const meanwhile = new Map<number, number>();
    for (const id of begun) {
      const node = this.#nodeOf(id);
      if (node > 0) meanwhile.set(node, this.#dueMs[node]);
    }
    this.#turnBy(ticks);
    for (const [node, dueMs] of meanwhile) {
      this.#unlink(node);
      this.#dueMs[node] = dueMs;
      this.#append(Math.max(Math.ceil(dueMs * this.#ticksPerMs), this.#tick + 1) & MASK, node);
    }
  }

  /** All timers and the wheel itself are `ticks` later. */
  #turnBy(ticks: number): void {
    const lists: (readonly [first: number, last: number])[] = [];
    for (let slot = 0; slot < SLOTS; slot++) lists.push([this.#first[slot], this.#last[slot]]);
    this.#occupied.fill(0);
    const shift = ticks % SLOTS;
    for (let slot = 0; slot < SLOTS; slot++) {
      const goal = (slot + shift) & MASK;
      const [first, last] = lists[slot];
      this.#first[goal] = first;
      this.#last[goal] = last;
      if (first !== 0) this.#occupied[goal >>> 5] |= 1 << (goal & 31);
    }
    for (let node = 1; node < this.#nodes; node++) {
      if (this.#targets[node] === undefined) continue;
      this.#slots[node] = (this.#slots[node] + shift) & MASK;
      this.#dueMs[node] += ticks / this.#ticksPerMs;
    }
    this.#tick += ticks;
  }

  /** The node of a timer that still waits, or 0. */
  #nodeOf(id: TimerId): number {
    // No remainder operator: of numbers beyond 32 bits it is a call into the C library.
    const generation = Math.floor(id / NODE_LIMIT);
    const node = id - generation * NODE_LIMIT;
    return this.#generation[node] === generation && this.#targets[node] !== undefined ? node : 0;
  }

  /** Ms from `nowMs` until a slot with timers comes up (a timer there may be a later turn's); Infinity if none. */
  nextDueMs(nowMs: number): number {
    if (this.#live === 0 || this.#sinceStop !== undefined) return Number.POSITIVE_INFINITY;
    const start = this.#tick + 1;
    for (let i = 0; i < SLOTS; ) {
      const slot = (start + i) & MASK;
      const word = this.#occupied[slot >>> 5] >>> (slot & 31);
      if (word !== 0)
        return (start + i + (31 - Math.clz32(word & -word))) / this.#ticksPerMs - nowMs;
      i += 32 - (slot & 31);
    }
    return SLOTS / this.#ticksPerMs;
  }

  #fire(slot: number, nowMs: number, limit: number): number {
    // What is due is noted before anything fires: a firing timer may schedule and cancel others.
    const due = this.#due;
    due.length = 0;
    for (let node = this.#first[slot]; node !== 0 && due.length < limit; node = this.#next[node]) {
      if (this.#dueMs[node] <= nowMs) due.push(this.#generation[node] * NODE_LIMIT + node);
    }
    let fired = 0;
    for (let i = 0; i < due.length; i++) {
      const node = due[i] % NODE_LIMIT;
      const target = this.#targets[node];
      const data = this.#data[node];
      if (!this.cancel(due[i])) continue;
      fired++;
      (target as TimerTarget).onTimer(data, nowMs);
    }
    return fired;
  }

  #append(slot: number, node: number): void {
    const last = this.#last[slot];
    this.#slots[node] = slot;
    this.#next[node] = 0;
    this.#previous[node] = last;
    if (last === 0) {
      this.#first[slot] = node;
      this.#occupied[slot >>> 5] |= 1 << (slot & 31);
    } else {
      this.#next[last] = node;
    }
    this.#last[slot] = node;
  }

  #unlink(node: number): void {
    const slot = this.#slots[node];
    const next = this.#next[node];
    const previous = this.#previous[node];
    if (previous === 0) this.#first[slot] = next;
    else this.#next[previous] = next;
    if (next === 0) this.#last[slot] = previous;
    else this.#previous[next] = previous;
    if (this.#first[slot] === 0) this.#occupied[slot >>> 5] &= ~(1 << (slot & 31));
  }

  #takeNode(): number {
    const free = this.#free;
    if (free !== 0) {
      this.#free = this.#next[free];
      return free;
    }
    if (this.#nodes === NODE_LIMIT)
      throw new RangeError(`more than ${NODE_LIMIT - 1} timers on one thread`);
    if (this.#nodes === this.#next.length) this.#grow();
    this.#targets.push(undefined);
    return this.#nodes++;
  }

  #release(node: number): void {
    this.#targets[node] = undefined;
    // 2^30 generations times 2^22 nodes stay below 2^53.
    this.#generation[node] = (this.#generation[node] + 1) & 0x3fffffff;
    this.#next[node] = this.#free;
    this.#free = node;
    this.#live--;
  }

  #grow(): void {
    const length = this.#next.length * 2;
    const grown = <T extends Int32Array | Float64Array>(larger: T, column: T): T => {
      larger.set(column);
      return larger;
    };
    this.#next = grown(new Int32Array(length), this.#next);
    this.#previous = grown(new Int32Array(length), this.#previous);
    this.#dueMs = grown(new Float64Array(length), this.#dueMs);
    this.#data = grown(new Float64Array(length), this.#data);
    this.#generation = grown(new Int32Array(length), this.#generation);
    this.#slots = grown(new Int32Array(length), this.#slots);
  }
}
