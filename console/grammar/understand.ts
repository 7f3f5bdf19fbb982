/**
 * Plain words (spec 7.2): from a sentence to a command of the table, by a grammar that needs nothing but itself. An
 * order to change the mesh has to be said outright, every word of it known; a question is taken for what most of its
 * words speak for. What is neither is not understood, and the nearest commands are offered.
 *
 *     sentence ─▶ courtesies off, slips put right, names marked ─▶ words of the lexicon ─┬─▶ message, order (all of it)
 *                                                                                       ├─▶ help, dry run, watch, typed
 *                                                                                       └─▶ topic (most of it)
 */
import { readWords } from "../command/arguments.ts";
import { type Command, changesWith, checkArguments } from "../command/command.ts";
import { wordsOf } from "../command/words.ts";
import { writtenCommand } from "../command/written-command.ts";
import { UsageError } from "../terminal/exit.ts";
import { type Phrase, readPhrase } from "./phrase.ts";
import { isRequest } from "./phrase-courtesies.ts";
import { helpAsked } from "./phrase-help.ts";
import { hypothesis } from "./phrase-hypotheses.ts";
import { LOOKS } from "./phrase-looks.ts";
import { phraseOfMessage } from "./phrase-messages.ts";
import { nearestCommands } from "./phrase-nearest.ts";
import { reasoned, trimmed } from "./phrase-options.ts";
import { moodsOf, ORDERS } from "./phrase-orders.ts";
import { RECORDS } from "./phrase-records.ts";
import { repetition } from "./phrase-repetition.ts";
import { apply } from "./phrase-rule.ts";
import { topicsOf } from "./phrase-topics.ts";
import { readWords as readReading } from "./phrase-words.ts";

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

const TOPICS = [...RECORDS, ...LOOKS];

