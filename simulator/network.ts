import type { Chance } from "./chance.ts";
import { Event, type EventTrace } from "./event-trace.ts";
import type { FaultCounts, FaultProfile } from "./faults.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** A frame that is held up takes up to so many times as long, and at least so much longer, ms. */
const HELD_UP = 4;
const HELD_UP_MS = 20;

/**
 * The network between the mesh and the agents elsewhere: it takes each frame where it should go after the delay of
 * its path, or loses it, doubles it, holds it up so that others overtake it, or cannot reach a part at all.
 */
export class Network {
  readonly #time: VirtualTime;
  readonly #chance: Chance;
  readonly #trace: EventTrace;
  readonly #profile: FaultProfile;
  readonly #counts: FaultCounts;
  /** By agent: unreachable until then. */
  readonly #cutUntilMs: Float64Array;
  /** By agent: how many frames from now one goes wrong; the ones before it do not. */
  readonly #spoiled = new Map<number, number>();
  #isWell = false;

  constructor(ports: {
    readonly time: VirtualTime;
    readonly chance: Chance;
    readonly trace: EventTrace;
    readonly profile: FaultProfile;
    readonly counts: FaultCounts;
    readonly agents: number;
  }) {
    this.#time = ports.time;
    this.#chance = ports.chance;
    this.#trace = ports.trace;
    this.#profile = ports.profile;
    this.#counts = ports.counts;
    this.#cutUntilMs = new Float64Array(ports.agents);
  }

  /** From now on nothing goes wrong any more. */
  heal(): void {
    this.#isWell = true;
    this.#cutUntilMs.fill(0);
  }

  /** Cuts agents off until `untilMs`. */
  cut(agents: Iterable<number>, untilMs: number): void {
    for (const agent of agents) this.#cutUntilMs[agent] = untilMs;
  }

  isCut(agent: number): boolean {
    return this.#cutUntilMs[agent] > this.#time.currentMs;
  }

  /**
   * Whether the next `frames` frames to and from the agent all arrive as they should, which is drawn now; if not, one
   * of them is marked to go wrong. Most exchanges are of this kind, and need not be carried frame by frame.
   */
  isSmooth(agent: number, frames: number): boolean {
    if (this.isCut(agent)) return false;
    if (this.#isWell) return true;
    const { loss, duplication, reordering } = this.#profile;
    const wrong = 1 - (1 - loss - duplication - reordering) ** frames;
    if (!this.#chance.happens(wrong)) return true;
    this.#spoiled.set(agent, this.#chance.below(frames));
    return false;
  }

  /** Takes a frame between the mesh and `agent`, which is `delayMs` away. */
  carry(agent: number, delayMs: number, arrive: () => void): void {
    if (this.isCut(agent)) return;
    if (this.#isWell) {
      this.#time.later(delayMs, arrive);
      return;
    }
    const { loss, duplication, reordering } = this.#profile;
    const fate = this.#fateOf(agent);
    if (fate < loss) {
      this.#note(agent, "lost");
      return;
    }
    if (fate < loss + duplication) {
      this.#note(agent, "duplicated");
      this.#time.later(this.#heldUp(delayMs), arrive);
    } else if (fate < loss + duplication + reordering) {
      this.#note(agent, "reordered");
      this.#time.later(this.#heldUp(delayMs), arrive);
      return;
    }
    this.#time.later(delayMs, arrive);
  }

  /** From 0 to 1: which part of the profile it falls into says what becomes of a frame. */
  #fateOf(agent: number): number {
    const left = this.#spoiled.get(agent);
    if (left === undefined) return this.#chance.next();
    if (left > 0) {
      this.#spoiled.set(agent, left - 1);
      return 1;
    }
    this.#spoiled.delete(agent);
    const { loss, duplication, reordering } = this.#profile;
    return this.#chance.next() * (loss + duplication + reordering);
  }

  #heldUp(delayMs: number): number {
    return delayMs + this.#chance.next() * Math.max(HELD_UP_MS, delayMs * (HELD_UP - 1));
  }

  #note(agent: number, name: "lost" | "duplicated" | "reordered"): void {
    this.#counts[name]++;
    this.#trace.note(this.#time.elapsedMs, Event.frame, agent, this.#counts[name]);
  }
}
