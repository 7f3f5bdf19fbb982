/** Running one command for a person: by hand on the command line, or line by line in a REPL. */

import { hasAudit } from "../operator/audit-file.ts";
import { Gate } from "../operator/gate.ts";
import { ownerOf } from "../operator/role.ts";
import {
  ConfigError,
  EXIT,
  exitCodeOf,
  NoMeshError,
  sentenceOf,
  UsageError,
} from "../terminal/exit.ts";
import { paintFor } from "../terminal/paint.ts";
import { toPlain } from "../terminal/plain.ts";
import { Ticker } from "../terminal/ticker.ts";
import type { Invocation } from "./arguments.ts";
import { type Command, checkArguments, type MeshCommand } from "./command.ts";
import { dataFolder } from "./config.ts";
import { type Face, paintOf, print, printJson, say } from "./face.ts";
import { helpOf, overview, usageOf } from "./help.ts";
import type { MeshLine } from "./line.ts";

/**
 * How data is printed: as a page for people, or as JSON: as it is, as `{"command":…,"data":…}`, or with the
 * name of its command among its members (what has no members is then `data`).
 */
export type Form = "page" | "json" | "named-json" | "flat-json";

/** What {@link perform} needs beside the face. */
export interface Performance {
  readonly command: Command;
  readonly invocation: Invocation;
  /** Words after the command, for commands that pass them on. */
  readonly words: readonly string[];
  readonly form: Form;
  readonly signal?: AbortSignal;
  /** The mesh; called only for commands that need one. */
  readonly reach: () => MeshLine | Promise<MeshLine>;
  /** Hears the data before it is printed. */
  readonly onData?: (data: unknown) => void;
}

/** Runs a command, prints its data and gives its exit code; what goes wrong is thrown. */
export async function perform(face: Face, what: Performance): Promise<number> {
  const { command, invocation, form } = what;
  if (invocation.help) {
    print(face, helpOf(command));
    return EXIT.ok;
  }
  if (command.needs === "none") {
    const data = await command.run(face, invocation.args, what.words);
    what.onData?.(data);
    if (form === "page") print(face, command.render(data, paintOf(face)));
    else printData(face, command, command.toJson(data), form);
    return command.exitCode(data);
  }
  const line = await reachOr(face, what, command);
  if (!("call" in line)) return finish(face, command, line.data, what);
  if (command.show !== undefined) return command.show(face, line, invocation.args);
  const ticker = face.stderr.isTTY === true ? new Ticker(face.stderr) : undefined;
  let data: unknown;
  try {
    const onProgress = ticker && ((progress: string): void => ticker.show(progress));
    data = await line.call(command.name, invocation.args, what.signal, onProgress);
  } finally {
    // Also above an error: the line of progress makes room for it.
    ticker?.done();
  }
  return finish(face, command, data, what);
}

/** A line to the mesh or, where none runs and the command can do without, its data. */
async function reachOr(
  face: Face,
  { reach, invocation }: Performance,
  command: MeshCommand,
): Promise<MeshLine | { readonly data: unknown }> {
  try {
    return await reach();
  } catch (error) {
    if (!(error instanceof NoMeshError)) throw error;
    const args = checkArguments(command, invocation.args);
    const ticker = face.stderr.isTTY === true ? new Ticker(face.stderr) : undefined;
    try {
      const dataDir = dataFolder(face, face.data);
      const asker = {
        env: face.env,
        ...(ticker && { tell: (progress: string) => ticker.show(progress) }),
      };
      const act = async (): Promise<unknown> => {
        const told = command.withoutMesh(dataDir, args, asker);
        if (told === undefined) throw error;
        return toPlain(await told);
      };
      return { data: await writtenDown(command, args, { dataDir, env: face.env }, act) };
    } finally {
      ticker?.done();
    }
  }
}

/** What changes something where no mesh runs stands in the audit log too, if a mesh has begun one there. */
async function writtenDown(
  command: MeshCommand,
  args: Record<string, unknown>,
  { dataDir, env }: { readonly dataDir: string; readonly env: Face["env"] },
  act: () => Promise<unknown>,
): Promise<unknown> {
  if (!command.changesWith(args) || !hasAudit(dataDir)) return act();
  const gate = new Gate({ dataDir, env });
  gate.openLog();
  try {
    const deed = { command: command.name, args, need: command.needOf(args), changes: true };
    return await gate.run(ownerOf("offline"), deed, act, (data) => command.failed(data));
  } finally {
    gate.closeLog();
  }
}

function finish(
  face: Face,
  command: MeshCommand,
  data: unknown,
  { form, onData }: Performance,
): number {
  onData?.(data);
  if (form === "page") print(face, command.render(data, paintOf(face)));
  else printData(face, command, data, form);
  return command.failed(data) ? EXIT.failure : EXIT.ok;
}

/**
 * Says what went wrong; gives the exit code. On the command line a wrong usage is followed by the right
 * one; in a REPL, where the next try is a key away, the sentence is enough.
 */
export function report(face: Face, error: unknown, length: "full" | "brief" = "full"): number {
  const { red } = paintFor(face.stderr, face.env);
  const problems = error instanceof ConfigError ? error.problems : [sentenceOf(error)];
  for (const problem of problems) say(face, `${red("error")}: ${problem}`);
  if (error instanceof UsageError && length === "full") say(face, usageHint(face, error));
  if (face.env.MESH_DEBUG === "1" && error instanceof Error) say(face, error.stack ?? "");
  return exitCodeOf(error);
}

function usageHint(face: Face, error: UsageError): string {
  const command = face.commands.find(({ name }) => name === error.command);
  if (command === undefined) return `\n${overview(face.commands)}`;
  return `Usage: ${usageOf(command)}\n\`mesh-30k ${command.name} --help\` tells more.`;
}

function printData(face: Face, command: Command, data: unknown, form: Form): void {
  if (data === undefined) return;
  if (form === "json") printJson(face, data);
  else if (form === "flat-json" && isRecord(data)) {
    printJson(face, { command: command.name, ...data });
  } else printJson(face, { command: command.name, data });
}

function isRecord(data: unknown): data is Record<string, unknown> {
  return typeof data === "object" && data !== null && !Array.isArray(data);
}
