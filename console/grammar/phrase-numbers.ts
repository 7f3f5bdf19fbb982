/** Numbers, shares and times as people say them, written in digits. */

const ONES = (
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen " +
  "seventeen eighteen nineteen"
).split(" ");
const TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split(" ");
const SCALES: Readonly<Record<string, number>> = {
  hundred: 100,
  thousand: 1000,
  million: 1_000_000,
};
const WORD = [...ONES, ...TENS, ...Object.keys(SCALES)].join("|");
const RUN = new RegExp(
  String.raw`\b(?:a\s+(?=hundred|thousand|million))?(?:${WORD})(?:[\s-]+(?:and\s+)?(?:${WORD}))*\b`,
  "g",
);
/** `one` stands for a number only where something is counted: `which one`, `one of them` do not. */
const COUNTED = /^\s*(?:ms|milli|sec|min|hour|day|agent|percent|time)/;
const COUNTER =
  /(?:sector|cluster|agent|worker|thread|priority|number|conflict|letter|item)s?[\s-]*$/;

/** Writes number words of a lower-case text in digits. */
export function digitsOf(text: string): string {
  const plain = text
    .replaceAll(/(\d),(?=\d{3}\b)/g, "$1")
    .replaceAll(/\b(\d+(?:\.\d+)?)k\b/g, (_, number: string) => String(Number(number) * 1000))
    .replaceAll(/\bhalf an? dozen\b/g, "6")
    .replaceAll(/\b(?:(?:an?|the) )?dozen\b/g, "12")
    .replaceAll(/\ba couple of\b/g, "2");
  return plain.replaceAll(RUN, (run: string, at: number) => {
    const isOne = /^(?:one|second|a)$/.test(run);
    if (isOne && !COUNTED.test(plain.slice(at + run.length)) && !COUNTER.test(plain.slice(0, at)))
      return run;
    return numbersOf(run).map(numberOf).join(" ");
  });
}

/** `five two` are two numbers, `twenty-five` and `two hundred` are one. */
function numbersOf(run: string): readonly string[] {
  const numbers: string[][] = [];
  let last = "";
  for (const word of run.split(/[\s-]+/)) {
    const isUnit = ONES.includes(word) || TENS.includes(word);
    const goesOn =
      !isUnit ||
      last === "" ||
      last in SCALES ||
      last === "and" ||
      (TENS.includes(last) && ONES.indexOf(word) < 10 && !TENS.includes(word));
    if (goesOn && numbers.length > 0) numbers.at(-1)?.push(word);
    else numbers.push([word]);
    last = word;
  }
  return numbers.map((words) => words.join(" "));
}

function numberOf(run: string): number {
  let total = 0;
  let current = 0;
  for (const word of run.split(/[\s-]+/)) {
    const one = ONES.indexOf(word);
    const ten = TENS.indexOf(word);
    if (one >= 0) current += one;
    else if (ten >= 0) current += (ten + 2) * 10;
    else if (word in SCALES) {
      current = Math.max(1, current) * SCALES[word];
      if (SCALES[word] > 100) {
        total += current;
        current = 0;
      }
    }
  }
  return total + current;
}

const UNITS: readonly (readonly [RegExp, string])[] = [
  [/^(?:ms|millis|milliseconds?)$/, "ms"],
  [/^(?:s|secs?|seconds?)$/, "s"],
  [/^(?:m|mins?|minutes?)$/, "m"],
  [/^(?:h|hrs?|hours?)$/, "h"],
  [/^(?:d|days?)$/, "d"],
];
const UNIT = "milliseconds?|millis|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d";

/** Writes each duration as `place("500ms")` gives it. */
export function replaceDurations(text: string, place: (duration: string) => string): string {
  return text
    .replaceAll(/\bhalf (?:a|an) (second|minute|hour|day)\b/g, (_, unit: string) => `0.5 ${unit}`)
    .replaceAll(/\b(?:a|an) (second|minute|hour|day)\b/g, "1 $1")
    .replaceAll(
      new RegExp(String.raw`\b(\d+(?:\.\d+)?)[\s-]*(${UNIT})\b`, "g"),
      (_, amount: string, unit: string) => {
        const [, short] = UNITS.find(([pattern]) => pattern.test(unit)) as (typeof UNITS)[number];
        return place(`${amount}${short}`);
      },
    );
}

/** Writes each share as `place(0.95)` gives it. */
export function replaceShares(text: string, place: (share: number) => string): string {
  return text.replaceAll(/\b(\d+(?:\.\d+)?)\s*(?:%|percent\b|per cent\b)/g, (_, percent: string) =>
    place(Number(percent) / 100),
  );
}
