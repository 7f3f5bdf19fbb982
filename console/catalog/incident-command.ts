/** `incident`: the runbook for a sector that does not respond (spec 10.3), walked as far as a machine can walk it. */
import { systemClock } from "../../runtime/machine/clock.ts";
import { type Command, type MeshCommand, meshCommand } from "../command/command.ts";
import { flag, text } from "../command/values.ts";
import { writtenCommand } from "../command/written-command.ts";
import { type Finding, type Proposal, walkRunbook } from "../reports/incident-runbook.ts";
import { sentenceOf, UsageError } from "../terminal/exit.ts";
import { type Paint, paintState } from "../terminal/paint.ts";
import { tame } from "../terminal/text-width.ts";

/** A command that the runbook wants, and what became of it. */
export interface IncidentCommand {
  /** As one types it. */
  readonly typed: string;
  readonly command: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly why: string;
  /** `wanted`: nobody has said yes; `person`: only a person may run it. */
  readonly state: "wanted" | "person" | "done" | "failed";
  /** Why it failed. */
  readonly error?: string;
}

/** One step of the runbook. */
export interface IncidentStep {
  readonly step: string;
  readonly state: "ok" | "attention" | "critical";
  readonly found: readonly string[];
  readonly commands: readonly IncidentCommand[];
  /** What only a person can decide. */
  readonly decide: readonly string[];
}

/** What `incident --json` prints. */
export interface IncidentReport {
  readonly target: string;
  readonly atMs: number;
  readonly steps: readonly IncidentStep[];
  /** Whether nothing is wrong there. */
  readonly resolved: boolean;
}

/** `incident TARGET [--yes]`. */
export const incidentCommand: MeshCommand = meshCommand({
  name: "incident",
  help: "Walk the runbook for a sector that does not respond: look, isolate, recover, note.",
  details:
    "What only looks is done at once. What changes the mesh is shown as the command to type, and done with --yes; " +
    "what a person has to decide is asked. Exit code 1 while anything is wrong there.",
  parameters: {
    target: {
      schema: text("an address such as sector-12"),
      help: "the sector",
      place: "positional",
      complete: "address",
    },
    yes: { schema: flag().optional(), help: "do what the runbook wants, not only look" },
  },
  examples: ["incident sector-12", "incident sector-12 --yes"],
  changes: ({ yes }) => yes === true,
  check: ({ target }) => {
    if (/^sector-\d+$/.test(target)) return;
    const got = JSON.stringify(target);
    throw new UsageError(
      `incident: target: expected a sector such as sector-12, got ${got}`,
      "incident",
    );
  },
  run: async (
    { mesh, tell, perform, commands, signal },
    { target, yes },
  ): Promise<IncidentReport> => {
    const run = async (proposal: Proposal): Promise<IncidentCommand> => {
      signal.throwIfAborted();
      const shown = shownCommand(commands, proposal);
      if (proposal.person) return { ...shown, state: "person" };
      if (yes !== true) return { ...shown, state: "wanted" };
      tell?.(shown.typed);
      try {
        const data = await perform(proposal.command, { ...proposal.args });
        const known = commands.find(({ name }) => name === proposal.command);
        const missed = known?.needs === "mesh" && known.failed(data);
        return missed
          ? { ...shown, state: "failed", error: "it ran, and what was wanted did not come about" }
          : { ...shown, state: "done" };
      } catch (error) {
        return { ...shown, state: "failed", error: sentenceOf(error) };
      }
    };
    const steps: IncidentStep[] = [];
    for await (const finding of walkRunbook(mesh, target, () => systemClock.nowMs()))
      steps.push(await stepOf(finding, run));
    return {
      target,
      atMs: systemClock.nowMs(),
      steps,
      // The last step has looked again, after whatever was done.
      resolved: steps.at(-1)?.state === "ok" && steps[1].state === "ok",
    };
  },
  render: renderIncident,
  failed: ({ resolved }) => !resolved,
});

/** Whether data of a command is a walk through the runbook. */
export function isIncidentReport(data: unknown): data is IncidentReport {
  return typeof data === "object" && data !== null && "steps" in data && "resolved" in data;
}

async function stepOf(
  { step, state, found, proposals, decide }: Finding,
  run: (proposal: Proposal) => Promise<IncidentCommand>,
): Promise<IncidentStep> {
  const commands: IncidentCommand[] = [];
  // One after the other: who is restarted has been isolated before.
  for (const proposal of proposals) commands.push(await run(proposal));
  return { step, state, found, commands, decide };
}

function shownCommand(
  table: readonly Command[],
  { command, args, why }: Proposal,
): Omit<IncidentCommand, "state" | "error"> {
  const known = table.find(({ name }) => name === command);
  const typed = known === undefined ? command : writtenCommand(known, args);
  return { typed, command, arguments: args, why };
}

function renderIncident({ steps, resolved, target }: IncidentReport, paint: Paint): string {
  const lines = steps.flatMap(({ step, state, found, commands, decide }) => [
    `${paint.bold(step)}  ${paintState(state, paint)}`,
    ...found.map((fact) => `  ${tame(fact)}`),
    ...commands.flatMap((command) => commandLines(command, paint)),
    ...decide.map((question) => `  ${paint.yellow("decide")} ${tame(question)}`),
  ]);
  const wanted = steps.some(({ commands }) => commands.some(({ state }) => state === "wanted"));
  if (wanted) lines.push(`To do what is wanted: incident ${target} --yes`);
  lines.push(resolved ? paint.green(`${target} responds`) : paint.red(`${target} is not well`));
  return lines.join("\n");
}

const STATE_WORDS = {
  wanted: "wanted",
  person: "yours",
  done: "done",
  failed: "failed",
} as const;

function commandLines({ typed, why, state, error }: IncidentCommand, paint: Paint): string[] {
  const word = STATE_WORDS[state];
  const painted =
    state === "done"
      ? paint.green(word)
      : state === "failed"
        ? paint.red(word)
        : paint.yellow(word);
  const line = `  ${painted} ${paint.cyan(typed)}  (${why})`;
  return error === undefined ? [line] : [line, `    ${tame(error)}`];
}
