/** The tree of the mesh as summaries: what each sector, cluster and agent is doing. */
import { UnknownActorError } from "../../actors/errors.ts";
import type { Mesh } from "../../runtime/api/mesh-api.ts";
import { formatMs, formatNumber } from "../terminal/format.ts";
import { type Branch, outline } from "../terminal/outline.ts";
import { type Paint, paintState } from "../terminal/paint.ts";
import { type AgentRow, className } from "../terminal/row.ts";

/** A place in the tree, with the health of what is below it. */
export interface TreeNode {
  readonly address: string;
  /** Agents below, or 1 for an agent. */
  readonly agents: number;
  readonly active: number;
  readonly meanImpedance: number;
  /** Of an agent. */
  readonly agent?: AgentRow;
  readonly below: readonly TreeNode[];
}

/** The tree below an address (the whole mesh when undefined), `depth` levels deep. */
export function treeOf(mesh: Mesh, address: string | undefined, depth: number): TreeNode {
  if (address === undefined) return wholeTree(mesh, depth);
  const [sector, cluster] = address.split("/") as [string, string | undefined];
  // Throws, with the mesh's own words, for a sector that does not exist.
  const clusters = clusterNodes(mesh, sector, cluster === undefined ? depth : 1);
  if (cluster === undefined) {
    const found = sectorNodes(mesh, 1, sector)[0] ?? emptyNode(address);
    return { ...found, below: clusters };
  }
  const found = clusters.find((node) => node.address === address);
  const last = clusters.at(-1)?.address ?? sector;
  if (found === undefined) throw new UnknownActorError(address, `${sector}/cluster-1 to ${last}`);
  return { ...found, below: agentNodes(mesh, address) };
}

/** The tree as an outline. */
export function renderTree(tree: TreeNode, paint: Paint): string {
  return outline(branchOf(tree, "", paint));
}

function wholeTree(mesh: Mesh, depth: number): TreeNode {
  const { agents, meanImpedance } = mesh.status();
  return {
    address: "orchestrator",
    agents: agents.total,
    active: agents.active,
    meanImpedance,
    below: sectorNodes(mesh, depth),
  };
}

function sectorNodes(mesh: Mesh, depth: number, only?: string): TreeNode[] {
  return mesh
    .sectors()
    .filter((sector) => only === undefined || sector.sectorId === only)
    .map((sector) => ({
      address: sector.sectorId,
      agents: sector.totalAgents,
      active: sector.activeAgents,
      meanImpedance: sector.meanImpedance,
      below: depth > 1 ? clusterNodes(mesh, sector.sectorId, depth - 1) : [],
    }));
}

function clusterNodes(mesh: Mesh, sector: string, depth: number): TreeNode[] {
  return mesh.clusters(sector).map((cluster) => ({
    address: cluster.clusterId,
    agents: cluster.agentCount,
    active: cluster.activeCount,
    meanImpedance: cluster.meanImpedance,
    below: depth > 1 ? agentNodes(mesh, cluster.clusterId) : [],
  }));
}

function agentNodes(mesh: Mesh, cluster: string): TreeNode[] {
  return mesh.agents({ within: cluster, limit: mesh.topology.agentsPerCluster }).map((agent) => ({
    address: agent.agentId,
    agents: 1,
    active: agent.operationalState === "active" ? 1 : 0,
    meanImpedance: agent.impedanceScore,
    agent,
    below: [],
  }));
}

/** A place of which the mesh has no summary yet. */
function emptyNode(address: string): TreeNode {
  return { address, agents: 0, active: 0, meanImpedance: 0, below: [] };
}

function branchOf(node: TreeNode, parent: string, paint: Paint): Branch {
  // Below its parent a node needs only the last part of its address.
  const inside = parent !== "" && node.address.startsWith(`${parent}/`);
  const name = inside ? node.address.slice(parent.length + 1) : node.address;
  return {
    text: `${paint.bold(name)}  ${node.agent === undefined ? health(node, paint) : work(node.agent, paint)}`,
    below: node.below.map((child) => branchOf(child, node.address, paint)),
  };
}

function health(node: TreeNode, paint: Paint): string {
  const counts = `${formatNumber(node.active)}/${formatNumber(node.agents)} active`;
  const painted = node.active === node.agents ? counts : paint.yellow(counts);
  return `${painted}, impedance ${formatNumber(node.meanImpedance)}`;
}

function work(agent: AgentRow, paint: Paint): string {
  const state = paintState(agent.operationalState, paint);
  return [
    `${state} ${className(agent.agentClass)}`,
    `impedance ${formatNumber(agent.impedanceScore)}`,
    `latency ${formatMs(agent.currentLatencyMs)}`,
    `processing ${formatMs(agent.currentProcessingMs)}`,
    `queue ${formatNumber(agent.currentQueueDepth)}`,
  ].join(", ");
}
