/** `reassign`: gives the delegated tasks that agents have to others (spec 7.2). */
import type { Reassignment, ReassignResult } from "../../runtime/api/task-api.ts";
import { type MeshCommand, meshCommand } from "../command/command.ts";
import { duration, words } from "../command/values.ts";
import { formatNumber } from "../terminal/format.ts";
import type { Paint } from "../terminal/paint.ts";

/** Agents in one command, and tasks that people are shown. */
const MOST = 20;
const SHOWN = 10;
const DAY_MS = 86_400_000;

/** `reassign <agent[,agent…]>`. */
export const reassignCommand: MeshCommand = meshCommand({
  name: "reassign",
  help: "Take delegated tasks from agents that are stuck on them, and give them to the next best.",
  details:
    "Whoever delegated a task gets the answer of the agent that does it now. A turn that is at such a task is ended: " +
    "its agent goes on from its last snapshot, or anew. A task that nobody else can take stays. Exit code 1 when a " +
    "task was not finished.",
  parameters: {
    agents: {
      schema: words("addresses of agents, separated by commas", MOST),
      help: "addresses such as sector-7/cluster-4/agent-12, separated by commas",
      place: "positional",
      complete: "address",
    },
    timeout: {
      schema: duration(1, DAY_MS).optional(),
      help: "how long the tasks are waited for (default: 60s)",
      value: "duration",
    },
  },
  examples: ["reassign sector-7/cluster-4/agent-12,sector-7/cluster-4/agent-19"],
  changes: true,
  touches: ({ agents }) => agents,
  run: ({ mesh }, { agents, timeout }): Promise<ReassignResult> =>
    mesh.tasks.reassign(agents, { ...(timeout !== undefined && { timeoutMs: timeout }) }),
  render: renderReassigned,
  failed: ({ tasks }) => tasks.some(({ state }) => state !== 1),
});

function renderReassigned({ tasks, released }: ReassignResult, paint: Paint): string {
  if (tasks.length === 0) return "They have no delegated tasks: nothing to reassign";
  const lines = tasks.slice(0, SHOWN).map((task) => `- ${taskLine(task, paint)}`);
  if (tasks.length > SHOWN) lines.push(`- and ${formatNumber(tasks.length - SHOWN)} more`);
  if (released.length > 0) lines.push(`- Turn ended: ${released.join(", ")}`);
  return lines.join("\n");
}

function taskLine({ from, to, state, elapsedMs }: Reassignment, paint: Paint): string {
  if (to === undefined) return `${paint.red("Nobody else")} can take the task of ${from}: it stays`;
  const given = `Task of ${from} reassigned to ${paint.green(to)}`;
  const after = `${(elapsedMs / 1_000).toFixed(elapsedMs < 100 ? 3 : 1)} seconds`;
  switch (state) {
    case 1:
      return `${given}, completed in ${after}`;
    case -1:
      return `${given}, ${paint.red("CONFLICT")} after ${after}`;
    case 0:
      return `${given}, ${paint.yellow("TRANSIT")} after ${after}`;
    default:
      return `${given}, not finished within ${after}`;
  }
}
