import { hasCapability } from "../../coordination/capability.ts";
import type { Case, Finding } from "./conflict-strategist.ts";

/** How long the shard has to take the capability off its agent, ms. */
const REPAIR_MS = 2000;
/** How long the task may take at the agent that gets it instead, ms. */
const TASK_MS = 60_000;

/**
 * REROUTE: an agent was given what it cannot do. The registry stops saying that it can, until it starts anew, and the
 * message goes to an agent that can. Only a `tell` is sent on: whoever asked has the conflict as an answer, and an
 * operation its report, and both may have tried elsewhere already.
 */
export async function strategyReroute(at: Case): Promise<Finding> {
  const { record, steps, ports } = at;
  const [repair, give] = record.strategy.steps;
  const named = namesOf(record.expected).filter((name) => ports.capabilities.bitOf(name) >= 0);
  if (isAboutToken(record.expected)) {
    steps.push({ step: "Let who sent it do without", found: "it had no token for what it asked" });
    return { state: "resolved", outcome: "refused, and nobody else was asked to do it", steps };
  }
  if (named.length === 0) {
    const outcome = "the conflict does not name a capability of this mesh as what was expected";
    return { state: "review", outcome, steps };
  }
  steps.push({
    step: repair ?? "Take the capability off the agent that lacks it",
    found: await takeOff(at, named),
  });
  const step = give ?? "Give the task to an agent that has it";
  if (record.via !== "tell") {
    steps.push({ step, found: `whoever sent the ${record.via} has heard of the conflict` });
    return { state: "resolved", outcome: `${record.agent} no longer has it`, steps };
  }
  const held = await at.held();
  if (held === undefined) {
    steps.push({ step, found: "the message is not held any more" });
    return { state: "review", outcome: "the task itself is gone", steps };
  }
  const { agent, answer } = await ports.delegate(held.value, {
    requiresCapabilities: named,
    timeoutMs: TASK_MS,
  });
  steps.push({
    step,
    found: `${agent} answered ${["CONFLICT", "TRANSIT", "READY"][answer.state + 1]}`,
  });
  if (answer.state !== 1)
    return { state: "review", outcome: `${agent} did not do it either`, steps };
  return { state: "resolved", outcome: `done by ${agent} instead`, value: answer.value, steps };
}

async function takeOff({ record, ports, agent }: Case, names: readonly string[]): Promise<string> {
  const { view, capabilities } = ports;
  const wrong = names
    .map((name) => ({ name, bit: capabilities.bitOf(name) }))
    .filter(({ bit }) => agent >= 0 && hasCapability(view.registry, agent, bit));
  if (wrong.length === 0) return `the registry does not say that ${record.agent} has it`;
  let low = 0;
  let high = 0;
  for (const { bit } of wrong) {
    if (bit < 32) low |= 1 << bit;
    else high |= 1 << (bit - 32);
  }
  await ports.request(agent, { verb: "disable", low, high }, REPAIR_MS);
  return `${record.agent} no longer has ${wrong.map(({ name }) => name).join(", ")}`;
}

/** The agent can do it; its sender may not have it done. */
function isAboutToken(expected: unknown): boolean {
  return typeof expected === "object" && expected !== null && "token" in expected;
}

function namesOf(expected: unknown): readonly string[] {
  if (typeof expected === "string") return [expected];
  return Array.isArray(expected)
    ? expected.filter((name): name is string => typeof name === "string")
    : [];
}
