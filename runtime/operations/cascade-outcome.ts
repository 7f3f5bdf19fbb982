import { MeshError } from "../../actors/errors.ts";
import type { Topology } from "../../coordination/topology.ts";
import type {
  CascadePhase,
  CascadeResult,
  CascadeStrategy,
  GatherResult,
  ResumeOptions,
  TierReceipt,
} from "../api/operation-api.ts";
import type { SectorShare } from "./gather.ts";
import { gatherOutcome } from "./gather-outcome.ts";
import type { Ended } from "./orchestrator.ts";

/** The result of a cascade: the gathers of its phases as one, and how far it came on each tier. */
export function cascadeOutcome(
  strategy: CascadeStrategy,
  ended: readonly Ended[],
  phases: readonly CascadePhase[],
  people: Promise<GatherResult> | undefined,
  topology: Topology,
): CascadeResult {
  const whole = ended.length === 1 ? ended[0].outcome : wholeOf(ended);
  const tiers = ended.map((one) => tiersOf(one, topology));
  const { addressed, ready, conflict, elapsedMs } = whole;
  const own: Pick<
    CascadeResult,
    "status" | "strategy" | "phases" | "people" | "sectors" | "clusters" | "agents"
  > = {
    status: statusOf(ended, phases, whole),
    strategy,
    phases,
    people,
    sectors: furthest(tiers.map(({ sectors }) => sectors)),
    clusters: furthest(tiers.map(({ clusters }) => clusters)),
    agents: { expected: addressed, reached: ready + conflict, elapsedMs },
  };
  // By descriptors, so that what is made when it is read stays so.
  return Object.defineProperties(
    {},
    { ...Object.getOwnPropertyDescriptors(whole), ...Object.getOwnPropertyDescriptors(own) },
  ) as CascadeResult;
}

/** The phases of one operation as one; their times add up. A resume of it tries all that is left. */
function wholeOf(ended: readonly Ended[]): GatherResult {
  const outcomes = ended.map(({ outcome }) => outcome);
  const isAchieved = outcomes.every(({ quorumMs }) => quorumMs !== undefined);
  return gatherOutcome(
    ended.map(({ gather }) => gather),
    {
      ...ended[0].facts,
      shut: Int32Array.from(ended.flatMap(({ facts }) => [...facts.shut])),
      elapsedMs: outcomes.reduce((sum, { elapsedMs }) => sum + elapsedMs, 0),
      quorumMs: isAchieved
        ? outcomes.reduce((sum, { quorumMs = 0 }) => sum + quorumMs, 0)
        : undefined,
      resume: (options) => resumeFirstOpen(outcomes, options),
    },
  );
}

/** Resumes the phases that have something left, one after the other; the result is that of the last. */
async function resumeFirstOpen(
  outcomes: readonly GatherResult[],
  options: ResumeOptions | undefined,
): Promise<GatherResult> {
  const open = outcomes.filter(({ ready, conflict, selected }) => ready + conflict < selected);
  let last: GatherResult | undefined;
  for (const outcome of open) {
    try {
      last = await outcome.resume(options);
    } catch (error) {
      // What is left of a phase may all be behind open circuits: the next one is tried all the same.
      if (!(error instanceof MeshError) || error.code !== "MESH_NOTHING_LEFT") throw error;
    }
  }
  return last ?? outcomes[0].resume(options);
}

function statusOf(
  ended: readonly Ended[],
  phases: readonly CascadePhase[],
  whole: GatherResult,
): CascadeResult["status"] {
  if (ended.some(({ end }) => end === "gate-failed")) return "FAILED_AT_SECTOR";
  // A phase has its own threshold, and the cascade goes on without it: that is its degradation.
  if (phases.length > 0) return phases.some(({ degraded }) => degraded) ? "PARTIAL" : "SUCCESS";
  return whole.status;
}

interface Tiers {
  readonly sectors: TierReceipt;
  readonly clusters: TierReceipt;
}

function tiersOf({ gather, end, sectors, startedMs, endedMs }: Ended, topology: Topology): Tiers {
  const elapsedMs = (atMs: number): number => (atMs > 0 ? atMs : endedMs) - startedMs;
  let expected = 0;
  let reached = 0;
  let reporting = 0;
  let plannedMs = 0;
  for (const share of gather.shares.values()) {
    expected += clustersOf(share, topology);
    reached += share.clusters;
    if (share.plannedMs === 0) continue;
    reporting++;
    plannedMs = Math.max(plannedMs, share.plannedMs);
  }
  // Without a gate a sector that has reported has confirmed as well.
  const confirmed =
    end === "gate-failed" ? sectors.confirmed : Math.max(sectors.confirmed, reporting);
  return {
    sectors: {
      expected: gather.shares.size,
      reached: confirmed,
      elapsedMs: elapsedMs(sectors.openedMs),
    },
    clusters: { expected, reached, elapsedMs: elapsedMs(plannedMs) },
  };
}

/** Clusters of which at least one agent is addressed. */
function clustersOf(share: SectorShare, topology: Topology): number {
  if (share.selected === topology.agentsPerSector) return topology.clustersPerSector;
  const clusters = new Set<number>();
  for (const bit of share.bits()) clusters.add(Math.floor(bit / topology.agentsPerCluster));
  return clusters.size;
}

/** Over phases: the furthest that any came, and the time of all. */
function furthest(receipts: readonly TierReceipt[]): TierReceipt {
  let expected = 0;
  let reached = 0;
  let elapsedMs = 0;
  for (const receipt of receipts) {
    expected = Math.max(expected, receipt.expected);
    reached = Math.max(reached, receipt.reached);
    elapsedMs += receipt.elapsedMs;
  }
  return { expected, reached, elapsedMs };
}
