/** A command and its arguments as one would type them. */
import { type Command, isRequired } from "./command.ts";
import { flagOf } from "./settings.ts";

/** The line that, read again, gives the same arguments. */
export function writtenCommand(command: Command, args: Readonly<Record<string, unknown>>): string {
  const placed: string[] = [];
  const flags: string[] = [];
  for (const [name, parameter] of Object.entries(command.parameters)) {
    const value = args[name];
    if (value === undefined || value === false) continue;
    if (parameter.place === "positional" || parameter.place === "rest") placed.push(word(value));
    else if (parameter.value === undefined && parameter.place !== "word")
      flags.push(`--${flagOf(name)}`);
    else if (parameter.place === "word" && isRequired(parameter)) placed.unshift(word(value));
    else
      for (const each of parameter.repeats === true ? [value].flat() : [value])
        flags.push(`--${flagOf(name)} ${word(each)}`);
  }
  return [command.name, ...placed, ...flags].join(" ");
}

function word(value: unknown): string {
  if (typeof value === "number") return String(value);
  if (Array.isArray(value) && value.every((part) => typeof part === "string"))
    return word(value.join(","));
  const written = typeof value === "string" ? value : JSON.stringify(value);
  if (/^[\w./:%@+-]+$/.test(written)) return written;
  return written.includes("'") ? `"${written.replaceAll(/["\\]/g, "\\$&")}"` : `'${written}'`;
}
