/**
 * Slips of the keyboard put right: a word that is in no list becomes the one word of the lexicon that is a letter away,
 * two in a long word, if there is only one such word. Nothing becomes a verb that changes the mesh unless the first
 * letter and, but for one letter, all others are there.
 */
import { editDistance } from "../terminal/nearest.ts";
import { DEED_WORDS, meaningOfWord, VOCABULARY } from "./phrase-words.ts";

/** Shorter words have too many neighbors. */
const SHORTEST = 5;
/** From this length on a word may have two slips. */
const LONG = 10;
/** Words of the grammar that are not in the lexicon. */
const BESIDES =
  "sector sectors cluster clusters agent agents worker workers thread threads shard shards orchestrator " +
  "coordinator serverless " +
  "persistent raspberry raspberries jetson lambda human humans people edge local class everyone everybody everything " +
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen " +
  "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million dozen " +
  "couple half " +
  "seconds second minute minutes hour hours milliseconds millisecond percent days priority timeout quorum capability " +
  "fleet swarm system network handle process perform complete solve execute someone somebody whoever anyone anybody " +
  "fastest quickest available suitable nearest publish spread circulate inform notify warn alert remind " +
  "survey sample " +
  "query question quiz interview check assign through followed finally whether saying following announcement notice " +
  "inference vision translation translate summarise summarize training train embed embedding render decode encode " +
  "detect detection store rank ranking search index classify planning vector speech capture extract filter merge " +
  "strategy wave quarantine manual syntax documentation page menu twice thrice maybe perhaps tomorrow tonight " +
  "midnight noon later sooner unless until before afterwards during since except instead either neither nobody " +
  "nothing something anything everywhere somewhere really thanks thank ready going doing being having making " +
  "capabilities best first third fourth fifth sixth seventh eighth ninth tenth because reason while again please";
/** Plain English that is a letter away from a word of the lexicon, and no slip. */
const ENGLISH =
  "grand giant grain relapse resent freezer breeze breezy chosen smart chart start starts state paste cause clause " +
  "commend commands stops steps shops drops crops clean clears cleared water later alter after father rather other " +
  "others brother another where there their these those which while whole whose where were weird world would could " +
  "should about above among along alone house horse course source force forth worth north south mouth month tooth " +
  "table cable stable able unable noble double trouble touch couch coach watch catch match batch latch patch hatch " +
  "sound found round bound pound wound ground around money honey party dirty thirty forty story glory worry sorry " +
  "marry carry curry hurry light night right sight might fight tight eight weight height freight bright flight sleep " +
  "sheep sheet street tweet sweet green queen screen seven never ever lever fever clever river driver liver giver " +
  "server servers paper pepper proper copper dinner winner inner sooner sister mister master matter better letter " +
  "butter bitter latter batter litter coffee office peace piece place plane plant planet plate plates slate skate " +
  "people purple apple ripple triple simple sample dimple temple stage image usage voyage village garage storage " +
  "radio studio video audio ratio piano photo photos phone stone alone zone tone drone throne chicken kitchen " +
  "music magic logic topic tonic comic basic cubic public panic window winter summer hammer dinner banana cinema " +
  "pizza pasta salad bread break dream cream steam stream team beam seam learn early pearl heart earth death";

const KNOWN = new Set([...VOCABULARY, ...BESIDES.split(" ")]);
const RIGHT = new Set([...KNOWN, ...ENGLISH.split(" ")]);
const BY_LENGTH = byLength();

/** Words of small letters with their slips put right; marks and what has digits stay as they are. */
export function spelled(text: string): string {
  // A word is looked for once, however often it is said.
  const put = new Map<string, string>();
  return text.replaceAll(/(?<![\w./-])[a-z]{5,20}(?![\w/-])/g, (word) => {
    const right = put.get(word) ?? corrected(word) ?? word;
    put.set(word, right);
    return right;
  });
}

function corrected(word: string): string | undefined {
  if (word.length < SHORTEST || RIGHT.has(word)) return undefined;
  const most = word.length >= LONG ? 2 : 1;
  let best: string[] = [];
  let bestDistance = most + 1;
  for (let length = word.length - most; length <= word.length + most; length++) {
    for (const known of BY_LENGTH.get(length) ?? []) {
      if (known[0] !== word[0] && !(known[0] === word[1] && known[1] === word[0])) continue;
      const distance = editDistance(word, known);
      if (distance > bestDistance || distance > most) continue;
      best = distance < bestDistance ? [known] : [...best, known];
      bestDistance = distance;
    }
  }
  // Letters in the wrong order, one that is missing or should be double are the likeliest slips of all.
  const likeliest = best.filter(
    (one) => lettersOf(one) === lettersOf(word) || single(one) === single(word) || lacks(word, one),
  );
  const likely = likeliest.length > 0 ? likeliest : best;
  // Forms of one word are no rivals: any of them will do, the shortest for choice.
  const meanings = new Set(likely.map((one) => meaningOfWord(one) ?? one));
  const rivals =
    meanings.size === 1
      ? [...likely].sort((one, other) => one.length - other.length).slice(0, 1)
      : likely.filter((one) => !likely.some((other) => other !== one && one.startsWith(other)));
  if (rivals.length !== 1) return undefined;
  return DEED_WORDS.has(rivals[0]) && (bestDistance > 1 || rivals[0][0] !== word[0])
    ? undefined
    : rivals[0];
}

function lettersOf(word: string): string {
  return [...word].sort().join("");
}

/** Whether a word has all letters of another in their order, but for one. */
function lacks(word: string, known: string): boolean {
  return (
    known.length === word.length + 1 &&
    [...known].some((_, at) => known.slice(0, at) + known.slice(at + 1) === word)
  );
}

function single(word: string): string {
  return word.replaceAll(/(.)\1/g, "$1");
}

function byLength(): ReadonlyMap<number, readonly string[]> {
  const lists = new Map<number, string[]>();
  for (const word of KNOWN) {
    if (!/^[a-z]{4,}$/.test(word)) continue;
    const list = lists.get(word.length);
    if (list === undefined) lists.set(word.length, [word]);
    else list.push(word);
  }
  return lists;
}
