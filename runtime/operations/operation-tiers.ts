/**
 * The way of an operation down the tree and back, read from what its sectors have told of it:
 *
 *   created ─▶ taken by the sector ─▶ (gate) ─▶ planned by its leads ─▶ sent ─▶ READY ─▶ acted
 *                                                                                  │
 *   arrived at main ◀─ reported by the sector ◀─ folded: the last of the cluster ◀─┘
 */
import { addressOf } from "../../coordination/address.ts";
import {
  MARK_ACTED,
  MARK_CONFLICT,
  MARK_FAILED,
  MARK_NONE,
  MARK_PLANNED,
  MARK_READY,
  MARK_SENT,
  MARK_SKIPPED,
  markIn,
  type OperationMark,
} from "../../coordination/operation-mark.ts";
import { coordinatorOf, leadOf, type Topology } from "../../coordination/topology.ts";
import {
  ROW_ACT_ERROR,
  ROW_LEAD,
  ROW_READY_ERROR,
  ROW_RELEASE_ERROR,
  rowFloats,
} from "../../mailbox/operation-frame.ts";
import { ProgressMap } from "../../supervisors/sector-coordinator.ts";
import type { AgentPath, ClusterHop, PathOutcome, SectorHop } from "../api/trace-api.ts";
import { bitsOf, type SectorShare } from "./gather.ts";

/** What is kept of a sector's share: enough to tell its way. */
export type ShareRecord = Pick<
  SectorShare,
  "sector" | "map" | "maps" | "rows" | "takenMs" | "plannedMs" | "reportedMs" | "arrivedMs"
>;

/** What is kept of an operation. Times are ms of the mesh clock. */
export interface TierRecord {
  /** Its number. */
  readonly operation: number;
  readonly createdMs: number;
  /** 0 when it was to be as soon as possible. */
  readonly arrivalMs: number;
  readonly shares: readonly ShareRecord[];
  /** Bytes of the registry that say how its agents stand now; of one that has ended, only its sectors count. */
  readonly marks: Uint8Array | undefined;
}

/** A sector's hop with those below it. */
export interface SectorTier {
  readonly hop: SectorHop;
  readonly clusters: readonly ClusterHop[];
}

/** The agents [from, to) alone are looked at. */
export interface AgentSpan {
  readonly from: number;
  readonly to: number;
}

/** An agent's part, before it is put into words. */
interface AgentTimes {
  readonly share: ShareRecord;
  readonly agent: number;
  readonly mark: OperationMark;
  /** NaN where it is not known. */
  readonly plannedMs: number;
  readonly sentMs: number;
  readonly readyMs: number;
  readonly actedMs: number;
}

const OUTCOMES: Readonly<Record<OperationMark, PathOutcome>> = {
  [MARK_NONE]: "transit",
  [MARK_SENT]: "transit",
  [MARK_READY]: "ready",
  [MARK_ACTED]: "acted",
  [MARK_CONFLICT]: "conflict",
  [MARK_FAILED]: "failed",
  [MARK_SKIPPED]: "skipped",
  [MARK_PLANNED]: "planned",
};

/** All sectors and clusters that it concerned, in their order. */
export function tiersOf(record: TierRecord, topology: Topology): SectorTier[] {
  return record.shares.map((share) => tierOf(record, share, topology));
}

function tierOf(record: TierRecord, share: ShareRecord, topology: Topology): SectorTier {
  const clusters: ClusterHop[] = [];
  const sector = new Fold();
  let cluster = -1;
  let fold = new Fold();
  const close = (): void => {
    if (cluster < 0) return;
    clusters.push({ address: addressOf(topology, leadOf(topology, cluster)), ...fold.counts() });
    sector.join(fold);
  };
  for (const times of timesOf(record, share, topology)) {
    const own = Math.floor(times.agent / topology.agentsPerCluster);
    if (own !== cluster) {
      close();
      cluster = own;
      fold = new Fold();
    }
    fold.add(times);
  }
  close();
  const { takenMs, plannedMs, reportedMs, arrivedMs } = share;
  const hop: SectorHop = {
    address: addressOf(topology, coordinatorOf(topology, share.sector)),
    ...sector.counts(),
    ...(takenMs > 0 && { takenMs }),
    ...(plannedMs > 0 && { plannedMs }),
    ...(reportedMs > 0 && { reportedMs }),
    ...(arrivedMs > 0 && { arrivedMs }),
  };
  return { hop, clusters };
}

/** Counts agents, and when the first was sent to and the last had answered. */
class Fold {
  #agents = 0;
  #ready = 0;
  #sentMs = Number.POSITIVE_INFINITY;
  #foldedMs = 0;
  #actedMs = 0;

