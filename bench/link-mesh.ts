import type { Mesh } from "../index.ts";
import { startMesh } from "./mesh.ts";

/** One of the two nodes of the bench `link`: two sectors of one agent, one for each. */
export function linkMesh(join: string, name: string): Promise<Mesh> {
  return startMesh("agent-tell", {
    workers: 1,
    topology: { sectors: 2, clustersPerSector: 1, agentsPerCluster: 1 },
    // A turn that tells all is long, and on purpose.
    watchdogMs: 120_000,
    nodes: { join, name, expected: 2 },
  });
}
