import type { MeshMessage } from "../actors/message.ts";
import type { QuorumDecision } from "../coordination/quorum.ts";
import type { Topology } from "../coordination/topology.ts";
import { GatherOutcome } from "./gather-outcome.ts";
import type {
  AgentOutcome,
  AgentPlan,
  CascadePhase,
  CascadeResult,
  CascadeStrategy,
  ConflictReport,
  ErrorSummary,
  GatherResult,
  ResumeOptions,
  TierReceipt,
} from "./operation-api.ts";
import type { Ended } from "./orchestrator.ts";

/** The result of a cascade: the gathers of its phases as one, and how far it came on each tier. */
export class CascadeOutcome implements CascadeResult {
  readonly strategy: CascadeStrategy;
  readonly phases: readonly CascadePhase[];
  readonly sectors: TierReceipt;
  readonly clusters: TierReceipt;
  readonly agents: TierReceipt;
  readonly #ended: readonly Ended[];
  readonly #whole: GatherOutcome;

  constructor(
    strategy: CascadeStrategy,
    ended: readonly Ended[],
    phases: readonly CascadePhase[],
    topology: Topology,
  ) {
    this.strategy = strategy;
    this.phases = phases;
    this.#ended = ended;
    this.#whole =
      ended.length === 1 ? ended[0].outcome : GatherOutcome.ofPhases(ended.map((e) => e.outcome));
    const receipts = ended.map((one) => tiersOf(one, topology));
    this.sectors = furthest(receipts.map(({ sectors }) => sectors));
    this.clusters = furthest(receipts.map(({ clusters }) => clusters));
    const { addressed, ready, conflict, elapsedMs } = this.#whole;
    this.agents = { expected: addressed, reached: ready + conflict, elapsedMs };
  }

  get status(): "SUCCESS" | "PARTIAL" | "FAILED_AT_SECTOR" {
    if (this.#ended.some(({ end }) => end === "gate-failed")) return "FAILED_AT_SECTOR";
    // A phase has its own threshold, and the cascade goes on without it: that is its degradation.
    if (this.phases.length > 0)
      return this.phases.some(({ degraded }) => degraded) ? "PARTIAL" : "SUCCESS";
    return this.#whole.status;
  }

  get operationId(): string {
    return this.#whole.operationId;
  }

  get message(): MeshMessage {
    return this.#whole.message;
  }

  get arrivalMs(): number | undefined {
    return this.#whole.arrivalMs;
  }

  get selected(): number {
    return this.#whole.selected;
  }

  get addressed(): number {
    return this.#whole.addressed;
  }

  get ready(): number {
    return this.#whole.ready;
  }

  get conflict(): number {
    return this.#whole.conflict;
  }

  get transit(): number {
    return this.#whole.transit;
  }

  get failed(): number {
    return this.#whole.failed;
  }

  get skipped(): number {
    return this.#whole.skipped;
  }

  get responseRate(): number {
    return this.#whole.responseRate;
  }

  get quorum(): QuorumDecision {
    return this.#whole.quorum;
  }

  get arrival(): ErrorSummary {
    return this.#whole.arrival;
  }

  get acting(): ErrorSummary {
    return this.#whole.acting;
  }

  get release(): ErrorSummary {
    return this.#whole.release;
  }

  get idleMs(): number {
    return this.#whole.idleMs;
  }

  get elapsedMs(): number {
    return this.#whole.elapsedMs;
  }

  get quorumMs(): number | undefined {
    return this.#whole.quorumMs;
  }

  get latency(): { readonly p50: number; readonly p95: number; readonly p99: number } {
    return this.#whole.latency;
  }

  get conflicts(): readonly ConflictReport[] {
    return this.#whole.conflicts;
  }

  plan(): Iterable<AgentPlan> {
    return this.#whole.plan();
  }

  outcomes(): Iterable<AgentOutcome> {
    return this.#whole.outcomes();
  }

  resume(options?: ResumeOptions): Promise<GatherResult> {
    return this.#whole.resume(options);
  }
}

interface Tiers {
  readonly sectors: TierReceipt;
  readonly clusters: TierReceipt;
}

function tiersOf({ gather, sectors, startedMs, endedMs }: Ended, topology: Topology): Tiers {
  const elapsedMs = (atMs: number): number => (atMs > 0 ? atMs : endedMs) - startedMs;
  let expected = 0;
  let reached = 0;
  let reporting = 0;
  for (const share of gather.shares.values()) {
    const clusters = new Set<number>();
    for (const bit of share.bits()) clusters.add(Math.floor(bit / topology.agentsPerCluster));
    expected += clusters.size;
    reached += share.clusters;
    if (share.planned) reporting++;
  }
  // Without a gate a sector that has reported has confirmed as well.
  const confirmed = Math.max(sectors.confirmed, reporting);
  return {
    sectors: {
      expected: gather.shares.size,
      reached: confirmed,
      elapsedMs: elapsedMs(sectors.openedMs),
    },
    clusters: { expected, reached, elapsedMs: elapsedMs(gather.plannedMs) },
  };
}

/** Over phases: what was reached in all of them, until the last was done. */
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
