/**
 * What a sentence that only looks is about. Each word speaks for some topics and not for others; the topic with the
 * most evidence has it, if that outweighs what nobody knows. So a question is understood whatever its order and its
 * filling words are: a wrong picture costs a glance. An order is another matter (console/grammar/phrase-orders.ts).
 *
 *     "which raspberry pis in sector 9 have died?"  ──▶  agents 7 · status 4  ──▶  agents
 */

import type { Phrase } from "./phrase.ts";
import { isDeed, type Reading } from "./phrase-words.ts";

/** What a sentence says, for a topic to weigh and to take its arguments from. */
export interface Heard {
  /** The words of the lexicon as one string, little words left out. */
  readonly look: string;
  /** All words of the lexicon. */
  readonly all: string;
  /** As it was typed. */
  readonly typed: string;
  /** True when one of these words was said, in any form; `word+ed` only in that one. */
  readonly has: (...words: readonly string[]) => boolean;
  readonly text: (letter: string) => string | undefined;
  readonly number: (letter: string) => number | undefined;
  readonly list: (letter: string) => readonly string[];
  /** The first place named, where it is an agent, and where it is none. */
  readonly agent: string | undefined;
  readonly area: string | undefined;
}

/** A command, what speaks for it, and its arguments; undefined when the sentence does not give them. */
export interface Topic {
  readonly command: string;
  /** Words, or patterns over {@link Heard.look}, with their weight. */
  readonly evidence: readonly (readonly [said: string | RegExp, weight: number])[];
  /** Without it there is no such topic. */
  readonly when?: (heard: Heard) => boolean;
  readonly args: (heard: Heard) => Record<string, unknown> | undefined;
}

/** States a topic: `"tree:6 structure:4"`, and patterns with theirs. */
export function topic(
  command: string,
  words: string,
  patterns: readonly (readonly [RegExp, number])[],
  args: Topic["args"],
  when?: Topic["when"],
): Topic {
  const weighed = words
    .split(" ")
    .filter((word) => word !== "")
    .map((word): readonly [string, number] => {
      const [said, weight] = word.split(":");
      return [said, Number(weight)];
    });
  return { command, evidence: [...weighed, ...patterns], args, ...(when && { when }) };
}

/** A topic that a sentence may be about, with its arguments. */
export interface Candidate {
  readonly command: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly score: number;
}

/** Evidence below which a sentence is about nothing. */
const ENOUGH = 3;
/** What a word that nobody knows, and a deed that the topic does not know, take away. */
const UNKNOWN_COSTS = 0.6;
const DEED_COSTS = 3;

/** The topics that a sentence may be about, the likeliest first. */
export function topicsOf(
  phrase: Phrase,
  reading: Reading,
  topics: readonly Topic[],
): readonly Candidate[] {
  const heard = hear(phrase, reading);
  const said = heard.look.split(" ").filter((word) => word !== "");
  // Who begins with a deed gives an order, be it one that was not understood.
  const order = isDeed(said[0] ?? "") && !said[0].includes("+") ? said[0] : undefined;
  return topics
    .filter((one) => one.when === undefined || one.when(heard))
    .flatMap((one) => {
      const score = weigh(one, heard, said, order);
      const args = score < ENOUGH ? undefined : one.args(heard);
      return args === undefined ? [] : [{ command: one.command, args: given(args), score }];
    })
    .sort((one, other) => other.score - one.score);
}

function weigh(
  { evidence }: Topic,
  heard: Heard,
  said: readonly string[],
  order: string | undefined,
): number {
  let score = 0;
  const known = new Set<string>();
  for (const [what, weight] of evidence) {
    const found =
      typeof what === "string"
        ? heard.has(what) && what
        : (what.exec(heard.look) ?? what.exec(heard.all))?.[0];
    if (typeof found !== "string") continue;
    score += weight;
    for (const word of found.split(" ")) known.add(baseOf(word));
  }
  if (order !== undefined && !known.has(order)) return 0;
  for (const word of said) {
    if (/^Q\d/.test(word) && !known.has("Q")) score -= DEED_COSTS;
    else if (word.startsWith("?")) score -= UNKNOWN_COSTS;
    else if (isDeed(word) && !known.has(baseOf(word))) score -= DEED_COSTS;
  }
  return score;
}

/** A word without its form. */
const baseOf = (word: string): string => word.replace(/\+\w+$/, "");

function hear(phrase: Phrase, { look, all }: Reading): Heard {
  const words = new Set(all.split(" "));
  const bases = new Set(all.split(" ").map(baseOf));
  const marks = all.match(/\b[A-Z]\d+\b/g) ?? [];
  const of = (letter: string): readonly (string | number)[] =>
    marks
      .filter((mark) => mark.startsWith(letter))
      .map((mark) => phrase.named.get(mark) as string | number);
  const places = of("T").map(String);
  return {
    look,
    all,
    typed: phrase.typed,
    has: (...asked) =>
      asked.some((word) =>
        /^[A-Z]$/.test(word) ? of(word).length > 0 : (word.includes("+") ? words : bases).has(word),
      ),
    text: (letter) => of(letter)[0]?.toString(),
    number: (letter) => of(letter)[0] as number | undefined,
    list: (letter) => of(letter).map(String),
    agent: places.find((place) => place.includes("/agent-")),
    area: places.find((place) => !place.includes("/agent-")),
  };
}

/** Leaves out what is undefined, so that defaults hold. */
function given(args: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(args).filter(([, value]) => value !== undefined));
}
