/**
 * A sentence as the phrasebook reads it: without courtesies, in small letters, and with what it names (places, classes,
 * numbers, times, quotations) replaced by marks such as `T0`, so that a phrase is written once for all of them.
 *
 *     "Hey mesh, could you please route around cluster 7-4?"  ──▶  "route around T0", T0 = sector-7/cluster-4
 */
import type { ImpedanceClass } from "../../coordination/impedance-class.ts";
import { expanded, withoutCourtesies } from "./phrase-courtesies.ts";
import { digitsOf, replaceDurations, replaceShares } from "./phrase-numbers.ts";
import { replacePlaces } from "./phrase-places.ts";
import { spelled } from "./phrase-spelling.ts";

/**
 * What a mark stands for. The letter says which: place, worker, class, capability, number, duration, share, quotation,
 * id of an item, id of a message, file.
 */
export type Mark = "T" | "W" | "C" | "K" | "N" | "D" | "P" | "Q" | "I" | "M" | "F";

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

/** Words that say nothing wherever they stand. */
const SILENT = new RegExp(
  String.raw`\b(?:the|a|an|my|our|your|this|that(?= (?:sector|cluster|agent|mesh))|(?:this|those|` +
    String.raw`these)(?= (?!and\b|again\b|now\b|right\b|at\b|for\b|to\b)[a-zA-Z])|` +
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
    "class[ _-]e(?:_local)?|raspberry pi'?s?|raspberries|rpis?|pis|iot|local(?= (?:agents|devices|hardware|" +
      "nodes|class))",
  ],
  [
    "CLASS_F_HUMAN",
    "class[ _-]f(?:_human)?|humans?(?! (?:decisions?|approvals?|reviews?|inbox|input)\\b)|people|reviewers|" +
      "operators in loop",
  ],
];
const CLASS_NOUN =
  "(?:[ -](?:agents?|workers?|functions?|nodes?|devices?|instances?|boxes|machines?|hardware|ones|class|reviewers))?";
const EVERYTHING = new RegExp(
  String.raw`\b(?:(?:all|each|every)(?: of)?(?: the| our| my)?(?: \d+)? (?:agents?(?! (?:in|of|from|on|at|` +
    String.raw`with|that|who|which) (?!the (?:whole |entire )?mesh|\d|half|an? ))|sectors?|nodes?|` +
    "members)(?: (?:in|of) the (?:whole |entire )?mesh)?|(?:the |our )?(?:whole|entire|" +
    "full|complete) (?:mesh|system|fleet|swarm|thing|lot)|(?:the |our )(?:mesh|fleet|swarm|" +
    "system|agents(?! (?:in|of|with|that|who|are|slow|stuck|which)))|everyone|everybody|" +
    String.raw`everything|mesh-?wide|all 30000)\b`,
  "g",
);
const MESSAGE_ID =
  /(?<![\w-])(?:sector-\d+\/cluster-\d+\/agent-\d+|outside|spawned-\d+|orchestrator)#\d+(?![\w-])/gi;
const ITEM_ID = /(?<![\w-])(?:review-)?conflict-[\w-]*\d[\w-]*(?![\w-])/gi;
/** A path, or a file of a frozen mesh. */
const FILE = new RegExp(
  String.raw`(?<![\w/.-])(?:~|\.{1,2})?/[\w.@~+-][\w.@~+:/-]*|(?<![\w/.-])\.?[\w-][\w./:-]*\.mesh\b|` +
    String.raw`(?<![\w/.-])\.mesh-30k/[\w./:-]+`,
  "g",
);
const CAPABLE = new RegExp(
  String.raw`\b(?:(?:with|having|that has|that have|who has|who have|needing|needs|requiring|` +
    "requires|for)(?: the| a)? capabilit(?:y|ies)(?: of| for)?|(?:who|that|which)(?: " +
    "agents?)? (?:can|could|knows? how to)(?: do| handle| run)?|capable of(?: doing)?|able to(?: do)?) " +
    "(?!be\\b|not\\b|make\\b|i\\b|we\\b|you\\b|all\\b|help\\b)" +
    String.raw`([a-z][\w.-]*)`,
  "g",
);

