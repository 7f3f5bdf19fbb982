/** A line as it is typed in a REPL, or given to `start --run`: a command and its arguments, checked. */

import { UsageError } from "../terminal/exit.ts";
import { type Invocation, readWords } from "./arguments.ts";
import type { Command } from "./command.ts";
import { commandNamed } from "./help-commands.ts";
import { wordsOf } from "./words.ts";

/** A command that has its mesh already. */
export interface TypedLine {
  readonly command: Command;
  readonly invocation: Invocation;
  /** The words after the command's name. */
  readonly words: readonly string[];
}

/** Reads a line; UsageError for what is no command, cannot be read, or makes no sense inside a mesh. */
export function readTyped(commands: readonly Command[], line: string): TypedLine {
  const [name = "", ...words] = wordsOf(line);
  const command = commandNamed(commands, name.replace(/^\./, ""));
  if (command.needs === "none" && !command.inRepl) {
    throw new UsageError(`${command.name}: not inside a REPL: run it on the command line`);
  }
  const invocation = readWords(command, words);
  if (invocation.data !== undefined) {
    throw new UsageError(`${command.name}: --data: this REPL has its mesh already`, command.name);
  }
  return { command, invocation, words };
}
