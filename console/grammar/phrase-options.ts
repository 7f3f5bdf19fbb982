/** What is said of a command besides its meaning: how urgent, how long, how many times, only as a trial. */
import type { Phrase } from "./phrase.ts";

/** A phrase without its options, and these as arguments of whatever command takes them. */
export interface Trimmed {
  readonly phrase: Phrase;
  readonly options: Readonly<Record<string, unknown>>;
}

const URGENCY: Readonly<Record<string, number>> = {
  background: 0,
  lowest: 0,
  low: 0,
  normal: 1,
  medium: 1,
  high: 2,
  urgent: 3,
  critical: 3,
  highest: 3,
};

interface Option {
  readonly pattern: RegExp;
  readonly args: (
    match: RegExpExecArray,
    value: (mark: string) => string | number | undefined,
  ) => Record<string, unknown>;
}

const OPTIONS: readonly Option[] = [
  option(
    "(?:(?:with|at|of|in|as|on) )?(background|lowest|low|normal|medium|high|urgent|critical|" +
      "highest) priority",
    ([, word]) => ({
      priority: URGENCY[word],
    }),
  ),
  option("(?:(?:with|at|of|in|as|on) )?priority (N\\d+)", ([, mark], value) => ({
    priority: value(mark),
  })),
  option(
    "(?:(?:with|at|for|needs|needing) )?(?:quorum (?:of )?(P\\d+)|(P\\d+) quorum)",
    ([, one, two], value) => ({
      quorum: value(one ?? two),
    }),
  ),
  option(
    "(?:and )?(?:wait|waiting)(?: up to| for| at most| no longer than)? (D\\d+)",
    ([, mark], value) => ({ timeout: value(mark) }),
  ),
  option("(?:(?:with|and) )?(?:timeout|time out)(?: of| after)? (D\\d+)", ([, mark], value) => ({
    timeout: value(mark),
  })),
  option("(?:(?:with|and) )?(D\\d+) timeout", ([, mark], value) => ({ timeout: value(mark) })),
  option("(?:(?:with|and) )?(?:ttl|time to live)(?: of)? (D\\d+)", ([, mark], value) => ({
    ttl: value(mark),
  })),
  option("(?:(?:with|and) )?(?:reason|because of) (Q\\d+)", ([, mark], value) => ({
    reason: value(mark),
  })),
  option(
    "(?:(?:using|with|as|by|in) )(wave|parallel|priority[ -]?first)(?: strategy| cascade)?",
    ([, word]) => ({
      strategy: word.replace(/^priority ?first$/, "priority-first"),
    }),
  ),
  option("(?:(?:it|this) is |as )?(?:urgent|urgently)", () => ({ priority: 3 })),
  option("(?:slowest|worst) first", () => ({ slow: true })),
  option("(?:at most|limit|only|no more than|up to) (N\\d+)", ([, mark], value) => ({
    limit: value(mark),
  })),
  option(
    "(?:but )?(?:only )?(?:as |in |for )?(?:an? )?(?:dry[ -]?run|trial run|rehearsal|test run|as (?:a )?test|without " +
      "(?:actually |really )?doing (?:it|that|anything)|without (?:executing|applying|changing)(?: it| " +
      "anything)?)(?: only| first| mode| please)*",
    () => ({ dryRun: true }),
  ),
];
const DRY_BEFORE = new RegExp(
  "^(?:(?:do |make |run )?dry[ -]?run(?: of| for)?|(?:what would|what will|show what) " +
    String.raw`(?=\w+ ?.* (?:do|touch|reach|affect)$)|blast radius(?: of| for)?|what is blast radius ` +
    "of|simulate running) ",
);
const DRY_AFTER = / (?:do|touch|reach|affect)$/;

function option(source: string, args: Option["args"]): Option {
  return { pattern: new RegExp(` ${source}(?= |$)`), args };
}

/** Takes the options out, wherever after the first word they stand. */
export function trimmed(phrase: Phrase): Trimmed {
  let { words } = phrase;
  const options: Record<string, unknown> = {};
  const value = (mark: string): string | number | undefined => phrase.named.get(mark);
  if (DRY_BEFORE.test(words)) {
    const rest = words.replace(DRY_BEFORE, "");
    words = /^(?:what|show)/.test(words) ? rest.replace(DRY_AFTER, "") : rest;
    options.dryRun = true;
  }
  for (const { pattern, args } of OPTIONS) {
    const match = pattern.exec(words);
    if (match === null) continue;
    Object.assign(options, args(match, value));
    words = `${words.slice(0, match.index)}${words.slice(match.index + match[0].length)}`.trim();
  }
  return { phrase: { ...phrase, words: words.replace(/ (?:and|with)$/, "") }, options };
}

const CONDITION = /\b(?:unless|until|if|when|but|only|not that|or)\b/i;

/** A sentence without its reason, and this as what whatever command takes for one; undefined when it gives none. */
export function reasoned(phrase: Phrase): Trimmed | undefined {
  const given =
    /[\s,]+(?:because(?: of)?|reason:?|due to|since (?=(?:it|they|the|there)\b)|as (?=(?:it|they)\b))\s*(.+)$/i.exec(
      phrase.typed,
    );
  const words =
    / (?:because|reason|due to|since (?:it|they|there)|since \S+ is|as (?:it|they)) .*$/.exec(
      phrase.words,
    );
  // What is a condition in the clothes of a reason is none.
  if (given === null || words === null || CONDITION.test(given[1])) return undefined;
  const reason = given[1].replaceAll(/^["']|["']$/g, "");
  return { phrase: { ...phrase, words: phrase.words.slice(0, words.index) }, options: { reason } };
}
