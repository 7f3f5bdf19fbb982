// Exhaustive search of the interleavings of threads that run real code (`stepper.ts`), with deaths at any step.
import { type PrivateState, privateState } from "./private-state.ts";
import { LOG_LENGTH, mixHigh, mixLow, type Stepper } from "./stepper.ts";

/** Returned by an operation: the thread has ended, and will not be replaced. */
export const END = -1;

/** An operation of a thread on its state; returns the number of the next one, or {@link END}. */
export type Operation = () => number;

/** A thread of a protocol. */
export interface Role {
  readonly name: string;
  /** Names of the operations, for traces; the first is where an incarnation begins. */
  readonly operations: readonly string[];
  /** How often it may die. */
  readonly deaths: number;
  /** Makes the private state of an incarnation, which holds only what that incarnation knows when it begins. */
  create(): { readonly state: object; readonly run: readonly Operation[] };
  /** The operation of a thread that waits and has a timer set, which may fire at any time. */
  readonly alarm?: number;
}

/** What is explored: threads over the memory of one stepper. */
export interface Protocol {
  readonly name: string;
  readonly stepper: Stepper;
  readonly roles: readonly Role[];
  /** Undefined when all is as it must be at an end, where no thread can go on. */
  atEnd(): string | undefined;
}

export interface Exploration {
  readonly states: number;
  readonly steps: number;
  /** Ends reached: states in which nobody can go on. */
  readonly ends: number;
  readonly depth: number;
  /** False when the search was stopped at its bound. */
  readonly whole: boolean;
  /** What went wrong, and how it came to it. */
  readonly fault?: { readonly sentence: string; readonly trace: string };
}

export interface Bounds {
  /** States after which the search stops. */
  readonly maxStates?: number;
  /** Whether a death anywhere takes one of the deaths of all: at most so many in one run. */
  readonly maxDeaths?: number;
}

/*
 * The record of a thread: its place, its past within the operation, and its private state.
 *
 *   0     1       2      3      4         5        6      7     8          8 + private
 *   ├ PC ─┼ PAST ─┼ LOW ─┼ HIGH ┼ LOCATION ┼ DEATHS ┼ IDLE ┼ HASH ┼ private… ┼ log … ┤
 */
const PC = 0;
const PAST = 1;
const READ_LOW = 2;
const READ_HIGH = 3;
/** Where it waits; 0 when it does not. */
const LOCATION = 4;
const DEATHS = 5;
/** Alarms in a row while nobody else could go on. */
const IDLE = 6;
const PRIVATE = 8;
/** {@link PC} of a thread that has died and has no successor yet. */
const DEAD = -2;
/** So many alarms change nothing: whoever waits for more waits for ever. */
const MAX_IDLE = 4;

/** A set of 64-bit hashes, open addressing. Two states with the same hash would be taken for one. */
class States {
  size = 0;
  #table: Int32Array;
  #mask: number;

  constructor() {
    this.#table = new Int32Array(1 << 17);
    this.#mask = (1 << 16) - 1;
  }

  /** False when it was there already. */
  add(low: number, high: number): boolean {
    const first = low === 0 && high === 0 ? 1 : low;
    if (this.size * 4 > this.#mask * 3) this.#grow();
    if (!this.#put(this.#table, this.#mask, first, high)) return false;
    this.size++;
    return true;
  }

  #put(table: Int32Array, mask: number, low: number, high: number): boolean {
    let at = (mixLow(low, high) & mask) * 2;
    while (table[at] !== 0 || table[at + 1] !== 0) {
      if (table[at] === low && table[at + 1] === high) return false;
      at = (at + 2) & (mask * 2 + 1);
    }
    table[at] = low;
    table[at + 1] = high;
    return true;
  }

  #grow(): void {
    const old = this.#table;
    this.#mask = this.#mask * 2 + 1;
    this.#table = new Int32Array((this.#mask + 1) * 2);
    for (let i = 0; i < old.length; i += 2) {
      if (old[i] !== 0 || old[i + 1] !== 0) this.#put(this.#table, this.#mask, old[i], old[i + 1]);
    }
  }
}

interface Thread {
  readonly role: Role;
  readonly record: Float64Array;
  /** The same bits, for hashing. */
  readonly bits: Int32Array;
  readonly state: object;
  readonly run: readonly Operation[];
  readonly privates: PrivateState;
  low: number;
  high: number;
}

