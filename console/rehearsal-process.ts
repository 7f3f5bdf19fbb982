/** The process of a rehearsal: reads a {@link RehearsalTask} from its input and says lines of JSON. */
import { FAULT_PROFILES } from "../simulator/faults.ts";
import { type OperableMesh, rehearse } from "../simulator/rehearsal.ts";
import type { RehearsalLine, RehearsalTask } from "./catalog/rehearsal-run.ts";
import { readTyped } from "./command/typed-line.ts";
import { COMMANDS } from "./commands.ts";
import type { OperationDocument } from "./reports/operation-report.ts";
import { formatDuration } from "./terminal/format.ts";
import { toPlain } from "./terminal/plain.ts";

/** Virtual time between two lines of progress, ms. */
const TOLD_EVERY_MS = 10_000;

function say(line: RehearsalLine): void {
  process.stdout.write(`${JSON.stringify(toPlain(line))}\n`);
}

async function taskOf(input: AsyncIterable<Uint8Array>): Promise<RehearsalTask> {
  const parts: Uint8Array[] = [];
  for await (const part of input) parts.push(part);
  return JSON.parse(Buffer.concat(parts).toString()) as RehearsalTask;
}

async function tryOut({ line, picture, ...task }: RehearsalTask): Promise<RehearsalLine> {
  const { command, invocation } = readTyped(COMMANDS, line);
  if (command.needs !== "mesh") throw new Error(`${command.name} needs no mesh`);
  let last: OperationDocument | undefined;
  let toldMs = 0;
  const outcome = await rehearse({
    ...task,
    picture,
    faults: FAULT_PROFILES.find(({ name }) => name === task.faults) ?? FAULT_PROFILES[0],
    operate: async (mesh: OperableMesh) => {
      // The command itself, which makes of a simulated mesh what it makes of any.
      const session = { mesh, signal: new AbortController().signal, commands: COMMANDS };
      last = (await command.run(session as never, invocation.args)) as OperationDocument;
    },
    onProgress: (elapsedMs) => {
      if (elapsedMs - toldMs < TOLD_EVERY_MS) return;
      toldMs = elapsedMs;
      say({ progress: `simulated ${formatDuration(elapsedMs)}` });
    },
  });
  if (last === undefined) throw new Error(outcome.violation?.detail ?? "nothing was done");
  return { data: { last, outcome } };
}

try {
  say(await tryOut(await taskOf(process.stdin)));
} catch (error) {
  const { code = "CONSOLE_REHEARSAL", message } = error as { code?: string; message: string };
  say({ error: { code, message } });
}
