import { mapWords, popCount } from "./sector-coordinator.ts";

/**
 * Gates of operations in shared memory: what all coordinators and the orchestrator must agree on while an
 * operation is out. Whoever confirms last opens the gate, whichever thread that is, so sectors go on
 * together though the orchestrator's thread is blocked or gone (design: autonomy of sectors).
 *
 *   word of a gate 0              2       3           4           6       16
 *        ├ operation f64 (0: free) ┼ state ┼ threshold ┼ opened f64 ┼ spare ┼ sectors confirmed, bitmap ┤
 */
const STATE = 2;
const THRESHOLD = 3;
const OPENED_F64 = 2;
const MAP = 16;

const MAX_GATES = 4096;
const MIN_GATES = 64;
const MAX_BYTES = 16 * 1024 * 1024;

/** Where an operation stands. Every state but WAITING is final. */
export const GateState = {
  /** Sectors are confirming. */
  WAITING: 0,
  /** Enough have: messages go to agents. */
  OPEN: 1,
  /** Too few have in time: nothing goes out. */
  FAILED: 2,
  /** Its asker has changed their mind: what has not gone out stays. */
  CANCELLED: 3,
} as const;

function gateWords(sectors: number): number {
  return MAP + ((mapWords(sectors) + 15) & ~15);
}

function gateCount(sectors: number): number {
  const fit = Math.floor(MAX_BYTES / (gateWords(sectors) * 4));
  return Math.max(MIN_GATES, Math.min(MAX_GATES, fit));
}

/** Bytes of shared memory for the gates of a mesh of so many sectors. */
export function gatesBytes(sectors: number): number {
  return gateCount(sectors) * gateWords(sectors) * 4;
}

/** A thread's view of the gates. */
export class WaveGates {
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  readonly #stride: number;
  readonly #map: number;
  readonly #free: number[] = [];

  constructor(memory: SharedArrayBuffer, sectors: number) {
    this.#words = new Int32Array(memory);
    this.#doubles = new Float64Array(memory);
    this.#stride = gateWords(sectors);
    this.#map = mapWords(sectors);
    for (let gate = gateCount(sectors) - 1; gate >= 0; gate--) this.#free.push(gate);
  }

  /**
   * Takes a gate for an operation that is to open when `threshold` sectors have confirmed (0: at once); −1
   * when all are in use. The orchestrator's call.
   */
  take(operation: number, threshold: number): number {
    const gate = this.#free.pop();
    if (gate === undefined) return -1;
    const at = gate * this.#stride;
    this.#words.fill(0, at + MAP, at + MAP + this.#map);
    this.#words[at + THRESHOLD] = threshold;
    this.#doubles[(at >>> 1) + OPENED_F64] = 0;
    Atomics.store(this.#words, at + STATE, threshold === 0 ? GateState.OPEN : GateState.WAITING);
    this.#doubles[at >>> 1] = operation;
    return gate;
  }

  /** Gives it back when all sectors have reported. The orchestrator's call. */
  release(gate: number): void {
    this.#doubles[(gate * this.#stride) >>> 1] = 0;
    this.#free.push(gate);
  }

  /** The state of an operation's gate; CANCELLED when the gate is another's by now. */
  state(gate: number, operation: number): number {
    const at = gate * this.#stride;
    if (this.#doubles[at >>> 1] !== operation) return GateState.CANCELLED;
    return Atomics.load(this.#words, at + STATE);
  }

  /**
   * Notes at `nowMs` that a sector has the operation; true when that has opened the gate. Saying so twice is
   * harmless.
   */
  confirm(gate: number, operation: number, sector: number, nowMs: number): boolean {
    const at = gate * this.#stride;
    const state = this.state(gate, operation);
    // Too late: whoever says so now is not among those that it was decided by.
    if (state === GateState.FAILED || state === GateState.CANCELLED) return false;
    Atomics.or(this.#words, at + MAP + (sector >>> 5), 1 << (sector & 31));
    if (this.confirmed(gate) < this.#words[at + THRESHOLD]) return false;
    if (!this.#settle(at, GateState.OPEN)) return false;
    this.#doubles[(at >>> 1) + OPENED_F64] = nowMs;
    return true;
  }

  /** When the last sector that was needed confirmed, ms of the mesh clock; 0 while none has. */
  openedMs(gate: number): number {
    return this.#doubles[((gate * this.#stride) >>> 1) + OPENED_F64];
  }

  /** Sectors that have confirmed. */
  confirmed(gate: number): number {
    const from = gate * this.#stride + MAP;
    let count = 0;
    for (let i = from; i < from + this.#map; i++) count += popCount(Atomics.load(this.#words, i));
    return count;
  }

  /** Opens it at `nowMs` for somebody who knows that enough sectors have confirmed; false when it no longer waits. */
  open(gate: number, nowMs: number): boolean {
    const at = gate * this.#stride;
    if (!this.#settle(at, GateState.OPEN)) return false;
    this.#doubles[(at >>> 1) + OPENED_F64] = nowMs;
    return true;
  }

  /** Whether a sector has confirmed. */
  hasConfirmed(gate: number, sector: number): boolean {
    const word = Atomics.load(this.#words, gate * this.#stride + MAP + (sector >>> 5));
    return (word & (1 << (sector & 31))) !== 0;
  }

  /** Gives up waiting for sectors; false when the gate has opened meanwhile. */
  fail(gate: number): boolean {
    return this.#settle(gate * this.#stride, GateState.FAILED);
  }

  /** Stops what has not gone out yet, whatever the state. */
  cancel(gate: number): void {
    Atomics.store(this.#words, gate * this.#stride + STATE, GateState.CANCELLED);
  }

  #settle(at: number, state: number): boolean {
    const before = Atomics.compareExchange(this.#words, at + STATE, GateState.WAITING, state);
    return before === GateState.WAITING;
  }
}
