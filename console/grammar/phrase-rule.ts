/** How a line of the phrasebook is written: a command, the phrases that mean it, and its arguments. */
import type { Phrase } from "./phrase.ts";

/** What a phrase named, by the letter of its mark; `list` has all of a letter in their order. */
export interface Named {
  readonly text: (letter: string) => string | undefined;
  readonly number: (letter: string) => number | undefined;
  readonly list: (letter: string) => readonly string[];
  /** Whom it is about: an address, a class, a capability; undefined for all or nobody. */
  readonly whom: string | undefined;
  /** Everybody was named. */
  readonly all: boolean;
  /** All of it. */
  readonly said: string;
  /** A named group of the pattern. */
  readonly word: (group: string) => string | undefined;
}

/** One meaning. */
export interface Rule {
  readonly command: string;
  readonly patterns: readonly RegExp[];
  /** undefined when the phrase fits and what it names does not. */
  readonly args: (named: Named) => Record<string, unknown> | undefined;
}

/**
 * Shorthand of the patterns. `<S>` is a selection (place, class, capability, or all), `~` a little word that stands
 * before it; the other letters are marks. A blank before an optional part belongs to it.
 */
const SHORT: Readonly<Record<string, string>> = {
  "<S>": "(?:[TCK]\\d+|ALL)",
  "<T>": "T\\d+",
  "<W>": "W\\d+",
  "<C>": "C\\d+",
  "<K>": "K\\d+",
  "<N>": "N\\d+",
  "<D>": "D\\d+",
  "<P>": "P\\d+",
  "<Q>": "Q\\d+",
  "<I>": "I\\d+",
  "<F>": "F\\d+",
};

/** States a meaning; each pattern has to match the whole phrase. */
export function rule(command: string, patterns: readonly string[], args: Rule["args"]): Rule {
  return { command, patterns: patterns.map(patternOf), args };
}

function patternOf(source: string): RegExp {
  let written = source.trim().replaceAll(/\s+/g, " ");
  for (const [short, long] of Object.entries(SHORT)) written = written.replaceAll(short, long);
  return new RegExp(`^(?:${written})$`);
}

/** What the rule makes of a phrase; undefined when it does not fit. */
export function apply(
  rule: Rule,
  words: string,
  phrase: Phrase,
): Record<string, unknown> | undefined {
  for (const pattern of rule.patterns) {
    const match = pattern.exec(words);
    if (match === null) continue;
    const args = rule.args(namedIn(phrase, match));
    if (args !== undefined) return args;
  }
  return undefined;
}

function namedIn(phrase: Phrase, match: RegExpExecArray): Named {
  const marks = match[0].match(/\b[A-Z]\d+\b/g) ?? [];
  const of = (letter: string): readonly (string | number)[] =>
    marks
      .filter((mark) => mark.startsWith(letter))
      .map((mark) => phrase.named.get(mark) as string | number);
  const text = (letter: string): string | undefined => of(letter)[0]?.toString();
  return {
    text,
    number: (letter) => of(letter)[0] as number | undefined,
    list: (letter) => of(letter).map(String),
    whom: text("T") ?? text("C") ?? text("K"),
    all: /\bALL\b/.test(match[0]),
    said: match[0],
    word: (group) => match.groups?.[group],
  };
}

/** Leaves out what is undefined, so that defaults hold. */
export function given(args: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(args).filter(([, value]) => value !== undefined));
}
