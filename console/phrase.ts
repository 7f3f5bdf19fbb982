/**
 * A sentence as the phrasebook reads it: without courtesies, in small letters, and with what it names (places, classes,
 * numbers, times, quotations) replaced by marks such as `T0`, so that a phrase is written once for all of them.
 *
 *     "Hey mesh, could you please route around cluster 7-4?"  ──▶  "route around T0", T0 = sector-7/cluster-4
 */
import type { ImpedanceClass } from "../coordination/impedance-class.ts";
import { digitsOf, replaceDurations, replaceShares } from "./phrase-numbers.ts";
import { replacePlaces } from "./phrase-places.ts";

/**
 * What a mark stands for. The letter says which: place, worker, class, capability, number, duration, share, quotation.
 */
export type Mark = "T" | "W" | "C" | "K" | "N" | "D" | "P" | "Q";

/** A sentence, read. */
export interface Phrase {
  /** Small letters, single blanks, marks. */
  readonly words: string;
  /** What the marks stand for, by mark: `T0` → `sector-7`. */
  readonly named: ReadonlyMap<string, string | number>;
  /** The sentence without courtesies, as it was typed: where a message begins in it, it is taken from here. */
  readonly typed: string;
}

/** Longer sentences are not read. */
export const MAX_SENTENCE = 1000;

