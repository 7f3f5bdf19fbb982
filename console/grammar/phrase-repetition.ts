/** Sentences that want something looked at again and again: `watch`. */
import { readPhrase } from "./phrase.ts";

/** What is repeated, how often, how many times. */
export interface Repetition {
  readonly line: string;
  readonly every?: string;
  readonly times?: number;
}

const LOOP =
  "(?:again and again|repeatedly|over and over(?: again)?|continuously|in a loop|periodically|all the time|regularly)";
const FORM = new RegExp(
  "^(?<verb>watch|repeat|rerun|re-run|refresh|poll|keep (?:showing|running|printing|telling|giving|updating|checking|" +
    "listing|displaying|refreshing)(?: me| us)?|run|show(?: me| us)?|print|display|check|give me|list|update)? ?" +
    `(?<line>.+?)(?<loop>,? ${LOOP})?(?<every>,? (?:(?:every|each|once (?:every|a|` +
    `per)) (?<period>.+?)|(?<twice>twice) (?:a|per|every) (?<half>second|minute|hour)))?` +
    "(?<count>,? (?:for )?(?<times>\\d+|(?!(?:ms|s|seconds?|minutes?|hours?)\\b)[a-z]+(?:[ -][a-z]+)?) times)?$",
  "i",
);

/** In letters; nobody says more, and the form is slow on a long text. */
const LONGEST = 200;

/** Reads such a sentence; undefined when it is none. */
export function repetition(typed: string): Repetition | undefined {
  if (typed.length > LONGEST) return undefined;
  const {
    verb = "",
    line,
    loop,
    every,
    period,
    twice,
    half,
    count,
    times,
  } = FORM.exec(typed)?.groups ?? {};
  const isAgain = /^(?:repeat|rerun|re-run|refresh|poll|keep )/i.test(verb);
  if (
    line === undefined ||
    !(isAgain || loop || every || (count && /^(?:run|show|watch)/i.test(verb)))
  )
    return undefined;
  // The history of an hour is not what is looked at once an hour.
  if (
    !isAgain &&
    !/^watch/i.test(verb) &&
    /^(?:hour|day|operation)$/i.test(period ?? "") &&
    /kpi|metric|indicator/i.test(line)
  )
    return undefined;
  const interval =
    twice !== undefined
      ? first(`half a ${half}`, "D")
      : every === undefined
        ? undefined
        : first(
            `${/^\d/.test(period) || /^(?:an?|half|other|\w+ \w)/.test(period) ? period : `1 ${period}`}`,
            "D",
          );
  const number = count === undefined ? undefined : first(times, "N");
  // A period that is none, or a count, belongs to what is meant.
  if (
    (every !== undefined && interval === undefined) ||
    (count !== undefined && number === undefined)
  )
    return undefined;
  return {
    line,
    ...(interval !== undefined && { every: String(interval) }),
    ...(number !== undefined && { times: Number(number) }),
  };
}

function first(part: string, letter: string): string | number | undefined {
  return [...(readPhrase(part)?.named ?? [])].find(([mark]) => mark.startsWith(letter))?.[1];
}
