/** The command line: `mesh-30k <command>`, which is `node runtime <command>`. */
import { fstatSync } from "node:fs";
import type { Mesh, MeshOptions } from "../runtime/api/mesh-api.ts";
import { readWords } from "./command/arguments.ts";
import { dataFolder } from "./command/config.ts";
import type { Face } from "./command/face.ts";
import { commandNamed } from "./command/help-commands.ts";
import type { MeshLine } from "./command/line.ts";
import { perform, report } from "./command/perform.ts";
import { COMMANDS } from "./commands.ts";
import { ControlClient } from "./control/control-client.ts";
import { EXIT, sentenceOf } from "./terminal/exit.ts";

/** Words that people try before they know any. */
const ALIASES: Readonly<Record<string, string>> = {
  "--help": "help",
  "-h": "help",
  "--version": "version",
  "-v": "version",
};

/**
 * Runs a command line (without `node` and script) and gives its exit code. `surroundings` replaces parts
 * of the process for a test.
 */
export async function main(
  argv: readonly string[],
  surroundings: Partial<Face> = {},
): Promise<number> {
  const face: Face = { ...processFace(), ...surroundings };
  const guards = surroundings.stdout === undefined ? guardProcess(face) : undefined;
  try {
    return await runLine(argv, face);
  } catch (error) {
    return report(face, error);
  } finally {
    guards?.();
  }
}

async function runLine(argv: readonly string[], face: Face): Promise<number> {
  const [first = "help", ...words] = argv;
  const command = commandNamed(face.commands, ALIASES[first] ?? first);
  const invocation = readWords(command, words);
  const told: Face = { ...face, json: invocation.json, data: invocation.data };
  let line: MeshLine | undefined;
  const reach = async (): Promise<MeshLine> => {
    line = await ControlClient.connect(dataFolder(told, told.data), told.env);
    return line;
  };
  try {
    const form = invocation.json ? "json" : "page";
    return await perform(told, { command, invocation, words, form, reach });
  } finally {
    line?.close();
  }
}

function processFace(): Face {
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    commands: COMMANDS,
    signals: process,
    stdinEnds: stdinEnds(),
    json: false,
    data: undefined,
    createMesh,
    exit: (code) => process.exit(code),
  };
}

/** Only `start` boots a mesh: the other commands do not load one. */
async function createMesh(options: MeshOptions): Promise<Mesh> {
  const { createMesh: create } = await import("../runtime/create-mesh.ts");
  return create(options);
}

/** A pipe or a file ends when its writer has finished; a terminal or /dev/null says nothing by its end. */
function stdinEnds(): boolean {
  try {
    const stdin = fstatSync(0);
    return stdin.isFIFO() || stdin.isFile() || stdin.isSocket();
  } catch {
    // Closed: there is nobody who could finish.
    return false;
  }
}

/** Keeps stacks from people, and takes a closed pipe for the wish of who reads it. */
function guardProcess(face: Face): () => void {
  const onError = (error: unknown): void => {
    report(face, new Error(`unexpected: ${sentenceOf(error)}`, { cause: error }));
    if (face.env.MESH_DEBUG === "1") process.stderr.write(`${(error as Error)?.stack ?? error}\n`);
    process.exit(EXIT.failure);
  };
  const onClosed = (error: NodeJS.ErrnoException): void => {
    // `mesh-30k agents | head`: the reader has seen enough.
    if (error.code === "EPIPE") process.exit(EXIT.ok);
    else onError(error);
  };
  process.on("uncaughtException", onError);
  process.stdout.on("error", onClosed);
  process.stderr.on("error", onClosed);
  return () => {
    process.off("uncaughtException", onError);
  };
}
