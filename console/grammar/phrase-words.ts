/**
 * A marked sentence in the words of the lexicon, twice: as an order, in which every word has to count, and as a
 * question, in which what has no weight is passed over. A word that nobody knows keeps a question mark before it, so
 * that no pattern can take it for something else.
 *
 *     "could you power cycle sector 7"  ──▶  "restart T0"       "restart the banana"  ──▶  "restart ?banana"
 */
import { DEEDS, NOUNS, SILENT_IN_LOOKS, SILENT_IN_ORDERS, VERBS } from "./phrase-lexicon.ts";

/** A sentence in the words of the lexicon. */
export interface Reading {
  /** Without what says nothing in an order. */
  readonly order: string;
  /** Without what says nothing in a question. */
  readonly look: string;
  /** All words. */
  readonly all: string;
}

/** Longest phrase of the lexicon, in words. */
const LONGEST = 6;
const IRREGULAR: Readonly<Record<string, readonly [past: string, participle?: string]>> = {
  freeze: ["froze", "frozen"],
  shut: ["shut"],
  undo: ["undid", "undone"],
  tell: ["told"],
  send: ["sent"],
  give: ["gave", "given"],
  take: ["took", "taken"],
  get: ["got", "gotten"],
  make: ["made"],
  run: ["ran"],
  do: ["did", "done"],
  keep: ["kept"],
  bring: ["brought"],
  find: ["found"],
  hold: ["held"],
  go: ["went", "gone"],
  wake: ["woke", "woken"],
  shoot: ["shot"],
  throw: ["threw", "thrown"],
  know: ["knew", "known"],
  see: ["saw", "seen"],
  lead: ["led"],
  come: ["came"],
  spin: ["spun"],
  lose: ["lost"],
  set: ["set"],
  put: ["put"],
  have: ["had"],
  hear: ["heard"],
  read: ["read"],
  cut: ["cut"],
  steer: ["steered"],
  leave: ["left"],
  begin: ["began", "begun"],
  blow: ["blew", "blown"],
  slay: ["slew", "slain"],
  hang: ["hung"],
  break: ["broke", "broken"],
  stand: ["stood"],
  write: ["wrote", "written"],
  draw: ["drew", "drawn"],
  forecast: ["forecast"],
  foresee: ["foresaw", "foreseen"],
  work: ["worked"],
  say: ["said"],
  sit: ["sat"],
  fall: ["fell", "fallen"],
};

const PHRASES = phrasesOf();
const DROPPED_IN_ORDERS = new Set(SILENT_IN_ORDERS.split(" "));
const DROPPED_IN_LOOKS = new Set([...SILENT_IN_LOOKS.split(" "), ...DROPPED_IN_ORDERS]);
/** Words that patterns name as they are. */
const PLAIN = new Set([
  ...DROPPED_IN_LOOKS,
  "who",
  "which",
  "what",
  "when",
  "how",
  "say",
  "if",
  "without",
  "except",
]);

/** Every single word that the lexicon has, for {@link import("./phrase-spelling.ts")}. */
export const VOCABULARY: ReadonlySet<string> = new Set([
  ...[...PHRASES.keys()].flatMap((phrase) => phrase.split(" ")),
  ...PLAIN,
]);

/** Every form of the verbs that change a mesh: nothing else is quickly taken for one of these. */
export const DEED_WORDS: ReadonlySet<string> = new Set(
  [...PHRASES].filter(([, concept]) => isDeed(concept)).map(([phrase]) => phrase),
);

/** What a single word stands for, without its form; undefined when the lexicon has it not. */
export function meaningOfWord(word: string): string | undefined {
  return PHRASES.get(word)?.replace(/\+\w+$/, "");
}

/** Whether a word of a reading is a verb that changes the mesh, in whatever form. */
export function isDeed(concept: string): boolean {
  return Object.hasOwn(DEEDS, concept.replace(/\+\w+$/, ""));
}

