import assert from "node:assert/strict";
import type { ActorRef } from "../actors/ref.ts";
import type { CountMessage } from "./agent-count.ts";
import { type Bench, type Measured, parameter } from "./harness.ts";
import { startMesh } from "./mesh.ts";
import { erlang } from "./peer-erlang.ts";
import { restartByNact } from "./peer-nact.ts";

/*
 *   client ──crash──▶ agent 1 of each cluster ──fails──▶ its supervisor makes it anew
 *          ───ask───▶         "               ──answers from its new state
 */
const CLUSTERS = parameter("restart clusters, one crash in each", { smoke: 20, full: 1_000 });
const AGENTS = parameter("restart agents a cluster", { smoke: 5, full: 30 });
/** Clusters of one sector. */
const PER_SECTOR = 10;

async function ours(measured: Measured): Promise<void> {
  await using mesh = await startMesh("agent-count", {
    topology: {
      sectors: CLUSTERS / PER_SECTOR,
      clustersPerSector: PER_SECTOR,
      agentsPerCluster: AGENTS,
    },
  });
  const all = mesh.select("all") as readonly ActorRef<CountMessage, number>[];
  assert.equal(all.length, CLUSTERS * AGENTS);
  const victims = all.filter((_, i) => i % AGENTS === 0);
  const tick = async (ref: ActorRef<CountMessage, number>): Promise<number> => {
    const answer = await mesh.ask(ref, "tick");
    assert.ok(answer.state === 1, `agent ${ref} answered ${answer.state}`);
    return answer.value;
  };
  // Each has a past that its new state must not know of.
  for (const ticks of await Promise.all(victims.map(tick))) assert.equal(ticks, 1);
  const startMs = performance.now();
  for (const ref of victims) mesh.tell(ref, "crash");
  const ticks = await Promise.all(victims.map(tick));
  measured("ms", performance.now() - startMs);
  assert.ok(ticks.every((count) => count === 1));
  assert.equal(mesh.status().restarts.agents, CLUSTERS);
  assert.equal(mesh.status().lost, 0);
}

export const restart: Bench = {
  name: "restart",
  question: "How long until all agents answer again, when one of each cluster crashes at once?",
  metrics: { ms: { unit: "ms", better: "less", goal: 8 } },
  ours,
  peers: {
    nact: async (measured) => measured("ms", await restartByNact(CLUSTERS * AGENTS, CLUSTERS)),
    Erlang: erlang("restart", [CLUSTERS, AGENTS]),
  },
};
