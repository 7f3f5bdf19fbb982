/** The table of commands as MCP tools. */
import { argumentsSchema, type Command, type MeshCommand } from "../command/command.ts";
import { CONFIRM_WITHIN_MS } from "./mcp-confirmations.ts";

/** A tool, in the words of the protocol. */
export interface McpTool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: {
    readonly type: "object";
    readonly properties: Record<string, object>;
    readonly required?: string[];
  };
  readonly annotations: {
    readonly readOnlyHint: boolean;
    readonly destructiveHint: boolean;
    /** What agents do when they are told something is not known here. */
    readonly openWorldHint: boolean;
  };
}

/** The argument of a changing tool that carries the token; no parameter of a command may have its name. */
export const CONFIRM = "confirm";

/**
 * The tools for these commands. Where the server can ask the person (`asks`), changing tools take no token:
 * it does.
 */
export function toolsOf(commands: readonly Command[], asks: boolean): McpTool[] {
  return commands.filter((command) => command.needs === "mesh").map((row) => toolOf(row, asks));
}

function toolOf(command: MeshCommand, asks: boolean): McpTool {
  const { name, help, details, changes } = command;
  const schema = argumentsSchema(command) as McpTool["inputSchema"];
  const isConfirmed = changes && !asks;
  // What takes a terminal over says in its details which keys it knows.
  const more = details === undefined || command.show !== undefined ? [] : [details];
  const rule = asks ? "What changes the mesh is done when the person has agreed." : CONFIRM_RULE;
  return {
    name,
    title: name,
    description: [help, ...more, ...(changes ? [rule] : [])].join(" "),
    inputSchema: isConfirmed
      ? { ...schema, properties: { ...schema.properties, [CONFIRM]: CONFIRM_SCHEMA } }
      : schema,
    annotations: { readOnlyHint: !changes, destructiveHint: changes, openWorldHint: changes },
  };
}

const CONFIRM_RULE =
  "What changes the mesh takes two calls: the first does nothing, tells whom it would touch and gives a " +
  `token; the second, with the same arguments and the token as \`${CONFIRM}\`, does it.`;

const CONFIRM_SCHEMA = Object.freeze({
  type: "string",
  description: `the token of a call with the same arguments, at most ${CONFIRM_WITHIN_MS / 1_000} s old`,
});
