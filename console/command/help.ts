/** Help pages, written from the table of commands. */
import { faceFlags, isFlag } from "./arguments.ts";
import { type Command, isRequired, type Parameter } from "./command.ts";
import { flagOf } from "./settings.ts";

const FACE_HELP: Readonly<Record<string, readonly [string, string]>> = {
  help: ["-h, --help", "show this page"],
  json: ["--json", "print data as JSON on stdout"],
  data: ["--data <dir>", "data folder of the running mesh (default: MESH_DATA, or .mesh-30k here)"],
};

const WIDTH = 96;

/** All commands, one line each. */
export function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return [
    "Usage: mesh-30k <command> [arguments]",
    "",
    "Commands:",
    ...commands.map(({ name, help }) => `  ${name.padEnd(width)}  ${help}`),
    "",
    "`mesh-30k <command> --help` tells all about a command. Data goes to stdout, talk to stderr;",
    "--json prints data for machines, NO_COLOR and FORCE_COLOR decide about colour.",
    "",
    "Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 69 no running mesh,",
    "130 stopped by a second Ctrl-C.",
  ].join("\n");
}

/** All about one command. */
export function helpOf(command: Command): string {
  const entries = Object.entries(command.parameters);
  const places = entries.filter(([, { place }]) => place !== undefined);
  const options = entries.filter(([, parameter]) => isFlag(parameter));
  const lines = [`Usage: ${usageOf(command)}`, "", ...wrapped(command.help)];
  if (command.details !== undefined) lines.push("", ...wrapped(command.details));
  if (places.length > 0) {
    lines.push("", "Arguments:", ...columns(places.map(([name, { help }]) => [`<${name}>`, help])));
  }
  const rows = options.map(([name, parameter]) => [flagWithValue(name, parameter), parameter.help]);
  rows.push(...faceFlags(command).map((name) => [...FACE_HELP[name]]));
  lines.push("", "Options:", ...columns(rows));
  lines.push("", "Examples:", ...command.examples.map((example) => `  mesh-30k ${example}`));
  return lines.join("\n");
}

/** `mesh-30k tell <address> <message…> [options]`. */
export function usageOf(command: Command): string {
  const words = Object.entries(command.parameters)
    .filter(([, { place }]) => place !== undefined)
    .map(([name, parameter]) => {
      const word = parameter.place === "rest" ? `<${name}…>` : `<${name}>`;
      return isRequired(parameter) ? word : `[${word.slice(1, -1)}]`;
    });
  return ["mesh-30k", command.name, ...words, "[options]"].join(" ");
}

function flagWithValue(name: string, { value }: Parameter): string {
  return value === undefined ? `--${flagOf(name)}` : `--${flagOf(name)} <${value}>`;
}

function columns(rows: readonly (readonly string[])[]): string[] {
  // A long flag gets a line of its own rather than pushing all help to the right.
  const width = Math.min(28, Math.max(...rows.map(([left]) => left.length)));
  return rows.flatMap(([left, help]) => {
    const [first, ...more] = wrapped(help, WIDTH - width - 4);
    const blank = `  ${" ".repeat(width)}  `;
    const head =
      left.length > width ? [`  ${left}`, blank + first] : [`  ${left.padEnd(width)}  ${first}`];
    return [...head, ...more.map((line) => blank + line)];
  });
}

function wrapped(sentence: string, width = WIDTH): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of sentence.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines;
}
