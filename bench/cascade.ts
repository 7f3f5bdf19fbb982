import assert from "node:assert/strict";
import type { CountMessage } from "./agent-count.ts";
import { type Bench, type Measured, type Metric, parameter, percentile } from "./harness.ts";
import { startMesh } from "./mesh.ts";
import { erlang } from "./peer-erlang.ts";
import { treeByNact } from "./peer-nact-tree.ts";

/*
 *                 ┌─▶ coordinator, confirms ─┐
 *   orchestrator ─┤        × 100             ├─ gate ─▶ leads ─▶ agents, empty handlers ─▶ reports, rows
 *                 └─▶ …                      ┘
 */
const SECTORS = parameter("cascade sectors", { smoke: 4, full: 100 });
const CLUSTERS = parameter("cascade clusters a sector", { smoke: 3, full: 10 });
const AGENTS = parameter("cascade agents a cluster", { smoke: 5, full: 30 });
const ROUNDS = parameter("cascade rounds", { smoke: 5, full: 300 });
const NACT_ROUNDS = parameter("cascade rounds of nact", { smoke: 5, full: 20 });
const WARM = 20;

function measureTimes(times: ArrayLike<number>, measured: Measured): void {
  measured("p50", percentile(times, 0.5));
  measured("p95", percentile(times, 0.95));
  measured("p99", percentile(times, 0.99));
}

async function ours(measured: Measured): Promise<void> {
  await using mesh = await startMesh("agent-count", {
    topology: { sectors: SECTORS, clustersPerSector: CLUSTERS, agentsPerCluster: AGENTS },
  });
  const agents = SECTORS * CLUSTERS * AGENTS;
  const cascade = async (payload: CountMessage): Promise<number> => {
    const startMs = performance.now();
    const result = await mesh.cascade({ payload, at: "now" }, { strategy: "wave" });
    const ms = performance.now() - startMs;
    assert.equal(result.status, "SUCCESS");
    assert.deepEqual(
      { addressed: result.addressed, ready: result.ready, sectors: result.sectors.reached },
      { addressed: agents, ready: agents, sectors: SECTORS },
    );
    return ms;
  };
  for (let round = 0; round < WARM; round++) await cascade("tick");
  const times = new Float64Array(ROUNDS);
  for (let round = 0; round < ROUNDS; round++) times[round] = await cascade("tick");
  // Every agent contradicts this unless each round has reached it once.
  await cascade({ expect: WARM + ROUNDS });
  assert.equal(mesh.status().lost, 0);
  measureTimes(times, measured);
}

const MS: Metric = { unit: "ms", better: "less" };

export const cascade: Bench = {
  name: "cascade",
  question: "How long does a wave to all agents take, confirmations of sectors and acks included?",
  metrics: { p50: { ...MS, goal: 6 }, p95: { ...MS, goal: 12 }, p99: { ...MS, goal: 25 } },
  ours,
  peers: {
    nact: async (measured) =>
      measureTimes(await treeByNact([SECTORS, CLUSTERS, AGENTS], WARM, NACT_ROUNDS), measured),
    Erlang: erlang("tree", [SECTORS, CLUSTERS, AGENTS, ROUNDS]),
  },
};
