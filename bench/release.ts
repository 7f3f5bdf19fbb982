import assert from "node:assert/strict";
import type { PacedMessage } from "./agent-paced.ts";
import { type Bench, type Measured, median, parameter } from "./harness.ts";
import { startMesh } from "./mesh.ts";

/*
 *   agents that take 0 … 500 ms ──▶ releases spread over 500 ms before T ──▶ planned against actual time
 */
const SECTORS = parameter("release sectors", { smoke: 4, full: 100 });
const CLUSTERS = parameter("release clusters a sector", { smoke: 3, full: 10 });
const AGENTS = parameter("release agents a cluster", { smoke: 5, full: 30 });
const ROUNDS = parameter("release rounds", { smoke: 2, full: 20 });
const SPREAD_MS = parameter("release spread, ms", { smoke: 100, full: 500 });
/** Until the estimates are those of the agents, and no longer those of their classes. */
const WARM = 6;

async function ours(measured: Measured): Promise<void> {
  await using mesh = await startMesh("agent-paced", {
    topology: {
      sectors: SECTORS,
      clustersPerSector: CLUSTERS,
      agentsPerCluster: AGENTS,
      classes: { CLASS_A_EDGE: 1 },
    },
  });
  const agents = SECTORS * CLUSTERS * AGENTS;
  const payload: PacedMessage = { spreadMs: SPREAD_MS, agents };
  const quantiles = { p50: [], p90: [], p99: [] } as Record<"p50" | "p90" | "p99", number[]>;
  for (let round = -WARM; round < ROUNDS; round++) {
    const at = `in ${SPREAD_MS * 2 + 500}ms`;
    const result = await mesh.scatterGather({ payload, at }, { windowMs: 2000 });
    assert.equal(result.ready, agents);
    assert.equal(result.release.count, agents);
    if (round < 0) continue;
    for (const name of ["p50", "p90", "p99"] as const) quantiles[name].push(result.release[name]);
  }
  assert.equal(mesh.status().lost, 0);
  for (const [name, values] of Object.entries(quantiles)) measured(name, median(values));
}

export const release: Bench = {
  name: "release",
  question: "How far from its planned time is a message sent, with all agents' spread over 500 ms?",
  metrics: {
    p50: { unit: "ms", better: "less" },
    p90: { unit: "ms", better: "less" },
    p99: { unit: "ms", better: "less", goal: 1 },
  },
  ours,
  peers: {},
};
