import { MeshError } from "../../actors/errors.ts";
import { NOT_STARTED, STOPPED } from "../../coordination/agent-state.ts";
import { FLAG_LOST } from "../../coordination/registry.ts";
import type { ThreadView } from "../plan/memory.ts";

/** The places of one thread for children that its agents spawn. None before they are surveyed. */
export class SpawnPlaces {
  readonly #view: ThreadView;
  #from = 0;
  #to = 0;
  #count = 0;
  #next = 0;

  constructor(view: ThreadView) {
    this.#view = view;
  }

  /** All of them lie from here … */
  get from(): number {
    return this.#from;
  }

  /** … to here, not included, among those of other threads. */
  get to(): number {
    return this.#to;
  }

  /** Its places need not be a run: children of a cut stay with their parents, whatever the number of threads. */
  survey(): void {
    const { topology, placement, thread } = this.#view;
    this.#from = topology.rows;
    this.#to = topology.rows;
    for (let index = topology.spawnBase; index < topology.rows; index++) {
      if (placement[index] !== thread) continue;
      this.#from = Math.min(this.#from, index);
      this.#to = index + 1;
      this.#count++;
    }
    this.#next = this.#from;
  }

  /** Index of a free place; MeshError MESH_SPAWN_LIMIT when there is none. */
  take(): number {
    // The places of the lost come last, so that who asks after one hears of it and not of a stranger.
    for (const sparesLost of [true, false]) {
      for (let tried = this.#from; tried < this.#to; tried++) {
        const index = this.#next;
        this.#next = index + 1 === this.#to ? this.#from : index + 1;
        if (this.#isFree(index, sparesLost)) return index;
      }
      // All that is left is theirs: they are forgotten together, or each spawn would look for others first.
      if (sparesLost) this.#forgetLost();
    }
    throw new MeshError(
      "MESH_SPAWN_LIMIT",
      `this worker's ${this.#count} places for spawned children are all in use (topology.spawnCapacity)`,
    );
  }

  #isFree(index: number, sparesLost: boolean): boolean {
    const { registry, placement, thread } = this.#view;
    const { state, flags } = registry;
    if (placement[index] !== thread) return false;
    if (state[index] === NOT_STARTED) return true;
    return state[index] === STOPPED && !(sparesLost && (flags[index] & FLAG_LOST) !== 0);
  }

  #forgetLost(): void {
    const { flags } = this.#view.registry;
    for (let index = this.#from; index < this.#to; index++) flags[index] &= ~FLAG_LOST;
  }
}
