import assert from "node:assert/strict";
import { perSecond } from "./exchange.ts";
import { type Bench, type Measured, parameter } from "./harness.ts";
import { startMesh } from "./mesh.ts";

/*
 *   1,000 scatter-gathers, one a cluster, all out at once ──▶ each gets the answers of its own 30 agents
 */
const SECTORS = parameter("operations sectors", { smoke: 4, full: 100 });
const CLUSTERS = parameter("operations clusters a sector", { smoke: 3, full: 10 });
const AGENTS = parameter("operations agents a cluster", { smoke: 5, full: 30 });
const ROUNDS = parameter("operations rounds", { smoke: 2, full: 10 });

async function ours(measured: Measured): Promise<void> {
  await using mesh = await startMesh("agent-echo", {
    topology: { sectors: SECTORS, clustersPerSector: CLUSTERS, agentsPerCluster: AGENTS },
  });
  const clusters = SECTORS * CLUSTERS;
  const scatter = async (cluster: number, round: number): Promise<number> => {
    const sector = Math.floor(cluster / CLUSTERS) + 1;
    const select = `sector-${sector}/cluster-${(cluster % CLUSTERS) + 1}`;
    const payload = cluster * 1000 + round;
    const result = await mesh.scatterGather(
      { payload, at: "now" },
      { select, answers: true, timeoutMs: 30_000 },
    );
    assert.equal(result.ready, AGENTS);
    let mixed = 0;
    for (const { value } of result.outcomes()) if (value !== payload) mixed++;
    return mixed;
  };
  let mixed = 0;
  let startMs = 0;
  for (let round = 0; round <= ROUNDS; round++) {
    // The first is to warm up.
    if (round === 1) startMs = performance.now();
    const all = Array.from({ length: clusters }, (_, cluster) => scatter(cluster, round));
    for (const wrong of await Promise.all(all)) mixed += wrong;
  }
  const perS = perSecond(ROUNDS * clusters, performance.now() - startMs);
  const { lost } = mesh.status();
  assert.equal(lost + mixed, 0);
  measured("perSecond", perS);
  measured("mixed", mixed);
  measured("lost", lost);
}

export const operations: Bench = {
  name: "operations",
  question:
    "How many scatter-gathers of 30 agents a second, all 1,000 of the clusters' out at once?",
  metrics: {
    perSecond: { unit: "1/s", better: "more" },
    mixed: { unit: "1", better: "less", goal: 0 },
    lost: { unit: "1", better: "less", goal: 0 },
  },
  ours,
  peers: {},
};
