/**
 * Plain words (spec 7.2): from a sentence to a command of the table, by a grammar that needs nothing but itself. What
 * it does not know for sure it does not guess: a sentence is a typed command, or matches a line of the phrasebook as a
 * whole, or asks about something known; else it is not understood, and the nearest commands are offered.
 *
 *     sentence ──▶ typed command? ──▶ courtesies off, marks in ──▶ phrasebook ──▶ arguments checked ──▶ command
 */
import { readWords } from "./arguments.ts";
import { type Command, changesWith, checkArguments } from "./command.ts";
import { UsageError } from "./exit.ts";
import { type Phrase, readPhrase } from "./phrase.ts";
import { phraseOfMessage } from "./phrase-messages.ts";
import { nearestCommands } from "./phrase-nearest.ts";
import { trimmed } from "./phrase-options.ts";
import { apply, type Rule } from "./phrase-rule.ts";
import { CHANGING } from "./phrases-changing.ts";
import { LOOKING } from "./phrases-looking.ts";
import { wordsOf } from "./words.ts";

/** What a sentence was understood as. */
export interface Understanding {
  readonly understood: boolean;
  readonly command: string | null;
  /** Checked: what the command would be run with. */
  readonly arguments: Readonly<Record<string, unknown>>;
  /** Whether it would change the mesh. */
  readonly changes: boolean;
  /** What may have been meant, as commands to type, when it was not understood. */
  readonly nearest: readonly string[];
}

const PHRASEBOOK: readonly Rule[] = [...CHANGING, ...LOOKING];

/** Says what a sentence means, of these commands; runs nothing. */
export function understand(sentence: string, table: readonly Command[]): Understanding {
  // What boots a mesh, or belongs to another program, is typed.
  const commands = table.filter((command) => command.needs === "mesh" || command.inRepl);
  const typed = typedCommand(sentence, commands);
  // Nobody says "--strategy wave"; but "delegate" and "ask" are also how a sentence may begin.
  if (/\s--[a-z]/.test(sentence)) return typed ?? lost(sentence, commands);
  return (
    message(sentence, commands) ?? phrase(sentence, commands) ?? typed ?? lost(sentence, commands)
  );
}

function lost(sentence: string, commands: readonly Command[]): Understanding {
  const nearest = nearestCommands(sentence, commands);
  return { understood: false, command: null, arguments: {}, changes: false, nearest };
}

function typedCommand(sentence: string, commands: readonly Command[]): Understanding | undefined {
  try {
    const [name = "", ...words] = wordsOf(sentence.trim());
    const command = commands.find((candidate) => candidate.name === name);
    if (command === undefined || isProse(command, words, commands)) return undefined;
    // A message in quotes is just that; what follows it says more, and would become part of it.
    if (/["'}\]]\s+(?!--)\S/.test(sentence)) return undefined;
    const { args, help } = readWords(command, words);
    return help ? undefined : meant(command, args);
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}

/**
 * Whether what follows the name of a command is talk, in which it would find arguments all the same: `ask sector 7 how
 * it is` has no address called "sector", `freeze or maybe not` no scope called "or".
 */
function isProse(
  command: Command,
  words: readonly string[],
  commands: readonly Command[],
): boolean {
  const isPlain = words.length > 2 && !words.some((word) => word.startsWith("--"));
  if (OPERATIONS.includes(command.name) && isPlain) return true;
  // Said, not typed: what is handed to whom, or told to all, was looked for before.
  if (SPEAKING.includes(command.name) && isPlain) return true;
  const placed = Object.values(command.parameters).filter(
    ({ place, complete }) => place === "positional" || (place === "rest" && complete === "command"),
  );
  return placed.some(({ place, complete }, at) => {
    const word = words[at];
    if (word === undefined || word.startsWith("-")) return false;
    if (complete === "address" || complete === "worker") return !PLACE.test(word);
    // `watch over sector 7` names no command, `restore sector-7` no backup.
    if (place === "rest") return !commands.some(({ name }) => name === word.split(/\s/)[0]);
    return complete === undefined && PLACE.test(word);
  });
}

/** Commands whose message is seldom typed without quotes, and whose sentences name whom and when. */
const OPERATIONS: readonly string[] = ["forecast", "scatter", "cascade"];
const SPEAKING: readonly string[] = ["delegate", "broadcast", "pipeline"];
const PLACE = /^(?:sector-\d|worker-\d|orchestrator$|outside#|spawned-\d|CLASS_|auto$|all$)/;

function message(sentence: string, commands: readonly Command[]): Understanding | undefined {
  const found = phraseOfMessage(sentence);
  return found && checked(found.command, found.args, commands);
}

function phrase(sentence: string, commands: readonly Command[]): Understanding | undefined {
  const read = readPhrase(sentence);
  if (read === undefined) return undefined;
  const { phrase: plain, options } = trimmed(read);
  // As it stands first: what looks like an option may be what is meant.
  return meaningOf(read, {}, commands) ?? meaningOf(plain, options, commands);
}

function meaningOf(
  read: Phrase,
  options: Readonly<Record<string, unknown>>,
  commands: readonly Command[],
): Understanding | undefined {
  for (const rule of PHRASEBOOK) {
    const command = commands.find(({ name }) => name === rule.command);
    // An option that the command does not have was part of the meaning, and is not understood.
    if (command === undefined || Object.keys(options).some((name) => !(name in command.parameters)))
      continue;
    const args = apply(rule, read);
    if (args === undefined) continue;
    const meaning = checked(rule.command, { ...args, ...options }, commands);
    if (meaning !== undefined) return meaning;
  }
  return undefined;
}

function checked(
  name: string,
  args: Readonly<Record<string, unknown>>,
  commands: readonly Command[],
): Understanding | undefined {
  const command = commands.find((candidate) => candidate.name === name);
  if (command === undefined) return undefined;
  if (
    name === "help" &&
    !commands.some((known) => args.command === undefined || known.name === args.command)
  )
    return undefined;
  try {
    return meant(command, checkArguments(command, args));
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}

function meant(command: Command, args: Readonly<Record<string, unknown>>): Understanding {
  const given = Object.fromEntries(Object.entries(args).filter(([, value]) => value !== undefined));
  return {
    understood: true,
    command: command.name,
    arguments: given,
    changes: changesWith(command, args),
    nearest: [],
  };
}
