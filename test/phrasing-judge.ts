/** Judges what the plain words of a list are understood as, against the lines that one would have typed. */
import assert from "node:assert";
import { resolve } from "node:path";
import { readWords } from "../console/command/arguments.ts";
import { type Command, changesWith, checkArguments } from "../console/command/command.ts";
import { wordsOf } from "../console/command/words.ts";
import { COMMANDS } from "../console/commands.ts";
import { understand } from "../console/grammar/understand.ts";
import { readArrivalTime } from "../coordination/arrival-time.ts";
import type { Phrasing } from "./phrasings.ts";

/** Ends a line that states the decisive arguments only. */
const AND_SO_ON = " …";

type Values = Readonly<Record<string, unknown>>;

export interface Reading {
  readonly command: string;
  readonly args: Values;
  readonly changes: boolean;
}

export interface Expected extends Reading {
  /** False when it may have arguments that are not stated here. */
  readonly whole: boolean;
}

/** Values that a command takes when nothing is said: with them and without, it does the same. */
const DEFAULTS: Readonly<Record<string, Values>> = {
  tree: { depth: 1 },
  top: { sort: "impedance" },
  agents: { slow: false, limit: 100 },
  tell: { priority: 1 },
  ask: { select: "all", sample: 100, timeout: 5_000, priority: 1 },
  broadcast: { select: "all", quorum: 0.95, timeout: 5_000, priority: 2 },
  forecast: { verb: "sync", select: "all", at: "earliest-quorum", readyBy: 0.95, quorum: 0.95 },
  scatter: { verb: "sync", select: "all", at: "earliest-quorum", quorum: 0.95, count: 1 },
  cascade: { verb: "sync", select: "all", at: "earliest-quorum", strategy: "wave", count: 1 },
  delegate: { to: "best_available", timeout: 300_000, priority: 1 },
  pipeline: { timeout: 5_000 },
  route: { action: "list" },
  circuits: { action: "list" },
  mode: { action: "show" },
  heal: { target: "auto" },
  freeze: { scope: "all" },
  thaw: { scope: "all" },
  "dead-letters": { action: "list", limit: 50 },
  conflicts: { action: "list", limit: 50 },
  quarantine: { action: "list", limit: 50 },
  inbox: { action: "list" },
  backup: { action: "now" },
};

/** Arguments that are files: typed, they are read from where one stands. */
const FILES: readonly string[] = ["file", "first", "second"];

const CLASS_OF_LETTER: Readonly<Record<string, string>> = {
  A: "CLASS_A_EDGE",
  B: "CLASS_B_SERVERLESS",
  C: "CLASS_C_PERSISTENT",
  D: "CLASS_D_GPU",
  E: "CLASS_E_LOCAL",
  F: "CLASS_F_HUMAN",
};

function commandNamed(name: string): Command {
  const command = COMMANDS.find((known) => known.name === name);
  if (command === undefined) assert.fail(`no command is called ${name}`);
  return command;
}

/** The same value for all ways to write it. */
function canonicalValue(name: string, value: unknown): unknown {
  if (name === "at") {
    const arrival = readArrivalTime(value as string | number, 0);
    return arrival.kind === "time" ? arrival.atMs : arrival.kind;
  }
  if (FILES.includes(name)) return resolve(String(value));
  if (name !== "class") return value;
  const written = String(value).toUpperCase();
  const known = Object.values(CLASS_OF_LETTER).find((one) => one.endsWith(`_${written}`));
  return CLASS_OF_LETTER[written] ?? known ?? written;
}

function reading(command: Command, given: Values): Reading {
  const args: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    if (value === DEFAULTS[command.name]?.[name] || value === null || value === undefined) continue;
    args[name] = canonicalValue(name, value);
  }
  return { command: command.name, args, changes: changesWith(command, given) };
}

export function expected(typed: string): Expected {
  const whole = !typed.endsWith(AND_SO_ON);
  const line = whole ? typed : typed.slice(0, -AND_SO_ON.length);
  const [name = "", ...words] = wordsOf(line);
  const command = commandNamed(name);
  return { ...reading(command, readWords(command, words).args), whole };
}

/** What is understood, with the arguments as the command would read them; undefined when nothing is. */
export function understood(said: string): Reading | undefined {
  if (!heard.has(said)) heard.set(said, reads(said));
  return heard.get(said);
}

/** Each sentence is judged in several ways and read once. */
const heard = new Map<string, Reading | undefined>();

function reads(said: string): Reading | undefined {
  const {
    understood: isUnderstood,
    command: name,
    arguments: given,
    changes,
  } = understand(said, COMMANDS);
  if (!isUnderstood || name === undefined || name === null) return undefined;
  const command = commandNamed(name);
  const { args } = reading(command, checkArguments(command, given as Values));
  return { command: name, args, changes };
}

const sameValue = (one: unknown, other: unknown): boolean => {
  try {
    assert.deepStrictEqual(one, other);
    return true;
  } catch {
    return false;
  }
};

function meets(got: Reading | undefined, wanted: Expected): boolean {
  if (got === undefined || got.command !== wanted.command || got.changes !== wanted.changes)
    return false;
  if (wanted.whole) return sameValue(got.args, wanted.args);
  return Object.entries(wanted.args).every(([name, value]) => sameValue(got.args[name], value));
}

export const shown = (got: Reading | undefined): string =>
  got === undefined
    ? "not understood"
    : `${got.command} ${JSON.stringify(got.args)}${got.changes ? " (changes)" : ""}`;

export interface Outcome {
  readonly said: string;
  readonly typed: string;
  readonly wantsChange: boolean;
  readonly got: Reading | undefined;
  readonly isMet: boolean;
}

export function outcomeOf([said, ...typed]: Phrasing): Outcome {
  const wanted = typed.map(expected);
  const got = understood(said);
  return {
    said,
    typed: typed.join(" | "),
    wantsChange: wanted[0].changes,
    got,
    isMet: wanted.some((one) => meets(got, one)),
  };
}

export const listed = (outcomes: readonly Outcome[]): string =>
  outcomes
    .map(({ said, typed, got }) => `\n  ${said}\n    wanted ${typed}\n    got    ${shown(got)}`)
    .join("");
