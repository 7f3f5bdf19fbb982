import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { ActorRef } from "../actors/ref.ts";
import type { Mesh } from "../runtime/api/mesh-api.ts";
import type { HangMessage } from "./agent-hang.ts";
import { type Bench, type Measured, type Metric, parameter, percentile } from "./harness.ts";
import { agentsOnTwoThreads, startMesh } from "./mesh.ts";

/*
 *   client ──ask, one each ms──▶ an agent of worker 2, before and while
 *          ──hang──────────────▶ an agent of worker 1: watchdog names it, its worker is replaced
 */
const SECTORS = parameter("hang sectors", { smoke: 2, full: 10 });
const CLUSTERS = parameter("hang clusters a sector", { smoke: 2, full: 10 });
const AGENTS = parameter("hang agents a cluster", { smoke: 5, full: 30 });
const HANGS = parameter("hang rounds", { smoke: 1, full: 10 });
const WATCHDOG_MS = parameter("hang watchdog, ms", { smoke: 300, full: 1_000 });

/** Asks one agent once a millisecond and keeps how long each answer took. */
class Asker {
  readonly tookMs: number[] = [];
  readonly #done: Promise<void>;
  #stopped = false;

  constructor(mesh: Mesh, whom: ActorRef<HangMessage, number>) {
    this.#done = this.#run(mesh, whom);
  }

  async #run(mesh: Mesh, whom: ActorRef<HangMessage, number>): Promise<void> {
    for (; !this.#stopped; await sleep(1)) {
      const startMs = performance.now();
      const { state } = await mesh.ask(whom, "answer", { timeoutMs: 30_000 });
      assert.equal(state, 1);
      this.tookMs.push(performance.now() - startMs);
    }
  }

  async stop(): Promise<number[]> {
    this.#stopped = true;
    await this.#done;
    return this.tookMs;
  }
}

async function ours(measured: Measured): Promise<void> {
  await using mesh = await startMesh("agent-hang", {
    workers: 2,
    watchdogMs: WATCHDOG_MS,
    topology: { sectors: SECTORS, clustersPerSector: CLUSTERS, agentsPerCluster: AGENTS },
    // So many losses a minute would open every circuit, which is what they are for; here the watchdog is measured.
    breakers: { clusterFailures: 10_000, sectorFailures: 10_000 },
  });
  const [, other] = (await agentsOnTwoThreads(mesh)) as ActorRef<HangMessage, number>[];
  const before: number[] = [];
  const during: number[] = [];
  let namedMs = 0;
  for (let round = 0; round < HANGS; round++) {
    const calm = new Asker(mesh, other);
    await sleep(WATCHDOG_MS);
    before.push(...(await calm.stop()));
    const victim = `sector-1/cluster-1/agent-${1 + (round % AGENTS)}`;
    const startMs = performance.now();
    const named = new Promise<void>((resolve) => {
      const off = mesh.on("incident", ({ subject, decision }) => {
        if (decision !== "replace-worker") return;
        assert.equal(subject, victim);
        off();
        resolve();
      });
    });
    const back = new Promise<void>((resolve) => {
      const off = mesh.on("workerBack", () => {
        off();
        resolve();
      });
    });
    const beside = new Asker(mesh, other);
    assert.equal(mesh.tell(victim, "hang").status, "accepted");
    await named;
    namedMs = Math.max(namedMs, performance.now() - startMs);
    during.push(...(await beside.stop()));
    await back;
  }
  assert.equal(mesh.status().lost, 0);
  measured("namedMs.beyond", namedMs - WATCHDOG_MS);
  const calmP99 = percentile(before, 0.99);
  const besideP99 = percentile(during, 0.99);
  measured("ask.p99", calmP99);
  measured("ask.p99.beside", besideP99);
  measured("ask.p99.ratio", besideP99 / calmP99);
}

const MS: Metric = { unit: "ms", better: "less" };

export const hang: Bench = {
  name: "hang",
  question:
    "How soon is a handler named that never yields, and what do agents of other workers feel of it?",
  metrics: {
    "namedMs.beyond": { ...MS, goal: 100 },
    "ask.p99": MS,
    "ask.p99.beside": MS,
    "ask.p99.ratio": { unit: "1", better: "less", goal: 2 },
  },
  ours,
  peers: {},
};