/** Depth-first search over all that the threads of a protocol can do. */
export class Explorer {
  readonly #protocol: Protocol;
  readonly #stepper: Stepper;
  readonly #threads: readonly Thread[];
  readonly #states = new States();
  readonly #maxStates: number;
  readonly #maxDeaths: number;
  /** Saved records of the threads that moved, the newest last. */
  #saved = new Float64Array(1 << 16);
  #savedLength = 0;
  /** Moves that led here: thread · 4 + kind. */
  #path: number[] = [];
  #operations: number[] = [];
  #steps = 0;
  #ends = 0;
  #depth = 0;
  #deaths = 0;
  #stopped = false;
  #fault: Exploration["fault"];

  constructor(protocol: Protocol, bounds: Bounds = {}) {
    this.#protocol = protocol;
    this.#stepper = protocol.stepper;
    this.#maxStates = bounds.maxStates ?? Number.POSITIVE_INFINITY;
    this.#maxDeaths = bounds.maxDeaths ?? Number.POSITIVE_INFINITY;
    this.#threads = protocol.roles.map((role) => {
      const { state, run } = role.create();
      const privates = privateState(state);
      const record = new Float64Array(PRIVATE + privates.length + LOG_LENGTH);
      privates.save(state, record, PRIVATE);
      const bits = new Int32Array(record.buffer);
      return { role, record, bits, state, run, privates, low: 0, high: 0 };
    });
    for (const thread of this.#threads) this.#hash(thread);
    this.#stepper.wake = (location) => {
      let woken = 0;
      for (const thread of this.#threads) {
        if (thread.record[LOCATION] !== location) continue;
        this.#keep(thread);
        thread.record[LOCATION] = 0;
        this.#hash(thread);
        woken++;
      }
      return woken;
    };
  }

  run(): Exploration {
    this.#visit(0);
    return {
      states: this.#states.size,
      steps: this.#steps,
      ends: this.#ends,
      depth: this.#depth,
      whole: !this.#stopped,
      ...(this.#fault === undefined ? {} : { fault: this.#fault }),
    };
  }

  #visit(depth: number): void {
    if (!this.#states.add(...this.#key())) return;
    if (this.#states.size >= this.#maxStates) {
      this.#stopped = true;
      return;
    }
    if (depth > this.#depth) this.#depth = depth;
    let moved = false;
    for (const thread of this.#threads) {
      const { record, role } = thread;
      if (record[PC] === END) continue;
      if (record[LOCATION] === 0) {
        moved = true;
        this.#try(thread, record[PC] === DEAD ? "birth" : "step", depth);
      }
      const mayDie = record[PC] !== DEAD && record[DEATHS] < role.deaths;
      if (mayDie && this.#deaths < this.#maxDeaths) this.#try(thread, "death", depth);
      if (this.#stopped) return;
    }
    this.#alarms(depth, moved);
    if (this.#stopped) return;
    const waits = this.#threads.some(
      ({ record, role }) => record[LOCATION] !== 0 && role.alarm !== undefined,
    );
    if (moved || waits) return;
    this.#ends++;
    const sentence = this.#protocol.atEnd();
    if (sentence !== undefined) this.#report(`at an end: ${sentence}`);
  }

  /** Timers of those who wait. When nobody else can go on, a few of them must bring the threads further. */
  #alarms(depth: number, moved: boolean): void {
    for (const thread of this.#threads) {
      const { record, role } = thread;
      if (record[LOCATION] === 0 || role.alarm === undefined) continue;
      if (!moved && record[IDLE] >= MAX_IDLE) {
        const sentence = this.#protocol.atEnd();
        if (sentence !== undefined) this.#report(`${role.name} only ever waits: ${sentence}`);
        continue;
      }
      this.#try(thread, moved ? "alarm" : "idle", depth);
      if (this.#stopped) return;
    }
  }

  #try(thread: Thread, move: Move, depth: number): void {
    const stepper = this.#stepper;
    const mark = stepper.mark;
    const { hashLow, hashHigh } = stepper;
    const saved = this.#savedLength;
    const deaths = this.#deaths;
    this.#keep(thread);
    this.#path.push(this.#threads.indexOf(thread) * 8 + MOVES.indexOf(move));
    this.#operations.push(thread.record[PC]);
    this.#steps++;
    this.#move(thread, move);
    if (stepper.fault !== undefined) this.#report(stepper.fault);
    else this.#visit(depth + 1);
    this.#path.pop();
    this.#operations.pop();
    this.#deaths = deaths;
    this.#restore(saved);
    stepper.undo(mark);
    stepper.hashLow = hashLow;
    stepper.hashHigh = hashHigh;
  }

  #move(thread: Thread, move: Move): void {
    const { record, privates } = thread;
    switch (move) {
      case "death":
        this.#deaths++;
        record.fill(0, PRIVATE, PRIVATE + privates.length);
        this.#begin(thread, DEAD);
        record[LOCATION] = 0;
        record[DEATHS]++;
        break;
      case "birth":
        privates.save(thread.role.create().state, record, PRIVATE);
        this.#begin(thread, 0);
        break;
      case "idle":
      case "alarm":
        record[LOCATION] = 0;
        record[IDLE] = move === "idle" ? record[IDLE] + 1 : 0;
        this.#begin(thread, thread.role.alarm as number);
        this.#step(thread);
        break;
      case "step":
        this.#step(thread);
        break;
    }
    if (move !== "idle" && thread.role.alarm === undefined) this.#unidle();
    this.#hash(thread);
  }

  /** Another thread has moved: alarms may bring something again. */
  #unidle(): void {
    for (const other of this.#threads) {
      if (other.record[IDLE] === 0) continue;
      this.#keep(other);
      other.record[IDLE] = 0;
      this.#hash(other);
    }
  }

  #begin(thread: Thread, operation: number): void {
    const { record } = thread;
    record[PC] = operation;
    record[PAST] = 0;
    record[READ_LOW] = 0;
    record[READ_HIGH] = 0;
  }

  #step(thread: Thread): void {
    const { record, privates, state, run } = thread;
    const stepper = this.#stepper;
    privates.load(state, record, PRIVATE);
    stepper.readLow = record[READ_LOW];
    stepper.readHigh = record[READ_HIGH];
    const log = PRIVATE + privates.length;
    const next = stepper.run(run[record[PC]], record, log, record[PAST]);
    if (stepper.fault !== undefined) return;
    if (next === undefined) {
      record[PAST] = stepper.loggedLength;
      record[READ_LOW] = stepper.readLow;
      record[READ_HIGH] = stepper.readHigh;
      return;
    }
    privates.save(state, record, PRIVATE);
    this.#begin(thread, next);
    // Only as its last step: a thread that waits does nothing else.
    record[LOCATION] = stepper.waitsAt;
  }

  #keep(thread: Thread): void {
    const { record } = thread;
    const length = PRIVATE + thread.privates.length + record[PAST];
    if (this.#savedLength + length + 4 > this.#saved.length) {
      const larger = new Float64Array(this.#saved.length * 2);
      larger.set(this.#saved);
      this.#saved = larger;
    }
    this.#saved.set(record.subarray(0, length), this.#savedLength);
    this.#savedLength += length;
    this.#saved[this.#savedLength++] = thread.low;
    this.#saved[this.#savedLength++] = thread.high;
    this.#saved[this.#savedLength++] = this.#threads.indexOf(thread);
    this.#saved[this.#savedLength++] = length;
  }

  #restore(savedLength: number): void {
    while (this.#savedLength > savedLength) {
      const length = this.#saved[--this.#savedLength];
      const thread = this.#threads[this.#saved[--this.#savedLength]];
      thread.high = this.#saved[--this.#savedLength];
      thread.low = this.#saved[--this.#savedLength];
      this.#savedLength -= length;
      const from = this.#savedLength;
      thread.record.set(this.#saved.subarray(from, from + length));
    }
  }

  #hash(thread: Thread): void {
    const { bits, privates } = thread;
    let low = 1;
    let high = 2;
    const end = (PRIVATE + privates.length) * 2;
    for (let i = 0; i < end; i++) {
      const word = bits[i];
      low = Math.imul(low ^ word, 0x85ebca6b);
      low ^= low >>> 13;
      high = Math.imul(high ^ word, 0xc2b2ae35);
      high = ((high << 15) | (high >>> 17)) + 0x561ccd1b;
    }
    low = mixLow(low, high);
    thread.low = low;
    thread.high = high;
  }

  #key(): [number, number] {
    let { hashLow, hashHigh } = this.#stepper;
    for (let i = 0; i < this.#threads.length; i++) {
      hashLow = mixLow(hashLow + i, this.#threads[i].low);
      hashHigh = mixHigh(hashHigh + i, this.#threads[i].high);
    }
    return [hashLow, hashHigh];
  }

  #report(sentence: string): void {
    this.#stopped = true;
    this.#fault ??= { sentence, trace: this.#trace() };
  }

  /** The moves that led here, runs of the same written once. */
  #trace(): string {
    const said: string[] = [];
    let times = 0;
    for (const [i, code] of this.#path.entries()) {
      const { role } = this.#threads[code >> 3];
      const move = MOVES[code & 7];
      const what = move === "step" ? role.operations[this.#operations[i]] : move;
      const name = `${role.name}.${what}`;
      const last = said.length - 1;
      if (last >= 0 && said[last].split("×")[0] === name) said[last] = `${name}×${++times}`;
      else {
        said.push(name);
        times = 1;
      }
    }
    return said.join(" ");
  }
}

const MOVES = ["step", "death", "birth", "alarm", "idle"] as const;
type Move = (typeof MOVES)[number];