/** `someone with vision`: a word by itself, where only a capability can be meant. */
const CAPABLE_WITH = new RegExp(
  String.raw`\b(agents?|nodes?|ones?|someone|somebody|anyone|anybody|everyone|those|who) (?:with|having|` +
    "knowing|that knows?|who " +
    "knows?|which knows?|has|have|that do(?:es)?|who do(?:es)?) (?!the\\b|an?\\b|high|low|long|slow|more|" +
    "most|many|few|no\\b|" +
    "open|state|class|capabilit|problem|issue|conflict|trouble|impedance|latency|[0-9]|it\\b|that\\b|what|" +
    "in\\b|been|to\\b)" +
    String.raw`([a-z][\w.-]*)(?= *$| (?:in|of|on|from|to|and|MESSAGE|message|within|at|please|[TQ]\d))`,
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
  words = words.replaceAll(MESSAGE_ID, (id: string) => mark("M", id));
  words = words.replaceAll(ITEM_ID, (id: string) => mark("I", id));
  words = words.replaceAll(FILE, (file: string) => mark("F", file));
  words = expanded(lower(words));
  words = words.replaceAll(
    /\b(?:with|having|has|have) (?:the |a |an )?([a-z][\w.-]*) capability\b/g,
    (_, name: string) => mark("K", originalCase(sentence, name)),
  );
  words = words.replaceAll(CAPABLE, (_, name: string) => mark("K", originalCase(sentence, name)));
  words = words.replaceAll(
    CAPABLE_WITH,
    (_, who: string, name: string) => `${who}${mark("K", originalCase(sentence, name))}`,
  );
  words = lowerKeepingMarks(words, spelled);
  words = lowerKeepingMarks(words, digitsOf);
  words = joined(
    replacePlaces(words, (address) => mark("T", address)),
    named,
    mark,
  );
  words = words.replaceAll(
    /\b(?:(?:workers?|threads?|shards?)[\s\-_#]*(?:(?:number|no|nr)[\s.#]*)?|w[\s-]?)(\d+)\b/g,
    (_, number: string) => mark("W", `worker-${Number(number)}`),
  );
  words = words.replaceAll(EVERYTHING, (said) => {
    const whom = /\b(agents|sectors)\b/.exec(said.replace(/s?$/, "s"))?.[1];
    return ` ALL ${whom ?? ""} `;
  });
  for (const [name, spoken] of CLASSES) {
    const pattern = new RegExp(
      String.raw`\b(?:all |all the |every |each )?(?:the )?(?:${spoken})${CLASS_NOUN}\b`,
      "g",
    );
    words = words.replaceAll(pattern, () => mark("C", name));
  }
  words = replaceDurations(words, (duration) => mark("D", duration));
  words = replaceShares(words, (share) => mark("P", share));
  words = words.replaceAll(/(?<![\w-])#?(\d+)(?![\w-])/g, (_, number: string) =>
    mark("N", Number(number)),
  );
  words = words
    .replaceAll(SILENT, " ")
    .replaceAll(/( [A-Z]\d+ +)'?s\b/g, "$1")
    .replaceAll(/[?!.,;:()"'`&]+/g, " ");
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

/** `in cluster 7-4, restart agent 12`: a part of a place that is named apart from it. */
function joined(
  words: string,
  named: ReadonlyMap<string, string | number>,
  mark: (kind: Mark, value: string) => string,
): string {
  const places = [...words.matchAll(/ (T\d+) /g)];
  const part = /\b(agent|cluster)s?[\s#]*(?:number |no )?(\d+)\b/.exec(words);
  if (places.length !== 1 || part === null) return words;
  const whole = String(named.get(places[0][1]));
  const [, noun, number] = part;
  const isInside = noun === "agent" ? /\/cluster-\d+$/.test(whole) : /^sector-\d+$/.test(whole);
  if (!isInside) return words;
  return words
    .replace(part[0], mark("T", `${whole}/${noun}-${Number(number)}`))
    .replace(
      new RegExp(`(?:\\b(?:in|on|of|from|at|inside|within) (?:the )?)? ?${places[0][1]} `),
      " ",
    );
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

/** A word in the letters in which it was typed: capabilities tell case. */
function originalCase(sentence: string, word: string): string {
  const at = sentence.toLowerCase().indexOf(word);
  return at < 0 ? word : sentence.slice(at, at + word.length);
}
