import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { type Bench, type Measured, parameter, percentile } from "./harness.ts";
import { startMesh } from "./mesh.ts";

/*
 *   main ══ background tells, ten times the heartbeats of 30,000 agents ══▶ agents of all workers
 *        ── an urgent ask each 10 ms ──▶ one of them, which must not wait behind the flood
 */
const SECTORS = parameter("flood sectors", { smoke: 2, full: 100 });
const CLUSTERS = parameter("flood clusters a sector", { smoke: 2, full: 10 });
const AGENTS = parameter("flood agents a cluster", { smoke: 5, full: 30 });
/** 6,000 heartbeats a second are the baseline of 30,000 agents. */
const PER_MS = parameter("flood messages a ms", { smoke: 5, full: 60 });
const WARM_MS = parameter("flood warm-up ms", { smoke: 50, full: 10_000 });
const FLOOD_MS = parameter("flood ms", { smoke: 300, full: 60_000 });
const ASK_EACH_MS = 10;
const SAMPLE_EACH_MS = parameter("flood ms between looks at memory", { smoke: 50, full: 1_000 });
const LIMIT_MS = 30_000;

async function ours(measured: Measured): Promise<void> {
  await using mesh = await startMesh("agent-echo", {
    topology: { sectors: SECTORS, clustersPerSector: CLUSTERS, agentsPerCluster: AGENTS },
  });
  const agents = mesh.select("all");
  const startMs = performance.now();
  const endMs = startMs + WARM_MS + FLOOD_MS;
  let told = 0;
  const flood = async (): Promise<void> => {
    for (let ms = startMs; ms < endMs; ms = performance.now()) {
      const due = (ms - startMs) * PER_MS;
      for (; told < due; told++) mesh.tell(agents[told % agents.length], told, { priority: 0 });
      await sleep(1);
    }
  };
  const controlMs: number[] = [];
  const control = async (): Promise<void> => {
    for (let i = 0; performance.now() < endMs; i++) {
      const askedMs = performance.now();
      const agent = agents[(i * 7919) % agents.length];
      const answer = await mesh.ask(agent, i, { priority: 3, timeoutMs: LIMIT_MS });
      assert.equal(answer.state === 1 && answer.value, i);
      if (askedMs > startMs + WARM_MS) controlMs.push(performance.now() - askedMs);
      await sleep(ASK_EACH_MS);
    }
  };
  const rss: number[] = [];
  const memory = async (): Promise<void> => {
    await sleep(WARM_MS);
    for (; performance.now() < endMs; await sleep(SAMPLE_EACH_MS))
      rss.push(process.memoryUsage.rss());
  };
  await Promise.all([flood(), control(), memory()]);
  const restMs = performance.now() + LIMIT_MS;
  while (mesh.status().messages.accepted < told && performance.now() < restMs) await sleep(5);
  const { messages, lost } = mesh.status();
  assert.ok(messages.accepted >= told, `${messages.accepted} of ${told} accepted`);
  measured("tellsPerS", (told * 1000) / (WARM_MS + FLOOD_MS));
  measured("controlMs.p50", percentile(Float64Array.from(controlMs), 0.5));
  measured("controlMs.p99", percentile(Float64Array.from(controlMs), 0.99));
  measured("rssGrowth", growth(rss) * 100);
  measured("lost", lost);
}

/** Of the mean of the last quarter over that of the first. */
function growth(samples: readonly number[]): number {
  const quarter = Math.max(1, samples.length >>> 2);
  const mean = (part: readonly number[]): number =>
    part.reduce((sum, value) => sum + value, 0) / part.length;
  return mean(samples.slice(-quarter)) / mean(samples.slice(0, quarter)) - 1;
}

export const flood: Bench = {
  name: "flood",
  question: "Ten times the baseline for a minute: does memory stay flat, and control quick?",
  metrics: {
    tellsPerS: { unit: "1/s", better: "more" },
    "controlMs.p50": { unit: "ms", better: "less" },
    "controlMs.p99": { unit: "ms", better: "less", goal: 50 },
    rssGrowth: { unit: "%", better: "less", goal: 10 },
    lost: { unit: "1", better: "less", goal: 0 },
  },
  ours,
  peers: {},
};
