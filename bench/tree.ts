import assert from "node:assert/strict";
import type { CountMessage } from "./agent-count.ts";
import { type Bench, type Measured, type Metric, parameter, percentile } from "./harness.ts";
import { startMesh } from "./mesh.ts";
import { erlang } from "./peer-erlang.ts";
import { treeByNact } from "./peer-nact-tree.ts";

/*
 *                    ┌─▶ coordinator ─┬─▶ lead ─┬─▶ agent
 *   one message ─────┤     × 100      │   × 10  ├─▶ agent     acknowledgements
 *                    └─▶ …            └─▶ …     └─▶ × 30      come back up as counts
 */
const SECTORS = parameter("tree sectors", { smoke: 4, full: 100 });
const CLUSTERS = parameter("tree clusters a sector", { smoke: 3, full: 10 });
const AGENTS = parameter("tree agents a cluster", { smoke: 5, full: 30 });
const ROUNDS = parameter("tree rounds", { smoke: 5, full: 200 });
const NACT_ROUNDS = parameter("tree rounds of nact", { smoke: 5, full: 20 });
const WARM = 5;

function measureTimes(times: ArrayLike<number>, measured: Measured): void {
  measured("p50", percentile(times, 0.5));
  measured("p99", percentile(times, 0.99));
}

async function ours(measured: Measured): Promise<void> {
  await using mesh = await startMesh("agent-count", {
    topology: { sectors: SECTORS, clustersPerSector: CLUSTERS, agentsPerCluster: AGENTS },
  });
  const agents = SECTORS * CLUSTERS * AGENTS;
  const broadcast = async (message: CountMessage): Promise<number> => {
    const startMs = performance.now();
    const result = await mesh.broadcast(message);
    const ms = performance.now() - startMs;
    assert.deepEqual(
      { addressed: result.addressed, ready: result.ready, conflict: result.conflict },
      { addressed: agents, ready: agents, conflict: 0 },
    );
    return ms;
  };
  for (let round = 0; round < WARM; round++) await broadcast("tick");
  const times = new Float64Array(ROUNDS);
  for (let round = 0; round < ROUNDS; round++) times[round] = await broadcast("tick");
  // Every agent contradicts this unless each round has reached it once.
  await broadcast({ expect: WARM + ROUNDS });
  assert.equal(mesh.status().lost, 0);
  measureTimes(times, measured);
}

const MS: Metric = { unit: "ms", better: "less" };

export const tree: Bench = {
  name: "tree",
  question:
    "How long does one message take down the tree to all agents, acknowledgements included?",
  metrics: { p50: { ...MS, goal: 4 }, p99: { ...MS, goal: 12 } },
  ours,
  peers: {
    nact: async (measured) =>
      measureTimes(await treeByNact([SECTORS, CLUSTERS, AGENTS], WARM, NACT_ROUNDS), measured),
    Erlang: erlang("tree", [SECTORS, CLUSTERS, AGENTS, ROUNDS]),
  },
};
