import { addressOf, indexOfAddress } from "../coordination/address.ts";
import type { OperationalState } from "../coordination/agent-state.ts";
import type { TopologyOptions } from "../coordination/topology.ts";
import type { Mesh } from "../runtime/api/mesh-api.ts";
import type { AvoidedRoute } from "../runtime/api/operation-api.ts";
import type { Measured } from "./elsewhere.ts";

/** Agents of a mesh that can be taken a picture of. */
export const MAX_PICTURED_AGENTS = 100_000;
/** Sets of capabilities that are told apart; agents beyond these have those of the first. */
const MAX_SKILLS = 1000;
/** States in which an agent takes part. */
const THERE: ReadonlySet<OperationalState> = new Set(["active", "degraded"]);

/** What a mesh that runs is like at a moment, as plain data: what a simulated one begins with. */
export interface LivePicture {
  readonly topology: TopologyOptions;
  /** Class index by agent. */
  readonly classOf: readonly number[];
  readonly workers: number;
  /** By agent, ms, as its row of the registry has it. */
  readonly rttMs: readonly number[];
  readonly processingMs: readonly number[];
  /** Sets of capabilities, and which of them each agent has. */
  readonly skills: readonly (readonly string[])[];
  readonly skillsOf: readonly number[];
  /** Addresses of agents that do not take part at this moment. */
  readonly away: readonly string[];
  readonly avoided: readonly Pick<AvoidedRoute, "target" | "capability" | "reason">[];
  /** Addresses of circuits that are open. */
  readonly open: readonly string[];
}

/**
 * Takes a picture of a mesh: reads shared memory only, a sector at a time between other work. RangeError when the mesh
 * has more than {@link MAX_PICTURED_AGENTS} agents.
 */
export async function takePicture(mesh: Mesh, turn: () => Promise<unknown>): Promise<LivePicture> {
  const { topology } = mesh;
  const { agents, sectors, clustersPerSector, agentsPerCluster, classOf } = topology;
  if (agents > MAX_PICTURED_AGENTS)
    throw new RangeError(`agents: expected at most ${MAX_PICTURED_AGENTS}, got ${agents}`);
  const rttMs = new Array<number>(agents).fill(0);
  const processingMs = new Array<number>(agents).fill(0);
  const skillsOf = new Array<number>(agents).fill(0);
  const skills = new Map<string, number>();
  // A place that nobody has taken has no row.
  const isThere = new Uint8Array(agents);
  for (let sector = 1; sector <= sectors; sector++) {
    for (const row of mesh.agents({ within: `sector-${sector}`, limit: agents })) {
      const agent = indexOfAddress(topology, row.agentId);
      rttMs[agent] = 2 * row.currentLatencyMs;
      processingMs[agent] = row.currentProcessingMs;
      const key = JSON.stringify(row.capabilities);
      if (!skills.has(key) && skills.size < MAX_SKILLS) skills.set(key, skills.size);
      skillsOf[agent] = skills.get(key) ?? 0;
      if (THERE.has(row.operationalState)) isThere[agent] = 1;
    }
    await turn();
  }
  const away: string[] = [];
  for (let agent = 0; agent < agents; agent++)
    if (isThere[agent] === 0) away.push(addressOf(topology, agent));
  return {
    // Those in reserve are away like others, or have been let in.
    topology: { sectors, clustersPerSector, agentsPerCluster, spawnCapacity: 0 },
    classOf: Array.from(classOf),
    workers: mesh.status().workers.length,
    rttMs,
    processingMs,
    skills: [...skills.keys()].map((key) => JSON.parse(key) as string[]),
    skillsOf,
    away,
    avoided: mesh.route.list(),
    open: mesh.circuits.list().map(({ target }) => target),
  };
}

/** What the picture says of an agent; undefined where there is no picture. */
export function measuredOf(picture: LivePicture | undefined, agent: number): Measured | undefined {
  if (picture === undefined) return undefined;
  return { rttMs: picture.rttMs[agent], processingMs: picture.processingMs[agent] };
}
