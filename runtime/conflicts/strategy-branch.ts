import { addressOf } from "../../coordination/address.ts";
import { type BranchComparison, compareBranches } from "../../coordination/branch-comparison.ts";
import { clusterOf } from "../../coordination/topology.ts";
import type { Case, Finding } from "./conflict-strategist.ts";

/** Agents, the reporting one included, in which both branches are run. */
const SAMPLE = 3;
/** Contradictions that the outcome names. */
const NAMED = 5;

/** Both contexts, run in one agent. */
interface Run {
  readonly agent: string;
  readonly comparison: BranchComparison;
}

/**
 * BRANCH_AND_RECONCILE: runs both contexts side by side over the message that brought the conflict up, in the agent
 * that reported it and in neighbours, by their behaviors' `branch`. Where the outcomes are the same the branches have
 * met; where one only lacks what the other has it is behind, and they are put together; what contradicts is for people.
 * Without the hook the contexts themselves are compared.
 */
export async function strategyBranch(at: Case): Promise<Finding> {
  const { record, steps } = at;
  const { expected, received, strategy } = record;
  const [create, operate, meet] = strategy.steps;
  if (!("expected" in record) || !("received" in record)) {
    const outcome = "a branch is missing: the conflict names only one context, or none";
    return { state: "review", outcome, steps };
  }
  const runs = await runBranches(at);
  const names = runs.map(({ agent }) => agent).join(", ");
  steps.push({
    step: create ?? "Create parallel context branches",
    found: runs.length === 0 ? "the two contexts themselves" : `two branches in each of ${names}`,
  });
  const compared =
    runs.length === 0
      ? [{ agent: "the contexts", comparison: compareBranches(expected, received) }]
      : runs;
  steps.push({
    step: operate ?? "Let both branches operate independently",
    found: compared.map(({ agent, comparison }) => `${agent}: ${told(comparison)}`).join("; "),
  });
  const torn = compared.filter(({ comparison }) => comparison.contradictions.length > 0);
  const places = placesOf(torn);
  const met = compared.length - torn.length;
  steps.push({
    step: meet ?? "Identify convergence points",
    found:
      places.length === 0
        ? `the branches meet in all ${compared.length}`
        : `they meet in ${met} of ${compared.length}; not at ${places.join(", ")}`,
  });
  if (torn.length > 0) {
    const outcome = `irreconcilable at ${places.join(", ")}`;
    return { state: "review", outcome, value: torn[0].comparison.contradictions, steps };
  }
  const value = compareBranches(expected, received);
  const whole = value.contradictions.length === 0;
  const outcome = whole
    ? "one context is behind the other: put together"
    : "the contexts differ, and come to the same: either may stand";
  return { state: "resolved", outcome, steps, value: whole ? value.merged : received };
}

async function runBranches(at: Case): Promise<readonly Run[]> {
  const { record, look } = at;
  const { topology } = at.ports.view;
  const message = (await at.held())?.value;
  const runs: Run[] = [];
  for (const agent of sample(at)) {
    const [one, other] = await Promise.all([
      look(agent, { hook: "branch", context: record.expected, message }),
      look(agent, { hook: "branch", context: record.received, message }),
    ]);
    if (one === undefined || other === undefined) continue;
    const comparison = compareBranches(one.found, other.found);
    runs.push({ agent: addressOf(topology, agent), comparison });
  }
  return runs;
}

/** The reporting agent and the first others of its cluster. */
function sample({ agent, ports }: Case): readonly number[] {
  const { topology } = ports.view;
  const cluster = agent < 0 ? -1 : clusterOf(topology, agent);
  if (cluster < 0) return agent < 0 ? [] : [agent];
  const chosen = [agent];
  const first = cluster * topology.agentsPerCluster;
  for (let i = 0; i < topology.agentsPerCluster && chosen.length < SAMPLE; i++)
    if (first + i !== agent) chosen.push(first + i);
  return chosen;
}

function told({ same, contradictions, onlyExpected, onlyReceived }: BranchComparison): string {
  return (
    `${same} the same, ${contradictions.length} contradict, ` +
    `${onlyExpected.length} only expected, ${onlyReceived.length} only received`
  );
}

function placesOf(torn: readonly Run[]): readonly string[] {
  const places = new Set<string>();
  for (const { comparison } of torn)
    for (const { path } of comparison.contradictions) places.add(path === "" ? "the whole" : path);
  const all = [...places];
  return all.length <= NAMED ? all : [...all.slice(0, NAMED), `${all.length - NAMED} more`];
}
