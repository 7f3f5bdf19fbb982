import type { Clock } from "../../actors/ports.ts";
import { ringDoorbell } from "../../mailbox/doorbell.ts";
import { controlDoublesOf, controlOf } from "../../mailbox/lanes.ts";
import {
  CONTROL_BOOTED,
  CONTROL_CURRENT,
  CONTROL_CYCLES,
  CONTROL_EPOCH,
  CONTROL_RESUMED,
  CONTROL_SINCE_F64,
  CONTROL_STATE,
  CONTROL_TURNS,
  ThreadState,
} from "../../mailbox/layout.ts";
import type { MeshPlan } from "../plan/memory.ts";

/** A thread that does not move. */
export interface Hang {
  readonly thread: number;
  /** Index of the agent in whose turn it hangs; −1 when it hangs outside of any turn. */
  readonly agent: number;
  /** False when the agent was only the last one resumed before: it hangs in some continuation or callback. */
  readonly certain: boolean;
  /** It hangs in the `init` of the agent, while its thread starts. */
  readonly starting: boolean;
  readonly sinceMs: number;
}

interface Seen {
  turns: number;
  cycles: number;
  booted: number;
  epoch: number;
  movedMs: number;
}

/** Between two looks, ms, at most: a hang is noticed when it begins, and named when it is due, up to that much late. */
const LOOK_MS = 80;
/** A thread with nothing to do is asked to show that it is well once it has been still for this share of the limit. */
const RING_SHARE = 0.5;
/** A thread that starts has so many times the limit for one `init`: it is done once, and may load much. */
const START_PATIENCE = 5;

/**
 * Reads the control words of each thread and names the one that has begun neither a turn nor a cycle for
 * longer than the limit or, while it starts, hangs in the `init` of one agent. Costs the threads nothing
 * but a doorbell now and then, so that a sleeping one shows that it could wake.
 */
export class Watchdog {
  readonly #plan: MeshPlan;
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #everyMs: number;
  readonly #onHang: (hang: Hang) => void;
  readonly #seen: Seen[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(plan: MeshPlan, clock: Clock, limitMs: number, onHang: (hang: Hang) => void) {
    this.#plan = plan;
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#everyMs = Math.max(10, Math.min(LOOK_MS, limitMs / 4));
    this.#onHang = onHang;
  }

  start(): void {
    this.#timer = setInterval(() => this.look(), this.#everyMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** One look at all threads. */
  look(): void {
    const nowMs = this.#clock.nowMs();
    for (let thread = 1; thread < this.#plan.threads; thread++) this.#lookAt(thread, nowMs);
  }

  #lookAt(thread: number, nowMs: number): void {
    const control = controlOf(this.#plan.memory.control, thread);
    const turns = Atomics.load(control, CONTROL_TURNS);
    const cycles = Atomics.load(control, CONTROL_CYCLES);
    const booted = Atomics.load(control, CONTROL_BOOTED);
    const epoch = Atomics.load(control, CONTROL_EPOCH);
    const current = Atomics.load(control, CONTROL_CURRENT);
    const state = Atomics.load(control, CONTROL_STATE);
    const starting = state === ThreadState.STARTING && current !== 0;
    const seen = this.#seen[thread];
    if (
      seen === undefined ||
      !(starting || state === ThreadState.RUNNING) ||
      seen.turns !== turns ||
      seen.cycles !== cycles ||
      seen.booted !== booted ||
      seen.epoch !== epoch
    ) {
      this.#seen[thread] = { turns, cycles, booted, epoch, movedMs: nowMs };
      return;
    }
    const sinceMs = controlDoublesOf(this.#plan.memory.control, thread)[CONTROL_SINCE_F64];
    // Of a turn it is known when it began, after the last look that did not see it; of anything else only that it
    // had begun by the look that first saw it.
    const earliestMs = current === 0 || starting ? seen.movedMs : seen.movedMs - this.#everyMs;
    const movedMs = Math.min(seen.movedMs, Math.max(sinceMs, earliestMs));
    const stillMs = nowMs - movedMs;
    const limitMs = this.#limitMs * (starting ? START_PATIENCE : 1);
    if (stillMs < limitMs) {
      // A thread with nothing to do shows by waking that it is well.
      if (stillMs >= limitMs * RING_SHARE) ringDoorbell(control);
      return;
    }
    seen.movedMs = nowMs;
    this.#onHang({
      thread,
      agent: (current === 0 ? Atomics.load(control, CONTROL_RESUMED) : current) - 1,
      certain: current !== 0,
      starting,
      sinceMs: current === 0 ? nowMs - stillMs : sinceMs,
    });
  }
}
