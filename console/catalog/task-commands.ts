/** Commands that give work to whoever does it best: delegate, pipeline. */
import type { Priority } from "../../actors/context.ts";
import type { DelegationResult, PipelineResult } from "../../runtime/api/operation-api.ts";
import { type MeshCommand, meshCommand } from "../command/command.ts";
import { MESSAGE, PRIORITY, renderAnswer, shown, timeoutParameter } from "../command/message.ts";
import { flag, text, words } from "../command/values.ts";
import { formatMs } from "../terminal/format.ts";
import type { Paint } from "../terminal/paint.ts";
import { type Column, table } from "../terminal/table.ts";

/** Stages of one pipeline, and capabilities of one task. */
const MAX_WORDS = 64;

const STAGE_COLUMNS: readonly Column[] = [
  { heading: "STAGE", align: "right" },
  { heading: "AGENT" },
  { heading: "STATE" },
  { heading: "ELAPSED", align: "right" },
];

/** `delegate`: one task for one agent. */
export const delegateCommand: MeshCommand = meshCommand({
  name: "delegate",
  help: "Give a task to the agent that will have it done first, and print the result.",
  details:
    "Exit code 1 when no result came in time (TRANSIT). A CONFLICT is an answer. With " +
    "--idempotent a slow agent gets a competitor, and the first result counts.",
  parameters: {
    task: { ...MESSAGE, help: "the task: JSON, or text when it is not JSON" },
    to: {
      schema: text("best_available, an impedance class, a capability or an address").optional(),
      help: "best_available (default), an impedance class, a capability or an address",
      value: "whom",
      complete: "address",
    },
    requires: {
      schema: words("capabilities, separated by commas", MAX_WORDS).optional(),
      help: "capabilities that the agent must have, separated by commas",
      value: "a,b",
    },
    idempotent: { schema: flag().optional(), help: "the task may be done twice" },
    timeout: timeoutParameter("5m"),
    priority: PRIORITY,
  },
  examples: [
    "delegate 'Analyze Q3 financial data' --to CLASS_D_GPU --timeout 60s",
    `delegate '{"sum": [1, 2]}' --requires arithmetic --idempotent`,
  ],
  changes: true,
  run: ({ mesh, signal }, { task, to, requires, idempotent, timeout, priority }) =>
    mesh.delegate(task, {
      ...(to !== undefined && { to }),
      ...(requires !== undefined && { requiresCapabilities: requires }),
      ...(idempotent === true && { idempotent }),
      ...(timeout !== undefined && { timeoutMs: timeout }),
      ...(priority !== undefined && { priority: priority as Priority }),
      signal,
    }),
  render: renderDelegation,
  failed: ({ answer }) => answer.state === 0,
});

/** `pipeline`: one message through several agents. */
export const pipelineCommand: MeshCommand = meshCommand({
  name: "pipeline",
  help: "Pass a message through stages: what one answers is asked of the next.",
  details:
    "A stage is an address, an impedance class or a capability; of the latter two the best agent " +
    "is taken. Exit code 1 when a stage did not answer in time (TRANSIT).",
  parameters: {
    stages: {
      schema: words("stages, separated by commas, at most 64", MAX_WORDS),
      help: "the stages in order, separated by commas",
      place: "positional",
    },
    message: MESSAGE,
    timeout: timeoutParameter("5s", "of the whole pipeline"),
  },
  examples: [
    `pipeline decode,rank,sector-1/cluster-1/agent-3 '{"id": 7}'`,
    "pipeline CLASS_A_EDGE,CLASS_D_GPU 'a picture' --timeout 30s",
  ],
  changes: true,
  run: ({ mesh, signal }, { stages, message, timeout }) =>
    mesh.pipeline(message, stages, {
      ...(timeout !== undefined && { timeoutMs: timeout }),
      signal,
    }),
  render: renderPipeline,
  failed: ({ answer }) => answer.state === 0,
});

function renderDelegation(result: DelegationResult, paint: Paint): string {
  const { agent, answer, elapsedMs, tried, hedged } = result;
  const lines = [`Delegated to agent ${agent}`];
  const others = tried.filter((one) => one !== agent);
  if (others.length > 0) {
    lines.push(paint.dim(`${hedged ? "In competition with" : "After"} ${others.join(", ")}`));
  }
  const after = `${(elapsedMs / 1_000).toFixed(elapsedMs < 100 ? 3 : 1)} seconds`;
  switch (answer.state) {
    case 1:
      lines.push(`Result ready in ${after}`);
      if (answer.value !== undefined) lines.push(shown(answer.value));
      break;
    case 0:
      lines.push(`${paint.yellow("TRANSIT")}: no result in ${after}`);
      break;
    case -1:
      lines.push(`${paint.red("CONFLICT")} after ${after}`, shown(answer.conflict));
      break;
  }
  return lines.join("\n");
}

function renderPipeline({ answer, stages, elapsedMs }: PipelineResult, paint: Paint): string {
  const rows = stages.map(({ agent, state, elapsedMs: stageMs }, index) => [
    String(index + 1),
    agent,
    stateWord(state),
    formatMs(stageMs),
  ]);
  return `${table(STAGE_COLUMNS, rows, "no stage", paint)}\n${renderAnswer(answer, elapsedMs, paint)}`;
}

function stateWord(state: 1 | 0 | -1): string {
  switch (state) {
    case 1:
      return "READY";
    case 0:
      return "TRANSIT";
    case -1:
      return "CONFLICT";
  }
}
