/*
 * The aggregation of spec 4.1 and 4.2 as it stands there: objects in a map, a list of scores, sorted.
 */

/** What one agent reports. */
export interface AgentReport {
  readonly id: string;
  readonly latencyMs: number;
  readonly latencySpreadMs: number;
  readonly processingMs: number;
  readonly queuedMs: number;
  readonly reliability: number;
  readonly msPerPoint: number;
}

/** An agent as its lead knows it. */
interface Impedance {
  readonly id: string;
  readonly score: number;
  readonly drift: number;
  readonly active: boolean;
}

/** The lead's summary of its agents. */
export interface ObjectSummary {
  readonly active: number;
  readonly mean: number;
  readonly p95: number;
  readonly slowest: string;
  readonly fastest: string;
  readonly degraded: readonly string[];
  readonly unstable: readonly string[];
}

/** Heartbeat of each agent, received by its lead, and the lead's summary. */
export function summarise(agents: readonly AgentReport[]): ObjectSummary {
  const known = new Map<string, Impedance>();
  const degraded: string[] = [];
  const unstable: string[] = [];
  for (const agent of agents) {
    const impedance = impedanceOf(agent);
    known.set(impedance.id, impedance);
    if (impedance.score > 800) degraded.push(impedance.id);
    if (impedance.drift > 0.5) unstable.push(impedance.id);
  }
  const all = [...known.values()];
  const scores = all.map((agent) => agent.score).sort((a, b) => a - b);
  return {
    active: all.filter((agent) => agent.active).length,
    mean: scores.reduce((sum, score) => sum + score, 0) / scores.length,
    p95: scores[Math.floor(0.95 * (scores.length - 1))],
    slowest: all.reduce((a, b) => (b.score > a.score ? b : a)).id,
    fastest: all.reduce((a, b) => (b.score < a.score ? b : a)).id,
    degraded,
    unstable,
  };
}

function impedanceOf(agent: AgentReport): Impedance {
  const readyMs = agent.latencyMs + agent.queuedMs + agent.processingMs;
  const points = Math.min(1_000, readyMs / agent.msPerPoint);
  return {
    id: agent.id,
    score: 1_000 - agent.reliability * (1_000 - points),
    drift: agent.latencySpreadMs / Math.max(agent.latencyMs, 1),
    active: true,
  };
}
