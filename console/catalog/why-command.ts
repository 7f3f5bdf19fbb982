/** `why`: what agents are at, and what keeps them (spec 7.2). */
import type { ClassRecord, Misassignment } from "../../runtime/api/task-api.ts";
import type { Why } from "../../runtime/api/why-api.ts";
import { type MeshCommand, meshCommand } from "../command/command.ts";
import { words } from "../command/values.ts";
import { formatDuration, formatNumber } from "../terminal/format.ts";
import { type Paint, paintState } from "../terminal/paint.ts";
import { tame } from "../terminal/text-width.ts";

/** Agents looked at in one command. */
const MOST = 20;

/** `why` as JSON prints it. */
export interface WhyReport {
  readonly agents: readonly Why[];
  /** Classes that are given work which they do not finish, of those agents. */
  readonly rootCauses: readonly Misassignment[];
}

/** `why <agent[,agent…]>`. */
export const whyCommand: MeshCommand = meshCommand({
  name: "why",
  help: "Tell what agents are at and what keeps them: message, whom they wait for, a blocked worker's stack.",
  details:
    "An agent can say itself what it waits for (`ctx.waitsFor`). Where its worker does not answer, the turn that " +
    "holds the worker is named, with a sample of its stack. Where agents have delegated tasks that their class never " +
    "finishes and another class is there for, that is told as the root cause; reassign gives such tasks to others.",
  parameters: {
    agents: {
      schema: words("addresses of agents, separated by commas", MOST),
      help: "addresses such as sector-7/cluster-4/agent-12, separated by commas",
      place: "positional",
      complete: "address",
    },
  },
  examples: ["why sector-7/cluster-4/agent-12"],
  changes: false,
  run: async ({ mesh }, { agents }): Promise<WhyReport> => {
    const causes = mesh.tasks.misassigned();
    return {
      agents: await Promise.all(agents.map((address) => mesh.why(address))),
      rootCauses: causes
        .map((cause) => ({ ...cause, agents: cause.agents.filter((one) => agents.includes(one)) }))
        .filter((cause) => cause.agents.length > 0),
    };
  },
  render: ({ agents, rootCauses }, paint) =>
    [
      ...agents.map((why) => renderWhy(why, paint)),
      ...rootCauses.map((cause) => renderCause(cause, paint)),
    ].join("\n"),
});

/** Whether data is that of `why`. */
export function isWhyReport(data: unknown): data is WhyReport {
  return typeof data === "object" && data !== null && "agents" in data && "rootCauses" in data;
}

/** As the conversation of spec 7.2 has it, with what it is concluded from. */
function renderCause(cause: Misassignment, paint: Paint): string {
  const { capability, agentClass, description, agents, suited, records } = cause;
  const who = agents.length === 1 ? "This is a" : "These are";
  const noun = agents.length === 1 ? "agent" : "agents";
  const lines = [
    `${paint.bold("Root cause:")} ${who} ${agentClass} ${noun} (${description}) incorrectly assigned a ` +
      `${suited} task: '${capability}'`,
  ];
  for (const record of records) lines.push(`- ${recordLine(record)}`);
  return lines.join("\n");
}

function recordLine({ agentClass, agents, finished, meanMs, overdue }: ClassRecord): string {
  const able = `${formatNumber(agents)} ${agents === 1 ? "agent has" : "agents have"} the capability`;
  const mean = meanMs === undefined ? "" : ` in ${formatDuration(meanMs)} each`;
  return `${agentClass}: ${able}, ${formatNumber(finished)} finished${mean}, ${formatNumber(overdue)} overdue`;
}

function renderWhy(why: Why, paint: Paint): string {
  const { current, queue, blockedBy } = why;
  const lines = [
    `${paint.bold(why.address)} (${why.agentClass}), ${paintState(why.state, paint)}, on ${why.worker}`,
  ];
  if (current === undefined) lines.push("- Idle: no turn has begun");
  else {
    const how = current.suspended ? "awaiting something, its thread free for others" : "running";
    lines.push(
      `- Task: ${current.message === undefined ? "not to be had" : tame(current.message)}`,
    );
    if (current.waitsFor !== undefined) lines.push(`- Waiting on: ${tame(current.waitsFor)}`);
    if (current.waitsOn.length > 0) lines.push(`- Waits on: ${current.waitsOn.join(" → ")}`);
    lines.push(`- Duration: ${formatDuration(current.sinceMs)} (${how})`);
  }
  if (queue.depth > 0) {
    const head = queue.head === undefined ? "" : `, next: ${tame(queue.head)}`;
    lines.push(
      `- Queue: ${formatNumber(queue.depth)} ${queue.depth === 1 ? "message" : "messages"}${head}`,
    );
  }
  if (!why.workerAnswers) {
    const by =
      blockedBy === undefined
        ? ""
        : ` by ${paint.red(blockedBy.address)} for ${formatDuration(blockedBy.sinceMs)}`;
    lines.push(`- ${why.worker} does not answer: ${paint.red(`blocked${by}`)}`);
    for (const call of why.stack ?? []) lines.push(`    ${tame(call)}`);
  }
  return lines.join("\n");
}
