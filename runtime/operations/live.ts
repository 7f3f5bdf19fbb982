import type { Clock } from "../../actors/ports.ts";
import { ACTIVE, DEGRADED, VACANT_SEAT } from "../../coordination/agent-state.ts";
import type { ArrivalErrorCounts } from "../../coordination/kpis.ts";
import {
  MARK_ACTED,
  MARK_CONFLICT,
  MARK_FAILED,
  MARK_PLANNED,
  MARK_READY,
  MARK_SENT,
  MARK_SKIPPED,
  markIn,
} from "../../coordination/operation-mark.ts";
import { FLAG_DEGRADED } from "../../coordination/registry.ts";
import { OperationFlag } from "../../mailbox/operation-frame.ts";
import type {
  CellColumn,
  EndedOperation,
  Live,
  LiveOperation,
  OperationCounts,
  SectorQueue,
} from "../api/live-api.ts";
import type { ThreadView } from "../plan/memory.ts";
import type { Gather, GatherEnd } from "./gather.ts";
import type { Gathers, GatherWatcher } from "./gathers.ts";
import { momentsOf } from "./moments.ts";
import type { Scorekeeper } from "./scorekeeper.ts";
import { strategyOf } from "./strategy.ts";

/** Operations that are out and told of at once. */
const MAX_LIVE = 8;
/** Ended ones that are remembered. */
const MAX_ENDED = 60;
/** Points of impedance to a step of its byte. */
const POINTS_A_STEP = 4;
const HIGHEST = 250;
const NOT_UP = 255;
/** Byte of a place nobody is in. */
const NOBODY = 254;
const MARKS = 8;

/** Agents of an operation: a bit for each, by sector. All that is kept of one that has ended. */
interface Addressed {
  readonly sector: number;
  readonly map: Int32Array;
}

/** Reads the registry as pictures, and remembers how operations went. */
export class LiveMesh implements Live, GatherWatcher {
  readonly #view: ThreadView;
  readonly #gathers: Gathers;
  readonly #scores: Scorekeeper;
  readonly #clock: Clock;
  readonly #out = new Map<number, Gather>();
  readonly #ended: EndedOperation[] = [];
  #newest: readonly Addressed[] = [];
  #newestOperation = 0;
  #endedCount = 0;

  constructor(view: ThreadView, gathers: Gathers, scores: Scorekeeper, clock: Clock) {
    this.#view = view;
    this.#gathers = gathers;
    this.#scores = scores;
    this.#clock = clock;
    gathers.watch(this);
  }

  began(gather: Gather): void {
    this.#out.set(gather.operation, gather);
    this.#newestOperation = gather.operation;
    // The maps alone: the gather itself has a row for each agent.
    this.#newest = Array.from(gather.shares.values(), ({ sector, map }) => ({ sector, map }));
  }

