/**
 * One supervisor's knowledge of its children, and its decisions. It starts and stops nothing itself: it is
 * told who ended, and says who is to be stopped and started, in which order and when. Children are started
 * left to right, as they are listed, and stopped in reverse, since later ones may rely on earlier ones.
 */
import type { Random } from "../actors/ports.ts";
import {
  backoffMs,
  type ExitReason,
  type RestartType,
  restartGroup,
  type Supervision,
  wantsRestart,
} from "./restart.ts";
import { RestartHistory } from "./restart-history.ts";

/** A child to be supervised. */
export interface ChildSpec {
  /** For people: an address. */
  readonly name: string;
  readonly restart: RestartType;
}

/** What a supervisor decides when a child has ended. */
export interface RestartDecision {
  /**
   * - `restart`: start `children`, left to right, after `delayMs`.
   * - `stop`: leave `children` ended.
   * - `quarantine`: keep `children` from work until released.
   * - `escalate`: stop all children ({@link Supervisor.stop}) and fail; the supervisor's own decides.
   */
  readonly action: "restart" | "stop" | "quarantine" | "escalate";
  /** Children that `action` is about. Empty when the child was not running, so that nothing is to be done. */
  readonly children: readonly number[];
  /** Siblings still running that are to be stopped first, in this order (right to left). */
  readonly stopFirst: readonly number[];
  /** ms from now; 0 unless the action is `restart`. */
  readonly delayMs: number;
}

const NOT_RUNNING = 0;
const RUNNING = 1;
const QUARANTINED = 2;

const NOBODY: readonly number[] = Object.freeze([]);

const NOTHING_TO_DO: RestartDecision = Object.freeze({
  action: "stop",
  children: Object.freeze([]),
  stopFirst: Object.freeze([]),
  delayMs: 0,
});

/** The children of one supervisor, by position from 0. */
export class Supervisor {
  readonly #children: readonly ChildSpec[];
  readonly #supervision: Supervision;
  readonly #random: Random;
  readonly #history: RestartHistory;
  readonly #phases: Uint8Array;

  /** `supervision` must be complete: see completeSupervision. Nobody is running yet. */
  constructor(children: readonly ChildSpec[], supervision: Supervision, random: Random) {
    this.#children = children;
    this.#supervision = supervision;
    this.#random = random;
    this.#history = new RestartHistory(supervision.intensity);
    this.#phases = new Uint8Array(children.length);
  }

  /** Marks every child that is neither running nor in quarantine as running; returns them in starting order. */
  start(): number[] {
    const order = this.#inPhase(NOT_RUNNING);
    for (const child of order) this.#phases[child] = RUNNING;
    return order;
  }

  /** The same for a supervisor that comes to know of its children when they already run. */
  takeOver(): void {
    for (let child = 0; child < this.#phases.length; child++) {
      if (this.#phases[child] !== QUARANTINED) this.#phases[child] = RUNNING;
    }
  }

  /** Marks every running child as ended and returns them in stopping order, right to left. */
  stop(): number[] {
    const order = this.#inPhase(RUNNING).reverse();
    for (const child of order) this.#phases[child] = NOT_RUNNING;
    return order;
  }

  /**
   * Decides what follows from the end of `child` at `nowMs`, and takes it as done: children to be restarted
   * count as running from now. The end of a child that was not running (told to stop, or already replaced)
   * calls for nothing. RangeError when there is no such child.
   */
  decide(child: number, reason: ExitReason, nowMs: number): RestartDecision {
    this.#check(child);
    if (this.#phases[child] !== RUNNING) return NOTHING_TO_DO;
    this.#phases[child] = NOT_RUNNING;
    if (!wantsRestart(this.#children[child].restart, reason)) return this.#leave(child);
    const earlier = this.#history.recent(child, nowMs);
    if (earlier >= this.#supervision.intensity.maxRestarts) return this.#giveUp(child);
    this.#history.note(child, nowMs);
    return this.#restart(child, backoffMs(this.#supervision.backoff, earlier, this.#random));
  }

  /**
   * Lets a child out of quarantine with a clean record; true when it was there. It counts as running, and
   * is for the caller to start.
   */
  release(child: number): boolean {
    this.#check(child);
    if (this.#phases[child] !== QUARANTINED) return false;
    this.#history.forget(child);
    this.#phases[child] = RUNNING;
    return true;
  }

  /** A child was started by somebody else's order: it counts as running, with a clean record. */
  revive(child: number): void {
    this.#check(child);
    this.#history.forget(child);
    this.#phases[child] = RUNNING;
  }

  /** Puts a child in quarantine for a reason other than its restarts; true when it was running. */
  quarantine(child: number): boolean {
    this.#check(child);
    const wasRunning = this.#phases[child] === RUNNING;
    this.#phases[child] = QUARANTINED;
    return wasRunning;
  }

  /** Forgets restarts that no longer count, to be called now and then. */
  prune(nowMs: number): void {
    this.#history.prune(nowMs);
  }

  #leave(child: number): RestartDecision {
    this.#history.forget(child);
    return Object.freeze({ action: "stop", children: [child], stopFirst: [], delayMs: 0 });
  }

  #restart(child: number, delayMs: number): RestartDecision {
    if (this.#supervision.strategy === "one-for-one") {
      // The common case, and a thousand agents may fail at once.
      this.#phases[child] = RUNNING;
      return { action: "restart", children: [child], stopFirst: NOBODY, delayMs };
    }
    const group = this.#group(child);
    const stopFirst = this.#running(group).reverse();
    const running = new Set(stopFirst);
    // A sibling that had finished, or is temporary, or is in quarantine, is not brought back by another's end.
    const children = group.filter(
      (index) =>
        index === child || (running.has(index) && this.#children[index].restart !== "temporary"),
    );
    for (const index of stopFirst) this.#phases[index] = NOT_RUNNING;
    for (const index of children) this.#phases[index] = RUNNING;
    return Object.freeze({ action: "restart", children, stopFirst, delayMs });
  }

  #giveUp(child: number): RestartDecision {
    const { whenExceeded } = this.#supervision;
    if (whenExceeded === "escalate") {
      return Object.freeze({ action: "escalate", children: [child], stopFirst: [], delayMs: 0 });
    }
    this.#phases[child] = QUARANTINED;
    this.#history.forget(child);
    // Those whose fate the strategy ties to this child cannot go on without it.
    const stopFirst = this.#running(this.#group(child)).reverse();
    for (const index of stopFirst) this.#phases[index] = NOT_RUNNING;
    return Object.freeze({ action: "quarantine", children: [child], stopFirst, delayMs: 0 });
  }

  #group(child: number): number[] {
    return restartGroup(this.#supervision.strategy, child, this.#children.length);
  }

  #running(group: readonly number[]): number[] {
    return group.filter((index) => this.#phases[index] === RUNNING);
  }

  #inPhase(phase: number): number[] {
    return [...this.#phases.keys()].filter((child) => this.#phases[child] === phase);
  }

  #check(child: number): void {
    if (child in this.#phases) return;
    throw new RangeError(
      `child: expected a position from 0 to ${this.#phases.length - 1}, got ${child}`,
    );
  }
}
