// The budgets of language models, while threads race for them: no node ever holds more than its limit.
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { assert, test } from "vitest";
import { createTopology } from "../coordination/topology.ts";
import { BudgetTree, budgetBytes } from "../remote/llm-budget.ts";

const SHAPE = { sectors: 2, clustersPerSector: 2, agentsPerCluster: 5 };
const NODES = 1 + 2 + 4;
const THREADS = 3;
const LIMITS = {
  mesh: { nanoUsd: 60_000, tokens: 12_000 },
  sector: { nanoUsd: 40_000, tokens: 7_000 },
  cluster: { tokens: 4_000 },
};

function limitAt(place: number): { readonly nanoUsd: number; readonly tokens: number } {
  const { mesh, sector, cluster } = LIMITS;
  if (place === 0) return mesh;
  return place < 3 ? sector : { nanoUsd: Number.POSITIVE_INFINITY, ...cluster };
}

test("three threads spend what there is to spend, and at no moment hold more", async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  console.log(`seed ${seed}`);
  const topology = createTopology(SHAPE);
  const shared = new SharedArrayBuffer(budgetBytes(topology, THREADS + 1));
  const budget = new BudgetTree(shared, 0, topology, LIMITS, 0);
  const file = new URL("./budget-race-worker.mjs", import.meta.url);
  let ended = 0;
  const ends = Array.from({ length: THREADS }, async (_, i) => {
    const workerData = {
      shared,
      topology: SHAPE,
      limits: LIMITS,
      thread: i + 1,
      seed,
      rounds: 4_000,
    };
    const [end] = await once(new Worker(file, { workerData }), "message");
    ended++;
    return end as { readonly spent: number; readonly refused: number };
  });
  let looks = 0;
  while (ended < THREADS) {
    for (let place = 0; place < NODES; place++) {
      const held = budget.heldAt(place);
      const limit = limitAt(place);
      assert.isAtMost(held.nanoUsd, limit.nanoUsd, `seed ${seed}, node ${place}`);
      assert.isAtMost(held.tokens, limit.tokens, `seed ${seed}, node ${place}`);
    }
    if (++looks % 100 === 0) await new Promise(setImmediate);
  }
  const told = await Promise.all(ends);
  assert.isAbove(looks, 100);
  assert.isAbove(
    told.reduce((sum, { refused }) => sum + refused, 0),
    0,
    "nobody was refused",
  );
  const spent = told.reduce((sum, end) => sum + end.spent, 0);
  assert.equal(budget.spentAt(0).tokens, spent);
  assert.equal(budget.spentAt(1).tokens + budget.spentAt(2).tokens, spent);
  for (let place = 0; place < NODES; place++)
    assert.deepEqual(budget.heldAt(place), budget.spentAt(place), "all is given back");
});

test("what a thread held that has died is spent by its successor", () => {
  const topology = createTopology(SHAPE);
  const shared = new SharedArrayBuffer(budgetBytes(topology, 2));
  const limits = { sector: { tokens: 100 } };
  const dead = new BudgetTree(shared, 0, topology, limits, 1);
  assert.property(dead.reserve(0, { nanoUsd: 0.2, tokens: 70 }), "call");
  const waiting = dead.reserve(1, { nanoUsd: 0, tokens: 40 });
  assert.deepInclude("refusal" in waiting ? waiting.refusal : {}, {
    node: "sector-1",
    final: false,
  });
  const successor = new BudgetTree(shared, 0, topology, limits, 1);
  assert.deepEqual(successor.spentAt(1), { nanoUsd: 1, tokens: 70 });
  const refused = successor.reserve(1, { nanoUsd: 0, tokens: 40 });
  assert.deepInclude("refusal" in refused ? refused.refusal : {}, {
    node: "sector-1",
    final: true,
  });
  assert.property(
    successor.reserve(10, { nanoUsd: 0, tokens: 40 }),
    "call",
    "sector-2 has its own",
  );
});
