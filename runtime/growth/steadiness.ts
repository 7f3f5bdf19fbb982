import { isOver } from "../../coordination/agent-state.ts";
import { isBeating } from "../../coordination/heartbeat.ts";
import { FLAG_DEGRADED, FLAG_UNSTABLE, type Registry } from "../../coordination/registry.ts";

/** A score may move by this share from one heartbeat to the next, or by these points, and be as good as the same. */
const STEADY_SHARE = 0.1;
const STEADY_POINTS = 5;

/** Heartbeats that were seen of an agent, and how it was at the last of them. */
interface Seen {
  beats: number;
  lastMs: number;
  score: number;
}

/**
 * Whether new agents have become stable (spec 10.2: wait for heartbeats, verify that profiles stabilize): so many
 * heartbeats on end in which the score hardly moves and is neither slow nor unsteady. Whoever is away in between
 * begins again.
 */
export class Steadiness {
  readonly #registry: Registry;
  readonly #beats: number;
  readonly #seen = new Map<number, Seen>();
  readonly #steady: number[] = [];
  readonly #over = new Map<number, string>();

  /** `agents` are rows of the registry; `beats` is from 1. */
  constructor(registry: Registry, agents: readonly number[], beats: number) {
    this.#registry = registry;
    this.#beats = beats;
    for (const agent of agents)
      this.#seen.set(agent, { beats: 0, lastMs: registry.lastHeartbeatMs[agent], score: 0 });
  }

  /** Who is steady, in the order in which they became so. */
  get steady(): readonly number[] {
    return this.#steady;
  }

  /** Who will not become so any more, and why. */
  get over(): ReadonlyMap<number, string> {
    return this.#over;
  }

  /** Who is neither, and what they want for. */
  get undecided(): ReadonlyMap<number, string> {
    const { state, flags } = this.#registry;
    return new Map(
      [...this.#seen].map(([agent, { beats }]) => {
        if (!isBeating(state[agent])) return [agent, "has not started"] as const;
        if ((flags[agent] & FLAG_DEGRADED) !== 0) return [agent, "is slow"] as const;
        if ((flags[agent] & FLAG_UNSTABLE) !== 0)
          return [agent, "has an unsteady latency"] as const;
        return [agent, `was stable for ${beats} of ${this.#beats} heartbeats`] as const;
      }),
    );
  }

  /** Looks at everybody who is undecided; to be called more often than they beat. */
  look(): void {
    const { state, lastHeartbeatMs } = this.#registry;
    for (const [agent, seen] of this.#seen) {
      if (isOver(state[agent])) {
        this.#seen.delete(agent);
        this.#over.set(agent, "has failed or stopped");
      } else if (!isBeating(state[agent])) {
        seen.beats = 0;
      } else if (lastHeartbeatMs[agent] > seen.lastMs) {
        this.#beat(agent, seen);
      }
    }
  }

  #beat(agent: number, seen: Seen): void {
    const { score: scores, flags, lastHeartbeatMs } = this.#registry;
    const score = scores[agent];
    const moved = Math.abs(score - seen.score);
    const isFirst = seen.beats === 0;
    const isLevel = isFirst || moved <= Math.max(STEADY_POINTS, seen.score * STEADY_SHARE);
    const isWell = (flags[agent] & (FLAG_DEGRADED | FLAG_UNSTABLE)) === 0;
    // The beat from which it moved is the first of the next level.
    seen.beats = isWell ? (isLevel ? seen.beats + 1 : 1) : 0;
    seen.lastMs = lastHeartbeatMs[agent];
    seen.score = score;
    if (seen.beats < this.#beats) return;
    this.#seen.delete(agent);
    this.#steady.push(agent);
  }
}
