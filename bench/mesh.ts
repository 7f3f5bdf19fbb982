import { type ActorRef, createMesh, type Mesh, type MeshOptions } from "../index.ts";
import { moduleUrl } from "./threads.ts";

/**
 * A silent mesh whose agents are a module of this folder, named without its ending. Without signatures, as the peers
 * that it is measured against; what they cost is the bench `trust`.
 */
export function startMesh(agent: string, options: Omit<MeshOptions, "agent"> = {}): Promise<Mesh> {
  return createMesh({ agent: moduleUrl(agent), log: "silent", trust: "off", ...options });
}

/** The first agents of two clusters whose sectors are on different threads. */
export async function agentsOnTwoThreads(mesh: Mesh): Promise<[ActorRef, ActorRef]> {
  const here = "sector-1/cluster-1/agent-1";
  const { worker } = await mesh.inspect(here);
  for (let sector = 2; sector <= mesh.topology.sectors; sector++) {
    const there = `sector-${sector}/cluster-1/agent-1`;
    if ((await mesh.inspect(there)).worker !== worker) return [mesh.ref(here), mesh.ref(there)];
  }
  throw new Error(`all ${mesh.topology.sectors} sectors are on ${worker}`);
}
