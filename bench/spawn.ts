import assert from "node:assert/strict";
import { type Bench, type Contestant, type Measured, type Metric, parameter } from "./harness.ts";
import { startMesh } from "./mesh.ts";
import { erlang } from "./peer-erlang.ts";
import { spawnByNact } from "./peer-nact.ts";
import { askProcess } from "./processes.ts";
import type { SpawnAnswer, SpawnQuestion } from "./spawn-process.ts";

/*
 *   spawner on each worker ──spawn──▶ children ──greeting──▶ each handles it once
 *   createMesh             ─────────▶ threads, the whole tree, all agents ready        (boot)
 */
const SMALL = parameter("spawn 30k", { smoke: 600, full: 30_000 });
const LARGE = parameter("spawn 1M", { smoke: 2_000, full: 1_000_000 });
/** Sectors of ten clusters of thirty. */
const SECTORS = parameter("spawn boot sectors", { smoke: 2, full: 100 });
const SIZES = [
  ["30k", SMALL],
  ["1M", LARGE],
] as const;

const ours: Contestant = async (measured) => {
  for (const [name, count] of SIZES) {
    const question: SpawnQuestion = { count };
    const { ms, bytes } = await askProcess<SpawnAnswer>("spawn-process", question);
    measured(`ms.${name}`, ms);
    measured(`bytes.${name}`, bytes);
  }
  await boot(measured);
};

async function boot(measured: Measured): Promise<void> {
  const startMs = performance.now();
  await using mesh = await startMesh("agent-count", { topology: { sectors: SECTORS } });
  const ms = performance.now() - startMs;
  const { total, active } = mesh.status().agents;
  assert.deepEqual({ total, active }, { total: SECTORS * 300, active: SECTORS * 300 });
  measured("ms.boot30k", ms);
}

const nact: Contestant = async (measured) => {
  for (const [name, count] of SIZES) {
    const { ms, bytes } = await spawnByNact(count);
    measured(`ms.${name}`, ms);
    measured(`bytes.${name}`, bytes);
  }
};

const MS: Metric = { unit: "ms", better: "less" };
const BYTES: Metric = { unit: "B", better: "less", goal: 400 };

export const spawn: Bench = {
  name: "spawn",
  question: "How long until new actors have all handled a message, and what memory does one take?",
  metrics: {
    "ms.30k": { ...MS, goal: 80 },
    "bytes.30k": BYTES,
    "ms.1M": { ...MS, goal: 2_000 },
    "bytes.1M": BYTES,
    "ms.boot30k": MS,
  },
  ours,
  peers: { nact, Erlang: erlang("spawn", [SMALL, LARGE]) },
};
