import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { startMesh } from "./mesh.ts";
import { answer, question } from "./processes.ts";

/** A mesh that has nothing to do but its heartbeats. */
export interface IdleQuestion {
  readonly sectors: number;
  readonly heartbeatMs: number;
  readonly settleMs: number;
  readonly windowMs: number;
}

export interface IdleAnswer {
  /** Of one core, all threads together, %. */
  readonly cpu: number;
  readonly rssBytes: number;
}

const { sectors, heartbeatMs, settleMs, windowMs } = question<IdleQuestion>();
answer(await idle());

async function idle(): Promise<IdleAnswer> {
  await using mesh = await startMesh("agent-count", { topology: { sectors }, heartbeatMs });
  await sleep(settleMs);
  const before = mesh.status();
  const cpuBefore = process.cpuUsage();
  const startMs = performance.now();
  await sleep(windowMs);
  const { user, system } = process.cpuUsage(cpuBefore);
  const elapsedMs = performance.now() - startMs;
  const after = mesh.status();
  // It was alive: each agent beat once a period, give or take one.
  const beats = (after.heartbeats - before.heartbeats) / after.agents.total;
  assert.ok(Math.abs(beats - elapsedMs / heartbeatMs) <= 1, `${beats} heartbeats an agent`);
  assert.equal(after.agents.active, after.agents.total);
  return {
    cpu: ((user + system) / 1_000 / elapsedMs) * 100,
    rssBytes: process.memoryUsage().rss,
  };
}