/** Reads marked small letters (console/grammar/phrase.ts). */
export function readWords(words: string): Reading {
  const said = together(words)
    .split(" ")
    .filter((word) => word !== "");
  const concepts: string[] = [];
  for (let at = 0; at < said.length; ) {
    const { concept, length } = conceptAt(said, at);
    concepts.push(concept);
    at += length;
  }
  const without = (dropped: ReadonlySet<string>): string =>
    concepts.filter((concept) => !dropped.has(concept)).join(" ");
  return {
    order: without(DROPPED_IN_ORDERS).replaceAll(/\bALL (?:agent|sector|cluster|member)\b/g, "ALL"),
    look: without(DROPPED_IN_LOOKS),
    all: concepts.join(" "),
  };
}

/** "Cut sector 7 off" is "cut off sector 7". */
function together(words: string): string {
  return words.replaceAll(
    new RegExp(
      String.raw`\b(?!take|bring|put|get|let|keep|leave)([a-z]+) ((?:[TWC]\d+|ALL|it|` +
        "that)) (off and on again|off|up|down|out|back|away|over)(?= again|$)",
      "g",
    ),
    (said, verb: string, whom: string, particle: string) =>
      PHRASES.has(`${verb} ${particle}`) ? `${verb} ${particle} ${whom}` : said,
  );
}

function conceptAt(said: readonly string[], at: number): { concept: string; length: number } {
  for (let length = Math.min(LONGEST, said.length - at); length > 0; length--) {
    const concept = PHRASES.get(said.slice(at, at + length).join(" "));
    if (concept !== undefined) return { concept, length };
  }
  const word = said[at];
  const isKnown = PLAIN.has(word) || /^(?:[A-Z]\d+|ALL)$/.test(word);
  return { concept: isKnown ? word : `?${word}`, length: 1 };
}

/** Every phrase in all its forms; where two words of the lexicon claim one, the earlier has it. */
function phrasesOf(): ReadonlyMap<string, string> {
  const phrases = new Map<string, string>();
  const add = (written: string, concept: string): void => {
    // Articles are gone before a phrase is looked for.
    const phrase = written.replaceAll(/\b(?:the|my|our|your) /g, "");
    if (!phrases.has(phrase)) phrases.set(phrase, concept);
  };
  for (const [concept, said] of [...Object.entries(DEEDS), ...Object.entries(VERBS)]) {
    for (const phrase of said.split(/,\s*/)) add(phrase, concept);
  }
  for (const [concept, said] of Object.entries(NOUNS)) {
    for (const phrase of said.split(/,\s*/)) add(phrase, concept);
  }
  for (const [concept, said] of [...Object.entries(DEEDS), ...Object.entries(VERBS)]) {
    for (const phrase of said.split(/,\s*/)) {
      const [verb, ...rest] = phrase.split(" ");
      for (const [form, ending] of formsOf(verb))
        add([form, ...rest].join(" "), `${concept}+${ending}`);
    }
  }
  for (const [concept, said] of Object.entries(NOUNS)) {
    for (const phrase of said.split(/,\s*/))
      for (const plural of pluralsOf(phrase)) add(plural, concept);
  }
  return phrases;
}

function formsOf(verb: string): readonly (readonly [string, string])[] {
  const [past, participle] = IRREGULAR[verb] ?? [];
  const stem = verb.endsWith("e") ? verb.slice(0, -1) : verb;
  const doubled = /[^aeiou][aeiou][bdgmnpt]$/.test(verb) ? `${verb}${verb.at(-1)}` : stem;
  const ied = verb.replace(/([^aeiou])y$/, "$1ie");
  return [
    [/(?:s|x|z|ch|sh|o)$/.test(verb) ? `${verb}es` : `${ied}s`, "s"],
    [`${stem}ing`, "ing"],
    [`${doubled}ing`, "ing"],
    ...(past === undefined
      ? ([
          [ied === verb ? `${stem}ed` : `${ied}d`, "ed"],
          [`${doubled}ed`, "ed"],
        ] as const)
      : [past, participle ?? past].map((form) => [form, "ed"] as const)),
  ];
}

function pluralsOf(phrase: string): readonly string[] {
  if (/(?:s|x|z|ch|sh)$/.test(phrase)) return [`${phrase}es`];
  return [`${phrase.replace(/([^aeiou])y$/, "$1ie")}s`];
}
