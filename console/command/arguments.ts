/** From the words after a command to its arguments. */
import { type ParseArgsConfig, parseArgs } from "node:util";
import { UsageError } from "../terminal/exit.ts";
import { didYouMean } from "../terminal/nearest.ts";
import { type Command, checkArguments, isRequired, type Parameter } from "./command.ts";
import { flagOf } from "./settings.ts";

/** What the words after a command say. */
export interface Invocation {
  readonly args: Record<string, unknown>;
  readonly help: boolean;
  readonly json: boolean;
  /** `--data`, for commands that look for a running mesh. */
  readonly data: string | undefined;
}

/** Flags that a face understands before the command does. */
const FACE_FLAGS: Readonly<
  Record<string, { readonly type: "boolean" | "string"; readonly short?: string }>
> = {
  help: { type: "boolean", short: "h" },
  json: { type: "boolean" },
  data: { type: "string" },
};

/** The flags of a face that this command takes. */
export function faceFlags(command: Command): readonly string[] {
  return [
    "help",
    "json",
    ...(command.needs === "mesh" && !("data" in command.parameters) ? ["data"] : []),
  ];
}

/** Reads words; UsageError for an unknown flag, a missing or a surplus argument, a value that cannot be read. */
export function readWords(command: Command, words: readonly string[]): Invocation {
  if (command.needs === "none" && command.raw) return readRaw(words);
  const { values, positionals } = parse(command, words);
  if (values.help === true) return { args: {}, help: true, json: false, data: undefined };
  const given: Record<string, unknown> = {};
  for (const [name, parameter] of Object.entries(command.parameters)) {
    const written = values[flagOf(name)];
    if (isFlag(parameter) && written !== undefined) given[name] = written;
  }
  placePositionals(command, positionals, given);
  return {
    args: checkArguments(command, given),
    help: false,
    json: values.json === true,
    data: "data" in command.parameters ? undefined : (values.data as string | undefined),
  };
}

function readRaw(words: readonly string[]): Invocation {
  const help = words.includes("--help") || words.includes("-h");
  return { args: {}, help, json: false, data: undefined };
}

function parse(
  command: Command,
  words: readonly string[],
): { values: Record<string, unknown>; positionals: string[] } {
  const options: NonNullable<ParseArgsConfig["options"]> = {};
  for (const name of faceFlags(command)) options[name] = FACE_FLAGS[name];
  for (const [name, parameter] of Object.entries(command.parameters)) {
    if (!isFlag(parameter)) continue;
    options[flagOf(name)] = { type: parameter.value === undefined ? "boolean" : "string" };
  }
  const known = Object.keys(options);
  // Not strict: the errors of parseArgs do not say what was meant.
  const { tokens, positionals } = parseArgs({
    args: [...words],
    options,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const values: Record<string, unknown> = {};
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const option = options[token.name];
    const written = token.rawName;
    if (option === undefined) throw unknownFlag(command, written, known);
    if (option.type === "boolean") {
      if (token.value === undefined) values[token.name] = true;
      else throw new UsageError(`${command.name}: ${written} takes no value`, command.name);
    } else {
      const { name, value, inlineValue } = token;
      const given = writtenValue(command, name, written, value, inlineValue);
      values[name] = repeats(command, name)
        ? [...((values[name] as string[]) ?? []), given]
        : given;
    }
  }
  return { values, positionals };
}

function writtenValue(
  command: Command,
  name: string,
  written: string,
  value: string | undefined,
  inline: boolean | undefined,
): string {
  // `--for --json` is a forgotten value, not a duration called "--json".
  if (value !== undefined && (inline === true || !/^-{1,2}[a-z]/i.test(value))) return value;
  const wanted = command.parameters[name]?.value ?? "value";
  throw new UsageError(
    `${command.name}: ${written} needs a value: ${written} <${wanted}>`,
    command.name,
  );
}

function unknownFlag(command: Command, written: string, known: readonly string[]): UsageError {
  const flags = known.map((name) => `--${name}`);
  const hint = written.startsWith("--") ? didYouMean(written, flags) : "";
  return new UsageError(`${command.name}: unknown flag ${written}${hint}`, command.name);
}

function placePositionals(
  command: Command,
  words: readonly string[],
  given: Record<string, unknown>,
): void {
  const waiting = [...words];
  for (const [name, parameter] of Object.entries(command.parameters)) {
    if (parameter.place === undefined || given[name] !== undefined) continue;
    if (parameter.unless?.some((flag) => given[flag] !== undefined)) continue;
    if (parameter.place === "word" && !fits(parameter, waiting[0])) continue;
    const written = parameter.place === "rest" ? waiting.splice(0).join(" ") : waiting.shift();
    if (written !== undefined && written !== "") given[name] = fromText(parameter, written);
    else if (isRequired(parameter) || parameter.unless !== undefined) {
      throw new UsageError(`${command.name}: <${name}> is missing`, command.name);
    }
  }
  if (waiting.length > 0) {
    const surplus = waiting.map((word) => JSON.stringify(word)).join(" ");
    throw new UsageError(`${command.name}: too many arguments: ${surplus}`, command.name);
  }
}

function fromText(parameter: Parameter, written: string): unknown {
  return parameter.fromText === undefined ? written : parameter.fromText(written);
}

/** Whether it can be given by `--name`. */
export function isFlag({ place }: Parameter): boolean {
  return place === undefined || place === "word";
}

function repeats(command: Command, flag: string): boolean {
  return Object.entries(command.parameters).some(
    ([name, parameter]) => flagOf(name) === flag && parameter.repeats === true,
  );
}

function fits(parameter: Parameter, word: string | undefined): boolean {
  const read = parameter.schema.safeParse(word);
  return word !== undefined && read.success && read.data === word;
}
