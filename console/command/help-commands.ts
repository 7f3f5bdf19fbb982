/** Commands about the console itself: help, version. */

import { UsageError } from "../terminal/exit.ts";
import { didYouMean } from "../terminal/nearest.ts";
import { facts } from "../terminal/table.ts";
import { packageVersion } from "../terminal/version.ts";
import { argumentsSchema, type Command, type FaceCommand, faceCommand } from "./command.ts";
import { helpOf, overview } from "./help.ts";
import { text } from "./values.ts";

/** `help [command]`; with --json the table of commands, arguments as JSON Schema. */
export const helpCommand: FaceCommand = faceCommand({
  name: "help",
  help: "Show all commands, or all about one.",
  parameters: {
    command: {
      schema: text("the name of a command").optional(),
      help: "the command to explain",
      place: "positional",
      complete: "command",
    },
  },
  examples: ["help", "help start", "help --json"],
  inRepl: true,
  run: (face, { command }) => {
    if (command === undefined) return { page: overview(face.commands), commands: face.commands };
    const found = commandNamed(face.commands, command);
    return { page: helpOf(found), commands: [found] };
  },
  render: ({ page }) => page,
  toJson: ({ commands }) => commands.map(describe),
});

/** `version`. */
export const versionCommand: FaceCommand = faceCommand({
  name: "version",
  help: "Print the version of mesh-30k and of Node.",
  parameters: {},
  examples: ["version", "version --json"],
  inRepl: true,
  run: () => ({
    version: packageVersion(),
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
  }),
  render: ({ version, node, platform }, paint) =>
    facts(
      [
        ["mesh-30k", version],
        ["node", node],
        ["platform", platform],
      ],
      paint,
    ),
});

/** Finds a command by its name; UsageError names the nearest. */
export function commandNamed(commands: readonly Command[], name: string): Command {
  const found = commands.find((command) => command.name === name);
  if (found !== undefined) return found;
  const names = commands.map((command) => command.name);
  throw new UsageError(`unknown command "${name}"${didYouMean(name, names)}`);
}

function describe(command: Command): unknown {
  return {
    name: command.name,
    help: command.help,
    needs: command.needs,
    changes: command.needs === "mesh" && command.changes,
    arguments: argumentsSchema(command),
    examples: command.examples,
  };
}
