import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { type MeshServer, serveMesh } from "../index.ts";
import { startMesh } from "./mesh.ts";
import { answer, askProcess, question } from "./processes.ts";
import type { ViewerAnswer, ViewerQuestion } from "./viewer-process.ts";

/** A mesh that has nothing to do but its heartbeats, and one page that looks at it. */
export interface WatchedQuestion {
  readonly sectors: number;
  readonly heartbeatMs: number;
  readonly settleMs: number;
  readonly windowMs: number;
}

export interface WatchedAnswer {
  /** Of one core, what the server's process takes more while somebody looks, %. */
  readonly cpu: number;
  /** The same once they have gone. */
  readonly cpuAfter: number;
  readonly framesPerSecond: number;
  readonly bytesPerSecond: number;
  /** From the asking for a connection to the first cells, ms. */
  readonly firstMs: number;
}

const { sectors, heartbeatMs, settleMs, windowMs } = question<WatchedQuestion>();
answer(await watched());

async function watched(): Promise<WatchedAnswer> {
  await using mesh = await startMesh("agent-count", { topology: { sectors }, heartbeatMs });
  await using server = await serveMesh(mesh);
  await sleep(settleMs);
  const alone = await cpuOver(() => sleep(windowMs));
  const seen = await look(server, mesh.topology.agents);
  const after = await cpuOver(() => sleep(windowMs));
  return {
    cpu: seen.cpu - alone.cpu,
    cpuAfter: after.cpu - alone.cpu,
    framesPerSecond: (seen.value.frames / seen.value.elapsedMs) * 1_000,
    bytesPerSecond: (seen.value.bytes / seen.value.elapsedMs) * 1_000,
    firstMs: seen.value.firstMs,
  };
}

/** The viewer is a process of its own: what it takes is not ours. */
async function look(server: MeshServer, agents: number): Promise<Cost<ViewerAnswer>> {
  const asked: ViewerQuestion = { url: server.origin, token: server.token, agents, windowMs };
  const cost = await cpuOver(() => askProcess<ViewerAnswer>("viewer-process", asked));
  assert.ok(cost.value.frames > 0, "the viewer has seen nothing");
  return cost;
}

interface Cost<T> {
  readonly value: T;
  readonly cpu: number;
}

async function cpuOver<T>(act: () => Promise<T>): Promise<Cost<T>> {
  const before = process.cpuUsage();
  const startMs = performance.now();
  const value = await act();
  const { user, system } = process.cpuUsage(before);
  return { value, cpu: ((user + system) / 1_000 / (performance.now() - startMs)) * 100 };
}