  ended(gather: Gather, end: GatherEnd): void {
    this.#out.delete(gather.operation);
    this.#endedCount++;
    if (this.#ended.length === MAX_ENDED) this.#ended.shift();
    this.#ended.push({
      ...this.#describe(gather),
      agents: countsOf(gather),
      endedMs: this.#clock.nowMs(),
      end,
      moments: momentsOf(gather),
    });
  }

  get endedCount(): number {
    return this.#endedCount;
  }

  cells(column: CellColumn, into: Uint8Array): void {
    const { registry, topology } = this.#view;
    const { agents } = topology;
    if (into.length < agents)
      throw new RangeError(`into: expected at least ${agents} bytes, got ${into.length}`);
    switch (column) {
      case "impedance":
        this.#impedance(into);
        break;
      case "state":
        for (let row = 0; row < agents; row++) {
          const slow = (registry.flags[row] & FLAG_DEGRADED) !== 0;
          into[row] = slow && registry.state[row] === ACTIVE ? DEGRADED : registry.state[row];
        }
        break;
      case "class":
        into.set(registry.class.subarray(0, agents));
        break;
      case "operation":
        this.#marks(into);
        break;
      default:
        column satisfies never;
    }
  }

  operations(): readonly LiveOperation[] {
    const newest = [...this.#out.values()].reverse().slice(0, MAX_LIVE);
    return newest.map((gather) => this.#describe(gather));
  }

  endedOperations(): readonly EndedOperation[] {
    return [...this.#ended];
  }

  queues(): readonly SectorQueue[] {
    const { registry, topology } = this.#view;
    return Array.from({ length: topology.sectors }, (_, sector) => {
      const from = sector * topology.agentsPerSector;
      let messages = 0;
      let bytes = 0;
      for (let row = from; row < from + topology.agentsPerSector; row++) {
        messages += registry.queueDepth[row];
        bytes += registry.queueBytes[row];
      }
      return { messages, bytes };
    });
  }

  arrivalErrorsBelow(boundsMs: readonly number[]): ArrivalErrorCounts {
    return this.#scores.arrivalErrorsBelow(boundsMs);
  }

  #impedance(into: Uint8Array): void {
    const { registry, topology } = this.#view;
    for (let row = 0; row < topology.agents; row++) {
      const state = registry.state[row];
      const step = (registry.score[row] / POINTS_A_STEP) | 0;
      if (state === ACTIVE || state === DEGRADED) into[row] = step < HIGHEST ? step : HIGHEST;
      else into[row] = state === VACANT_SEAT ? NOBODY : NOT_UP;
    }
  }

  #marks(into: Uint8Array): void {
    const { registry, topology } = this.#view;
    into.fill(0, 0, topology.agents);
    for (const { sector, map } of this.#newest) {
      const from = sector * topology.agentsPerSector;
      for (let bit = 0; bit < topology.agentsPerSector; bit++)
        if ((map[bit >>> 5] & (1 << (bit & 31))) !== 0)
          into[from + bit] = markIn(registry.mark[from + bit], this.#newestOperation);
    }
  }

  #describe(gather: Gather): LiveOperation {
    const { plan, shares } = gather;
    const { facts, flags, createdMs } = plan;
    const strategy = strategyOf(plan);
    const { confirmed } = this.#gathers.gateOf(gather);
    const seen = this.#look(gather);
    return {
      id: facts.messageId,
      verb: facts.verb,
      strategy,
      createdMs,
      arrivalMs: plan.arrivalMs || undefined,
      hold: (flags & OperationFlag.HOLD) !== 0,
      sectors: { expected: shares.size, confirmed: strategy === "wave" ? confirmed : seen.sectors },
      clusters: { expected: seen.expected, reached: seen.reached },
      agents: seen.agents,
    };
  }

  /** What the marks of its agents say, which is newer than what its sectors have reported. */
  #look(gather: Gather): {
    readonly sectors: number;
    readonly expected: number;
    readonly reached: number;
    readonly agents: OperationCounts;
  } {
    const { registry, topology } = this.#view;
    const { agentsPerCluster, agentsPerSector } = topology;
    const counts = new Uint32Array(MARKS);
    let sectors = 0;
    let expected = 0;
    let reached = 0;
    for (const { sector, map } of gather.shares.values()) {
      const first = sector * agentsPerSector;
      const before = reached;
      for (let from = 0; from < agentsPerSector; from += agentsPerCluster) {
        let addressed = 0;
        let touched = 0;
        for (let bit = from; bit < from + agentsPerCluster; bit++) {
          if ((map[bit >>> 5] & (1 << (bit & 31))) === 0) continue;
          const mark = markIn(registry.mark[first + bit], gather.operation);
          counts[mark]++;
          addressed++;
          if (mark !== 0) touched++;
        }
        if (addressed > 0) expected++;
        if (touched > 0) reached++;
      }
      if (reached > before) sectors++;
    }
    return { sectors, expected, reached, agents: countsOfMarks(gather.selected, counts) };
  }
}

function countsOfMarks(selected: number, counts: Uint32Array): OperationCounts {
  return {
    selected,
    planned: counts[MARK_PLANNED],
    sent: counts[MARK_SENT],
    ready: counts[MARK_READY] + counts[MARK_ACTED],
    acted: counts[MARK_ACTED],
    conflict: counts[MARK_CONFLICT],
    failed: counts[MARK_FAILED],
    skipped: counts[MARK_SKIPPED],
  };
}

/** As its sectors have reported. */
function countsOf({ selected, counts }: Gather): OperationCounts {
  const { ready, acted, conflict, failed, skipped } = counts;
  const sent = selected - ready - conflict - failed - skipped;
  return { selected, planned: 0, sent, ready, acted, conflict, failed, skipped };
}
