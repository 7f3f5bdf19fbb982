import { InvalidOptionError } from "../../actors/errors.ts";
import type { OperationEntry } from "../../coordination/conflict-entry.ts";
import type { EndedOperation, Live } from "../api/live-api.ts";
import type { RecordedOperation } from "../api/trace-api.ts";
import type { ConflictFacets } from "../conflicts/conflict-facets.ts";
import type { Gather } from "./gather.ts";
import type { GatherWatcher } from "./gathers.ts";

/** Operations that are told when nobody says how many, and at most. */
const DEFAULT_LIMIT = 50;
export const MOST_OPERATIONS = 10_000;
/** While so many entries wait for the store, the room that is left is that of conflicts. */
const MOST_WAITING = 10_000;

/**
 * How operations went: in a store that several nodes share all that have ended, of all of them; of a mesh with a log of
 * its own those that it remembers.
 */
export class PastOperations implements GatherWatcher {
  readonly #live: Live;
  readonly #conflicts: () => ConflictFacets;
  readonly #isShared: boolean;

  constructor(live: Live, conflicts: () => ConflictFacets, isShared: boolean) {
    this.#live = live;
    this.#conflicts = conflicts;
    this.#isShared = isShared;
  }

  began(_gather: Gather): void {}

  ended(): void {
    if (!this.#isShared) return;
    const facets = this.#conflicts();
    const last = this.#live.endedOperations().at(-1);
    if (last === undefined || facets.storeStatus().waiting >= MOST_WAITING) return;
    facets.recordOperation(entryOf(last));
  }

  /** Newest first. InvalidOptionError when the limit is none. */
  async list(limit: number = DEFAULT_LIMIT): Promise<readonly RecordedOperation[]> {
    if (!Number.isInteger(limit) || limit < 1 || limit > MOST_OPERATIONS)
      throw new InvalidOptionError("limit", limit, `a whole number from 1 to ${MOST_OPERATIONS}`);
    if (this.#isShared) return this.#conflicts().operations(limit);
    return this.#live.endedOperations().toReversed().slice(0, limit).map(entryOf);
  }
}

function entryOf({
  id,
  verb,
  strategy,
  createdMs,
  arrivalMs,
  endedMs,
  end,
  agents,
}: EndedOperation): OperationEntry {
  const { selected, ready, acted, conflict, failed, skipped } = agents;
  return {
    operationId: id,
    verb,
    strategy,
    createdMs,
    ...(arrivalMs !== undefined && arrivalMs > 0 && { arrivalMs }),
    endedMs,
    end,
    selected,
    ready,
    acted,
    conflict,
    failed,
    skipped,
  };
}
