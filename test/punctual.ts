// What the tests of operations share: agents that note what they received and when they acted.
import { expect } from "vitest";
import type { Mesh, MeshOptions } from "../index.ts";
import { call, startMesh } from "./mesh.ts";

export const AGENTS = 40;
export const SLOW = "sector-2/cluster-1/agent-3";

export interface Seen {
  readonly received: readonly string[];
  readonly acted: readonly { readonly id: string; readonly atMs: number }[];
}

export function start(options: Partial<MeshOptions> = {}): Promise<Mesh> {
  return startMesh("punctual", options);
}

/** What every agent has seen, by address. */
export async function seenBy(mesh: Mesh): Promise<Map<string, Seen>> {
  const seen = new Map<string, Seen>();
  for (const ref of mesh.select("all"))
    seen.set(mesh.address(ref), (await call(mesh, ref, { do: "seen" })) as Seen);
  return seen;
}

/** Lets the mesh learn how fast its agents are, so that nothing is planned with what classes are believed to be. */
export async function warm(mesh: Mesh): Promise<void> {
  const at = "in 2s";
  const result = await mesh.scatterGather(
    { payload: { do: "work", ms: 0 }, at, hold: false },
    { select: "all", windowMs: 100 },
  );
  expect(result.ready + result.skipped).toBe(AGENTS);
}

/** Blocks this thread. */
export function block(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

export const nowMs = (): number => performance.timeOrigin + performance.now();

/** All of the class that is fastest by what is believed of it, so that little time is enough for everyone. */
export function onlyFast(): NonNullable<MeshOptions["topology"]> {
  return {
    sectors: 4,
    clustersPerSector: 2,
    agentsPerCluster: 5,
    spawnCapacity: 64,
    classes: { CLASS_A_EDGE: 1 },
  };
}
