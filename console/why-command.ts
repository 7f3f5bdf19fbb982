/** `why`: what agents are at, and what keeps them (spec 7.2). */
import type { Why } from "../runtime/api/why-api.ts";
import { type MeshCommand, meshCommand } from "./command.ts";
import { formatDuration, formatNumber } from "./format.ts";
import { type Paint, paintState } from "./paint.ts";
import { tame } from "./text-width.ts";
import { words } from "./values.ts";

/** Agents looked at in one command. */
const MOST = 20;

/** `why <agent[,agent…]>`. */
export const whyCommand: MeshCommand = meshCommand({
  name: "why",
  help: "Tell what agents are at and what keeps them: message, whom they wait for, a blocked worker's stack.",
  details:
    "An agent can say itself what it waits for (`ctx.waitsFor`). Where its worker does not answer, the turn that " +
    "holds the worker is named, with a sample of its stack.",
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
  run: async ({ mesh }, { agents }): Promise<{ readonly agents: readonly Why[] }> => ({
    agents: await Promise.all(agents.map((address) => mesh.why(address))),
  }),
  render: ({ agents }, paint) => agents.map((why) => renderWhy(why, paint)).join("\n"),
});

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