/** Says what a sentence means, of these commands; runs nothing. */
export function understand(sentence: string, table: readonly Command[]): Understanding {
  // What hands its words on to another program is typed.
  const commands = table.filter((command) => command.needs === "mesh" || !command.raw);
  const typed = typedCommand(sentence, commands);
  // Nobody says "--strategy wave"; but "delegate" and "ask" are also how a sentence may begin.
  if (/\s--[a-z]/.test(sentence)) return typed ?? lost(sentence, commands);
  return (
    message(sentence, commands) ??
    ordered(sentence, commands) ??
    asked(sentence, commands) ??
    typed ??
    looked(sentence, commands) ??
    lost(sentence, commands)
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
  if (OPERATIONS.includes(command.name) && words.at(-1)?.endsWith("?")) return true;
  if (OPERATIONS.includes(command.name) && (isPlain || words.some((word) => LITTLE.test(word))))
    return true;
  // Said, not typed: what is handed to whom, or told to all, was looked for before.
  if (SPEAKING.includes(command.name) && (isPlain || NOTHING.test(words[0] ?? ""))) return true;
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
const LITTLE = /^(?:an?|the|of|for|in|to|please|how|my|all)$/i;
const SPEAKING: readonly string[] = ["delegate", "broadcast", "pipeline"];
const NOTHING = /^(?:nothing|something|anything|it|this|that|them|to)$/i;
const PLACE = /^(?:sector-\d|worker-\d|orchestrator$|outside#|spawned-\d|CLASS_|auto$|all$)/;

function message(sentence: string, commands: readonly Command[]): Understanding | undefined {
  const found = phraseOfMessage(sentence);
  return found && checked(found.command, found.args, commands);
}

/** An order: as it stands first, for what looks like an option may be what is meant. */
function ordered(sentence: string, commands: readonly Command[]): Understanding | undefined {
  const read = readPhrase(sentence);
  if (read === undefined) return undefined;
  const { phrase: plain, options } = trimmed(read);
  const reason = reasoned(read);
  const found =
    outright(read, {}, commands) ??
    outright(plain, options, commands) ??
    (reason && outright(reason.phrase, reason.options, commands));
  // "Restart sector 7?" asks whether; "could you restart sector 7?" asks for it.
  const isQuestion = /\?\W*$/.test(sentence) && !isRequest(sentence);
  return found?.changes === true && isQuestion ? undefined : found;
}

function outright(
  read: Phrase,
  options: Readonly<Record<string, unknown>>,
  commands: readonly Command[],
): Understanding | undefined {
  const { order, all } = readReading(read.words);
  // "A trip to sector 7" is none: what is done to a place is done without "to".
  if (ADDRESSED.test(all)) return undefined;
  // What is only tried is also said as "restarting sector 7".
  for (const said of moodsOf(options.dryRun === true ? order.replace(/\+ing\b/, "") : order)) {
    for (const rule of ORDERS) {
      const command = commands.find(({ name }) => name === rule.command);
      const more = command && optionsOf(command, options);
      if (more === undefined) continue;
      const args = apply(rule, said, read);
      const meaning = args && checked(rule.command, { ...args, ...more }, commands);
      if (meaning !== undefined) return meaning;
    }
  }
  return undefined;
}

/** Options as the command calls them; undefined when it has no such one, for then they were part of the meaning. */
function optionsOf(
  { parameters }: Command,
  { reason, ...options }: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> | undefined {
  // A reason changes nothing of what is to be done, but where it can be noted.
  const why = ["reason", "comment", "outcome"].find((name) => name in parameters);
  if (Object.keys(options).some((name) => !(name in parameters))) return undefined;
  return { ...options, ...(reason !== undefined && why !== undefined && { [why]: reason }) };
}

const ADDRESSED =
  /^(?:trip|kill|restart|reset|freeze|thaw|heal|avoid) (?:to|from|with|about|by|over|through|past|up) [TWC]\d/;

/** A look again and again, at the help, or at what an order would do. */
function asked(sentence: string, commands: readonly Command[]): Understanding | undefined {
  const read = readPhrase(sentence);
  if (read === undefined) return undefined;
  const { phrase: plain } = trimmed(read);
  return (
    repeated(read, commands) ??
    helped(read, commands) ??
    supposed(read, commands) ??
    supposed(plain, commands)
  );
}

/** `keep showing me the kpis every 10 seconds`. */
function repeated(read: Phrase, commands: readonly Command[]): Understanding | undefined {
  const repeats = repetition(read.typed);
  if (repeats === undefined) return undefined;
  const inner = understand(repeats.line, commands);
  const command = commands.find(({ name }) => name === inner.command);
  if (command === undefined || inner.changes || !["mesh"].includes(command.needs)) return undefined;
  const { every, times } = repeats;
  const line = writtenCommand(command, inner.arguments);
  return checked("watch", { line, ...(every && { every }), ...(times && { times }) }, commands);
}

function helped(read: Phrase, commands: readonly Command[]): Understanding | undefined {
  const asked = helpAsked(read, commands);
  return asked && checked("help", asked, commands);
}

/** What an order would do, asked and not given. */
function supposed(read: Phrase, commands: readonly Command[]): Understanding | undefined {
  for (const said of hypothesis(readReading(read.words).all)) {
    for (const rule of ORDERS) {
      const args = apply(rule, said, read);
      const meaning = args && checked(rule.command, { ...args, dryRun: true }, commands);
      if (meaning?.changes === false) return meaning;
    }
  }
  return undefined;
}

/** What is said on a condition, or left open, is no wish to look either. */
const OPEN = /\b(?:unless|(?<!how long )until|in case|only if|or not|or maybe|except|whichever)\b/i;

function looked(sentence: string, commands: readonly Command[]): Understanding | undefined {
  const read = readPhrase(sentence);
  if (read === undefined || OPEN.test(read.typed)) return undefined;
  const { phrase: plain, options } = trimmed(read);
  for (const [phrase, more] of [
    [plain, options],
    [read, {}],
  ] as const) {
    for (const { command: name, args } of topicsOf(phrase, readReading(phrase.words), TOPICS)) {
      const command = commands.find((known) => known.name === name);
      if (command === undefined || Object.keys(more).some((key) => !(key in command.parameters)))
        continue;
      const meaning = checked(name, { ...args, ...more }, commands);
      if (meaning?.changes === false) return meaning;
    }
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
