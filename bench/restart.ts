import assert from "node:assert/strict";
import type { ActorRef } from "../actors/ref.ts";
import type { Mesh } from "../runtime/api/mesh-api.ts";
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
/** Waves before the measured one, each with other victims, as other benches warm up. */
const WARM_WAVES = parameter("restart warm-up waves", { smoke: 2, full: 12 });
/** Clusters of one sector. */
const PER_SECTOR = 10;

async function ours(measured: Measured): Promise<void> {
  await using mesh = await startMesh("agent-count", {
    topology: {
      sectors: CLUSTERS / PER_SECTOR,
      clustersPerSector: PER_SECTOR,
      agentsPerCluster: AGENTS,
    },
    // So many crashes a minute would open every circuit, which is what they are for; here supervision is measured.
    breakers: { clusterFailures: 10_000, sectorFailures: 10_000 },
  });
  const all = mesh.select("all") as readonly ActorRef<CountMessage, number>[];
  assert.equal(all.length, CLUSTERS * AGENTS);
  const wave = async (number: number): Promise<number> => {
    const victims = all.filter((_, i) => i % AGENTS === number);
    // Each has a past that its new state must not know of.
    for (const ticks of await Promise.all(victims.map((ref) => tick(mesh, ref))))
      assert.equal(ticks, 1);
    const startMs = performance.now();
    for (const ref of victims) mesh.tell(ref, "crash");
    const ticks = await Promise.all(victims.map((ref) => tick(mesh, ref)));
    const ms = performance.now() - startMs;
    assert.ok(ticks.every((count) => count === 1));
    assert.equal(mesh.status().restarts.agents, CLUSTERS * (number + 1));
    return ms;
  };
  measured("ms.cold", await wave(0));
  for (let number = 1; number <= WARM_WAVES; number++) await wave(number);
  measured("ms", await wave(WARM_WAVES + 1));
  assert.equal(mesh.status().lost, 0);
}

async function tick(mesh: Mesh, ref: ActorRef<CountMessage, number>): Promise<number> {
  const answer = await mesh.ask(ref, "tick");
  assert.ok(answer.state === 1, `agent ${ref} answered ${answer.state}`);
  return answer.value;
}

export const restart: Bench = {
  name: "restart",
  question: "How long until all agents answer again, when one of each cluster crashes at once?",
  metrics: {
    ms: { unit: "ms", better: "less", goal: 8 },
    // The first wave: the code that fails and restarts has hardly run before.
    "ms.cold": { unit: "ms", better: "less" },
  },
  ours,
  peers: {
    nact: async (measured) => measured("ms", await restartByNact(CLUSTERS * AGENTS, CLUSTERS)),
    Erlang: erlang("restart", [CLUSTERS, AGENTS]),
  },
};
