import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { ActorRef } from "../actors/ref.ts";
import type { Mesh } from "../runtime/api/mesh-api.ts";
import type { LedgerMessage, LedgerReport } from "./agent-ledger.ts";
import { type Bench, type Measured, type Metric, parameter, percentile } from "./harness.ts";
import { startMesh } from "./mesh.ts";

/*
 *   client ──numbers──▶ agents of worker 1 and worker 2, each keeps count and sum of what it was told
 *          ──kill─────▶ worker 1, then worker 2, then worker 1 …
 *          ──ask──────▶ all agents of the killed worker, until the last has answered
 */
const SECTORS = parameter("worker-kill sectors", { smoke: 2, full: 10 });
const CLUSTERS = parameter("worker-kill clusters a sector", { smoke: 2, full: 10 });
const AGENTS = parameter("worker-kill agents a cluster", { smoke: 5, full: 30 });
const KILLS = parameter("worker-kill kills", { smoke: 2, full: 20 });
const BETWEEN_MS = parameter("worker-kill ms between kills", { smoke: 50, full: 250 });
/** Messages a burst, a burst a millisecond. */
const BURST = parameter("worker-kill messages a ms", { smoke: 5, full: 50 });
const WORKERS = 2;
const LIMIT_MS = 30_000;

type Ledger = ActorRef<LedgerMessage, LedgerReport | undefined>;

/** Tells all agents in turn, and keeps the books of what was accepted. */
class Load {
  readonly counts: Float64Array;
  readonly sums: Float64Array;
  readonly #mesh: Mesh;
  readonly #ledgers: readonly Ledger[];
  readonly #done: Promise<void>;
  #stopped = false;

  constructor(mesh: Mesh, ledgers: readonly Ledger[]) {
    this.#mesh = mesh;
    this.#ledgers = ledgers;
    this.counts = new Float64Array(ledgers.length);
    this.sums = new Float64Array(ledgers.length);
    this.#done = this.#run();
  }

  /** Stops after the current burst; rejects when the load itself has failed. */
  stop(): Promise<void> {
    this.#stopped = true;
    return this.#done;
  }

  async #run(): Promise<void> {
    for (let number = 1; !this.#stopped; await sleep(1)) {
      for (let i = 0; i < BURST; i++, number++) {
        const agent = number % this.#ledgers.length;
        const receipt = this.#mesh.tell(this.#ledgers[agent], { number });
        const status = receipt.status === "waiting" ? await receipt : receipt.status;
        if (status !== "accepted") continue;
        this.counts[agent]++;
        this.sums[agent] += number;
      }
    }
  }
}

async function ours(measured: Measured): Promise<void> {
  await using mesh = await startMesh("agent-ledger", {
    workers: WORKERS,
    topology: { sectors: SECTORS, clustersPerSector: CLUSTERS, agentsPerCluster: AGENTS },
  });
  const ledgers = mesh.select("all") as readonly Ledger[];
  const report = async (ledger: Ledger): Promise<LedgerReport> => {
    const answer = await mesh.ask(ledger, "report", { timeoutMs: LIMIT_MS });
    assert.ok(answer.state === 1 && answer.value, `agent ${ledger} answered ${answer.state}`);
    return answer.value;
  };
  const ofWorker = await ledgersByWorker(mesh);
  const load = new Load(mesh, ledgers);
  const backMs = new Float64Array(KILLS);
  for (let kill = 0; kill < KILLS; kill++) {
    await sleep(BETWEEN_MS);
    const [worker, victims] = ofWorker[kill % WORKERS];
    const startMs = performance.now();
    await mesh.kill(worker);
    await Promise.all(victims.map(report));
    backMs[kill] = performance.now() - startMs;
  }
  await load.stop();
  let lost = 0;
  let twice = 0;
  const reports = await Promise.all(ledgers.map(report));
  for (const [agent, { count, sum }] of reports.entries()) {
    lost += Math.max(0, load.counts[agent] - count);
    twice += Math.max(0, count - load.counts[agent]);
    if (count === load.counts[agent]) assert.equal(sum, load.sums[agent]);
  }
  assert.deepEqual({ lost, twice }, { lost: 0, twice: 0 });
  const { restarts, lost: unaccounted } = mesh.status();
  assert.deepEqual([restarts.workers, unaccounted], [KILLS, 0]);
  measured("backMs.p50", percentile(backMs, 0.5));
  measured("backMs.p95", percentile(backMs, 0.95));
  measured("lost", lost);
  measured("twice", twice);
}

/** Each worker's name and its agents. Sectors are placed whole. */
async function ledgersByWorker(mesh: Mesh): Promise<[string, readonly Ledger[]][]> {
  const workers = new Map<string, Ledger[]>();
  for (let sector = 1; sector <= mesh.topology.sectors; sector++) {
    const { worker } = await mesh.inspect(`sector-${sector}/cluster-1/agent-1`);
    const ledgers = workers.get(worker) ?? [];
    ledgers.push(...(mesh.select(`sector-${sector}`) as readonly Ledger[]));
    workers.set(worker, ledgers);
  }
  assert.equal(workers.size, WORKERS);
  return [...workers];
}

const MS: Metric = { unit: "ms", better: "less" };
const NONE: Metric = { unit: "1", better: "less", goal: 0 };

export const workerKill: Bench = {
  name: "worker-kill",
  question:
    "How long until all agents of a worker that is killed under load answer again; none lost?",
  metrics: { "backMs.p50": MS, "backMs.p95": { ...MS, goal: 250 }, lost: NONE, twice: NONE },
  ours,
  peers: {},
};
