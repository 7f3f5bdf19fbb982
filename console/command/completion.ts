/** What Tab offers: commands, flags, words of a fixed choice, and addresses level by level. */
import { faceFlags, isFlag } from "./arguments.ts";
import type { Command, Parameter } from "./command.ts";
import type { Size } from "./line.ts";
import { flagOf } from "./settings.ts";

/** Words that a REPL knows beside the commands. */
export const REPL_WORDS: readonly string[] = Object.freeze([".exit", "clear"]);

/** What may stand at the end of `line`, and the part of the line that it would replace. */
export function complete(
  line: string,
  commands: readonly Command[],
  size: Size,
): [candidates: string[], fragment: string] {
  const words = line.split(/\s+/).filter((word) => word !== "");
  const fragment = /\s$/.test(line) || line === "" ? "" : (words.pop() ?? "");
  const offered = candidates(words, fragment, commands, size);
  const fitting = offered.filter((word) => word.startsWith(fragment));
  // The only candidate is what was meant: the next word may follow, or the next level of an address.
  if (fitting.length === 1 && !mayGoDeeper(fitting[0])) return [[`${fitting[0]} `], fragment];
  return [fitting, fragment];
}

function mayGoDeeper(word: string): boolean {
  return word.startsWith("sector-") && word.split("/").length < 3;
}

/** The addresses that may follow what is typed, one level at a time. */
export function addresses(fragment: string, size: Size): string[] {
  const [sector, cluster, ...deeper] = fragment.split("/");
  if (deeper.length > 1) return [];
  if (deeper.length === 1) {
    return numbered(`${sector}/${cluster}/agent-`, size.agentsPerCluster);
  }
  if (cluster !== undefined) return numbered(`${sector}/cluster-`, size.clustersPerSector);
  return ["orchestrator", ...numbered("sector-", size.sectors)];
}

function candidates(
  words: readonly string[],
  fragment: string,
  commands: readonly Command[],
  size: Size,
): string[] {
  const usable = commands.filter((command) => command.needs === "mesh" || command.inRepl);
  const names = usable.map(({ name }) => name);
  if (words.length === 0) return [...names, ...REPL_WORDS];
  const command = usable.find(({ name }) => name === words[0]);
  if (command === undefined) return [];
  const offer = (parameter: Parameter | undefined): string[] => {
    if (parameter?.complete === "address") return addresses(fragment, size);
    if (parameter?.complete === "worker")
      return [...numbered("worker-", size.workers), ...addresses(fragment, size)];
    if (parameter?.complete === "command") return names;
    return [...(parameter?.complete ?? [])];
  };
  const waiting = flagBefore(command, words);
  if (waiting !== undefined) return offer(waiting);
  if (fragment.startsWith("-")) return flags(command);
  return offer(nextPlace(command, words));
}

/** The parameter whose value is due because its flag stands right before. */
function flagBefore(command: Command, words: readonly string[]): Parameter | undefined {
  const last = words[words.length - 1];
  return Object.entries(command.parameters).find(
    ([name, parameter]) =>
      isFlag(parameter) && parameter.value !== undefined && last === `--${flagOf(name)}`,
  )?.[1];
}

/** The positional parameter that comes next. */
function nextPlace(command: Command, words: readonly string[]): Parameter | undefined {
  const places = Object.values(command.parameters).filter(({ place }) => place !== undefined);
  const given = words.slice(1).filter((word, index) => {
    return !word.startsWith("-") && flagBefore(command, words.slice(0, index + 1)) === undefined;
  });
  return places[given.length];
}

function flags(command: Command): string[] {
  const own = Object.entries(command.parameters)
    .filter(([, parameter]) => isFlag(parameter))
    .map(([name]) => `--${flagOf(name)}`);
  const shared = faceFlags(command).filter((name) => name !== "data");
  return [...own, ...shared.map((name) => `--${name}`)];
}

function numbered(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);
}
