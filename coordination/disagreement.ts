/**
 * Who contradicts the others (spec 6.1 BYZANTINE_BEHAVIOR): of agents that were asked a question with one right
 * answer, those whose answer differs from that of a clear majority. Where there is none, nobody can be blamed.
 */

/** So many peers at least must say the same before anyone contradicts them (spec 6.1: "multiple other agents"). */
const LEAST_PEERS = 3;
/** And so large a share of all who answered. */
const MAJORITY = 2 / 3;

/** The same text for values that mean the same. */
export function valueKey(value: unknown): string {
  return JSON.stringify(value) ?? "nothing";
}

/** Everyone whose answer differs from the majority's, in the order given. Answers that mean the same are equal. */
export function contradicting<Agent>(
  answers: Iterable<readonly [agent: Agent, answer: string]>,
): readonly Agent[] {
  const all = [...answers];
  const counts = new Map<string, number>();
  for (const [, answer] of all) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  let most = 0;
  let agreed = "";
  for (const [answer, count] of counts) {
    if (count > most) {
      most = count;
      agreed = answer;
    }
  }
  if (most < LEAST_PEERS || most < MAJORITY * all.length) return [];
  return all.filter(([, answer]) => answer !== agreed).map(([agent]) => agent);
}
