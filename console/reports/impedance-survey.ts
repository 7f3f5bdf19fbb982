/**
 * Who is slow for what they are: an agent against the middle of its class, a cluster against what its agents' classes
 * would make of it. A person is slower than a cache, and no trouble for being so.
 */
import type { AgentImpedance } from "../../coordination/agent-impedance.ts";
import type { Mesh } from "../../runtime/api/mesh-api.ts";

/** A cluster whose mean is far above what its agents' classes would make of it. */
export interface HighCluster {
  readonly cluster: string;
  readonly mean: number;
  readonly expected: number;
}

/** An agent far above the middle of its class. */
export interface SlowAgent {
  readonly agent: string;
  readonly score: number;
  readonly usual: number;
}

/** What was found, the worst first. */
export interface ImpedanceSurvey {
  /** Agents that were looked at: all, or those of sectors evenly spread over a very large mesh. */
  readonly looked: number;
  readonly clusters: readonly HighCluster[];
  readonly slow: readonly SlowAgent[];
}

/** Agents that are looked at in one check. */
const MOST_AGENTS = 200_000;
/** Agents and clusters that are named. */
const MOST_NAMED = 100;
/** An agent is slow above so many times the middle of its class, a cluster high above so many times its due. */
const SLOW = 3;
const HIGH = 1.5;
/** And by at least so much, on the scale of 0–1000: three times next to nothing is nothing. */
const MARGIN = 50;
/** How many widths of its class, by ratios, above the upper quartile an agent may be: people differ widely. */
const WIDTHS = 2;

/** Reads shared memory only. */
export function surveyImpedance(mesh: Mesh): ImpedanceSurvey {
  const { agents, sectors } = mesh.topology;
  const stride = Math.ceil(agents / MOST_AGENTS);
  const rows: AgentImpedance[] = [];
  for (let sector = 1; sector <= sectors; sector += stride)
    // Who has not reported yet has no score.
    for (const row of mesh.agents({ within: `sector-${sector}`, limit: agents }))
      if (row.lastHeartbeat !== null) rows.push(row);
  const classes = classScores(rows);
  const of = (row: AgentImpedance): number => classes.get(row.agentClass)?.middle ?? 0;
  const highOf = (row: AgentImpedance): number => classes.get(row.agentClass)?.highAbove ?? 0;
  const slow = rows
    .filter((row) => row.impedanceScore > (classes.get(row.agentClass)?.slowAbove ?? 0))
    .map((row) => ({ agent: row.agentId, score: row.impedanceScore, usual: of(row) }))
    .sort((a, b) => b.score / (b.usual || 1) - a.score / (a.usual || 1));
  return {
    looked: rows.length,
    clusters: highClusters(rows, of, highOf).slice(0, MOST_NAMED),
    slow: slow.slice(0, MOST_NAMED),
  };
}

/** By its middle agent: one that is slow alone is no drift of its cluster. */
function highClusters(
  rows: readonly AgentImpedance[],
  usual: (row: AgentImpedance) => number,
  highAbove: (row: AgentImpedance) => number,
): HighCluster[] {
  const members = new Map<string, AgentImpedance[]>();
  for (const row of rows) {
    const known = members.get(row.clusterId);
    if (known === undefined) members.set(row.clusterId, [row]);
    else known.push(row);
  }
  return [...members]
    .map(([cluster, own]) => ({
      cluster,
      mean: meanOf(own.map(({ impedanceScore }) => impedanceScore)),
      expected: meanOf(own.map(usual)),
      excess: medianOf(own.map((row) => row.impedanceScore - highAbove(row))),
    }))
    .filter(({ mean, expected, excess }) => excess > 0 && mean > expected + MARGIN)
    .sort((a, b) => b.mean - b.expected - (a.mean - a.expected))
    .map(({ cluster, mean, expected }) => ({ cluster, mean, expected }));
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function medianOf(values: number[]): number {
  values.sort((a, b) => a - b);
  return values[Math.floor(values.length / 2)];
}

/** What is usual in a class. */
interface ClassScores {
  readonly middle: number;
  /** A cluster is high when its middle agent is above this. */
  readonly highAbove: number;
  readonly slowAbove: number;
}

function classScores(rows: readonly AgentImpedance[]): ReadonlyMap<string, ClassScores> {
  const scores = new Map<string, number[]>();
  for (const { agentClass, impedanceScore } of rows) {
    const known = scores.get(agentClass);
    if (known === undefined) scores.set(agentClass, [impedanceScore]);
    else known.push(impedanceScore);
  }
  return new Map([...scores].map(([agentClass, all]) => [agentClass, usualOf(all)]));
}

function usualOf(scores: number[]): ClassScores {
  const middle = medianOf(scores);
  const upper = scores[Math.floor(scores.length * 0.75)];
  const lower = Math.max(1, scores[Math.floor(scores.length * 0.25)]);
  const wide = upper * Math.max(1, upper / lower) ** WIDTHS;
  return {
    middle,
    highAbove: Math.max(middle * HIGH, upper),
    slowAbove: Math.max(middle * SLOW, middle + MARGIN, wide),
  };
}
