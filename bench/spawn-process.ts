import assert from "node:assert/strict";
import type { ActorRef } from "../actors/ref.ts";
import type { SpawnerMessage, SpawnerReport } from "./agent-spawner.ts";
import { startMesh } from "./mesh.ts";
import { answer, question } from "./processes.ts";
import { nowMs } from "./threads.ts";

/** How many children two spawners make between them. */
export interface SpawnQuestion {
  readonly count: number;
}

export interface SpawnAnswer {
  /** Until the last child had handled its greeting. */
  readonly ms: number;
  /** Growth of the process's memory, an actor. */
  readonly bytes: number;
}

type Spawner = ActorRef<SpawnerMessage, SpawnerReport | undefined>;

const WORKERS = 2;
const LIMIT_MS = 120_000;
const LOOK_AGAIN_MS = 20;

const { count } = question<SpawnQuestion>();
answer(await spawn());

async function spawn(): Promise<SpawnAnswer> {
  await using mesh = await startMesh("agent-spawner", {
    workers: WORKERS,
    // A turn that makes half a million children is long, and on purpose.
    watchdogMs: LIMIT_MS,
    topology: {
      sectors: WORKERS,
      clustersPerSector: 1,
      agentsPerCluster: 1,
      spawnCapacity: count,
    },
  });
  const spawners = mesh.select("all") as readonly Spawner[];
  assert.equal(new Set(mesh.status().workers.map((worker) => worker.agents)).size, 1);
  const reports = (message: "report" | "collect"): Promise<SpawnerReport[]> => {
    const ask = async (spawner: Spawner): Promise<SpawnerReport> => {
      const reported = await mesh.ask(spawner, message, { timeoutMs: LIMIT_MS });
      assert.ok(reported.state === 1 && reported.value !== undefined);
      return reported.value;
    };
    return Promise.all(spawners.map(ask));
  };
  await reports("collect");
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  const startMs = nowMs();
  for (const spawner of spawners) mesh.tell(spawner, { spawn: count / WORKERS });
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    const seen = await reports("report");
    const here = seen.reduce((sum, report) => sum + report.here, 0);
    if (here < count) continue;
    assert.equal(here, count);
    const lastMs = Math.max(...seen.map((report) => report.lastMs));
    // Only now: a collection among the spawns would be time of theirs.
    await reports("collect");
    globalThis.gc?.();
    return { ms: lastMs - startMs, bytes: (process.memoryUsage().rss - before) / count };
  }
}
