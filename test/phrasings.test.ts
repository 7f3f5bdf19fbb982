/** Plain words of people who have not seen the grammar (spec 7.2): understood, never as a change by mistake. */
import { assert, describe, test } from "vitest";
import { type Command, changesWith, checkArguments } from "../console/command.ts";
import { COMMANDS } from "../console/commands.ts";
import { readTyped } from "../console/typed-line.ts";
import { understand } from "../console/understand.ts";
import { readArrivalTime } from "../coordination/arrival-time.ts";
import { PHRASINGS, type Phrasing } from "./phrasings.ts";
import { NEVER_CHANGES } from "./phrasings-idle.ts";

// The goal is 0.95. What is reached is held here, so that it cannot be lost on the way there.
const LEAST_UNDERSTOOD = 0.75;
/** Ends a line that states the decisive arguments only. */
const AND_SO_ON = " …";

type Values = Readonly<Record<string, unknown>>;

interface Reading {
  readonly command: string;
  readonly args: Values;
  readonly changes: boolean;
}

interface Expected extends Reading {
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

function expected(typed: string): Expected {
  const whole = !typed.endsWith(AND_SO_ON);
  const line = whole ? typed : typed.slice(0, -AND_SO_ON.length);
  const { command, invocation } = readTyped(COMMANDS, line);
  return { ...reading(command, invocation.args), whole };
}

/** What is understood, with the arguments as the command would read them; undefined when nothing is. */
function understood(said: string): Reading | undefined {
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
    assert.deepEqual(one, other);
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

const shown = (got: Reading | undefined): string =>
  got === undefined
    ? "not understood"
    : `${got.command} ${JSON.stringify(got.args)}${got.changes ? " (changes)" : ""}`;

interface Outcome {
  readonly said: string;
  readonly typed: string;
  readonly wantsChange: boolean;
  readonly got: Reading | undefined;
  readonly isMet: boolean;
}

function outcomeOf([said, ...typed]: Phrasing): Outcome {
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

const listed = (outcomes: readonly Outcome[]): string =>
  outcomes
    .map(({ said, typed, got }) => `\n  ${said}\n    wanted ${typed}\n    got    ${shown(got)}`)
    .join("");

describe("plain words that the grammar was not written on", () => {
  test("the table is large, says nothing twice, and has looking and changing entries", () => {
    const said = [...PHRASINGS.map(([words]) => words), ...NEVER_CHANGES];
    assert.equal(new Set(said).size, said.length);
    assert.isAtLeast(PHRASINGS.length, 240);
    assert.isAtLeast(NEVER_CHANGES.length, 60);
    for (const [words, ...typed] of PHRASINGS) {
      const changes = new Set(typed.map((line) => expected(line).changes));
      assert.equal(
        changes.size,
        1,
        `${words}: its readings disagree on whether it changes the mesh`,
      );
    }
  });

  test("what is no order to change the mesh is never understood as one", () => {
    const misread = NEVER_CHANGES.map((said) => ({ said, got: understood(said) })).filter(
      ({ got }) => got?.changes === true,
    );
    const list = misread.map(({ said, got }) => `\n  ${said}\n    got    ${shown(got)}`).join("");
    assert.isEmpty(misread, `${misread.length} of ${NEVER_CHANGES.length} misread:${list}`);
  });

  test("nothing is understood as a change other than the one that was meant", () => {
    const misread = PHRASINGS.map(outcomeOf).filter(
      ({ got, isMet }) => got?.changes === true && !isMet,
    );
    assert.isEmpty(misread, `${misread.length} of ${PHRASINGS.length} misread:${listed(misread)}`);
  });

  test("at least 75 % are understood as they were meant, on the way to 95", () => {
    const missed = PHRASINGS.map(outcomeOf).filter(({ isMet }) => !isMet);
    const share = 1 - missed.length / PHRASINGS.length;
    const summary = `${(share * 100).toFixed(1)} % of ${PHRASINGS.length} understood`;
    assert.isAtLeast(share, LEAST_UNDERSTOOD, `${summary}; missed:${listed(missed)}`);
  });
});
