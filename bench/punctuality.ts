import assert from "node:assert/strict";
import type { GatherResult } from "../index.ts";
import { type Bench, type Measured, parameter, percentile } from "./harness.ts";
import { startMesh } from "./mesh.ts";

/*
 *   agents that replay measured latencies, live on threads ──▶ READY by T? acting at T? idle how long before?
 *                                                                  against the oracle, who knows the delays
 *                                                                  before and after, but not this one
 */
const SECTORS = parameter("punctuality sectors", { smoke: 4, full: 100 });
const CLUSTERS = parameter("punctuality clusters a sector", { smoke: 3, full: 10 });
const AGENTS = parameter("punctuality agents a cluster", { smoke: 10, full: 30 });
const WARM = parameter("punctuality rounds to learn", { smoke: 2, full: 30 });
const ROUNDS = parameter("punctuality rounds", { smoke: 3, full: 40 });
const READY_BY = 0.95;
/** Every agent but people, who have their own deadline. */
const MACHINES = {
  CLASS_A_EDGE: 10,
  CLASS_B_SERVERLESS: 8,
  CLASS_C_PERSISTENT: 5,
  CLASS_D_GPU: 2,
  CLASS_E_LOCAL: 3,
};
/** Neighbours that the oracle looks at, before and after. */
const NEIGHBOURS = 12;

/** Delays from sending to READY, by agent and round; NaN where it was not READY. */
type Delays = Map<string, number[]>;

function note(delays: Delays, result: GatherResult, round: number): void {
  const leads = new Map<string, number>();
  for (const plan of result.plan()) {
    if (plan.status === "SCHEDULED") leads.set(plan.address, plan.leadTimeMs);
  }
  for (const { address, readyErrorMs } of result.outcomes()) {
    const lead = leads.get(address);
    // Of an operation that went around it nothing is known.
    const list = delays.get(address) ?? new Array<number>(ROUNDS).fill(Number.NaN);
    delays.set(address, list);
    list[round] =
      lead === undefined || readyErrorMs === undefined ? Number.NaN : lead + readyErrorMs;
  }
}

/** Mean idle time of the oracle: the quantile of the delays before and after each, itself left out. */
function oracleIdleMs(delays: Delays): number {
  let idle = 0;
  let count = 0;
  for (const list of delays.values()) {
    for (let round = 0; round < list.length; round++) {
      const delay = list[round];
      if (Number.isNaN(delay)) continue;
      const near = list
        .slice(Math.max(0, round - NEIGHBOURS), round)
        .concat(list.slice(round + 1, round + 1 + NEIGHBOURS))
        .filter((other) => !Number.isNaN(other));
      if (near.length === 0) continue;
      idle += Math.max(0, percentile(near, READY_BY) - delay);
      count++;
    }
  }
  return idle / count;
}

async function ours(measured: Measured): Promise<void> {
  await using mesh = await startMesh("../remote/trace-agent", {
    topology: {
      sectors: SECTORS,
      clustersPerSector: CLUSTERS,
      agentsPerCluster: AGENTS,
      classes: MACHINES,
    },
  });
  const delays: Delays = new Map();
  let sent = 0;
  let punctual = 0;
  let acting = 0;
  let idleMs = 0;
  let ready = 0;
  for (let round = -WARM; round < ROUNDS; round++) {
    const result = await mesh.scatterGather(
      { payload: round, at: "in 2500ms", readyBy: READY_BY },
      { windowMs: 1500, timeoutMs: 10_000 },
    );
    assert.equal(result.addressed + result.skipped, result.selected);
    if (round < 0) continue;
    note(delays, result, round);
    // An agent whose latency jumped is routed around; here it counts as one that was not READY.
    sent += SECTORS * CLUSTERS * AGENTS - result.skipped;
    ready += result.ready;
    for (const { readyErrorMs = 1 } of result.outcomes()) if (readyErrorMs <= 0) punctual++;
    acting += result.acting.within50 * result.acting.count;
    idleMs += result.idleMs * result.ready;
  }
  assert.equal(mesh.status().lost, 0);
  measured("readyByT", (100 * punctual) / sent);
  measured("actingWithin50", (100 * acting) / sent);
  measured("idle", idleMs / ready);
  measured("idleOfOracle", oracleIdleMs(delays));
  measured("idleRatio", idleMs / ready / oracleIdleMs(delays));
}

export const punctuality: Bench = {
  name: "punctuality",
  question:
    "How many agents with measured latencies, live on threads, are READY by T and act at T?",
  metrics: {
    readyByT: { unit: "%", better: "more", goal: 94.5 },
    actingWithin50: { unit: "%", better: "more", goal: 98 },
    idle: { unit: "ms", better: "less" },
    idleOfOracle: { unit: "ms", better: "less" },
    idleRatio: { unit: "1", better: "less", goal: 1.25 },
  },
  ours,
  peers: {},
};
