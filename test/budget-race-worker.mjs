// One of several threads that race for the same budgets: takes and gives back as fast as it can.
import { parentPort, workerData } from "node:worker_threads";
import { BudgetTree } from "../dist/remote/llm-budget.js";

const { shared, topology, limits, thread, seed, rounds } = workerData;
const budget = new BudgetTree(shared, 0, topology, limits, thread);
let state = seed + thread;
const next = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};
const agents = topology.sectors * topology.clustersPerSector * topology.agentsPerCluster;
const out = [];
let spent = 0;
let refused = 0;
for (let i = 0; i < rounds; i++) {
  const most = { nanoUsd: 1 + Math.floor(next() * 50), tokens: 1 + Math.floor(next() * 20) };
  const reserved = budget.reserve(Math.floor(next() * agents), most);
  if ("call" in reserved) out.push({ call: reserved.call, most });
  else refused++;
  while (out.length > 8 || ("refusal" in reserved && out.length > 0)) {
    const { call, most: held } = out.shift();
    // Mostly less than it might have cost, and often nothing.
    const share = Math.max(0, next() * 1.5 - 0.5);
    const actual = {
      nanoUsd: Math.floor(held.nanoUsd * share),
      tokens: Math.floor(held.tokens * share),
    };
    spent += actual.tokens;
    budget.settle(call, actual);
  }
}
for (const { call } of out) budget.settle(call, { nanoUsd: 0, tokens: 0 });
parentPort.postMessage({ spent, refused });