  add({ mark, sentMs, readyMs, actedMs }: AgentTimes): void {
    this.#agents++;
    if (mark === MARK_READY || mark === MARK_ACTED) this.#ready++;
    if (sentMs < this.#sentMs) this.#sentMs = sentMs;
    if (readyMs > this.#foldedMs) this.#foldedMs = readyMs;
    if (actedMs > this.#actedMs) this.#actedMs = actedMs;
  }

  join(other: Fold): void {
    this.#agents += other.#agents;
    this.#ready += other.#ready;
    this.#sentMs = Math.min(this.#sentMs, other.#sentMs);
    this.#foldedMs = Math.max(this.#foldedMs, other.#foldedMs);
    this.#actedMs = Math.max(this.#actedMs, other.#actedMs);
  }

  counts(): Omit<ClusterHop, "address"> {
    return {
      agents: this.#agents,
      ready: this.#ready,
      ...(Number.isFinite(this.#sentMs) && { sentMs: this.#sentMs }),
      ...(this.#foldedMs > 0 && { foldedMs: this.#foldedMs }),
      ...(this.#actedMs > 0 && { actedMs: this.#actedMs }),
    };
  }
}

/** The slowest of its paths, at most `limit`: who has not answered first, then by when they did, the last first. */
export function slowestPaths(
  record: TierRecord,
  tiers: readonly SectorTier[],
  topology: Topology,
  spans: readonly AgentSpan[] | undefined,
  limit: number,
): { readonly paths: readonly AgentPath[]; readonly total: number } {
  const slowest = new Slowest(limit);
  let total = 0;
  for (const share of record.shares) {
    const first = share.sector * topology.agentsPerSector;
    if (spans?.every((span) => span.to <= first || span.from >= first + topology.agentsPerSector))
      continue;
    for (const times of timesOf(record, share, topology)) {
      const { agent } = times;
      if (spans?.every(({ from, to }) => agent < from || agent >= to)) continue;
      total++;
      slowest.offer(slownessOf(times), times);
    }
  }
  const tierBySector = new Map(tiers.map((tier, i) => [record.shares[i].sector, tier]));
  const paths = slowest.all().map((times) => {
    const tier = tierBySector.get(times.share.sector) as SectorTier;
    return pathOf(times, tier, topology);
  });
  return { paths, total };
}

function pathOf(times: AgentTimes, tier: SectorTier, topology: Topology): AgentPath {
  const { agent, mark, plannedMs, sentMs, readyMs, actedMs } = times;
  const cluster = Math.floor(agent / topology.agentsPerCluster);
  const lead = addressOf(topology, leadOf(topology, cluster));
  return {
    address: addressOf(topology, agent),
    outcome: OUTCOMES[mark],
    sector: tier.hop,
    cluster: tier.clusters.find(({ address }) => address === lead) as ClusterHop,
    ...known("plannedMs", plannedMs),
    ...known("sentMs", sentMs),
    ...known("readyMs", readyMs),
    ...known("actedMs", actedMs),
  };
}

function known<Name extends string>(name: Name, ms: number): { [name in Name]?: number } {
  return (Number.isNaN(ms) ? {} : { [name]: ms }) as { [name in Name]?: number };
}

/** Later than all that have a time. */
const FAILED_SLOWNESS = 1e300;

function slownessOf({ mark, readyMs }: AgentTimes): number {
  switch (mark) {
    case MARK_NONE:
    case MARK_SENT:
    case MARK_PLANNED:
      return Number.POSITIVE_INFINITY;
    case MARK_FAILED:
      return FAILED_SLOWNESS;
    case MARK_SKIPPED:
      return -1;
    case MARK_READY:
    case MARK_ACTED:
    case MARK_CONFLICT:
      return Number.isNaN(readyMs) ? 0 : readyMs;
  }
}

/** What its agents' rows and maps say, in the order of the agents. */
function* timesOf(
  record: TierRecord,
  share: ShareRecord,
  topology: Topology,
): Iterable<AgentTimes> {
  const { arrivalMs, createdMs } = record;
  const timed = arrivalMs > 0;
  const { rows } = share;
  const stride = rowFloats(timed);
  const column = (at: number, column: number): number => rows?.[at + column] ?? Number.NaN;
  let place = 0;
  for (const bit of bitsOf(share.map)) {
    const agent = share.sector * topology.agentsPerSector + bit;
    const mark = markOf(record, share, bit, agent);
    const at = place++ * stride;
    if (timed) {
      const plannedMs = mark === MARK_SKIPPED ? Number.NaN : arrivalMs - column(at, ROW_LEAD);
      yield {
        share,
        agent,
        mark,
        plannedMs,
        sentMs: plannedMs + column(at, ROW_RELEASE_ERROR),
        readyMs: arrivalMs + column(at, ROW_READY_ERROR),
        actedMs: arrivalMs + column(at, ROW_ACT_ERROR),
      };
    } else {
      // Without a T nothing is planned: its lead sends to an agent when it has its part.
      const sentMs = share.plannedMs > 0 ? share.plannedMs : Number.NaN;
      const readyMs = createdMs + column(at, 0);
      yield { share, agent, mark, plannedMs: Number.NaN, sentMs, readyMs, actedMs: Number.NaN };
    }
  }
}

/** As its sector has reported; before it has, as the byte of the registry says. */
function markOf(record: TierRecord, share: ShareRecord, bit: number, agent: number): OperationMark {
  const has = (map: number): boolean =>
    (share.maps[map * share.map.length + (bit >>> 5)] & (1 << (bit & 31))) !== 0;
  if (has(ProgressMap.SKIPPED)) return MARK_SKIPPED;
  if (has(ProgressMap.CONFLICT)) return MARK_CONFLICT;
  if (has(ProgressMap.FAILED)) return MARK_FAILED;
  if (has(ProgressMap.ACTED)) return MARK_ACTED;
  if (has(ProgressMap.DONE)) return MARK_READY;
  if (record.marks === undefined || share.arrivedMs > 0) return MARK_SENT;
  return markIn(record.marks[agent], record.operation) as OperationMark;
}

/** The `limit` largest of what is offered, the largest first; of equals the first offered. */
class Slowest {
  readonly #limit: number;
  readonly #keys: number[] = [];
  readonly #times: AgentTimes[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  offer(key: number, times: AgentTimes): void {
    const keys = this.#keys;
    if (keys.length === this.#limit && !(key > keys[keys.length - 1])) return;
    let low = 0;
    let high = keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (keys[middle] >= key) low = middle + 1;
      else high = middle;
    }
    keys.splice(low, 0, key);
    this.#times.splice(low, 0, times);
    if (keys.length <= this.#limit) return;
    keys.pop();
    this.#times.pop();
  }

  all(): readonly AgentTimes[] {
    return this.#times;
  }
}
