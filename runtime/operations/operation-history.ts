import { InvalidOptionError, MeshError } from "../../actors/errors.ts";
import type { Clock } from "../../actors/ports.ts";
import type { EndedOperation } from "../api/live-api.ts";
import type { OperationTrace, OperationTraceOptions } from "../api/trace-api.ts";
import type { ThreadView } from "../plan/memory.ts";
import type { Gather, GatherEnd } from "./gather.ts";
import type { Gathers, GatherWatcher } from "./gathers.ts";
import { type ShareRecord, slowestPaths, type TierRecord, tiersOf } from "./operation-tiers.ts";
import { selectRange } from "./selection.ts";
import { strategyOf } from "./strategy.ts";

/** Ended operations that are remembered. */
const MAX_ENDED = 60;
/** Bytes of their agents' rows; of the oldest only the sectors' times are kept when there are more. */
export const MAX_ROW_BYTES: number = 16 * 1_048_576;
/** Paths that are told when nobody says how many, and at most. */
const PATHS = 20;
export const MAX_PATHS = 10_000;

/** What names the newest of all. */
const LAST = "last";

/** An operation that is out, or has ended. */
interface Remembered extends TierRecord {
  readonly id: string;
  readonly verb: OperationTrace["verb"];
  readonly strategy: OperationTrace["strategy"];
  readonly state: "running" | EndedOperation["end"];
  readonly gateMs: number | undefined;
  readonly endedMs: number | undefined;
  readonly shares: readonly (ShareRecord & { rows: Float32Array | undefined })[];
}

/** Remembers the ways of operations: those that are out, and the last that have ended. */
export class OperationHistory implements GatherWatcher {
  readonly #view: ThreadView;
  readonly #gathers: Gathers;
  readonly #clock: Clock;
  readonly #out = new Map<number, Gather>();
  /** Oldest first. */
  readonly #ended: Remembered[] = [];
  #rowBytes = 0;

  constructor(view: ThreadView, gathers: Gathers, clock: Clock) {
    this.#view = view;
    this.#gathers = gathers;
    this.#clock = clock;
    gathers.watch(this);
  }

  began(gather: Gather): void {
    this.#out.set(gather.operation, gather);
  }

  ended(gather: Gather, end: GatherEnd): void {
    this.#out.delete(gather.operation);
    const remembered = this.#remember(gather, end, this.#clock.nowMs());
    this.#ended.push(remembered);
    this.#rowBytes += rowBytesOf(remembered);
    if (this.#ended.length > MAX_ENDED) {
      const [oldest] = this.#ended.splice(0, 1);
      this.#rowBytes -= rowBytesOf(oldest);
    }
    for (const old of this.#ended) {
      if (this.#rowBytes <= MAX_ROW_BYTES) break;
      this.#rowBytes -= rowBytesOf(old);
      for (const share of old.shares) share.rows = undefined;
    }
  }

  /** See `Traces.operation`. */
  trace(operationId: string, options: OperationTraceOptions = {}): OperationTrace {
    const { limit = PATHS, within } = options;
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PATHS)
      throw new InvalidOptionError("limit", limit, `a whole number from 1 to ${MAX_PATHS}`);
    const { topology } = this.#view;
    const spans = within === undefined ? undefined : selectRange(topology, within);
    const found = this.#find(operationId);
    const { id, verb, strategy, state, createdMs, arrivalMs, gateMs, endedMs } = found;
    const tiers = tiersOf(found, topology);
    const hops = tiers.map(({ hop }) => hop);
    const { paths, total } = slowestPaths(found, tiers, topology, spans, limit);
    return {
      operationId: id,
      verb,
      strategy,
      state,
      createdMs,
      ...(arrivalMs > 0 && { arrivalMs }),
      ...(gateMs !== undefined && { gateMs }),
      ...(endedMs !== undefined && { endedMs }),
      selected: hops.reduce((sum, { agents }) => sum + agents, 0),
      ready: hops.reduce((sum, { ready }) => sum + ready, 0),
      sectors: hops.length,
      clusters: tiers.reduce((sum, { clusters }) => sum + clusters.length, 0),
      agentTimes: found.shares.some(({ rows }) => rows !== undefined),
      total,
      paths,
    };
  }

  /** The newest of this id: an operation that is tried again keeps its own. */
  #find(operationId: string): Remembered {
    const isMeant = (id: string): boolean => operationId === LAST || id === operationId;
    const out = [...this.#out.values()].findLast(({ plan }) => isMeant(plan.facts.messageId));
    if (out !== undefined) return this.#remember(out, "running", undefined);
    const ended = this.#ended.findLast(({ id }) => isMeant(id));
    if (ended !== undefined) return ended;
    throw new MeshError(
      "MESH_NOT_TRACED",
      `trace: nothing is remembered of operation ${operationId}: ` +
        `those that are out and the last ${MAX_ENDED} that have ended are`,
    );
  }

  #remember(gather: Gather, state: Remembered["state"], endedMs: number | undefined): Remembered {
    const { operation, plan, shares } = gather;
    const strategy = strategyOf(plan);
    const { openedMs } = this.#gathers.gateOf(gather);
    return {
      operation,
      id: plan.facts.messageId,
      verb: plan.facts.verb,
      strategy,
      state,
      createdMs: plan.createdMs,
      arrivalMs: plan.arrivalMs,
      gateMs: strategy === "wave" && openedMs > 0 ? openedMs : undefined,
      endedMs,
      shares: Array.from(shares.values(), shareRecord),
      // A later operation writes over the bytes of one that has ended.
      marks: endedMs === undefined ? this.#view.registry.mark : undefined,
    };
  }
}

/** Without what else a share holds, and so that its rows can be let go of. */
function shareRecord(share: ShareRecord): ShareRecord & { rows: Float32Array | undefined } {
  const { sector, map, maps, rows, takenMs, plannedMs, reportedMs, arrivedMs } = share;
  return { sector, map, maps, rows, takenMs, plannedMs, reportedMs, arrivedMs };
}

function rowBytesOf({ shares }: Remembered): number {
  return shares.reduce((sum, { rows }) => sum + (rows?.byteLength ?? 0), 0);
}