const CONTRACTIONS: readonly (readonly [RegExp, string])[] = [
  [/\b(what|who|how|where|there|that|it|he|she|when|why)'?s\b(?<!hows|its|whens)/g, "$1 is"],
  [/\b(do|does|did|is|are|was|were|would|should|could|has|have|had)n'?t\b/g, "$1 not"],
  [/\bcan'?t\b/g, "can not"],
  [/\bcannot\b/g, "can not"],
  [/\bwon'?t\b/g, "will not"],
  [/\b(they|we|you)'re\b/g, "$1 are"],
  [/\bi'm\b/g, "i am"],
  [/\b(i|we|you|they)'d\b/g, "$1 would"],
  [/\b(i|we|you|they)'ve\b/g, "$1 have"],
  [/\b(i|we|you|they|it)'ll\b/g, "$1 will"],
  [/\blet'?s\b/g, "let us"],
];

/** What a sentence may begin with and does not say. */
const OPENINGS = new RegExp(
  "^(?:(?:hey|hi|hello|yo|ok|okay|alright|all right|so|well|now|listen|and|also|then|" +
    String.raw`please|pls|oops|sorry|kindly|quick(?:ly)?|just|actually|mesh|dear mesh|right)[\s,.!:]+|(?:can|could|` +
    "would|will) you(?: all)? (?=[a-z])|(?:i|we) (?:want|need|would like|would love|" +
    "wish) (?:you )?to (?=[a-z])|(?:i|we) would like (?:you )?to |let us |go ahead and |go " +
    "and |try to |be so kind (?:as )?to |do me a favou?r and |would you mind |(?:i|we) " +
    "wonder |if you (?:can|could|would) )+",
);
/** The same at its end. */
const CLOSINGS = new RegExp(
  String.raw`(?:[\s,]+(?:please|pls|thanks|thank you|cheers|now|right now|right away|at once|` +
    "immediately|asap|for me|for us|will you|would you|if you can|if possible|today|at the " +
    String.raw`moment|currently|as soon as possible|already|then|quickly|somehow)|,\s*(?:ok|okay|` +
    "mesh|folks|mate))$",
);
/** Words that say nothing wherever they stand. */
const SILENT = new RegExp(
  String.raw`\b(?:the|a|an|my|our|your|this|that(?= (?:sector|cluster|agent|mesh))|those|these|` +
    "please|kindly|just|really|simply|currently|actually|exactly|some|any(?= (?:agents?|" +
    "sectors?|clusters?|conflicts?|open|dead|breakers?|degraded|offline|quarantined|slow|" +
    String.raw`unresolved|critical)))\b`,
  "g",
);

const CLASSES: readonly (readonly [ImpedanceClass, string])[] = [
  ["CLASS_A_EDGE", "class[ _-]a(?:_edge)?|edge|cloudflare workers?"],
  ["CLASS_B_SERVERLESS", "class[ _-]b(?:_serverless)?|serverless|lambdas?"],
  ["CLASS_C_PERSISTENT", "class[ _-]c(?:_persistent)?|persistent|containers?|vps"],
  ["CLASS_D_GPU", "class[ _-]d(?:_gpu)?|gpus?|jetsons?"],
  [
    "CLASS_E_LOCAL",
    "class[ _-]e(?:_local)?|raspberry pis?|raspberries|pis|iot|local(?= (?:agents|devices|hardware|nodes|class))",
  ],
  ["CLASS_F_HUMAN", "class[ _-]f(?:_human)?|humans?|people|reviewers|operators in loop"],
];
const CLASS_NOUN =
  "(?:[ -](?:agents?|workers?|functions?|nodes?|devices?|instances?|boxes|machines?|hardware|ones|class|reviewers))?";
const EVERYTHING = new RegExp(
  String.raw`\b(?:(?:all|each|every)(?: of)?(?: the| our| my)?(?: \d+)? (?:agents?|sectors?|nodes?|` +
    "members)(?: (?:in|of) the (?:whole |entire )?mesh)?|(?:the |our )?(?:whole|entire|" +
    "full|complete) (?:mesh|system|fleet|swarm|thing|lot)|(?:the |our )(?:mesh|fleet|swarm|" +
    "system|agents(?! (?:in|of|with|that|who|are|slow|stuck|which)))|everyone|everybody|" +
    String.raw`everything|mesh-?wide|all 30000)\b`,
  "g",
);
const CAPABLE = new RegExp(
  String.raw`\b(?:(?:with|having|that has|that have|who has|who have|needing|needs|requiring|` +
    "requires|for)(?: the| a)? capabilit(?:y|ies)(?: of| for)?|(?:who|that|which)(?: " +
    "agents?)? (?:can|could)(?: do| handle| run)?|capable of(?: doing)?|able to(?: do)?) " +
    String.raw`([a-z][\w.-]*)`,
  "g",
);

/** Reads a sentence; undefined when there is none, or it is longer than {@link MAX_SENTENCE}. */
export function readPhrase(sentence: string): Phrase | undefined {
  if (sentence.length > MAX_SENTENCE) return undefined;
  const typed = withoutCourtesies(tidy(sentence));
  if (typed === "") return undefined;
  const named = new Map<string, string | number>();
  const mark = (kind: Mark, value: string | number): string => {
    const name = `${kind}${named.size}`;
    named.set(name, value);
    return ` ${name} `;
  };
  let words = typed.replace(/\{.*\}|\[.*\]/, (json) => mark("Q", json));
  words = words.replaceAll(/(?<![\w])(["'`])(.+?)\1(?![\w])/g, (_, _quote: string, text: string) =>
    mark("Q", text),
  );
  words = words.replaceAll(
    new RegExp(
      String.raw`(?<![\w-])((?:review-)?conflict-[\w-]*\d[\w-]*|(?:sector-\d+/cluster-\d+/agent-\d+|` +
        String.raw`outside|spawned-\d+)#\d+)(?![\w-])`,
      "gi",
    ),
    (id: string) => mark("Q", id),
  );
  words = expand(lower(words));
  words = lowerKeepingMarks(words, digitsOf);
  words = replacePlaces(words, (address) => mark("T", address));
  words = words.replaceAll(
    /\b(?:workers?|threads?|shards?)[\s\-_#]*(\d+)\b/g,
    (_, number: string) => mark("W", `worker-${Number(number)}`),
  );
  words = words.replaceAll(EVERYTHING, " ALL ");
  for (const [name, spoken] of CLASSES) {
    const pattern = new RegExp(
      String.raw`\b(?:all |all the |every |each )?(?:the )?(?:${spoken})${CLASS_NOUN}\b`,
      "g",
    );
    words = words.replaceAll(pattern, () => mark("C", name));
  }
  words = words.replaceAll(
    /\b(?:with|having|has|have) (?:the |a |an )?([a-z][\w.-]*) capability\b/g,
    (_, name: string) => mark("K", originalCase(sentence, name)),
  );
  words = words.replaceAll(CAPABLE, (_, name: string) => mark("K", originalCase(sentence, name)));
  words = replaceDurations(words, (duration) => mark("D", duration));
  words = replaceShares(words, (share) => mark("P", share));
  words = words.replaceAll(/(?<![\w-])#?(\d+)(?![\w-])/g, (_, number: string) =>
    mark("N", Number(number)),
  );
  words = words.replaceAll(SILENT, " ").replaceAll(/[?!.,;:()"'`]+/g, " ");
  return { words: words.replaceAll(/\s+/g, " ").trim(), named, typed };
}

function tidy(sentence: string): string {
  return sentence
    .normalize("NFKC")
    .replaceAll(/[“”„«»]/g, '"')
    .replaceAll(/[‘’‚]/g, "'")
    .replaceAll(/[–—]/g, "-")
    .replaceAll(/\s+/g, " ")
    .trim();
}

/** Openings and closings off, in the letters in which it was typed. */
function withoutCourtesies(sentence: string): string {
  let text = sentence.replace(/[\s?!.,;]+$/, "");
  for (let before = ""; before !== text; ) {
    before = text;
    const expanded = expand(text.toLowerCase());
    const opening = OPENINGS.exec(expanded);
    // Openings have no contractions that change their length before they end.
    if (opening !== null && expanded.length === text.length) text = text.slice(opening[0].length);
    else if (opening !== null) text = expanded.slice(opening[0].length);
    const closing = CLOSINGS.exec(text.toLowerCase());
    if (closing !== null) text = text.slice(0, closing.index).replace(/[\s?!.,;]+$/, "");
  }
  return text.trim();
}

/** Small letters, marks apart. */
function lower(text: string): string {
  return lowerKeepingMarks(text, (part) => part.toLowerCase());
}

function lowerKeepingMarks(text: string, change: (part: string) => string): string {
  return text
    .split(/( [A-Z]\d+ )/)
    .map((part) => (/^ [A-Z]\d+ $/.test(part) ? part : change(part)))
    .join("");
}

function expand(text: string): string {
  let expanded = text;
  for (const [pattern, plain] of CONTRACTIONS) expanded = expanded.replaceAll(pattern, plain);
  return expanded;
}

/** A word in the letters in which it was typed: capabilities tell case. */
function originalCase(sentence: string, word: string): string {
  const at = sentence.toLowerCase().indexOf(word);
  return at < 0 ? word : sentence.slice(at, at + word.length);
}
