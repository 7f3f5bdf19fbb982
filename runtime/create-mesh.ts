import { createCapabilityTable } from "../coordination/capability.ts";
import type { Mesh, MeshOptions } from "./api/mesh-api.ts";
import { openJournal } from "./journal/journal.ts";
import { ThreadedMesh } from "./mesh.ts";
import { readOptions } from "./plan/options.ts";
import { readBehaviors } from "./workers/behavior-modules.ts";

/**
 * Starts a mesh and resolves when all its agents are ready.
 *
 * @example
 * await using mesh = await createMesh({ agent: new URL("./counter.js", import.meta.url), topology: { sectors: 10 } });
 * const answer = await mesh.ask("sector-1/cluster-1/agent-1", { add: 2 });
 */
export async function createMesh(options: MeshOptions): Promise<Mesh> {
  options?.signal?.throwIfAborted();
  const settings = readOptions(options);
  const modules = await readBehaviors(settings, settings.topology, settings.workers + 1);
  const behaviors = modules.map(({ behavior }) => behavior);
  const capabilities = createCapabilityTable(
    behaviors.flatMap((behavior) => behavior.capabilities ?? []),
  );
  const journal = openJournal(settings, options, behaviors);
  const from = journal?.cut ?? options.from;
  const all = from === undefined ? options : { ...options, from };
  let mesh: ThreadedMesh;
  try {
    mesh = new ThreadedMesh(settings, all, { modules, capabilities: capabilities.names, journal });
  } catch (error) {
    await journal?.stop();
    throw error;
  }
  try {
    await mesh.start(options.onProgress);
  } catch (error) {
    await mesh.stop({ deadlineMs: 0 });
    throw error;
  }
  return mesh;
}
