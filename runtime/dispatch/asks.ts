import { MeshStoppedError } from "../../actors/errors.ts";
import type { Answer } from "../../actors/result.ts";
import type { TimerId, TimerTarget, TimerWheel } from "./wheel.ts";

const SLOTS = 1 << 20;
/** Uses of a slot are counted from 1 to this and again from 1. */
const GENERATIONS = 0xfffff;

/** What the table does for its thread when an ask is over, however it ended. */
export interface AskEnd {
  /** `edge` is what the ask put into the wait-for graph, −1 if nothing; `asker` its agent, −1 if none. */
  onAskEnd(asker: number, edge: number): void;
  /** Nothing was heard of `target` until the deadline of an ask of it. */
  onAskTimeout?(target: number, waitedMs: number): void;
}

/**
 * The asks of a thread that wait for their answers. Ids are numbers of the thread's incarnation, so that an
 * answer to an ask of a thread that died is recognised and ignored.
 */
export class Asks implements TimerTarget {
  readonly #wheel: TimerWheel;
  readonly #end: AskEnd;
  readonly #epochBase: number;
  readonly #resolve: (((answer: Answer) => void) | undefined)[] = [];
  readonly #reject: (((error: unknown) => void) | undefined)[] = [];
  #generation = new Int32Array(256);
  #timer = new Float64Array(256);
  #startedMs = new Float64Array(256);
  #asker = new Int32Array(256);
  #edge = new Int32Array(256);
  /** Who was asked; −1 when that is nobody's business. */
  #target = new Int32Array(256);
  readonly #free: number[] = [];
  /** By slot, for asks with a signal: stops listening to it. */
  readonly #letGo = new Map<number, () => void>();
  #open = 0;

  constructor(wheel: TimerWheel, epoch: number, end: AskEnd) {
    this.#wheel = wheel;
    this.#end = end;
    // Above 0 on main too, whose epoch is 0: an id of 0 says that no answer is wanted.
    this.#epochBase = (epoch + 1) * 2 ** 40;
  }

  /** Asks that wait. */
  get size(): number {
    return this.#open;
  }

  /** Registers an ask; returns its id. TRANSIT after `deadlineMs` (0: never). */
  open(
    asker: number,
    edge: number,
    nowMs: number,
    deadlineMs: number,
    resolve: (answer: Answer) => void,
    reject: (error: unknown) => void,
    target = -1,
  ): number {
    const slot = this.#free.length > 0 ? (this.#free.pop() as number) : this.#newSlot();
    this.#resolve[slot] = resolve;
    this.#reject[slot] = reject;
    this.#asker[slot] = asker;
    this.#edge[slot] = edge;
    this.#target[slot] = target;
    this.#startedMs[slot] = nowMs;
    this.#timer[slot] = deadlineMs === 0 ? 0 : this.#wheel.schedule(deadlineMs, this, slot);
    this.#open++;
    return this.#epochBase + this.#generation[slot] * SLOTS + slot;
  }

  /** Rejects the ask with the signal's reason when it aborts; the signal is let go of when the ask is over. */
  abortWith(id: number, signal: AbortSignal): void {
    const slot = this.#slotOf(id);
    if (slot < 0) return;
    const abort = (): void => {
      this.reject(id, signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    this.#letGo.set(slot, () => signal.removeEventListener("abort", abort));
  }

  /** The asker of a live ask, or −1 when the ask is over or was another incarnation's. */
  askerOf(id: number): number {
    const slot = this.#slotOf(id);
    return slot < 0 ? -1 : this.#asker[slot];
  }

  /** False when nobody waits for it any more. */
  resolve(id: number, answer: Answer): boolean {
    const slot = this.#slotOf(id);
    if (slot < 0) return false;
    const resolve = this.#resolve[slot] as (answer: Answer) => void;
    this.#close(slot);
    resolve(answer);
    return true;
  }

  reject(id: number, error: unknown): boolean {
    const slot = this.#slotOf(id);
    if (slot < 0) return false;
    const reject = this.#reject[slot] as (error: unknown) => void;
    this.#close(slot);
    reject(error);
    return true;
  }

  /** The deadline of an ask: the outcome is unknown. */
  onTimer(slot: number, nowMs: number): void {
    const resolve = this.#resolve[slot];
    if (resolve === undefined) return;
    const waitedMs = nowMs - this.#startedMs[slot];
    this.#timer[slot] = 0;
    this.#close(slot);
    if (this.#target[slot] >= 0) this.#end.onAskTimeout?.(this.#target[slot], waitedMs);
    resolve({ state: 0, waitedMs });
  }

  /** Rejects all: the mesh stops. */
  abandon(): void {
    for (let slot = 0; slot < this.#resolve.length; slot++) {
      const reject = this.#reject[slot];
      if (reject === undefined) continue;
      this.#close(slot);
      reject(new MeshStoppedError());
    }
  }

  #slotOf(id: number): number {
    const rest = id - this.#epochBase;
    if (!(rest >= 0 && rest < 2 ** 40)) return -1;
    // No remainder operator: of numbers beyond 32 bits it is a call into the C library.
    const generation = Math.floor(rest / SLOTS);
    const slot = rest - generation * SLOTS;
    if (slot >= this.#resolve.length || this.#resolve[slot] === undefined) return -1;
    return generation === this.#generation[slot] ? slot : -1;
  }

  #close(slot: number): void {
    const timer: TimerId = this.#timer[slot];
    if (timer !== 0) this.#wheel.cancel(timer);
    if (this.#letGo.size > 0) {
      this.#letGo.get(slot)?.();
      this.#letGo.delete(slot);
    }
    this.#resolve[slot] = undefined;
    this.#reject[slot] = undefined;
    this.#generation[slot] = (this.#generation[slot] % GENERATIONS) + 1;
    this.#free.push(slot);
    this.#open--;
    this.#end.onAskEnd(this.#asker[slot], this.#edge[slot]);
  }

  #newSlot(): number {
    const slot = this.#resolve.length;
    if (slot === SLOTS)
      throw new RangeError(`more than ${SLOTS} asks wait for an answer on one thread`);
    this.#resolve.push(undefined);
    this.#reject.push(undefined);
    if (slot === this.#generation.length) this.#grow(slot * 2);
    // No id is 0: that is how a request says that it wants no answer.
    this.#generation[slot] = 1;
    return slot;
  }

  #grow(length: number): void {
    const larger = <T extends Int32Array | Float64Array>(column: T, target: T): T => {
      target.set(column);
      return target;
    };
    this.#generation = larger(this.#generation, new Int32Array(length));
    this.#timer = larger(this.#timer, new Float64Array(length));
    this.#startedMs = larger(this.#startedMs, new Float64Array(length));
    this.#asker = larger(this.#asker, new Int32Array(length));
    this.#edge = larger(this.#edge, new Int32Array(length));
    this.#target = larger(this.#target, new Int32Array(length));
  }
}
