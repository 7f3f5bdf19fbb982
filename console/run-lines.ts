/** The commands of `start --run`: all read before the boot, run in order on the fresh mesh. */
import type { Command } from "./command/command.ts";
import { type Face, printJson } from "./command/face.ts";
import type { MeshLine } from "./command/line.ts";
import { type Form, perform, report } from "./command/perform.ts";
import { readTyped, type TypedLine } from "./command/typed-line.ts";
import { codeOf, EXIT, sentenceOf, UsageError } from "./terminal/exit.ts";

/** Reads the lines; UsageError names the first that cannot be run, so that no mesh is booted for it. */
export function readRun(commands: readonly Command[], lines: readonly string[]): TypedLine[] {
  return lines.map((line) => {
    const refuse = (why: string): UsageError =>
      new UsageError(
        `run: expected a command of a running mesh, got ${JSON.stringify(line)}: ${why}`,
        "start",
      );
    let typed: TypedLine;
    try {
      typed = readTyped(commands, line);
    } catch (error) {
      throw error instanceof UsageError ? refuse(sentenceOf(error)) : error;
    }
    const { command } = typed;
    if (command.needs === "mesh" && command.show !== undefined && !typed.invocation.help) {
      throw refuse(`${command.name} needs a terminal and somebody to leave it`);
    }
    return typed;
  });
}

/**
 * Runs the lines one after another; one that fails does not keep the next from running, an abortion does.
 * Gives how many did not do what was wanted, those not run included.
 */
export async function runLines(
  face: Face,
  mesh: MeshLine,
  lines: readonly TypedLine[],
  signal: AbortSignal,
): Promise<number> {
  let failed = 0;
  for (const line of lines) {
    if (signal.aborted || (await runOne(face, mesh, line, signal)) !== EXIT.ok) failed++;
  }
  return failed;
}

async function runOne(
  face: Face,
  mesh: MeshLine,
  { command, invocation, words }: TypedLine,
  signal: AbortSignal,
): Promise<number> {
  const form: Form = face.json ? "flat-json" : invocation.json ? "json" : "page";
  const told: Face = { ...face, json: form !== "page" };
  try {
    return await perform(told, { command, invocation, words, form, signal, reach: () => mesh });
  } catch (error) {
    if (face.json) {
      const problem = { code: codeOf(error), message: sentenceOf(error) };
      printJson(face, { command: command.name, error: problem });
    }
    return report(face, error, "brief");
  }
}
